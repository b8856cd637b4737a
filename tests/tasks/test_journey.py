"""From a place to a bundle for every task, with no other word than the place; stopped and resumed to the same bits."""

import json

import pytest
import torch

from deepglass import journey
from deepglass.engine.journal import read_events
from deepglass.engine.plan import Plan, read_plan, write_plan
from deepglass.foundation.errors import SettingsError, Stopped, UsageError
from deepglass.foundation.settings import parse_assignments
from deepglass.run import Run

FEW = ("data.cache=false", "train.plan=plain")


def go(place, out, *words, stop_at=None):
    proposal = journey.propose(str(place), parse_assignments([*FEW, *words]), "tiny")
    steps = []

    def watch(event):
        steps.append(event["step"])

    asked = (lambda: bool(steps) and max(steps) >= stop_at) if stop_at else (lambda: False)
    return journey.train(proposal, out=str(out), watchers=[watch], asked_to_stop=asked)


def best(outcome, name):
    return outcome.figures["test"][name].value


@pytest.mark.parametrize("columns", [False, True], ids=["cell", "columns"])
def test_pictures_with_several_labels(tagged, tmp_path, columns):
    folder = tagged(columns)
    outcome = go(folder, tmp_path / "run", "model.name=mlp", "train.steps=60", "train.lr=0.05")
    settings = outcome.run.settings
    assert settings.task.name == "multilabel" and settings.recipe == "pictures tiny"
    assert best(outcome, "mean_average_precision") > 0.9
    answers = outcome.predict(folder)
    assert all(isinstance(answer["prediction"], list) for answer in answers)
    document = json.loads((tmp_path / "run" / "bundle" / "bundle.json").read_text())
    assert document["facts"]["labels"] == ["blue", "green", "red"]


def test_a_table_with_a_number(numbers, tmp_path):
    outcome = go(numbers, tmp_path / "run")
    assert outcome.run.settings.task.name == "regress" and outcome.run.settings.recipe == "table tiny"
    assert best(outcome, "r2") > 0.9
    checks = [json.loads(line) for line in (tmp_path / "run" / "events.jsonl").read_text().splitlines()]
    scores = [event["figures"]["mae"]["value"] for event in checks if event["kind"] == "check"]
    figure = outcome.figures["val"]["mae"]
    assert figure.better == "down" and figure.value == pytest.approx(min(scores), rel=1e-5)  # the least error is best
    answers = outcome.predict(numbers)
    assert all(isinstance(answer["prediction"], float) for answer in answers)
    assert 60 < sum(answer["prediction"] for answer in answers) / len(answers) < 140


def test_folders_of_classes(folders, tmp_path):
    outcome = go(folders({"red": 20, "blue": 20}), tmp_path / "run", "model.name=mlp", "train.steps=20")
    assert outcome.run.settings.task.name == "classify" and best(outcome, "accuracy") > 0.9


def test_a_task_can_be_asked_for(numbers, tmp_path):
    with pytest.raises(SettingsError, match="No entry 'regres' in tasks. Did you mean regress"):
        journey.propose(str(numbers), parse_assignments(["task.name=regres"]), "tiny")
    with pytest.raises(UsageError, match="does not name one class"):
        go(numbers, tmp_path / "run", "data.sampling=balanced")


@pytest.mark.parametrize("kind", ["multilabel", "regress", "classify"])
def test_stopped_and_resumed_is_the_same(kind, tagged, numbers, folders, tmp_path):
    place = {
        "multilabel": lambda: tagged(count=30),
        "regress": lambda: numbers,
        "classify": lambda: folders({"red": 12, "green": 12}),
    }[kind]()
    words = ("model.name=mlp", "train.steps=12", "train.check_epochs=2", "train.average=0.9", "train.batch=8")
    words += () if kind == "regress" else ("task.picture.augment.mixup=0.5", "task.picture.augment.rotate=20")
    whole = go(place, tmp_path / "whole", *words)
    with pytest.raises(Stopped):
        go(place, tmp_path / "parted", *words, stop_at=4)
    parted = journey.resume(tmp_path / "parted")
    ours, theirs = (Run.open(outcome.run.folder).bundle.model.state_dict() for outcome in (whole, parted))
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)
    assert whole.document()["metrics"] == parted.document()["metrics"]


def test_two_that_begin_at_once_never_share_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    proposal = journey.propose("made:xor", parse_assignments(["train.steps=3"]), "tiny")
    ready, looked, out = journey.Run.ready, [], ""

    def another_begins(run):
        ready(run)
        if not looked:
            looked.append(run.folder)
            journey.train(proposal, out=out)  # has seen the same name free, and is quicker

    monkeypatch.setattr(journey.Run, "ready", another_begins)
    second = journey.train(proposal)
    assert second.run.folder.name == f"{looked[0].name}-2" and (looked[0] / "bundle").is_dir()
    looked.clear()
    out = "own"
    with pytest.raises(UsageError, match="own already holds a run"):
        journey.train(proposal, out="own")
    assert (tmp_path / "own" / "bundle").is_dir()  # the quicker one's run, whole


def test_a_run_gives_back_the_threads_that_its_plan_took(tmp_path):
    before = torch.get_num_threads()
    write_plan(Plan(threads=before + 1, steps=3), tmp_path)
    words = parse_assignments([f"train.plan={tmp_path / 'plan.json'}", "train.minutes=5"])
    outcome = journey.train(journey.propose("made:xor", words, "tiny"), out=str(tmp_path / "run"))
    assert torch.get_num_threads() == before
    plan = read_plan(outcome.run.folder / "plan.json")
    assert (plan.threads, plan.steps) == (before + 1, 3)  # as it stands in the file, whatever the minutes
    (start,) = read_events(outcome.run.folder, "start")
    assert start["differs"] == []
