"""Vectors of words that were learned elsewhere: text files of word2vec, GloVe and fastText, a word a line.

400000 100                     a first line of two numbers, how many and how wide, may be there or not
the 0.418 0.24968 -0.41242     a word, which may hold spaces, and its numbers; lines are read once and few are kept
"""

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from deepglass.foundation.errors import UsageError

WIDTHS = ("features", "width")  # what models call the numbers of a word's vector


class Vectors(NamedTuple):
    """Which of the words asked for were found, and their vectors."""

    places: Tensor  # int64 (N,), in the list that was asked with
    values: Tensor  # float32 (N, E)


def width_of(file: Path) -> int:
    """How many numbers each vector has, by the first line."""
    return next(_lines(file))[2]


def widened(config: Any, file: str) -> Any:
    """A network's configuration with a table as wide as the file's vectors; UsageError where it has no such table."""
    with torch.device("meta"):  # a network without numbers, in an instant
        _table_of(config.build(), file)
    name = next(name for name in WIDTHS if hasattr(config, name))
    return replace(config, **{name: width_of(Path(file))})


def read_vectors(file: Path, words: Sequence[str]) -> Vectors:
    """The vectors of these words: as they are written, else as their small letters are; the first of a word counts."""
    exact = {word: place for place, word in enumerate(words)}
    small: dict[str, list[int]] = {}
    for place, word in enumerate(words):
        if word.lower() != word:
            small.setdefault(word.lower(), []).append(place)
    found: dict[int, np.ndarray] = {}
    by_small: dict[int, np.ndarray] = {}
    for line, cells, width in _lines(file):
        word = " ".join(cells[:-width])
        word = word if word.isascii() else unicodedata.normalize("NFC", word)
        if word not in exact and word not in small:
            continue
        vector = _numbers(file, line, cells[-width:])
        if word in exact:
            found.setdefault(exact[word], vector)
        for place in small.get(word, ()):
            by_small.setdefault(place, vector)
    found = by_small | found
    places = sorted(found)
    values = np.stack([found[place] for place in places]) if places else np.zeros((0, 1), dtype=np.float32)
    return Vectors(torch.tensor(places, dtype=torch.int64), torch.from_numpy(values))


def fill_table(network: nn.Module, vocabulary: Any, file: str) -> dict[str, int]:
    """Start the rows of the network's table of words from a file; says how many of the vocabulary were found."""
    table = _table_of(network, file)
    tokens = vocabulary.tokens
    width, wanted = width_of(Path(file)), int(table.features)
    if width != wanted:
        raise UsageError("weights.other_width", file=file, width=width, wanted=wanted)
    places, values = read_vectors(Path(file), tokens)
    if not len(places):
        raise UsageError("weights.no_word_found", file=file, count=len(tokens), examples=", ".join(tokens[:3]))
    table.fill(places + len(vocabulary) - len(tokens), values)
    return {"found": len(places), "of": len(tokens)}


def _table_of(network: nn.Module, file: str) -> Any:
    """The first part that turns words into vectors and can be filled."""
    table = next((module for module in network.modules() if hasattr(module, "fill")), None)
    if table is None:
        raise UsageError("weights.no_table", model=type(network).__name__, file=file)
    return table


def _lines(file: Path) -> Iterator[tuple[int, list[str], int]]:
    """The number of each line that holds a vector, its cells, and how many of these are the vector's."""
    width = 0
    try:
        with file.open(encoding="utf-8-sig", newline="\n") as stream:
            for line, text in enumerate(stream, start=1):
                cells = text.rstrip(" \t\r\n").replace("\t", " ").split(" ")
                if line == 1 and len(cells) == 2 and all(cell.isdigit() for cell in cells):
                    width = int(cells[1])
                    continue
                if not text.strip():
                    continue
                width = width or len(cells) - 1
                if len(cells) <= width or width < 2:
                    wrong = {"found": len(cells) - 1, "shown": " ".join(cells[:4])}
                    raise UsageError("weights.short_vector", file=file, line=line, wanted=max(2, width), **wrong)
                yield line, cells, width
    except UnicodeDecodeError:
        raise UsageError("weights.no_text", file=file) from None
    except OSError as error:
        raise UsageError("weights.no_vectors", file=file, reason=error.strerror or error) from None
    if not width:
        raise UsageError("weights.no_vectors", file=file, reason="0 bytes")


def _numbers(file: Path, line: int, cells: Sequence[str]) -> np.ndarray:
    try:
        vector = np.array([float(cell) for cell in cells], dtype=np.float32)
    except ValueError:
        wrong = next(cell for cell in cells if not _is_number(cell))
        raise UsageError("weights.no_number", file=file, line=line, value=wrong) from None
    if not np.isfinite(vector).all():
        raise UsageError("weights.no_number", file=file, line=line, value=cells[int(np.isfinite(vector).argmin())])
    return vector


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
