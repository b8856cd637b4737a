"""Embed: from pictures in folders to vectors that find what training never saw, with a report and a search."""

import json
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import deepglass as dg
from deepglass import journey
from deepglass.cli.main import main
from deepglass.data.augment.pictures import PictureAugment
from deepglass.data.example import Batch
from deepglass.data.source import Index
from deepglass.foundation.errors import DataError, UsageError
from deepglass.foundation.ports import Vector
from deepglass.foundation.settings import Override
from deepglass.run import Run
from deepglass.tasks.embed import EmbedSettings
from deepglass.tasks.kinds.picture import PictureSettings
from deepglass.tasks.task import said, total
from tests.kill.data import patterns

LABELS = ["ape", "ape", "bee", "bee", "cow"]


def made(**changes):
    settings = replace(EmbedSettings(dimension=4), **changes)
    index = Index([f"{row}.png" for row in range(len(LABELS))], LABELS)
    return settings.build(settings.learn(index, (8, 8), 3))


class Fixed(nn.Module):
    """The same vectors whatever comes in."""

    def __init__(self, vectors):
        super().__init__()
        self.vectors = nn.Parameter(vectors)

    def forward(self, image):
        return self.vectors[: len(image)]


def test_what_training_never_had_has_a_number_of_its_own_and_no_name_has_none():
    task = made()
    codes = task.code(["cow", "ape", "eel", None, "eel", "elk"])["target"].tolist()
    assert codes[:2] == [2, 0] and codes[3] == -1
    assert codes[2] == codes[4] < -1 and codes[5] < -1 and codes[5] != codes[2]
    assert task.asks().gives == Vector(4)


@pytest.mark.parametrize("loss", ["arc_face", "proxy_anchor", "contrastive", "triplet"])
def test_shards_add_up_and_proxies_are_learned(loss):
    task = made(loss=loss)
    torch.manual_seed(1)
    model = Fixed(torch.randn(5, 4))
    batch = Batch(tuple("abcde"), {"input": torch.zeros(5, 3, 8, 8), **task.code(LABELS)})
    losses = task.loss(model, batch)
    counts = task.counts(batch)
    assert set(losses.sums) == set(counts)
    total(losses, counts).backward()
    assert model.vectors.grad.abs().sum() > 0
    assert bool(list(task.parameters())) == (loss in ("arc_face", "proxy_anchor"))
    assert all(one.grad.abs().sum() > 0 for one in task.parameters())
    expected = {"contrastive": 4.0, "triplet": 4.0, "arc_face": 5.0}
    assert counts == ({"near": 3.0, "far": 3.0} if loss == "proxy_anchor" else {"loss": expected[loss]})


def test_an_answer_is_a_vector_of_length_one():
    task = made()
    found = task.predict(Fixed(torch.full((5, 4), 3.0)), Batch(("a",), {"input": torch.zeros(1, 3, 8, 8)}))
    assert torch.allclose(found["vector"], torch.full((1, 4), 0.5))
    (answer,) = task.answers(found)
    assert answer == {"prediction": [0.5] * 4}
    assert said(answer) == "4 numbers: 0.50, 0.50, 0.50, 0.50 ..."


def test_what_cannot_teach_likeness_is_refused():
    with pytest.raises(DataError, match="at least two classes are needed, and two examples of one"):
        EmbedSettings().learn(Index(["a", "b"], ["x", "y"]), (8, 8), 3)
    with pytest.raises(DataError, match="the training part has 1 class and 2 examples"):
        EmbedSettings().learn(Index(["a", "b"], ["x", "x"]), (8, 8), 3)
    with pytest.raises(UsageError, match="Unset task.picture.augment.mixup"):
        made(picture=PictureSettings(augment=PictureAugment(mixup=0.4)))


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("embed")
    patterns(folder / "patterns", kinds=20)
    settings = {"train.epochs": 20, "data.val": 0.2, "data.test": 0.3, "task.dimension": 16, "data.cache": False}
    settings |= {"task.picture.augment.resize_crop": 1.0, "task.picture.augment.flip": False, "train.plan": "plain"}
    place = folder / "patterns"
    return folder, dg.train(place, task="embed", model="mlp", size="tiny", out=folder / "run", settings=settings)


def test_new_classes_are_found_again(trained):
    folder, outcome = trained
    index, parts = outcome.run.source.index, outcome.material.rows
    classes = {part: {index.labels[row] for row in parts[part]} for part in parts}
    assert [len(classes[part]) for part in ("train", "val", "test")] == [10, 4, 6]
    assert not classes["train"] & (classes["val"] | classes["test"])
    figures = outcome.figures["test"]
    assert list(figures) == ["recall_at_1", "retrieval_map", "recall_at_5"]
    assert figures["recall_at_1"].value > 0.8 and figures["recall_at_1"].n == 48
    assert "6 of the 6 classes of the test part never occur in training" in " ".join(
        finding["reason"]
        for finding in journey.check(
            str(folder / "patterns"),
            [Override("task.name", "embed", ""), Override("data.test", 0.3, ""), Override("data.val", 0.2, "")],
        ).findings
    )


def test_the_report_shows_what_was_found(trained):
    folder, outcome = trained
    told = json.loads((folder / "run" / "report.json").read_text())["retrieval"]
    assert told["recall"]["1"]["value"] == pytest.approx(outcome.figures["test"]["recall_at_1"].value)
    assert set(told["pixels"]) == {"1", "2", "5", "10"} and len(told["shown"]) == 12
    page = (folder / "run" / "report.html").read_text()
    assert "Search by example" in page and "✓" in page


def test_other_data_with_other_classes_are_evaluated(trained, tmp_path):
    folder, outcome = trained
    patterns(tmp_path / "others", kinds=3)
    found = dg.evaluate(folder / "run", str(tmp_path / "others"))
    assert found.figures["test"]["recall_at_1"].n == 24


def test_the_bundles_vectors_are_the_evaluations(trained):
    folder, outcome = trained
    run = Run.open(folder / "run")
    material = run.material()
    _, predictions = run.evaluate("test", material)
    files = [str(folder / "patterns" / material.source.index.ids[row]) for row in material.rows["test"].tolist()]
    embedded = run.bundle.embed(files)
    assert torch.allclose(embedded.vectors, predictions["vector"], atol=1e-5)
    assert torch.allclose(
        F.normalize(torch.tensor([run.bundle.predict(files[0])[0]["prediction"]])), embedded.vectors[:1], atol=1e-5
    )


def test_a_folder_is_searched_from_the_command_line(trained, tmp_path, capsys, monkeypatch):
    folder, _ = trained
    monkeypatch.chdir(tmp_path)
    asked = folder / "patterns" / "k03" / "1.png"
    main(["search", str(folder / "patterns"), str(asked), "--bundle", str(folder / "run"), "--count", "3", "--json"])
    out = capsys.readouterr()
    told = json.loads(out.out)
    assert told["added"] == told["pictures"] == 160 and told["kind"] == "flat"
    assert [one["id"].split("/")[-2] for one in told["answers"][0]["nearest"]] == ["k03"] * 3
    assert "Nearest to" in out.err and (folder / "run" / "search" / "patterns" / "search.html").exists()
