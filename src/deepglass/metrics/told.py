"""Sentences told of pictures beside all that people tell of each: what every metric of captions reads.

Words are compared without capitals and punctuation; of scripts without spaces each letter is a word.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import torch

from deepglass.metrics.collect import Collected
from deepglass.metrics.sacre import texts_of

APART = "\n"  # between several captions of one picture
UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
_WORD = re.compile(rf"[{UNSPACED}]|[^\W_{UNSPACED}]+(?:['’][^\W_{UNSPACED}]+)*")


class Told:
    """What was told and what may be told, by example id. Reads predictions["text"], targets: Ragged UTF-8."""

    def __init__(self) -> None:
        self._rows = Collected()
        self._told: list[list[str]] = []
        self._wanted: list[list[list[str]]] = []

    def update(self, ids: Sequence[str], predictions: Mapping[str, Any], targets: Any) -> None:
        """A batch; the captions of one picture stand on lines of their own."""
        self._rows.add(ids, place=len(self._told) + torch.arange(len(ids)))
        self._told += map(cut, texts_of(predictions["text"]))
        self._wanted += [[cut(one) for one in text.split(APART)] for text in texts_of(targets)]

    def pairs(self) -> list[tuple[list[str], list[list[str]]]]:
        """The words that were told and those of each caption, in the order of the sorted ids."""
        order = self._rows.column("place").long().tolist()
        return [(self._told[place], self._wanted[place]) for place in order]


def cut(text: str) -> list[str]:
    """The words of a sentence as they are compared.

    >>> cut("A red circle, left of Tom's square."), cut("红色的圆 2")
    (['a', 'red', 'circle', 'left', 'of', "tom's", 'square'], ['红', '色', '的', '圆', '2'])
    """
    return _WORD.findall(text.lower())
