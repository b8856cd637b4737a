"""What is frozen later learns until then and stays from then on, in every life of a run."""

import pytest
import torch

from deepglass.engine.checkpoint import Checkpoints, restore
from deepglass.engine.loop import train
from deepglass.engine.state import freeze
from deepglass.foundation.errors import UsageError
from tests.engine.families import network
from tests.engine.test_loop import start, training

LATER = {"0.weight", "0.bias", "1.weight", "1.bias"}


def weights(state):
    return {name: parameter.detach().clone() for name, parameter in state.model.named_parameters()}


def lived(folder, stop_at=None, steps=20):
    folder.mkdir(exist_ok=True)
    task, state, rows, settings = start("frozen later")
    before = weights(state)
    train(task, state, training(folder, rows, settings, steps, stop_at, state))
    return before, state


def test_it_learns_until_then_and_not_from_then_on(tmp_path):
    before, half = lived(tmp_path / "half", stop_at=10)
    _, whole = lived(tmp_path / "whole")
    at_half, at_end = weights(half), weights(whole)
    assert all(not torch.equal(before[name], at_half[name]) for name in before)
    assert {name for name in before if torch.equal(at_half[name], at_end[name])} == LATER
    assert torch.equal(
        half.model[1].running_mean, whole.model[1].running_mean
    )  # asleep, as what is frozen from the start
    (optimizer,) = whole.optimizers.values()
    kept = {id(parameter) for parameter in optimizer.state}
    assert {name for name, one in whole.model.named_parameters() if id(one) not in kept} == LATER


def test_a_step_before_can_be_restored_after_it(tmp_path):
    _, state = lived(tmp_path / "run")
    earlier = lived(tmp_path / "earlier", stop_at=5)[1]
    tensors, document, _ = Checkpoints(tmp_path / "earlier").newest()
    restore(state, tensors, document)
    assert all(torch.equal(value, weights(earlier)[name]) for name, value in weights(state).items())
    assert all(parameter.requires_grad for parameter in state.model.parameters())
    assert set(state.player("").mine) == set(weights(state))


def test_a_name_that_is_not_there_is_refused_before_the_first_step():
    with pytest.raises(UsageError, match="nothing"):
        freeze(network(), (), later=("nothing",))
    model = network()
    assert freeze(model, ("0",), later=("1",)) == ["0.weight", "0.bias"] and model[1].weight.requires_grad
