"""Characters and the symbols of a network that writes them: symbol 0 is the blank, "nothing new here".

Targets and answers travel as rows of Unicode numbers, so that a text with characters that training never had keeps
them: they count as errors, and no network learns from them.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from deepglass.data.example import Ragged, ragged
from deepglass.foundation.padded import Padded
from deepglass.tasks.ctc import greedy


class Read(NamedTuple):
    """What stands in each row, and how sure its characters are: the geometric mean of their probabilities."""

    texts: list[str]
    sure: Tensor  # float32 (N,), 0 of an empty text


class Alphabet:
    """The characters of the training part, in the order of Unicode."""

    def __init__(self, letters: str):
        self.letters = letters
        self.points = torch.tensor([ord(letter) for letter in letters], dtype=torch.int32)

    def symbols(self, target: Ragged) -> Padded:
        """Unicode numbers as symbols of the network; characters that it does not have are left out. int64 (B, L)"""
        points = self.points.to(target.values.device)
        place = torch.searchsorted(points, target.values).clamp(max=len(points) - 1)
        known = points[place] == target.values
        owner = torch.repeat_interleave(target.lengths)
        lengths = torch.zeros_like(target.lengths).index_add_(0, owner, known.long())
        return Ragged(place[known] + 1, lengths).padded()

    def text(self, symbols: np.ndarray) -> str:
        """The way back."""
        return "".join(self.letters[symbol - 1] for symbol in symbols.tolist())


def written(rows: Sequence[str]) -> Ragged:
    """Texts as Unicode numbers. int32"""
    if not rows:
        return Ragged(torch.zeros(0, dtype=torch.int32), torch.zeros(0, dtype=torch.int64))
    return ragged([torch.tensor([ord(letter) for letter in row], dtype=torch.int32) for row in rows])


def read_letters(logits: Padded, alphabet: Alphabet) -> Read:
    """The best path of each row. Padded (N, T, V)"""
    each = logits.values.float().log_softmax(2).cpu()
    rows = [row[:steps].numpy() for row, steps in zip(each, logits.lengths.tolist(), strict=True)]
    found = [alphabet.text(path) for path in greedy(rows)]
    written_at = [row.max(1)[row.argmax(1) != 0] for row in rows]
    sure = [float(np.exp(each.mean())) if len(each) else 0.0 for each in written_at]
    return Read(found, torch.tensor(sure, dtype=torch.float32))
