"""Turn faces: who pays in which turn, whose pose goes where, what is refused, and a whole run on made heads."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

import deepglass as dg
from deepglass.cli.main import main
from deepglass.data.augment.pictures import PictureAugment
from deepglass.data.example import Batch
from deepglass.data.source import Index, Picture
from deepglass.foundation.errors import DataError, Stopped, UsageError
from deepglass.foundation.ports import Image as ImagePort
from deepglass.foundation.ports import Players
from deepglass.foundation.seeds import Draws, row_keys
from deepglass.foundation.settings import Override, from_json, to_json
from deepglass.journey import propose
from deepglass.journey import train as journey_train
from deepglass.networks import choose_model, fit_model
from deepglass.tasks.kinds.picture import PictureSettings
from deepglass.tasks.turn_faces import TurnFacesSettings, partners, strip_of

LABELS = ("ann", "bob", "ann", "cem", "bob", "ann", "cem", "dan")
IDS = tuple("abcdefgh")
TINY = {"model.features": 4, "train.plan": "plain", "train.steps": 4, "train.batch": 8, "task.enrolled": 3}


def made(**changes):
    settings = replace(TurnFacesSettings(strip=3, enrolled=2), **changes)
    task = settings.build(settings.learn(Index(IDS, LABELS), (16, 24), 1))
    random = np.random.default_rng(0)
    raws = [Picture(random.integers(0, 255, (16, 24, 1), dtype=np.uint8)) for _ in LABELS]
    columns = {"input": torch.stack([task.prepare(raw).inputs["input"] for raw in raws]), **task.code(LABELS)}
    task = settings.build(task.settle({"input": columns["input"].numpy()}))
    return task, Batch(IDS, columns, 0, row_keys(7, "train", 0, len(LABELS)))


def network(task):
    torch.manual_seed(0)
    chosen = choose_model("turn_gan")
    return fit_model(replace(chosen, settings=replace(chosen.settings, features=4)), task.asks()).settings.build()


def heads(folder, people=8, each=5):
    """Faces of two eyes and a mouth that look left and right; people differ in their grey and their eyes."""
    random = np.random.default_rng(1)
    for person in range(people):
        (folder / f"p{person}").mkdir(parents=True)
        for number in range(each):
            pixels = np.full((32, 24), 20 + random.integers(0, 10))
            turn = int(random.integers(-3, 4))
            pixels[4:28, 4:20] = 90 + 15 * person
            for side in (-1, 1):
                x = 12 + turn + side * (3 + person % 3)
                pixels[10:13, x - 1 : x + 1] = 10
            pixels[20 + person % 3 : 23 + person % 3, 9 + turn : 15 + turn] = 40
            Image.fromarray(pixels.astype("uint8")).save(folder / f"p{person}" / f"{number}.png")
    return folder


def test_it_asks_for_a_turner_and_a_judge_of_as_many_people_and_numbers_strangers_apart():
    task, batch = made()
    picture = ImagePort(1, 16, 24)
    assert task.asks() == (picture, Players(("turner", "judge"), picture, people=4))
    assert task.facts.people == ("ann", "bob", "cem", "dan")
    assert batch["target"].tolist() == [0, 1, 0, 2, 1, 0, 2, 3]
    strange = task.code(["eve", "ann", None, "fay", "eve"])["target"].tolist()
    assert strange[1:3] == [0, -1] and strange[0] == strange[4] < -1 and strange[3] < -1 != strange[0]
    assert from_json(type(task.facts), to_json(task.facts), "facts") == task.facts


def test_a_partner_is_another_picture_of_the_person_and_the_other_row_any_but_itself():
    people = torch.tensor([0, 1, 0, 2, 1, 0, 2, 3])
    seen = set()
    for step in range(50):
        partner, other = partners(people, Draws(row_keys(0, "train", step, 8), "turn"))
        assert torch.equal(people[partner], people)
        assert (partner != torch.arange(8))[:7].all() and int(partner[7]) == 7  # dan is alone
        assert (other != torch.arange(8)).all()
        seen |= set(zip(range(8), partner.tolist(), strict=True))
    assert {(0, 2), (0, 5), (2, 0), (2, 5)} <= seen


def test_each_player_learns_in_its_own_turn_alone():
    task, batch = made()
    model, shown = network(task), task.present(batch, batch.draws("augment"))
    assert shown["input"].min() >= -1 and shown["input"].max() <= 1
    assert [turn.updates for turn in task.turns()] == ["turner", "judge"]
    for turn in task.turns():
        model.zero_grad()
        losses = turn.loss(model, shown)
        assert all(torch.isfinite(value) for value in losses.sums.values())
        own = list(model.get_submodule(turn.updates).parameters())
        grads = torch.autograd.grad(sum(losses.sums.values()), own, allow_unused=True)
        assert all(grad is not None and grad.abs().max() > 0 for grad in grads)
    assert set(task.turned(model, shown).sums) == {"near", "fooled_paired", "fooled_swapped"}


def test_what_is_told_of_a_pose_follows_from_the_draws():
    task, batch = made()
    model, shown = network(task).eval(), task.present(batch, batch.draws("augment"))
    one, again = (task.turned(model, shown).sums for _ in range(2))
    assert all(torch.equal(one[name], again[name]) for name in one)
    later = replace(shown, keys=row_keys(7, "train", 1, len(shown)))
    assert not torch.equal(one["near"], task.turned(model, later).sums["near"])


def test_a_row_is_answered_alone_as_in_a_batch():
    task, batch = made()
    model, shown = network(task).eval(), task.present(batch)
    with torch.no_grad():
        together, alone = task.predict(model, shown), task.predict(model, shown.rows(2, 3))
    assert together["strip"].shape == (8, 3, 1, 16, 24) and together["known"].shape == (8, 3, 1, 16, 24)
    assert torch.equal(together["known"][:, 0], batch["input"])
    for name in ("strip", "known"):
        assert (together[name][2:3].int() - alone[name].int()).abs().max() <= 1
    answer = task.answers(together)[0]
    assert answer["prediction"] == "3 angles" and answer["picture"].startswith("data:image/png;base64,")
    views = task.show(Picture(np.zeros((16, 24, 1), np.uint8)), answer)
    assert views[0].pixels.shape[:2] == (16, 72)


def test_a_strip_goes_from_one_end_of_the_first_number_to_the_other():
    poses = strip_of(5, torch.zeros(2, 4))
    assert poses[:, 0].tolist() == pytest.approx([-1.8, -0.9, 0, 0.9, 1.8]) and not poses[:, 1:].any()


def test_checks_of_a_training_enrol_fewer():
    task, _ = made(enrolled=24)
    assert task.checks().settings.enrolled == 6 and task.checks().facts == task.facts
    assert list(task.checks().metrics()) == list(task.metrics())


def test_what_cannot_be_learned_from_is_one_sentence():
    settings = TurnFacesSettings()
    with pytest.raises(DataError, match="at least two people are needed, and two pictures of one; the"):
        settings.learn(Index(("a", "b"), ("ann", "ann")), (16, 16), 1)
    with pytest.raises(DataError, match="2 people and 2 pictures"):
        settings.learn(Index(("a", "b"), ("ann", "bob")), (16, 16), 1)
    with pytest.raises(UsageError, match="turn_faces looks at pictures; here is data of the kind text"):
        settings.learn(Index(("a", "b"), ("x", "y"), kind="text"), (16, 16), 1)
    mixed = replace(settings, picture=PictureSettings(augment=PictureAugment(mixup=0.2)))
    with pytest.raises(UsageError):
        mixed.learn(Index(IDS, LABELS), (16, 16), 1)


def test_a_whole_run_predicts_strips_of_people_it_never_saw(tmp_path, capsys):
    place = heads(tmp_path / "heads")
    run = dg.train(place, task="turn_faces", size="tiny", out=tmp_path / "run", settings=TINY)
    assert run.run.settings.model.name == "turn_gan" and run.run.settings.data.split == "classes"
    assert run.run.settings.data.val == 0  # of eight people none can be spared
    assert list(run.figures["test"]) == ["one_shot", "pose_apart", "one_shot_plain"]
    parts = {part: {run.run.source.index.labels[row] for row in rows} for part, rows in run.material.rows.items()}
    assert not parts["train"] & parts["test"]
    page = (tmp_path / "run" / "report.html").read_text()
    assert "One face, several angles" in page and "then 7 angles" in page
    told = json.loads((tmp_path / "run" / "report.json").read_text())["turned"]
    assert set(told) == {"one_shot", "one_shot_plain"}
    capsys.readouterr()
    main(["predict", str(tmp_path / "run"), str(place / "p0" / "0.png"), "--out", str(tmp_path / "made"), "--json"])
    assert json.loads(capsys.readouterr().out)[0]["prediction"] == "7 angles"
    with Image.open(tmp_path / "made" / "0.png") as strip:
        assert strip.size == (7 * 24, 32)


def test_a_run_that_was_stopped_ends_with_the_same_bits(tmp_path):
    place, seen = heads(tmp_path / "heads", people=6, each=4), []
    words = {**TINY, "task.name": "turn_faces", "train.shards": 2}

    def proposal():
        return propose(str(place), [Override(path, str(value), "test") for path, value in words.items()], "tiny")

    whole = journey_train(proposal(), out=str(tmp_path / "whole"))
    watch = [lambda event: seen.append(event["step"])]
    with pytest.raises(Stopped):
        journey_train(proposal(), out=str(tmp_path / "cut"), watchers=watch, asked_to_stop=lambda: 2 in seen)
    resumed = dg.resume(tmp_path / "cut")
    one, other = whole.run.bundle.model.state_dict(), resumed.run.bundle.model.state_dict()
    assert all(torch.equal(one[name], other[name]) for name in one)
