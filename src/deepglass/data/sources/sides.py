"""What both sides of a parallel text tell together: equal ones, uneven ones, and rows with their languages swapped."""

import statistics
from collections import Counter
from collections.abc import Sequence

from deepglass.data.check import NAMED
from deepglass.data.source import Finding
from deepglass.data.vocabulary import words

APART = 3.0  # how far a row's ratio of lengths may lie from the usual one
SHORT = 20  # letters of the longer side up to which any ratio may be right
TYPICAL = 10  # times as often in one side as in the other, from which a word tells the language
SEEN = 5  # rows that a word is in, at least, before it tells anything
SAMPLE = 20_000  # rows by which typical words are told


def compared(ids: Sequence[str], sources: Sequence[str], targets: Sequence[str]) -> list[Finding]:
    """Findings over whole pairs, one sentence for each kind."""
    pairs = list(zip(sources, targets, strict=True))
    found = (
        ("sides_equal", "note", [row for row, pair in enumerate(pairs) if _equal(*pair)]),
        ("sides_uneven", "warning", _uneven(sources, targets)),
        ("sides_swapped", "warning", _swapped(sources, targets)),
    )
    return [
        Finding(kind, level, "", {"count": len(rows), "examples": _named(ids, rows)})
        for kind, level, rows in found
        if rows
    ]


def _named(ids: Sequence[str], rows: Sequence[int]) -> str:
    return ", ".join(ids[row] for row in rows[:NAMED]) + (" ..." if len(rows) > NAMED else "")


def _equal(source: str, target: str) -> bool:
    return source.casefold() == target.casefold() and any(letter.isalpha() for letter in source)


def _uneven(sources: Sequence[str], targets: Sequence[str]) -> list[int]:
    """Rows whose sides differ in length far more or less than they usually do: most likely no translations."""
    ratios = [len(target) / len(source) for source, target in zip(sources, targets, strict=True)]
    usual = statistics.median(ratios) if ratios else 1.0
    return [
        row
        for row, ratio in enumerate(ratios)
        if not 1 / APART <= ratio / usual <= APART and max(len(sources[row]), len(targets[row]) / usual) > SHORT
    ]


def _swapped(sources: Sequence[str], targets: Sequence[str]) -> list[int]:
    """Rows where either side has more words typical of the other one than of its own."""
    step = max(1, len(sources) // SAMPLE)
    counts = [Counter(word for text in side[::step] for word in set(_words(text))) for side in (sources, targets)]
    own = [
        {word for word, count in mine.items() if count >= SEEN and count >= TYPICAL * others[word]}
        for mine, others in (counts, counts[::-1])
    ]

    def foreign(text: str, side: int) -> bool:
        there = set(_words(text))
        return len(there & own[1 - side]) > len(there & own[side])

    pairs = enumerate(zip(sources, targets, strict=True))
    return [row for row, (source, target) in pairs if foreign(source, 0) and foreign(target, 1)]


def _words(text: str) -> list[str]:
    return words(text.lower())
