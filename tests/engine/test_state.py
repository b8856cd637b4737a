"""State and checkpoints at their edges: tied weights, figures that are no numbers, damaged checkpoints."""

import math
import shutil

import pytest
import torch
from torch import nn

from deepglass.engine.checkpoint import Checkpoints, restore
from deepglass.engine.optimizers import build_optimizer
from deepglass.engine.schedules import out_of_patience
from deepglass.engine.settings import TrainSettings
from deepglass.engine.state import Score, State, averaged, start_averages, trainable
from deepglass.foundation.errors import MachineError


class Tied(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Linear(3, 3, bias=False), nn.Linear(3, 3, bias=False)
        self.second.weight = self.first.weight


def state_of(model: nn.Module) -> State:
    optimizers = {"": build_optimizer(TrainSettings(), trainable(model, ""), [])}
    return State(nn.ModuleDict({"model": model}), optimizers, start_averages(model))


def checks(*values: float, better: str = "up") -> list[Score]:
    return [Score(step, "figure", value, better, {}) for step, value in enumerate(values, 1)]


def test_tied_weights_come_back_from_their_averages():
    model = Tied()
    state = state_of(model)
    averages = {name: value.clone() for name, value in state.averages.items()}
    with torch.no_grad():
        model.first.weight.fill_(5.0)
    with averaged(state):
        assert torch.equal(model.second.weight, averages["first.weight"])
    assert torch.equal(model.first.weight, torch.full((3, 3), 5.0))
    assert all(torch.equal(value, averages[name]) for name, value in state.averages.items())


class Learns(nn.Module):
    """A task with a vector of its own, as proxies are."""

    def __init__(self):
        super().__init__()
        self.proxies = nn.Parameter(torch.ones(3))


def test_what_a_task_learns_is_moved_and_saved_with_the_whole_model_alone(tmp_path):
    def fresh() -> State:
        state = State(nn.ModuleDict({"model": nn.Linear(2, 2), "task": Learns()}), {})
        state.optimizers[""] = build_optimizer(TrainSettings(), state.trainable(""), [])
        return state

    state = fresh()
    assert set(state.player("").mine) == {"weight", "bias", "task/proxies"} and not state.player("").others
    assert set(fresh().trainable("")) - set(trainable(state.model, "")) == {"task/proxies"}
    for parameter in state.player("").mine.values():
        parameter.grad = torch.ones_like(parameter)
    state.optimizers[""].step()
    assert (state.tree["task"].proxies != 1).all()
    checkpoints = Checkpoints(tmp_path)
    checkpoints.save(state)
    checkpoints.wait()
    again = fresh()
    tensors, document, _ = checkpoints.newest()
    restore(again, tensors, document)
    assert again.tree["task"].proxies.equal(state.tree["task"].proxies)
    mine, other = ({name: s.optimizers[""].state[p] for name, p in s.trainable("").items()} for s in (state, again))
    assert mine["task/proxies"]["exp_avg"].equal(other["task/proxies"]["exp_avg"])
    two = State(nn.ModuleDict({"model": nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2)), "task": Learns()}), {})
    assert set(two.trainable("1")) == {"1.weight", "1.bias"}


@pytest.mark.parametrize("better", ["up", "down"])
def test_a_figure_that_is_no_number_is_never_the_best(better):
    state = state_of(nn.Linear(2, 2))
    state.scores = checks(math.nan, 0.5, math.nan, 0.5, better=better)
    assert state.best().step == 2
    assert not out_of_patience(state.scores[:2], 1)


def test_a_save_keeps_itself_where_later_checkpoints_are_damaged(tmp_path):
    state, checkpoints = state_of(nn.Linear(2, 2)), Checkpoints(tmp_path)
    for step in (10, 100, 110):
        state.step = step
        checkpoints.save(state)
        checkpoints.wait()
        if step == 10:
            shutil.copytree(checkpoints.folder / "step-000000010", tmp_path / "kept")
    shutil.copytree(tmp_path / "kept", checkpoints.folder / "step-000000010", dirs_exist_ok=True)
    for step in (100, 110):
        (checkpoints.folder / f"step-{step:09d}" / "state.json").write_text("{}")
    _, document, rejected = checkpoints.newest()
    assert document["step"] == 10 and len(rejected) == 2
    state.step = 20
    checkpoints.save(state)
    checkpoints.settle()
    assert checkpoints.steps() == [10, 20]
    assert checkpoints.newest()[1]["step"] == 20


def test_any_failure_to_write_is_told(tmp_path, monkeypatch):
    def no_room(tensors):
        raise MemoryError("no room")

    monkeypatch.setattr("deepglass.engine.checkpoint.save_tensors", no_room)
    checkpoints = Checkpoints(tmp_path)
    checkpoints.save(state_of(nn.Linear(2, 2)))
    with pytest.raises(MachineError, match="no room"):
        checkpoints.settle()
