"""The best checkpoint damaged or gone when a run ends: the best whole one serves, and it is told and written down."""

import json
import shutil

import pytest

from deepglass.bundle import Bundle
from deepglass.engine.checkpoint import Checkpoints
from deepglass.engine.journal import read_events
from deepglass.engine.loop import train
from deepglass.material import Material
from deepglass.run import Run
from tests.engine.families import figure
from tests.engine.test_loop import start, training


@pytest.mark.parametrize("way", ["flip", "delete"])
def test_the_best_that_is_whole_serves_and_that_is_told(way, finished, shell, tmp_path, monkeypatch):
    """Checks are made to say that step 4 was best, step 8 next and the last one worst."""
    plain = Material.evaluated
    values = iter([0.9, 0.8, 0.1] + [0.5] * 20)

    def evaluate(self, model, task, part, device):
        figures, predictions = plain(self, model, task, part, device)
        if part == "val":
            name = next(iter(figures))
            figures = {**figures, name: figure(next(values))}
        return figures, predictions

    def finish(self, *words):
        folder = self.folder / "checkpoints" / "step-000000004"
        if way == "delete":
            shutil.rmtree(folder)
        else:
            file = folder / "averages.safetensors"
            file.write_bytes(file.read_bytes()[:-1] + b"\x7f")
        return whole(self, *words)

    whole = Run._finish
    monkeypatch.setattr(Material, "evaluated", evaluate)
    monkeypatch.setattr(Run, "_finish", finish)
    words = ("--size", "tiny", "--model", "mlp", "train.steps=12", "train.batch=24", "train.average=0.9")
    said = shell("train", finished / "data.csv", *words, "train.check_epochs=1", "--out", shell.out)
    assert said.code == 0, said.err
    checks = read_events(shell.out, "check")
    assert [event["step"] for event in checks][:3] == [4, 8, 12], "the checks lie elsewhere than this test thinks"
    assert "The best checkpoint could not be used, so the bundle holds the next best one." in said.out
    assert "step-000000004" in said.out
    about = Bundle.load(str(shell.out / "bundle")).document["about"]
    assert about["step"] == 8 and "step-000000004" in about["passed_over"][0]
    (event,) = read_events(shell.out, "passed_over")
    assert event["step"] == 8 and "step-000000004" in event["reason"]
    (end,) = read_events(shell.out, "end")
    assert end["best"] == 8
    figures = json.loads((shell.out / "bundle/bundle.json").read_text())["figures"]
    assert next(iter(figures.values())) == 0.8


def test_the_state_itself_is_the_last_resort(tmp_path):
    """Every checkpoint damaged: the last step's own weights are in memory, and they are whole."""
    task, state, rows, settings = start("classifier")
    life = training(tmp_path, rows, settings, 12, None, state)
    values = {5: 0.9, 10: 0.8, 12: 0.1}
    life.check = lambda: {"accuracy": figure(values[state.step])}
    train(task, state, life)
    weights = {name: value.clone() for name, value in state.model.state_dict().items()}
    steps = [score.step for score in state.scores]
    for folder in (tmp_path / "checkpoints").glob("step-*"):
        (folder / "state.json").write_text("{}")
    best, rejected = Checkpoints(tmp_path).best(state)
    assert best is not None and best.step == state.step == 12 and len(rejected) == len(steps) - 1
    assert all(value.equal(weights[name]) for name, value in state.model.state_dict().items())
