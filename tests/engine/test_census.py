"""State owns all that must survive: every live holder of state is in it, and nothing reads a hidden generator."""

import copy
import gc
import random

import numpy as np
import pytest
import torch
from torch import nn
from torch.optim import Optimizer

from deepglass.engine.loop import Training, one_step, train
from tests.engine.families import tensors
from tests.engine.test_loop import FAMILIES, start, training


def live(*kinds: type) -> list[object]:
    """Objects of these kinds that are alive now."""
    gc.collect()
    return [thing for thing in gc.get_objects() if issubclass(type(thing), kinds)]


@pytest.mark.parametrize("name", FAMILIES)
def test_every_live_holder_of_state_is_owned(name, tmp_path):
    before = {id(thing) for thing in live(nn.Module, Optimizer, torch.Generator, np.random.Generator)}
    task, state, rows, settings = start(name)
    train(task, state, training(tmp_path, rows, settings, 6, None, state))
    owned = {id(module) for module in state.tree.modules()} | {id(one) for one in state.optimizers.values()}
    fresh = [thing for thing in live(nn.Module, Optimizer, torch.Generator, np.random.Generator)]
    strangers = [type(thing) for thing in fresh if id(thing) not in before | owned and not _of_torch(thing)]
    assert not strangers


def _of_torch(thing: object) -> bool:
    """Modules that torch keeps for itself hold nothing of a run."""
    return type(thing).__module__.startswith("torch.") and not any(True for _ in _parameters(thing))


def _parameters(thing: object):
    return thing.parameters() if isinstance(thing, nn.Module) else iter(())


@pytest.mark.parametrize("name", FAMILIES)
def test_no_step_reads_a_generator_that_is_not_keyed(name, tmp_path):
    """Generators stirred before every step change nothing."""

    def run(folder, stir):
        folder.mkdir()
        task, state, rows, settings = start(name)

        def batch(step):
            if stir:
                torch.manual_seed(step * 7919 + 1)
                np.random.seed(step + 1)
                random.seed(step)
            return rows(step)

        return tensors(train(task, state, training(folder, batch, settings, 8, None, state)))

    calm, stirred = run(tmp_path / "calm", False), run(tmp_path / "stirred", True)
    assert [key for key in calm if not torch.equal(calm[key], stirred[key])] == []


@pytest.mark.parametrize("name", FAMILIES)
def test_a_step_is_a_function_of_state_alone(name, tmp_path):
    """A copy of task and state, stepped with a fresh Training, ends where the original does: nothing else remembers."""
    task, state, rows, settings = start(name)
    first = training(tmp_path, rows, settings, 40, None, state)
    for _ in range(5):
        one_step(task, state, first, rows(state.step))
    task_again, state_again = copy.deepcopy((task, state))
    second = training(tmp_path, rows, settings, 40, None, state_again)
    assert isinstance(second, Training)
    for _ in range(5):
        one_step(task, state, first, rows(state.step))
        one_step(task_again, state_again, second, rows(state_again.step))
    expected, found = tensors(state), tensors(state_again)
    assert [key for key in expected if not torch.equal(expected[key], found[key])] == []
