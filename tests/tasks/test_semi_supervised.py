"""Semi-supervised: two streams and two players, what is refused, and a whole run on a folder and on digits."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

import deepglass as dg
from deepglass.cli.main import main
from deepglass.data.augment.pictures import PictureAugment
from deepglass.data.check import before
from deepglass.data.example import Batch
from deepglass.data.recognise import recognise, recognised
from deepglass.data.settings import DataSettings
from deepglass.data.source import Index, Picture
from deepglass.data.split import parts_of
from deepglass.engine.journal import read_events
from deepglass.engine.recorder import sheets
from deepglass.foundation.errors import DataError, UsageError
from deepglass.foundation.ports import Image as ImagePort
from deepglass.foundation.ports import Rivals
from deepglass.foundation.seeds import row_keys
from deepglass.foundation.settings import from_json, to_json
from deepglass.journey import check
from deepglass.losses.semi_supervised import any_class, features_apart
from deepglass.material import gather
from deepglass.networks import choose_model, fit_model
from deepglass.tasks.kinds.picture import PictureSettings
from deepglass.tasks.semi_supervised import SemiSupervisedSettings
from deepglass.tasks.task import total

LABELS = ("cat", "dog", "cat", "owl", "dog", "owl")
INDEX = Index(tuple("abcdefgh"), (*LABELS, None, None))
SMALL = {"model.features": 4, "task.latent": 8, "train.plan": "plain", "train.batch": 8}


def made(**changes):
    settings = replace(SemiSupervisedSettings(latent=8), **changes)
    task = settings.build(settings.learn(INDEX, (8, 8), 1))
    random = np.random.default_rng(0)
    raws = [Picture(random.integers(0, 255, (8, 8, 1), dtype=np.uint8)) for _ in INDEX.ids]
    pictures = torch.stack([task.prepare(raw).inputs["input"] for raw in raws])
    task = settings.build(task.settle({"input": pictures.numpy()}))
    columns = {"input": pictures, **task.code(INDEX.labels)}
    known = Batch(INDEX.ids[:6], columns, 0, row_keys(7, "labelled", 0, 8)).rows(0, 6)
    return task, replace(Batch(INDEX.ids, columns, 0, row_keys(7, "train", 0, 8)), streams={"labelled": known})


def network(task):
    torch.manual_seed(0)
    chosen = choose_model("semi_gan")
    return fit_model(replace(chosen, settings=replace(chosen.settings, features=4)), task.asks()).settings.build()


def test_a_k_plus_first_output_held_at_nought_is_the_verdict():
    logits = torch.randn(7, 4, generator=torch.Generator().manual_seed(0))
    five = torch.cat([logits, torch.zeros(7, 1)], 1).softmax(1)
    torch.testing.assert_close(any_class(logits).sigmoid()[:, 0], 1 - five[:, 4])
    torch.testing.assert_close(logits.softmax(1), five[:, :4] / five[:, :4].sum(1, keepdim=True))


def test_features_are_compared_by_their_means():
    real = torch.tensor([[1.0, 0.0], [3.0, 0.0]])
    assert float(features_apart(real, real.flip(0))) == 0
    assert float(features_apart(real, torch.tensor([[2.0, 4.0]]))) == pytest.approx(2 * 16 / 2)


def test_it_asks_for_rivals_and_knows_what_has_no_class():
    task, batch = made()
    assert task.asks() == (ImagePort(1, 8, 8), Rivals(3, 8)) and task.facts.unlabelled == 2
    assert batch["target"].tolist() == [0, 1, 0, 2, 1, 2, -1, -1]
    assert from_json(task.settings.facts_type, json.loads(json.dumps(to_json(task.facts)))) == task.facts
    every, labelled = task.streams().values()
    assert every.wants(None) and every.wants("cat") and labelled.wants("cat") and not labelled.wants(None)


def test_both_streams_are_shown_each_by_its_own_draws():
    task, batch = made(picture=PictureSettings(augment=PictureAugment(shift=0.3)))
    shown, plain = task.present(batch, batch.draws("augment")), task.present(batch)
    assert plain["input"].min() >= -1 and plain["input"].max() <= 1 and "latent" not in plain
    other = shown.streams["labelled"]
    assert shown["latent"].shape == (8, 8) and not torch.equal(other["input"], shown["input"][:6])
    alone = batch.streams["labelled"].rows(2, 3)
    torch.testing.assert_close(other["input"][2:3], task.present(alone, alone.draws("augment"))["input"])


def test_each_player_learns_in_its_own_turn_alone():
    task, batch = made(smoothing=0.1)
    model, shown = network(task).eval(), task.present(batch, batch.draws("augment"))
    assert [turn.updates for turn in task.turns()] == ["discriminator", "generator"]
    for turn in task.turns():
        model.zero_grad()
        losses = turn.loss(model, shown)
        own = list(model.get_submodule(turn.updates).parameters())
        sum(losses.sums.values()).backward(inputs=own)
        assert all(parameter.grad is not None and parameter.grad.abs().max() > 0 for parameter in own), turn


def test_what_the_discriminator_pays_is_the_same_in_shards():
    task, batch = made()
    model, (turn, _) = network(task).eval(), task.turns()
    shown = task.present(batch, batch.draws("augment"))
    counts = turn.counts(shown)
    assert counts == {"classes": 6.0, "": 8.0}
    parts = sum(total(turn.loss(model, shown.shard(place, 3)), counts) for place in range(3))
    torch.testing.assert_close(parts, total(turn.loss(model, shown), counts))


def test_answers_name_a_class_and_how_real_it_looks():
    task, batch = made()
    predictions = task.predict(network(task).eval(), task.present(batch))
    assert predictions["probability"].shape == (8, 3) and predictions["real"].shape == (8,)
    answer = task.answers(predictions)[0]
    assert answer["prediction"] in ("cat", "dog", "owl") and 0 < answer["real"] < 1
    assert next(iter(task.metrics())) == "accuracy"


def test_pictures_can_be_made_but_not_of_a_class():
    task, _ = made()
    model = network(task)
    first = list(task.paint(model, 3, seed=1))
    assert first[0].shape == (8, 8, 1) and first[0].dtype == np.uint8
    assert np.array_equal(first[:2], list(task.paint(model, 2, seed=1)))
    assert not np.array_equal(first, list(task.paint(model, 3, seed=1, truncation=0.1)))
    with pytest.raises(UsageError, match="none in particular, so 'cat' cannot be asked for") as refused:
        next(task.paint(model, 1, "cat"))
    assert "--task generate_images" in str(refused.value) and "by_class" not in str(refused.value)


def test_what_cannot_be_learned_so_is_refused():
    with pytest.raises(DataError, match=r"Among 2 training pictures there is none without a class.*named unlabelled"):
        SemiSupervisedSettings().learn(Index(("a", "b"), ("cat", "dog")), (8, 8), 1)
    with pytest.raises(UsageError, match="semi_supervised looks at pictures; here is data of the kind vector"):
        SemiSupervisedSettings().learn(Index(("a", "b"), ("cat", None), kind="vector"), (8, 8), 1)
    with pytest.raises(UsageError, match="mixed with each other"):
        made(picture=PictureSettings(augment=PictureAugment(mixup=0.2)))
    task, _ = made()
    with pytest.raises(UsageError, match=r"resnet20 gives one number per class, but the task asks for classes of"):
        fit_model(choose_model("resnet20"), task.asks())


def test_alone_its_discriminator_is_a_classifier():
    whole, alone = (choose_model(name).settings.build() for name in ("semi_gan", "semi_gan_alone"))
    alone.load_state_dict(whole.discriminator.state_dict())
    picture = torch.rand(2, 1, 28, 28)
    assert torch.equal(whole.eval()(picture), alone.eval()(picture))


def bars(place, name, count, seed):
    (place / name).mkdir(parents=True)
    random = np.random.default_rng(seed)
    for number in range(count):
        pixels = np.zeros((8, 8), np.uint8)
        at, flat = int(random.integers(1, 6)), name == "flat" or (name == "unlabelled" and number % 2)
        pixels[(slice(at, at + 2), slice(None)) if flat else (slice(None), slice(at, at + 2))] = 255
        Image.fromarray(pixels).save(place / name / f"{number}.png")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    root = tmp_path_factory.mktemp("bars")
    for seed, (name, count) in enumerate({"flat": 10, "tall": 10, "unlabelled": 40}.items()):
        bars(root, name, count, seed)
    return root


@pytest.fixture(scope="module")
def run(place, tmp_path_factory):
    asked = {**SMALL, "task.picture.size": 8, "train.steps": 40, "train.lr": 0.01, "train.average": 0.9}
    return dg.train(place, size="tiny", out=tmp_path_factory.mktemp("semi") / "run", settings=asked)


def test_a_folder_named_unlabelled_is_recognised(place):
    found = recognised(str(place), DataSettings())
    assert found.sentence() == (
        "class folders with 2 classes, and a folder of pictures without one; task semi_supervised"
    )
    source = recognise(str(place), DataSettings())
    parts = parts_of(source.index, DataSettings())
    assert sum(label is None for label in source.index.labels) == 40
    assert {part for part, label in zip(parts, source.index.labels, strict=True) if label is None} == {"train"}
    told = check(str(place), []).document()
    assert told["task"] == "semi_supervised" and not [one for one in told["findings"] if one["kind"] == "no_answer"]
    noted = [one["reason"] for one in told["findings"] if one["kind"] == "unlabelled"]
    assert noted == [
        "Pictures without a class, learned from all the same: 40 "
        "(unlabelled/0.png, unlabelled/1.png, unlabelled/10.png)."
    ]
    plain = [one.kind for one in before(source, parts)]
    assert "no_answer" in plain  # a classifier would leave them out


def test_parts_that_are_given_may_have_one_too(place, tmp_path):
    for part in ("train", "test"):
        for name in ("flat", "tall", *(["unlabelled"] if part == "train" else [])):
            bars(tmp_path / part, name, 6, 3)
    found = recognised(str(tmp_path), DataSettings())
    assert (found.layout, found.match.task, found.match.values["classes"]) == ("part_folders", "semi_supervised", 2)
    source = recognise(str(tmp_path), DataSettings())
    assert source.task == "semi_supervised" and sum(label is None for label in source.index.labels) == 6


def test_a_run_draws_from_both_streams_and_its_bundle_classifies(run):
    assert run.run.settings.model.name == "semi_gan" and run.run.settings.data.val == 0
    assert run.figures["test"]["accuracy"].n == 4 and run.figures["train"]["accuracy"].n == 16
    batch = run.material.loader(8, 0, "shuffled").batch(0)
    assert len(batch) == 8 and (batch.streams["labelled"]["target"] >= 0).all()
    assert run.material.loader(8, 0, "shuffled").orders["unlabelled"].steps_per_epoch == 56 / 8
    answers = run.predict([np.zeros((8, 8), np.uint8)])
    assert answers[0]["prediction"] in ("flat", "tall") and "real" in answers[0]
    assert len(run.pictures(3)) == 3
    page = run.report.read_text(encoding="utf-8")
    assert "flat" in page and "accuracy" in page and "What it makes" in page
    assert "<dt>Training examples</dt><dd>16 labelled, 40 unlabelled</dd>" in page


def test_its_checks_are_recorded_with_pictures_that_stay_the_same(run):
    folder = run.run.folder
    checks = read_events(folder, "check")
    recorded = {"copies", "distinct", "met", "game_real", "game_made", "told_apart"}
    assert checks and all(set(check["figures"]) >= {"accuracy", *recorded} for check in checks)
    assert list(sheets(folder)) == [check["step"] for check in checks] and not read_events(folder, "alarm")
    assert checks[-1]["figures"]["game_real"]["value"] != 0.5
    assert '<section id="flight">' in run.report.read_text(encoding="utf-8")
    task, batch = made()
    model = network(task).eval()
    first, again = (task.checks().predict(model, task.checks().present(rows)) for rows in (batch, batch.rows(2, 5)))
    assert first["picture"].dtype == torch.uint8 and first["picture"].shape == (8, 1, 8, 8)
    assert torch.equal(first["picture"][2:5], again["picture"]) and len(first["picture"].unique(dim=0)) == 8
    assert torch.equal(first["logits"], task.predict(model, task.present(batch))["logits"])
    assert "picture" not in task.predict(model, task.present(batch))


def test_its_answers_are_explained_as_a_classifiers(run, place, tmp_path, capsys):
    folder, file = str(run.run.folder), str(place / "flat" / "0.png")
    main(["explain", folder, file, "--out", str(tmp_path / "why"), "--json"])
    told = capsys.readouterr().out
    assert "cam" in told.lower()
    main(["evaluate", folder, str(place), "--json"])
    assert json.loads(capsys.readouterr().out)["metrics"]["test"]["accuracy"] >= 0


def test_an_estimate_reads_some_of_both(place):
    source = recognise(str(place), DataSettings())
    parts = parts_of(source.index, DataSettings(val=0.0))
    task = SemiSupervisedSettings()
    built = task.build(task.learn(source.index.take(parts.rows("train")), (8, 8), 1))
    found = gather(source, built, parts, DataSettings(cache=False), "semi_supervised", lambda done, of: None, sample=4)
    batch = found.loader(8, 0, "shuffled").batch(0)
    assert len(batch) == 8 and len(batch.streams["labelled"]) == 8


def test_digits_of_which_few_are_labelled():
    source = recognise("digits-100", DataSettings())
    other = recognise("digits-100", DataSettings(split_seed=1))
    counts = {label: list(source.index.labels).count(label) for label in ("3", None)}
    assert counts == {"3": 210, None: 7900} and source.task == "semi_supervised"
    assert list(source.index.labels) != list(other.index.labels)
    parts = parts_of(source.index, DataSettings(val=0.0))
    assert len(parts.rows("test")) == 2000 and len(parts.rows("train")) == 8000
    for wrong in ("digits-105", "digits-0", "digits-9000", "digits-x"):
        with pytest.raises(DataError, match="There is nothing at digits-"):
            recognise(wrong, DataSettings())


def test_without_a_folder_of_unlabelled_pictures_it_is_said_what_to_do(tmp_path):
    for name in ("flat", "tall"):
        bars(tmp_path, name, 6, 0)
    (tmp_path / "unlabelled").mkdir()
    with pytest.raises(DataError, match="there is none without a class"):
        dg.train(tmp_path, task="semi_supervised", size="tiny", out=tmp_path / "run", settings=SMALL)
