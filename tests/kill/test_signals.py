"""SIGTERM and Ctrl-C finish the step and save it: exit code 130, and a resume that ends with the same bits."""

import contextlib
import os
import random
import signal

import pytest

from deepglass.engine.checkpoint import Checkpoints
from deepglass.engine.journal import read_events
from tests.kill.families import FAMILIES
from tests.kill.killing import CHECK, EDGE, SAVE, TRAINING, Aim, Child, current, differences

SIGNALS = (signal.SIGTERM, signal.SIGINT)
QUICK = [name for name, family in FAMILIES.items() if family.kills >= 10 and not family.compiled]  # seconds a life


def stopped_by(child: Child, number: int, run) -> bool:
    """Send it; whether it stopped the run, which then has a whole checkpoint of the very step."""
    with contextlib.suppress(ProcessLookupError):  # it ended just now
        os.kill(child.process.pid or 0, number)
    code = child.end()
    if code == 0:
        return False
    assert code == 130
    stopped = read_events(current(run), "stopped")[-1]
    assert Checkpoints(current(run)).steps()[-1] == stopped["step"]
    return True


@pytest.mark.parametrize("family", QUICK)
@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_finishes_the_step_and_saves_it(family, number, arena, tmp_path):
    child = arena.child(tmp_path / "run", family)
    assert child.until(lambda now: now.saving >= 3)
    assert stopped_by(child, number, tmp_path / "run")
    assert arena.child(tmp_path / "run", family).end() == 0
    assert not differences(arena.whole(family), tmp_path / "run")


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES)
def test_twenty_signals(family, arena, tmp_path):
    """Ten of each at drawn moments: while saving, in validation, at an epoch's edge, in the middle of a step."""
    draw = random.Random(3)
    arena.whole(family)
    aim, sent, number = Aim(draw, arena.epoch(family)), 0, 0
    while sent < 20:
        run, number, over = tmp_path / str(number) / "run", number + 1, False
        while sent < 20 and not over:
            child = arena.child(run, family)
            aim.wait(child, draw.choice((SAVE, CHECK, EDGE, TRAINING)))
            over = not stopped_by(child, SIGNALS[sent % 2], run)
            sent += not over
        assert over or arena.child(run, family).end() == 0
        assert not differences(arena.whole(family), run)
