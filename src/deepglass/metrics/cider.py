"""CIDEr: how much a sentence agrees with what people tell of a picture and of few others (Vedantam et al. 2014)."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import torch

from deepglass.metrics.figure import Figure, mean
from deepglass.metrics.told import Told

LONGEST = 4  # words of an n-gram

Grams = Counter[tuple[str, ...]]
Vector = Mapping[tuple[str, ...], float]


class CIDEr:
    """Mean over pictures of ¼ Σ_n 1/m Σ_j cos(g_n(c), g_n(s_j)), n = 1 ... 4 (arXiv:1411.5726, section 3).

    g_n weighs each n-gram ω of a sentence by how often it comes up there and how seldom elsewhere:
    h_ω / Σ h · log(|I| / max(1, number of pictures I of which a caption has ω)). 0 to 1 as in the paper; words are not
    stemmed, and what is usually printed (CIDEr-D) is ten times as large and punishes length as well. A sentence of
    fewer than n words has no n-grams and agrees in none. The interval draws pictures, with ω's weights as they are.
    Reads predictions["text"], targets: Ragged UTF-8, the captions of one picture on lines of their own.
    """

    def __init__(self) -> None:
        self._told = Told()

    def update(self, ids: Sequence[str], predictions: Mapping[str, Any], targets: Any) -> None:
        """A batch."""
        self._told.update(ids, predictions, targets)

    def compute(self) -> Figure:
        """The figure over everything seen."""
        return mean(torch.tensor(cider(self._told.pairs())), "up")


def cider(pairs: Sequence[tuple[Sequence[str], Sequence[Sequence[str]]]]) -> list[float]:
    """The agreement of each sentence with the captions of its picture, among all these pictures."""
    scores = [0.0] * len(pairs)
    for size in range(1, LONGEST + 1):
        wanted = [[grams(one, size) for one in captions] for _, captions in pairs]
        pictures = Counter(gram for captions in wanted for gram in set().union(*captions))
        for place, (told, captions) in enumerate(zip((told for told, _ in pairs), wanted, strict=True)):
            own = weighed(grams(told, size), pictures, len(pairs))
            alike = [cosine(own, weighed(one, pictures, len(pairs))) for one in captions]
            scores[place] += sum(alike) / len(alike) / LONGEST
    return scores


def grams(words: Sequence[str], size: int) -> Grams:
    """Runs of so many words and how often each comes up."""
    return Counter(tuple(words[at : at + size]) for at in range(len(words) - size + 1))


def weighed(found: Grams, pictures: Mapping[tuple[str, ...], int], count: int) -> Vector:
    """tf-idf of each run."""
    total = sum(found.values())
    return {gram: times / total * math.log(count / max(1, pictures.get(gram, 0))) for gram, times in found.items()}


def cosine(one: Vector, other: Vector) -> float:
    """Of two vectors; 0 where one of them is nothing."""
    norms = math.sqrt(sum(x * x for x in one.values()) * sum(x * x for x in other.values()))
    return sum(x * other.get(gram, 0.0) for gram, x in one.items()) / norms if norms else 0.0
