"""Journeys at their edges: folders that are not empty, folds beside a given test part, pictures named twice."""

import json

import numpy as np
import pytest
from PIL import Image
from torch import nn

import deepglass as dg
from deepglass.cli.main import main
from deepglass.data.order import Balanced
from deepglass.data.readers.picture import read_picture
from deepglass.data.recognise import recognise
from deepglass.data.settings import DataSettings
from deepglass.data.source import Unreadable
from deepglass.foundation.errors import DataError, RunFailed, UsageError
from deepglass.foundation.sealed import _manifest, read_sealed, write_sealed
from deepglass.foundation.seeds import Permutation
from deepglass.journey import propose
from deepglass.run import Run


@pytest.fixture
def table(tmp_path):
    rng = np.random.default_rng(0)
    lines = ["a,b,split,label"]
    for row in range(60):
        part = "test" if row % 5 == 0 else "train"
        lines.append(f"{rng.normal() + 3 * (row % 2):.4f},{rng.normal():.4f},{part},{'xy'[row % 2]}")
    (tmp_path / "t.csv").write_text("\n".join(lines) + "\n")
    return tmp_path / "t.csv"


@pytest.mark.parametrize("name", ["data.json", "plan.json", "checkpoints"])
def test_a_folder_of_other_things_is_never_written_over(table, tmp_path, name):
    out = tmp_path / "mine"
    out.mkdir()
    (out / name).write_text('{"my": "own"}')
    with pytest.raises(UsageError, match=name):
        dg.train(table, out=out, settings={"train.steps": 2})
    assert [file.name for file in out.iterdir()] == [name]
    assert (out / name).read_text() == '{"my": "own"}'


def test_folds_leave_a_given_test_part_out(table, tmp_path):
    settings = {"data.folds": 3, "train.steps": 3, "train.batch": 8}
    outcome = dg.train(table, out=tmp_path / "run", settings=settings)
    assert len(outcome.material.rows["test"]) == 48  # all but the twelve rows of the table's own test part


def test_a_picture_named_twice_counts_once(tmp_path):
    rng = np.random.default_rng(0)
    lines = ["file,label"]
    for number in range(12):
        Image.fromarray(rng.integers(0, 255, (8, 8, 3), dtype=np.uint8)).save(tmp_path / f"{number}.png")
        lines.append(f"{number}.png,{'ab'[number % 2]}")
    (tmp_path / "labels.csv").write_text("\n".join([*lines, lines[1], lines[2]]) + "\n")
    source = recognise(str(tmp_path), DataSettings())
    assert len(source.index) == len(set(source.index.ids)) == 12
    (found,) = [finding for finding in source.findings if finding.kind == "rows_repeated"]
    assert found.values == {"count": 2, "examples": "labels.csv:14 0.png, labels.csv:15 1.png"}


def test_a_sample_is_of_all_classes(tmp_path):
    lines = ["a,label", *(f"{row % 7},{'x' if row < 50 else 'y'}" for row in range(100))]
    (tmp_path / "sorted.csv").write_text("\n".join(lines) + "\n")
    proposal = propose(str(tmp_path / "sorted.csv"))
    run = Run(tmp_path / "run", proposal.settings, source=proposal.source)
    material = run.material(sample=10)
    assert len(material.rows["train"]) == 10
    assert {material.source.index.labels[row] for row in material.rows["train"]} == {"x", "y"}


def test_a_manifest_names_nothing_outside_its_folder(tmp_path):
    (tmp_path / "secret").write_text("outside")
    write_sealed(tmp_path / "bundle", {"weights": b"inside"})
    (tmp_path / "bundle" / "manifest.json").write_bytes(
        _manifest({"weights": b"inside", "../secret": b"outside"}, is_open=False)
    )
    with pytest.raises(RunFailed, match="nothing in its folder can be trusted"):
        read_sealed(tmp_path / "bundle")


def test_balanced_rows_are_those_of_ticket_after_ticket():
    rows, classes = np.arange(30), np.repeat([0, 1, 2], [5, 10, 15])
    order = Balanced(rows, classes, 7, seed=4)
    for step in (0, 3):
        for slot, found in enumerate(order.at(step)):
            turn, place = divmod(step * 7 + slot, 3)
            chosen = Permutation(3, 4, "round", turn)(np.array([place]))[0]
            assert found == order.shuffled[chosen].at(turn)[0]


def test_an_evaluation_of_folds_calls_nothing_test_that_was_trained_on(table, tmp_path):
    plain = [line.replace(",split,", ",c,").replace(",test,", ",0,") for line in table.read_text().splitlines()]
    (tmp_path / "plain.csv").write_text("\n".join(line.replace(",train,", ",0.5,") for line in plain) + "\n")
    settings = {"data.folds": 3, "train.steps": 3, "train.batch": 8}
    dg.train(tmp_path / "plain.csv", out=tmp_path / "run", settings=settings)
    assert set(dg.evaluate(tmp_path / "run").figures) == {"train"}


def test_a_resume_with_other_usable_rows_is_refused(tmp_path, monkeypatch):
    """Same names, sizes and times, but one file can no longer be read: the order of the rows would be another."""
    rng = np.random.default_rng(0)
    for number in range(24):
        folder = tmp_path / "data" / "ab"[number % 2]
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 255, (8, 8, 3), dtype=np.uint8)).save(folder / f"{number}.png")
    settings = {"train.steps": 2, "data.cache": False, "data.max_bad": 0.5}
    dg.train(tmp_path / "data", model="mlp", out=tmp_path / "run", settings=settings)
    monkeypatch.setattr("deepglass.data.sources.files.read_picture", unreadable(read_picture))
    with pytest.raises(DataError, match="have changed since"):
        dg.resume(tmp_path / "run")


class OwnNetwork(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(2, 2)

    def forward(self, x):
        return self.layer(x)


def test_a_run_with_a_network_of_your_own_is_resumed_and_evaluated(table, tmp_path):
    settings = {"train.steps": 6, "train.batch": 8}
    whole = dg.train(table, model=OwnNetwork(), out=tmp_path / "run", settings=settings)
    (tmp_path / "run" / "bundle").rename(tmp_path / "bundle")
    resumed = dg.resume(tmp_path / "run", model=OwnNetwork())
    assert resumed.figures == whole.figures == dg.evaluate(tmp_path / "run", model=OwnNetwork()).figures
    assert read_sealed(tmp_path / "bundle") == read_sealed(tmp_path / "run" / "bundle")
    with pytest.raises(UsageError, match="a network of your own"):
        dg.resume(tmp_path / "run")


def unreadable(read):
    """A reader that fails on one file."""

    def one(place, *fit):
        if str(place).endswith("/7.png"):
            raise Unreadable("missing_file")
        return read(place, *fit)

    return one


def test_a_k_fold_report_compares_with_nothing_that_saw_the_answers(tmp_path):
    """The refit is trained on every row, so baselines and probes fitted on its training part would flatter."""
    main(["train", "made:moons", "--size", "tiny", "--out", str(tmp_path / "run"), "data.folds=2", "train.steps=10"])
    told = json.loads((tmp_path / "run" / "report.json").read_text())
    assert "scores" in told and "floor" not in told and "embedding" not in told
