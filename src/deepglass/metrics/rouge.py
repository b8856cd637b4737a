"""ROUGE-L: how long a run of words, gaps allowed, a sentence shares with what people tell (Lin 2004)."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from deepglass.metrics.figure import Figure, mean
from deepglass.metrics.told import Told

BETA = 1.2  # how much more recall weighs than precision


class RougeL:
    """Mean of (1 + β²) R P / (R + β² P), with l the longest common subsequence of the words of c and a caption s_j.

    R = max_j l(c, s_j) / |s_j|,  P = max_j l(c, s_j) / |c|,  β = 1.2   (arXiv:1504.00325, section 3)
    Reads predictions["text"], targets: Ragged UTF-8, the captions of one picture on lines of their own.
    """

    def __init__(self) -> None:
        self._told = Told()

    def update(self, ids: Sequence[str], predictions: Mapping[str, Any], targets: Any) -> None:
        """A batch."""
        self._told.update(ids, predictions, targets)

    def compute(self) -> Figure:
        """The figure over everything seen."""
        return mean(torch.tensor([rouge_l(told, wanted) for told, wanted in self._told.pairs()]), "up")


def rouge_l(told: Sequence[str], wanted: Sequence[Sequence[str]]) -> float:
    """One sentence beside all captions of its picture.

    >>> round(rouge_l("a b c d".split(), ["a x c".split()]), 4)  # R = 2/3, P = 2/4
    0.5865
    """
    common = [(longest_common(told, one), len(one)) for one in wanted if one]
    recall = max((length / of for length, of in common), default=0.0)
    precision = max((length / len(told) for length, _ in common), default=0.0) if told else 0.0
    if not recall or not precision:
        return 0.0
    return (1 + BETA**2) * recall * precision / (recall + BETA**2 * precision)


def longest_common(one: Sequence[str], other: Sequence[str]) -> int:
    """Words of the longest sequence that both hold in its order.

    >>> longest_common("the dog sees the cat".split(), "the cat sees a dog".split())
    2
    """
    row = [0] * (len(other) + 1)
    for word in one:
        before = row
        row = [0]
        for place, own in enumerate(other):
            row.append(before[place] + 1 if word == own else max(row[place], before[place + 1]))
    return row[-1]
