"""An engine broken on purpose, for the tests of the tests: the harness must see every one of these.

Each leaves an uninterrupted run as it is and spoils only what comes after a resume.
"""

import sys
import time

import torch

from deepglass.data import loader
from deepglass.data.order import Shuffled
from deepglass.engine import checkpoint, loop
from deepglass.foundation.sealed import MANIFEST


def plant(bug: str, *, resumed: bool) -> None:
    """Break this life; the empty name breaks nothing."""
    if bug and resumed:
        BUGS[bug]()


def _after_restore(spoil) -> None:
    whole = checkpoint.restore

    def restore(state, tensors, document):
        whole(state, tensors, document)
        spoil(state)

    sys.modules["deepglass.run"].restore = restore


def averages_forgotten() -> None:
    def spoil(state):
        state.averages = {name: value.clone() for name, value in state.model.state_dict().items()}

    _after_restore(spoil)


def one_average_dropped() -> None:
    def spoil(state):
        name = sorted(state.averages)[0]
        state.averages[name] = state.model.state_dict()[name].clone()

    _after_restore(spoil)


def moments_forgotten() -> None:
    checkpoint._load_optimizers = lambda state, slots: None


def step_counters_lost() -> None:
    whole = checkpoint._load_optimizers

    def load(state, slots):
        counters = {name: value for name, value in slots.items() if name.endswith(":step")}
        whole(state, slots | {name: torch.zeros_like(value) for name, value in counters.items()})

    checkpoint._load_optimizers = load


def batch_norm_buffers_forgotten() -> None:
    def spoil(state):
        for module in state.model.modules():
            if isinstance(module, torch.nn.modules.batchnorm._BatchNorm):
                module.reset_running_stats()

    _after_restore(spoil)


def carry_forgotten() -> None:
    _after_restore(lambda state: state.carry.clear())


def what_the_task_remembers_forgotten() -> None:
    def spoil(state):
        for buffer in state.tree["task"].buffers():
            buffer.zero_()

    _after_restore(spoil)


def scores_forgotten() -> None:
    _after_restore(lambda state: state.scores.clear())


def rows_sorted() -> None:
    """The same rows in each batch, in another sequence: a comparison of sets would not see it."""
    whole = Shuffled.at

    def at(self, step):
        rows = whole(self, step)
        rows.sort()
        return rows

    Shuffled.at = at


def draws_by_the_clock() -> None:
    loader.step_keys = lambda seed, stream, steps, counts: torch.full((1,), time.time_ns()).repeat(sum(counts))


def seed_without_the_step() -> None:
    """Dropout seeded once a life instead of at every step."""
    seed, seeded = loop.seed_torch, []

    def once(*parts):
        if not seeded:
            seed(*parts)
            seeded.append(parts)

    loop.seed_torch = once


def hash_not_checked() -> None:
    def read(folder):
        return {file.name: file.read_bytes() for file in folder.iterdir() if file.name != MANIFEST}

    checkpoint.read_sealed = read


BUGS = {
    "averages forgotten": averages_forgotten,
    "one average dropped": one_average_dropped,
    "moments forgotten": moments_forgotten,
    "step counters lost": step_counters_lost,
    "BatchNorm's buffers forgotten": batch_norm_buffers_forgotten,
    "carry forgotten": carry_forgotten,
    "what the task remembers forgotten": what_the_task_remembers_forgotten,
    "scores forgotten": scores_forgotten,
    "rows sorted": rows_sorted,
    "draws by the clock": draws_by_the_clock,
    "seed without the step": seed_without_the_step,
    "hash not checked": hash_not_checked,
}
