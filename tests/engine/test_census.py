"""State owns all that must survive: every live holder of state is in it, and nothing reads a hidden generator."""

import copy
import gc
import random

import numpy as np
import pytest
import torch
from torch import nn
from torch.optim import Optimizer

from deepglass.engine.checkpoint import Checkpoints, restore, snapshot
from deepglass.engine.journal import Journal
from deepglass.engine.loop import Training, one_step, train
from deepglass.engine.optimizers import build_optimizer
from deepglass.engine.settings import TrainSettings
from deepglass.engine.state import State, start_averages, trainable
from deepglass.foundation.errors import RunFailed
from deepglass.foundation.sealed import MANIFEST, read_sealed, write_sealed
from deepglass.journey import propose
from deepglass.run import Run
from tests.engine.census import changed, memory
from tests.engine.families import Classifier, tensors
from tests.engine.test_loop import FAMILIES, start, training

KINDS = (nn.Module, Optimizer, torch.Generator, np.random.Generator, np.random.RandomState, random.Random)


def live(*kinds: type) -> list[object]:
    """Objects of these kinds that are alive now."""
    gc.collect()
    return [thing for thing in gc.get_objects() if issubclass(type(thing), kinds)]


@pytest.mark.parametrize("name", FAMILIES)
def test_every_live_holder_of_state_is_owned(name, tmp_path):
    (tmp_path / "first").mkdir()
    one = start(name)  # what libraries make once, at the first step, is none of a run's
    train(one[0], one[1], training(tmp_path / "first", one[2], one[3], 2, None, one[1]))
    before = {id(thing) for thing in live(*KINDS)}
    task, state, rows, settings = start(name)
    strangers = []

    def batch(step):  # looked at while the run goes on, not only at its end
        owned = {id(module) for module in state.tree.modules()} | {id(one) for one in state.optimizers.values()}
        if step == 4:
            fresh = [thing for thing in live(*KINDS) if id(thing) not in before | owned]
            strangers.extend(type(thing) for thing in fresh if not _of_torch(thing))
        return rows(step)

    train(task, state, training(tmp_path, batch, settings, 6, None, state))
    assert not strangers


def hidden_memory(task, state, life, steps=4) -> list[str]:
    """What changed from step to step in all that task, network and loop hold on to, and is not State's."""
    found: set[str] = set()
    one_step(task, state, life, life.batch(state.step))  # what is made once, at the first step, is no memory
    before = memory(state, task=task, model=state.model, loop=life)
    for _ in range(steps):
        one_step(task, state, life, life.batch(state.step))
        after = memory(state, task=task, model=state.model, loop=life)
        found |= set(changed(before, after))
        before = after
    return sorted(found)


@pytest.mark.parametrize("name", FAMILIES)
def test_nothing_but_state_remembers_from_step_to_step(name, tmp_path):
    task, state, rows, settings = start(name)
    assert not hidden_memory(task, state, training(tmp_path, rows, settings, 40, None, state))


@pytest.mark.parametrize("place", ["made:xor", "digits"])
def test_nothing_but_state_remembers_in_a_real_run(place, tmp_path):
    """Tasks of the catalogue, augmentation and the loader of real data included."""
    proposal = propose(place, size="tiny")
    run = Run(tmp_path / "run", proposal.settings, source=proposal.source)
    run.write()
    material = run.material()
    life, state = run.training(material, Journal(run.folder))
    assert not hidden_memory(material.task, state, life, steps=2)


class Forgetful(Classifier, nn.Module):
    """A task that remembers in every way that State does not see."""

    def __init__(self, way: str):
        nn.Module.__init__(self)
        Classifier.__init__(self)
        self.way, self.calls, self.losses, self.table = way, 0, [], {"last": 0.0}
        self.mean, self.numpy = torch.zeros(2), np.zeros(3)
        self.generator, self.torch_generator = np.random.default_rng(0), torch.Generator()
        self.random = random.Random(0)
        self.register_buffer("unsaved", torch.zeros(2), persistent=False)
        self.hidden = [nn.Linear(1, 1)]  # a list of modules is no submodule
        total = 0

        def count():
            nonlocal total
            total += 1

        self.count = count

    def loss(self, model, batch):
        ways = {
            "attribute": lambda: setattr(self, "calls", self.calls + 1),
            "list": lambda: self.losses.append(0.0),
            "table": lambda: self.table.update(last=self.table["last"] + 0.5),
            "tensor": lambda: self.mean.add_(1),
            "array": lambda: self.numpy.__iadd__(1),
            "numpy generator": lambda: self.generator.random(),
            "torch generator": lambda: torch.rand(1, generator=self.torch_generator),
            "python generator": lambda: self.random.random(),
            "unsaved buffer": lambda: self.unsaved.add_(1),
            "module in a list": lambda: self.hidden[0].weight.data.add_(1),
            "closure": lambda: self.count(),
        }
        if self.way:
            ways[self.way]()
        return Classifier.loss(self, model, batch)


