"""The nearest of very many vectors, by FAISS: candidates are found fast, their scores are worked out exactly elsewhere.

The one file that adapts it. What FAISS makes of the vectors lies in the cache of this machine, sealed by SHA-256, and
never in an index' own folder: so none ever comes with an index from elsewhere, whose bytes nobody here has written. It
is made anew where it is missing or not as it was written.

hnsw    a graph of neighbours (Malkov & Yashunin 2016, arXiv:1603.09320) over 8-bit numbers
ivf_pq  cells, and in them codes of a byte for every few numbers (Jégou et al. 2011): the least memory
"""

import contextlib
import hashlib
import json
import math
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from deepglass.foundation.device import cache_folder
from deepglass.foundation.errors import DeepglassError, MachineError
from deepglass.foundation.sealed import read_sealed, write_sealed
from deepglass.foundation.seeds import Permutation
from deepglass.index.settings import KindName

VERSION = 1
FLAT = 1 << 23  # numbers of all vectors up to which looking at all of them takes a few milliseconds
LARGE = 1 << 28  # and from which codes take the place of the graph
MOST_KEPT = 8  # of them in the cache; the one not used for longest goes first
LINKS, BUILDING, SEARCHING = 32, 48, 96  # of the graph: neighbours, and how many are looked at on the way
CODE, BYTES = 8, 4  # bits of a code, numbers that one code stands for
CELLS_LOOKED_AT = 24
LEARNED_FROM, ROUNDS = 48, 8  # vectors for each cell, and rounds of k-means
FILE = "index.faiss"


def choose(count: int, dimension: int, asked: str) -> tuple[KindName, str]:
    """The kind, and why: a key of foundation/words/search.toml."""
    if asked != "auto":
        return asked, "as_asked"  # pyright: ignore
    numbers = count * dimension
    if numbers <= FLAT:
        return "flat", "few"
    if not installed():
        return "flat", "no_faiss"
    return ("hnsw", "many") if numbers <= LARGE else ("ivf_pq", "very_many")


def installed() -> bool:
    """Whether the library is there."""
    try:
        library()
    except MachineError:
        return False
    return True


def library() -> Any:
    """FAISS; MachineError names the extra where it is missing."""
    try:
        import faiss  # an extra: loaded when it is used
    except ImportError:
        raise MachineError("search.no_library", name="faiss-cpu", extra="search") from None
    return faiss


class Approximate:
    """What FAISS knows of the first `rows` vectors; those that came later are looked at beside it."""

    def __init__(self, found: Any, kind: KindName, rows: int):
        self._index = found
        self.kind: KindName = kind
        self.rows = rows

    @classmethod
    def of(cls, vectors: Tensor, kind: KindName, parts: Sequence[tuple[str, int]]) -> "Approximate":
        """From the cache, where it holds what was made of the first of these parts; else made, and kept there.

        `parts` are the SHA-256 of what the vectors were read from and their rows, in order.
        """
        for last in range(len(parts), 0, -1):
            rows = sum(count for _, count in parts[:last])
            if 2 * rows < len(vectors):
                break
            if (known := _recalled(_folder(kind, parts[:last]))) is not None and known.ntotal == rows:
                return cls(known, kind, rows)
        made = cls(_made(vectors, kind), kind, len(vectors))
        made.keep(parts)
        return made

    def extend(self, vectors: Tensor, parts: Sequence[tuple[str, int]]) -> None:
        """Take in those that came later."""
        self._index.add(_padded(vectors[self.rows :]))
        self.rows = len(vectors)
        self.keep(parts)

    def keep(self, parts: Sequence[tuple[str, int]]) -> None:
        """Write it into the cache; where that cannot be, it is made anew the next time."""
        folder = _folder(self.kind, parts)
        with contextlib.suppress(DeepglassError, OSError):
            write_sealed(folder, {FILE: library().serialize_index(self._index).tobytes()})
            for old in sorted(kept(), key=lambda one: one.stat().st_mtime)[:-MOST_KEPT]:
                shutil.rmtree(old, ignore_errors=True)

    def candidates(self, queries: Tensor, count: int) -> Tensor:
        """Rows that are likely among the nearest; -1 where there are no more. (Q, D) -> int64 (Q, count)"""
        if self.kind == "hnsw":
            self._index.hnsw.efSearch = max(SEARCHING, count)
        else:
            self._index.nprobe = max(CELLS_LOOKED_AT, math.ceil(self._index.nlist * count / max(1, self.rows)))
        return torch.from_numpy(self._index.search(_padded(queries), min(count, self.rows))[1])


def kept() -> list[Path]:
    """What lies in the cache."""
    folder = cache_folder() / "faiss"
    return [one for one in folder.iterdir() if not one.name.startswith(".")] if folder.is_dir() else []


def clear() -> None:
    """Nothing of it is needed."""
    shutil.rmtree(cache_folder() / "faiss", ignore_errors=True)


def _folder(kind: KindName, parts: Sequence[tuple[str, int]]) -> Path:
    """Named by all that it depends on."""
    how = [LINKS, BUILDING, CODE, BYTES, LEARNED_FROM, ROUNDS]
    state = json.dumps([VERSION, library().__version__, kind, how, *parts])
    return cache_folder() / "faiss" / hashlib.sha256(state.encode()).hexdigest()[:32]


def _recalled(folder: Path) -> Any:
    """What was kept, if it is as it was written: its bytes are looked at by FAISS only then."""
    try:
        content = read_sealed(folder)[FILE]
        os.utime(folder)
    except (DeepglassError, OSError, KeyError):
        return None
    return library().deserialize_index(np.frombuffer(content, dtype=np.uint8))


def _made(vectors: Tensor, kind: KindName) -> Any:
    faiss, values = library(), _padded(vectors)
    metric, (count, width) = faiss.METRIC_INNER_PRODUCT, values.shape
    sample = values[np.sort(Permutation(count, "faiss")(np.arange(min(count, 1 << 18))))]
    if kind == "hnsw":
        index = faiss.IndexHNSWSQ(width, faiss.ScalarQuantizer.QT_8bit, LINKS, metric)
        index.hnsw.efConstruction = BUILDING
    else:
        cells = max(1, min(1 << round(math.log2(4 * math.sqrt(count))), count // LEARNED_FROM))
        cells_of = faiss.IndexFlatIP(width)
        index = faiss.IndexIVFPQ(cells_of, width, cells, width // BYTES, CODE, metric)
        index.cp.niter, index.cp.max_points_per_centroid = ROUNDS, LEARNED_FROM
        index.cp.min_points_per_centroid = index.pq.cp.min_points_per_centroid = 1
        sample = sample[: max(LEARNED_FROM * cells, 1 << CODE)]
    index.train(sample)
    index.add(values)
    return index


def _padded(vectors: Tensor) -> np.ndarray:
    """Zeros behind each vector, so that codes share it evenly; they change no score. float32 (N, D')"""
    more = -vectors.shape[1] % BYTES
    return np.ascontiguousarray(torch.nn.functional.pad(vectors, (0, more)).numpy())
