"""The test of the tests: an engine that forgets, sorts, or draws by the clock after a resume does not pass."""

import pytest

from deepglass.engine.checkpoint import Checkpoints
from deepglass.engine.journal import read_events
from tests.kill.bugs import BUGS
from tests.kill.killing import differences

SEEN = {
    "averages forgotten": ("cnn", "averages: "),
    "one average dropped": ("cnn", "averages: "),
    "moments forgotten": ("cnn", "optimizers: "),
    "step counters lost": ("cnn", "optimizers: "),
    "BatchNorm's buffers forgotten": ("resnet", "running_mean"),
    "carry forgotten": ("gan", "weights: model.discriminator"),
    "what the task remembers forgotten": ("gan", "weights: task.sureness"),
    "scores forgotten": ("patience", "document: scores"),
    "rows sorted": ("cnn", "weights: "),
    "draws by the clock": ("cnn", "weights: "),
    "seed without the step": ("cnn", "weights: "),
}


def killed(arena, folder, family, saves):
    """A run that was killed in the save after so many whole ones."""
    child = arena.child(folder, family)
    assert child.until(lambda now: now.saving >= 2 * saves + 1)
    assert child.kill()
    return folder


@pytest.mark.parametrize("bug", SEEN)
def test_a_planted_bug_is_seen(bug, arena, tmp_path):
    family, sign = SEEN[bug]
    run = killed(arena, tmp_path / "run", family, saves=2)
    assert arena.child(run, family, bug).end() == 0
    found = differences(arena.whole(family), run)
    assert any(sign in one for one in found), found


@pytest.mark.parametrize("bug", ["", "hash not checked"])
def test_a_flipped_bit_is_passed_over_only_where_hashes_are_checked(bug, arena, tmp_path):
    run = killed(arena, tmp_path / "run", "cnn", saves=2)
    newest = Checkpoints(run).steps()[-1]
    file = run / "checkpoints" / f"step-{newest:09d}" / "weights.safetensors"
    content = bytearray(file.read_bytes())
    content[-2] ^= 4
    file.write_bytes(content)
    assert arena.child(run, "cnn", bug).end() == 0
    rejected = read_events(run, "start")[-1]["rejected"]
    found = differences(arena.whole("cnn"), run)
    if bug:
        assert not rejected and any(one.startswith("weights: ") for one in found)
    else:
        assert len(rejected) == 1 and not found


def test_every_bug_is_planted_somewhere():
    assert BUGS.keys() == {*SEEN, "hash not checked"}
