"""Killed at any moment and resumed, a run ends with the same bits: weights, averages, optimizer, scores, history,
bundle.

`make test` kills 10 times a family that leans on the engine in its own way and twice one of any other task, `make
torture` 100 times each; moments are drawn by a printed seed, and `python -m tests.kill FAMILY --kills N --seed S` does
it again.
"""

import sys

import pytest

from tests.kill.families import FAMILIES
from tests.kill.killing import Arena, Torture


def torture(family: str, kills: int, seed: int, arena: Arena, capsys) -> Torture:
    found = Torture(family, kills, seed, arena).go()
    with capsys.disabled():
        sys.stderr.write(f"\n{found.says()}\n")
    assert not found.mismatches, f"{found.mismatches}; again: {found.command()}"
    return found


@pytest.mark.parametrize("family", FAMILIES)
def test_a_few_kills(family, arena, capsys):
    kills = FAMILIES[family].kills
    found = torture(family, kills, 20, arena, capsys)
    assert found.saves >= 1 and found.early <= kills // 5


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES)
def test_a_hundred_kills(family, arena, capsys):
    found = torture(family, 100, 1, arena, capsys)
    assert found.saves >= 10 and found.checks >= 10 and found.early <= 10
    assert found.hits["first save"] >= 1 and found.edges >= 1 and found.twice >= 1
