"""An index' vectors as files: parts that are written once, and one document that says which of them count.

vectors-1.safetensors ...   vectors (N, D), ids and stamps
index.json                  the parts with their SHA-256, the rows that were taken away; replaced in one step. Beside
                            them the names that are left out: what somebody removed does not come back by itself

A part is whole on the disk before index.json names it, so a kill leaves what was there before or all that was asked
for; what index.json does not name is taken away by the next writer.
"""

import contextlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from deepglass.foundation.errors import DeepglassError, RunFailed
from deepglass.foundation.lock import locked
from deepglass.foundation.sealed import UNREADABLE, file_sha256, read_document, sweep, write_document, write_large
from deepglass.index import flat
from deepglass.index.approximate import Approximate, choose, library
from deepglass.index.settings import KindName
from deepglass.index.shelf import Entry, Found

VERSION = 1
DOCUMENT = "index.json"
MOST_PARTS = 16  # of more, all are written together
MOST_GONE = 0.25  # share of the rows that were taken away, above which the rest is written anew
CANDIDATES, OVER = 100, 8  # candidates that are scored exactly, at least, and for each of the nearest asked for
FEW = 256  # vectors that all are looked at whatever is asked: codes cannot be learned from fewer
LATER = 4096  # vectors that are looked at beside what FAISS knows, before it takes them in
TOGETHER, ALIKE = 256, 16  # questions that are asked together, and how many alike are looked for, where pairs are
ATTEMPTS = 3  # to read what another process is writing anew


