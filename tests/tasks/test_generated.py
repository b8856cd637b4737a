"""train.generated=RUN:N: made pictures are learned from, counted and kept, and no figure sees them."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch

import deepglass as dg
from deepglass.bundle import Bundle
from deepglass.bundle_folder import describe
from deepglass.cli.main import main
from deepglass.data.column import Coded, Parts
from deepglass.data.enlarged import Enlarged, Made, own_of
from deepglass.data.source import Index
from deepglass.data.sources.arrays import Arrays
from deepglass.foundation.errors import RunFailed, Stopped, UsageError
from deepglass.foundation.settings import Override, choose
from deepglass.foundation.words import choose_language
from deepglass.generated import asked_for
from deepglass.journey import estimate, propose
from deepglass.journey import train as journey_train
from deepglass.networks import choose_model, fit_model
from deepglass.run import Run
from deepglass.tasks.generate_images import GenerateImagesSettings
from tests.tasks.conftest import COLOURS

SMALL = {"train.steps": 4, "train.batch": 8, "train.plan": "plain", "data.cache": False, "task.picture.size": 32}


@pytest.fixture
def painter(tmp_path):
    """A bundle that makes pictures by class as well as a network can that has learned nothing."""

    def make(labels=COLOURS, side=12, channels=1, place=""):
        asked = GenerateImagesSettings(latent=4, by_class=bool(labels))
        index = Index(tuple("abc"), [*labels, "red", "red", "red"][:3])
        task = asked.build(asked.learn(index, (side, side), channels))
        chosen = choose_model("cgan" if labels else "gan")
        small = {"features": 4} if labels else {"hidden": 8}
        model = fit_model(replace(chosen, settings=replace(chosen.settings, **small)), task.asks())
        torch.manual_seed(0)
        named = replace(choose("tasks", "generate_images"), settings=asked)
        document = describe(model, named, task.facts, {}, {"place": place})
        Bundle(document, model.settings.build(), task).save(tmp_path / "painter" / "bundle")
        return tmp_path / "painter"

    return make


def trained(place, out, generated, **settings):
    return dg.train(str(place), model="lenet5", out=out, settings={**SMALL, **settings, "train.generated": generated})


def test_a_run_and_a_number_are_told_apart():
    assert asked_for("") == ("", 0)
    assert asked_for("runs/a:30") == ("runs/a", 30)
    assert asked_for("hub:me/painter:7") == ("hub:me/painter", 7)
    for text in ("runs/a", "runs/a:", ":30", "runs/a:0", "runs/a:3.5", "runs/a:-3"):
        with pytest.raises(UsageError, match="does not name a run and a number"):
            asked_for(text)


def test_made_pictures_are_learned_from_counted_and_in_no_figure(folders, painter, tmp_path):
    place, maker = folders({name: 20 for name in COLOURS}), painter()
    outcome = trained(place, tmp_path / "run", f"{maker}:60")
    plain = trained(place, tmp_path / "plain", "")
    material = outcome.material
    assert len(material.made) == 60 and len(own_of(material.source).index) == 60
    assert {part: len(rows) for part, rows in material.rows.items()} == {"train": 42, "val": 6, "test": 12}
    ids = material.source.index.ids
    assert ids[60] == "made/blue/00" and ids[119] == "made/red/59"
    assert not any(ids[row].startswith("made/") for part in material.rows for row in material.rows[part])
    order = material.loader(8, 0, "shuffled").orders["train"]
    assert order.steps_per_epoch == (42 + 60) / 8
    drawn = np.concatenate([order.at(step) for step in range(13)])
    assert set(material.made) <= set(drawn.tolist())
    assert outcome.figures["train"]["accuracy"].n == 42 == plain.figures["train"]["accuracy"].n
    document = json.loads((tmp_path / "run" / "data.json").read_text())
    digest = Bundle.load(maker / "bundle").digest
    kept = {"run": str(maker), "digest": digest, "count": 60, "each": 20, "seed": 0, "may_know": False}
    assert document["generated"] == kept and document["rows"]["train"] == 42
    assert outcome.run.bundle.document["about"]["generated"] == kept
    assert "generated" not in plain.run.bundle.document["about"]
    assert document["facts"] == json.loads((tmp_path / "plain" / "data.json").read_text())["facts"]
    told = f"60 further pictures to learn from, 20 of each class, made by {maker} (bundle {digest[:12]})"
    page = (tmp_path / "run" / "report.html").read_text()
    assert told in page and "42 + 60 made" in page
    assert "made</" not in (tmp_path / "plain" / "report.html").read_text()
    start = json.loads((tmp_path / "run" / "events.jsonl").read_text().splitlines()[0])
    assert any(told in note for note in start["notes"])
    published = dg.publish(tmp_path / "run", tmp_path / "card", "mit").folder
    assert "60 made pictures besides, 20 of each class" in (published / "README.md").read_text()


def test_they_are_resized_and_coloured_as_pictures_are_and_follow_from_the_seed(folders, painter, tmp_path):
    place, maker = folders({name: 6 for name in COLOURS}), painter(side=12, channels=1)
    found = [trained(place, tmp_path / f"{seed}-{again}", f"{maker}:6", seed=seed) for seed in (0, 1) for again in "ab"]
    inputs = [run.material.store.values("input", run.material.made) for run in found]
    assert inputs[0].shape == (6, 3, 32, 32) and inputs[0].dtype == np.uint8
    assert np.array_equal(inputs[0], inputs[1]) and not np.array_equal(inputs[0], inputs[2])
    assert np.array_equal(found[0].material.source.header(18), (12, 12, 1))
    labels = [found[0].material.source.index.labels[row] for row in found[0].material.made]
    assert sorted(labels) == sorted([*COLOURS, *COLOURS])


def test_a_run_is_resumed_to_the_same_bits_when_the_maker_is_gone(folders, painter, tmp_path):
    place, maker = folders({name: 8 for name in COLOURS}), painter()
    whole = trained(place, tmp_path / "whole", f"{maker}:30")
    seen = []
    words = {**SMALL, "model.name": "lenet5", "train.generated": f"{maker}:30"}
    proposal = propose(str(place), [Override(path, str(value), "test") for path, value in words.items()])
    watch = [lambda event: seen.append(event["step"])]
    with pytest.raises(Stopped):
        journey_train(proposal, out=str(tmp_path / "cut"), watchers=watch, asked_to_stop=lambda: 2 in seen)
    shutil.rmtree(maker)
    resumed = dg.resume(tmp_path / "cut")
    one, other = whole.run.bundle.model.state_dict(), resumed.run.bundle.model.state_dict()
    assert all(torch.equal(one[name], other[name]) for name in one)
    assert len(Run.open(tmp_path / "cut").material().made) == 30


def test_a_made_picture_that_was_changed_on_the_disk_is_found(folders, painter, tmp_path):
    place, maker = folders({name: 6 for name in COLOURS}), painter()
    outcome = trained(place, tmp_path / "run", f"{maker}:6")
    file = outcome.run.folder / "generated" / "pictures.safetensors"
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(bytes(content))
    with pytest.raises(RunFailed, match=r"pictures\.safetensors"):
        outcome.run.material()


def test_what_cannot_be_is_one_sentence(folders, painter, tmp_path, numbers):
    place = folders({name: 8 for name in COLOURS})

    def refused(generated, words, data=place, **settings):
        with pytest.raises(UsageError) as caught:
            trained(data, tmp_path / "run", generated, **settings)
        assert words in str(caught.value) and not (tmp_path / "run").exists()

    maker = painter(labels=("red", "blue"))
    refused(f"{maker}:30", "cannot make 1 of the classes: green. It knows blue, red")
    maker = painter()
    refused(f"{maker}:31", "31 pictures cannot be equally many of each of 3 classes. Ask for 33.")
    refused(f"{maker}", "does not name a run and a number")
    refused(f"{tmp_path}/nobody:3", "nobody")
    refused(f"{maker}:30", "do not go together", **{"data.folds": 3})
    refused(f"{maker}:30", "this is the task embed on data of the kind picture", **{"task.name": "embed"})
    with pytest.raises(UsageError, match="this is the task regress on data of the kind vector"):
        dg.train(str(numbers), out=tmp_path / "run", settings={"train.generated": f"{maker}:30"})
    refused(f"{painter(labels=())}:30", "does not make pictures by class (it was trained for generate_images)")


def test_a_maker_that_saw_what_is_tested_here_is_named(folders, painter, tmp_path):
    place = folders({name: 12 for name in COLOURS})
    maker = painter(place=str(place))
    words = "[data]\nval = 0.1\ntest = 0.2\nsplit_seed = {seed}\nfolds = 0\n"
    for seed, warned in ((0, False), (5, True)):
        (maker / "run.toml").write_text(words.format(seed=seed))
        outcome = trained(place, tmp_path / f"seed{seed}", f"{maker}:6")
        kinds = [finding.kind for finding in outcome.material.findings]
        assert ("made_may_know" in kinds) is warned


def test_an_estimate_counts_them_and_makes_none(folders, painter):
    place, maker = folders({name: 20 for name in COLOURS}), painter()
    words = {"train.epochs": 10, "train.batch": 8, "model.name": "lenet5", "train.generated": f"{maker}:60"}
    found = estimate(propose(str(place), [Override(path, value, "test") for path, value in words.items()]), print)
    assert found.steps == 10 * (42 + 60) // 8 + 1


def test_a_plan_refuses_what_a_training_would_and_tells_how_many_join(folders, painter, tmp_path, capsys):
    place, maker = str(folders({name: 8 for name in COLOURS})), str(painter())

    def planned(generated):
        choose_language("en")
        settings = [f"train.generated={generated}", "train.steps=2", "train.plan=plain", "data.cache=false"]
        try:
            main(["plan", place, "--model", "lenet5", "task.picture.size=32", *settings])
        except SystemExit as end:
            assert end.code == 2
        found = capsys.readouterr()
        return found.out + found.err

    assert "Made pictures that join the training part: 30, equally many of each class" in planned(f"{maker}:30")
    assert "31 pictures cannot be equally many of each of 3 classes. Ask for 33." in planned(f"{maker}:31")
    assert "nobody" in planned(f"{tmp_path}/nobody:3")
    shutil.rmtree(maker)
    assert "cannot make 1 of the classes: green. It knows blue, red" in planned(f"{painter(labels=('red', 'blue'))}:30")
    shutil.rmtree(maker)
    assert "does not make pictures by class" in planned(f"{painter(labels=())}:30")


def test_a_longer_source_keeps_coded_answers_and_groups():
    index = Index(list("abc"), Coded(["owl", "cat"], np.array([0, 1, 2], np.uint8)), groups=["p", "", "q"])
    own = Arrays("arrays", "classify", None, index, np.zeros((3, 2, 2, 1), np.uint8))
    made = Made(np.ones((2, 4, 5, 3), np.uint8), ["cat", "owl"], "d", {})
    source = Enlarged(own, made)
    assert list(source.index.labels) == ["owl", "cat", None, "cat", "owl"]
    assert source.index.ids == ["a", "b", "c", "made/cat/0", "made/owl/1"]
    assert source.index.groups == ["p", "", "q", "", ""] and own_of(source) is own
    assert source.header(4) == (5, 4, 3) and source.read(3).pixels.max() == 1 and source.read(0).pixels.max() == 0
    assert source.parts(Parts.of(["test", "val", "train"])).tolist() == ["test", "val", "train", "train", "train"]
    other = Enlarged(own, replace(made, digest="e"))
    assert source.fingerprint() != other.fingerprint() != own.fingerprint()
