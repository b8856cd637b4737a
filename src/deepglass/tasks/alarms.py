"""What goes wrong in a game between two players: collapse, a discriminator that wins, oscillation, copies.

Each alarm is a function of the checks' figures alone, so that a resumed run raises the same ones. The thresholds were
fixed on digits (benchmarks/alarms.py), those between two values halfway by their ratio.
"""

import math
from collections.abc import Callable, Mapping, Sequence

from deepglass.tasks.task import Alarm

Checks = Sequence[tuple[int, Mapping[str, float]]]
Values = dict[str, float]

LASTING = 3  # checks in a row that show it
FEW, FLAT = 0.25, 0.06  # distinct pictures, and variety, below which there are few
SAME = 0.02  # distinct pictures of whom there are no more than a handful, each again and again
RECENT, GAIN = 2 / 3, 1.2  # what is not so much more, or so much better, than at this share of the steps, stands still
SURE = 0.05  # the discriminator wins where it is wrong about less than this of both
BEGINNING = 1000  # steps in which few pictures are no collapse as long as they pass for real
BELIEVED = 0.12  # share of made pictures taken for real: below it nothing passes (0.27 healthy, 0.05 frozen)
JUMPY = 0.09  # how far the share of made pictures taken for real jumps at a step (0.055 healthy, 0.16 at rate x 50)
NEAR = 0.1  # of the first check's KID, below which a run has come most of its way: what swings there is no alarm
COPIED = 0.5  # share of made pictures that are copies


def game_alarms(checks: Checks, *, critic: bool = False) -> list[Alarm]:
    """Those that hold at the last check; a critic has no opinion of which it could be sure."""
    found: list[Alarm] = []
    for name, (shown, lasting, back, of_opinions) in RULES.items():
        if critic and of_opinions:
            continue
        streak = 0
        while streak < len(checks) and shown(checks[: len(checks) - streak]):
            streak += 1
        if streak >= lasting:
            values = shown(checks)
            assert values is not None
            found.append(Alarm(name, checks[-streak][0], values, back))
    return found


def _collapsed(checks: Checks) -> Values | None:
    """Few different pictures, which were more before, or are no more than a third of the steps ago.

    Every generator begins with few: what still gains is at its beginning, and so is what still passes for real.
    """
    step, now = checks[-1]
    distinct, variety = _of(now, "distinct"), _of(now, "variety")
    if not (distinct < FEW or variety < FLAT):
        return None
    values = {"distinct": 100 * distinct, "variety": 100 * variety}
    if any(_of(figures, "distinct") > 2 * FEW for _, figures in checks):
        return values
    before = _earlier(checks)
    if before is None:
        return None
    gains = distinct > GAIN * _of(before, "distinct") or variety > GAIN * _of(before, "variety") or _nearer(now, before)
    begins = step < BEGINNING and _of(now, "game_made") > BELIEVED
    return None if (gains or begins) and distinct > SAME else values


def _won(checks: Checks) -> Values | None:
    real, made = (_of(checks[-1][1], name) for name in ("game_real", "game_made"))
    return {"real": 100 * real, "made": 100 * made} if real > 1 - SURE and made < SURE else None


def _swinging(checks: Checks) -> Values | None:
    """A discriminator of many minds, while pictures are far off and come no nearer: biggan swings and learns."""
    now, before = checks[-1][1], _earlier(checks)
    jumps, kid = _of(now, "jumps"), _of(now, "kid_pixels")
    stuck = before is not None and not _nearer(now, before) and not kid < NEAR * _of(checks[0][1], "kid_pixels")
    return {"jumps": 100 * jumps} if stuck and jumps > JUMPY else None


def _copying(checks: Checks) -> Values | None:
    copies = _of(checks[-1][1], "copies")
    return {"copies": 100 * copies} if copies > COPIED else None


def _earlier(checks: Checks) -> Mapping[str, float] | None:
    """The last check of the first two thirds of the steps."""
    step = checks[-1][0]
    return next((figures for at, figures in reversed(checks) if at <= RECENT * step), None)


def _nearer(now: Mapping[str, float], before: Mapping[str, float]) -> bool:
    kid, was = (_of(figures, "kid_pixels") for figures in (now, before))
    return was - kid > (1 - 1 / GAIN) * abs(was)  # it may be below 0


def _of(figures: Mapping[str, float], name: str) -> float:
    """NaN, with which no comparison is true, where there is no such figure."""
    return figures.get(name, math.nan)


# What shows it, in how many checks in a row, whether an earlier state with a smaller rate may get by, and whether it
# is about the discriminator's opinions.
RULES: dict[str, tuple[Callable[[Checks], Values | None], int, bool, bool]] = {
    "collapse": (_collapsed, LASTING, True, False),
    "discriminator_wins": (_won, LASTING, True, True),
    "oscillation": (_swinging, LASTING, True, True),
    "memorising": (_copying, 2, False, False),
}