WAYS = {
    "attribute": ".calls",
    "list": ".losses",
    "table": ".table['last']",
    "tensor": ".mean",
    "array": ".numpy",
    "numpy generator": ".generator",
    "torch generator": ".torch_generator",
    "python generator": ".random",
    "unsaved buffer": "unsaved",
    "module in a list": ".hidden[0]",
    "closure": "<total>",
}


@pytest.mark.parametrize("way", ["", *WAYS])
def test_a_planted_memory_is_found(way, tmp_path):
    """The test of the test: in whatever a task remembers, the census names it."""
    _, state, rows, settings = start("classifier")
    task = Forgetful(way)
    state.tree["task"] = task
    found = hidden_memory(task, state, training(tmp_path, rows, settings, 40, None, state))
    assert any(WAYS[way] in path for path in found) if way else not found


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


class Tied(nn.Module):
    """One weight under two names."""

    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Linear(3, 3, bias=False), nn.Linear(3, 3, bias=False)
        self.second.weight = self.first.weight

    def forward(self, x):
        return self.second(self.first(x))


def saved(kind: str, folder):
    """A checkpoint as it lies on the disk, and what makes a fresh state to put it into."""

    def tied():
        model = Tied()
        optimizers = {"": build_optimizer(TrainSettings(), trainable(model, ""), [])}
        return State(nn.ModuleDict({"model": model}), optimizers, start_averages(model))

    def gan():
        return start("gan")[1]

    fresh = gan if kind == "gan" else tied
    state = fresh()
    if kind == "gan":
        task, state, rows, settings = start("gan")
        train(task, state, training(folder, rows, settings, 11, None, state))
    else:
        state.model(torch.ones(1, 3)).sum().backward()
        state.optimizers[""].step()
    tensors_by_file, document = snapshot(state)
    assert document["ties"] if kind == "tied" else document["scores"] and tensors_by_file["carry"]
    return tensors_by_file, document, fresh


def paths(document) -> list[tuple]:
    """Where every key of a checkpoint's JSON lies: its own, and those of what is in it."""
    found = [(key,) for key in document]
    found += [(group, name) for group in ("names", "strides", "ties") for name in document[group]]
    found += [("names", group, place) for group in document["names"] for place in range(len(document["names"][group]))]
    return found + [("scores", place, key) for place, score in enumerate(document["scores"]) for key in score]


@pytest.mark.parametrize("kind", ["gan", "tied"])
def test_any_key_that_is_gone_or_too_many_is_an_error(kind, tmp_path):
    found, document, fresh = saved(kind, tmp_path)
    restore(fresh(), found, document)
    tried = 0
    for group, named in found.items():
        for changed_group in [*({k: v for k, v in named.items() if k != name} for name in named), strange(named)]:
            refused(fresh, {**found, group: changed_group}, document)
            tried += 1
    for path in paths(document):
        less = copy.deepcopy(document)
        place = less
        for key in path[:-1]:
            place = place[key]
        del place[path[-1]]
        refused(fresh, found, less)
        tried += 1
    for path in [(), ("names",), ("strides",), ("ties",), *([("scores", 0)] if document["scores"] else [])]:
        more = copy.deepcopy(document)
        place = more
        for key in path:
            place = place[key]
        place["stranger"] = "nobody"
        refused(fresh, found, more)
        tried += 1
    assert tried > 20


def strange(named):
    return {**named, "stranger": torch.zeros(1)}


def refused(fresh, found, document):
    with pytest.raises(RunFailed, match="do not fit this model|no checkpoint that can be read"):
        restore(fresh(), found, document)


def test_any_file_that_is_gone_or_too_many_is_an_error(tmp_path):
    """Also where the manifest agrees."""
    task, state, rows, settings = start("gan")
    train(task, state, training(tmp_path, rows, settings, 5, None, state))
    folder = tmp_path / "checkpoints" / "step-000000005"
    files = {name: content for name, content in read_sealed(folder).items() if name != MANIFEST}
    for name in files:
        write_sealed(folder, {key: content for key, content in files.items() if key != name})
        with pytest.raises(RunFailed):
            Checkpoints(tmp_path).load(5)
    write_sealed(folder, {**files, "stranger.safetensors": b""})
    with pytest.raises(RunFailed, match="stranger.safetensors"):
        Checkpoints(tmp_path).load(5)
    write_sealed(folder, files)
    Checkpoints(tmp_path).load(5)