class Kept:
    """A shelf in a folder. One process writes at a time; those that read see all of a change or nothing of it."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.document: dict[str, Any] = {}
        self._fast: tuple[list[tuple[str, int]], Approximate] | None = None
        self._load()

    @classmethod
    def create(cls, folder: Path, about: Mapping[str, Any]) -> "Kept":
        """An empty one; `about` is what else stands in index.json: bundle, dimension, settings."""
        kind, why = choose(0, 1, about["settings"]["kind"])
        if kind != "flat":
            library()  # before anything is looked at
        with locked(folder):
            empty = {"next": 1, "parts": [], "gone": [], "kind": kind, "why": why}
            write_document(folder / DOCUMENT, {"version": VERSION, **about, **empty})
        return cls(folder)

    def __len__(self) -> int:
        return int(self.alive.sum())

    def stamps(self) -> dict[str, str]:
        return {self.ids[row]: self._stamps[row] for row in self.rows.values()}

    @cached_property
    def rows(self) -> dict[str, int]:
        """The row of every id that is there."""
        return {self.ids[row]: row for row in self.alive.nonzero().flatten().tolist()}

    def put(self, entries: Sequence[Entry]) -> None:
        if not entries:
            return
        with self._writing():
            last = {entry.id: entry for entry in entries}
            gone = [self.rows[name] for name in last if name in self.rows]
            vectors = torch.stack([entry.vector for entry in last.values()])
            part = self._write(list(last), [entry.stamp for entry in last.values()], vectors)
            self._commit([*self.document["parts"], part], self._gone(gone))

    def take(self, ids: Sequence[str]) -> int:
        with self._writing():
            gone = [self.rows[name] for name in dict.fromkeys(ids) if name in self.rows]
            if gone:
                self._commit(self.document["parts"], self._gone(gone))
        return len(gone)

    def ready(self) -> None:
        if self._by_faiss:
            self._approximate()

    def nearest(self, queries: Tensor, count: int) -> list[list[Found]]:
        if not self._by_faiss:
            scores, rows = flat.nearest(queries, self.vectors, self.alive, count)
        else:
            scores, rows = self._through(self._approximate(), queries, count)
        return [
            [Found(self.ids[row], score) for score, row in zip(*pair, strict=True) if score > flat.NONE]
            for pair in zip(scores.tolist(), rows.tolist(), strict=True)
        ]

    def pairs(self, threshold: float) -> Iterator[tuple[str, str, float]]:
        if not self._by_faiss:
            for one, other, score in flat.pairs(self.vectors, self.alive, threshold):
                yield self.ids[one], self.ids[other], score
            return
        for places in self.alive.nonzero().flatten().split(TOGETHER):
            found = self.nearest(self.vectors[places], ALIKE)
            for name, near in zip([self.ids[place] for place in places.tolist()], found, strict=True):
                yield from ((name, one.id, one.score) for one in near if one.id != name and one.score >= threshold)

    def about(self) -> dict[str, Any]:
        return {"kind": self.kind, "why": self.document["why"]}

    @property
    def kind(self) -> KindName:
        """How the nearest are found; written down when the vectors were."""
        return self.document["kind"]

    @property
    def _by_faiss(self) -> bool:
        return self.kind != "flat" and len(self.vectors) > FEW

    def _approximate(self) -> Approximate:
        """What FAISS knows, brought up to date where much has come since."""
        parts = [(entry["sha256"], entry["rows"]) for entry in self.document["parts"]]
        if self._fast is None or self._fast[0] != parts[: len(self._fast[0])] or self._fast[1].kind != self.kind:
            self._fast = parts, Approximate.of(self.vectors, self.kind, parts)
        known = self._fast[1]
        if len(self.vectors) - known.rows > max(LATER, len(self.vectors) // 20):
            known.extend(self.vectors, parts)
            self._fast = parts, known
        return known

    def _through(self, known: Approximate, queries: Tensor, count: int) -> tuple[Tensor, Tensor]:
        """Candidates, of which those that are there are scored exactly, and beside them all that came later."""
        later = flat.nearest(queries, self.vectors[known.rows :], self.alive[known.rows :], count)
        wanted = max(CANDIDATES, OVER * count)
        while True:
            rows = known.candidates(queries, wanted)
            there = (rows >= 0) & self.alive[rows.clamp(min=0)]
            if wanted >= known.rows or int(there.sum(1).min()) >= min(count, wanted):
                break
            wanted *= 4  # many of those that are near were taken away
        scores = torch.einsum("qd,qnd->qn", queries, self.vectors[rows.clamp(min=0)])
        scores[~there] = flat.NONE
        return flat.merged(scores, rows, later[0], later[1] + known.rows, count)

    def _load(self) -> None:
        for attempt in range(ATTEMPTS):
            self.document = read_index(self.folder)
            try:
                self._read_parts()
                return
            except DeepglassError:  # another process may have written all parts together meanwhile
                if attempt == ATTEMPTS - 1 or read_index(self.folder) == self.document:
                    raise

    def _read_parts(self) -> None:
        parts = [_part(self.folder, entry) for entry in self.document["parts"]]
        dimension = self.document["dimension"]
        vectors = [part["vectors"].float() for part in parts]
        if any(one.ndim != 2 or one.shape[1] != dimension for one in vectors):
            raise RunFailed("search.damaged", file=self.folder / DOCUMENT)
        self.vectors = vectors[0] if len(vectors) == 1 else torch.cat([torch.zeros(0, dimension), *vectors])
        self.ids = [name for part in parts for name in _texts(part["ids"])]
        self._stamps = [stamp for part in parts for stamp in _texts(part["stamps"])]
        self.alive = torch.ones(len(self.vectors), dtype=torch.bool)
        for start, stop in self.document["gone"]:
            self.alive[start:stop] = False
        self.__dict__.pop("rows", None)

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        """Alone in the folder, from what lies there now."""
        with locked(self.folder):
            if read_index(self.folder) != self.document:
                self._load()
            yield

    def _gone(self, rows: Iterable[int]) -> list[list[int]]:
        """All rows that are away, as ranges."""
        alive = self.alive.numpy().copy()
        alive[list(rows)] = False
        edges = np.flatnonzero(np.diff(np.concatenate([[1], alive.astype(np.int8), [1]])))
        return edges.reshape(-1, 2).tolist()

    def _write(self, ids: list[str], stamps: list[str], vectors: Tensor) -> dict[str, Any]:
        """A new part on the disk, and what index.json will say of it."""
        name = f"vectors-{self.document['next']}.safetensors"
        self.document["next"] += 1
        kind = getattr(torch, self.document["settings"]["numbers"])
        tensors = {"vectors": vectors.to(kind).contiguous(), "ids": _packed(ids), "stamps": _packed(stamps)}
        sha256 = write_large(self.folder / name, lambda file: save_file(tensors, file))
        return {"file": name, "rows": len(ids), "sha256": sha256}

    def _commit(self, parts: list[dict[str, Any]], gone: list[list[int]]) -> None:
        """Replace index.json; then, where much is gone or there are many parts, what is left is written together."""
        self._replace(parts, gone)
        if len(self) < (1 - MOST_GONE) * len(self.ids):
            self._write_together(0)
        elif len(parts) > MOST_PARTS:  # a first one that is most of all stays: FAISS knows its rows
            self._write_together(int(2 * parts[0]["rows"] > len(self.ids)))
        named = {entry["file"] for entry in self.document["parts"]}
        sweep(self.folder)
        for file in self.folder.glob("vectors-*.safetensors"):
            if file.name not in named:
                file.unlink(missing_ok=True)

    def _write_together(self, first: int) -> None:
        """All that is there behind the first so many parts, as one."""
        parts = self.document["parts"][:first]
        start = sum(part["rows"] for part in parts)
        left = start + self.alive[start:].nonzero().flatten()
        ids, stamps = ([column[row] for row in left.tolist()] for column in (self.ids, self._stamps))
        gone = [[begin, min(end, start)] for begin, end in self.document["gone"] if begin < start]
        self._replace([*parts, self._write(ids, stamps, self.vectors[left])], gone)

    def _replace(self, parts: list[dict[str, Any]], gone: list[list[int]]) -> None:
        count = sum(part["rows"] for part in parts)
        kind, why = choose(count, self.document["dimension"], self.document["settings"]["kind"])
        changed = {"parts": parts, "gone": gone, "kind": kind, "why": why}
        write_document(self.folder / DOCUMENT, {**self.document, **changed})
        self._load()


def read_index(folder: Path) -> dict[str, Any]:
    """index.json, checked; RunFailed where it is not what was written."""
    try:
        document = read_document(folder / DOCUMENT)
        if document["version"] != VERSION:
            raise RunFailed("search.version", folder=folder, found=document["version"], known=VERSION)
        return document
    except UNREADABLE:
        raise RunFailed("search.damaged", file=folder / DOCUMENT) from None


def left_out(folder: Path) -> list[str]:
    """Names of files and folders that somebody took out of the index."""
    return list(read_index(folder).get("left_out", ()))


def leave_out(folder: Path, names: Iterable[str], back: Iterable[str] = ()) -> None:
    """Write down that these are left out from now on, and those in `back` no longer."""
    names, back = set(names), set(back)
    if set(left_out(folder)) == ({*left_out(folder), *names} - back):
        return
    with locked(folder):
        document = read_index(folder)
        write_document(folder / DOCUMENT, {**document, "left_out": sorted({*left_out(folder), *names} - back)})


def _part(folder: Path, entry: Mapping[str, Any]) -> dict[str, Tensor]:
    file = folder / Path(entry["file"]).name
    try:
        if file_sha256(file) != entry["sha256"]:
            raise RunFailed("search.damaged", file=file)
        return load_file(file)
    except (OSError, SafetensorError):
        raise RunFailed("search.damaged", file=file) from None


def _packed(texts: Sequence[str]) -> Tensor:
    """Texts as the bytes of a JSON list: safetensors holds numbers alone."""
    return torch.frombuffer(bytearray(json.dumps(texts, ensure_ascii=False).encode()), dtype=torch.uint8)


def _texts(packed: Tensor) -> list[str]:
    return json.loads(packed.numpy().tobytes())
