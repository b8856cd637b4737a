"""Journeys at their edges: folders that are not empty, folds beside a given test part, pictures named twice."""

import numpy as np
import pytest
from PIL import Image

import deepglass as dg
from deepglass.data.order import Balanced
from deepglass.data.recognise import recognise
from deepglass.data.settings import DataSettings
from deepglass.foundation.errors import RunFailed, UsageError
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
    assert found.values == {"count": 2, "examples": "0.png, 1.png"}


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
    (tmp_path / "bundle" / "manifest.json").write_bytes(_manifest({"weights": b"inside", "../secret": b"outside"}))
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
