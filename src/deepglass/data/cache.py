"""Prepared examples, packed: every picture decoded once, kept as uint8 in memory or memory-mapped on disk.

One pass reads, examines and prepares every example. What cannot be read is left out by name; nothing takes its place.
"""

import datetime
import hashlib
import json
import os
import shutil
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from deepglass.data.check import Examiner, Glance, glance
from deepglass.data.example import Column, Example, Ragged
from deepglass.data.source import Finding, Index, Source, Unreadable
from deepglass.foundation.sealed import file_sha256
from deepglass.foundation.settings import to_json

VERSION = 2
CHUNK = 64
WORTH_KEEPING = 2.0  # seconds of decoding from which a packed copy on disk saves more than it costs
IN_MEMORY = 2 << 30  # bytes; larger sets stay on disk, memory-mapped


def cache_folder() -> Path:
    """Where packed copies lie: $XDG_CACHE_HOME/deepglass or ~/.cache/deepglass."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "deepglass"


class PackedCopy(NamedTuple):
    """One packed copy on the disk."""

    name: str
    size: int
    used: str


def packed_copies() -> list[PackedCopy]:
    """Every packed copy, the one used last first."""
    folders = [path for path in (cache_folder() / "packed").glob("*") if (path / "packed.json").is_file()]
    by_use = sorted(folders, key=lambda folder: (folder / "packed.json").stat().st_atime, reverse=True)
    return [PackedCopy(folder.name[:12], _bytes(folder), _used(folder)) for folder in by_use]


def clear_packed() -> None:
    """Remove all packed copies; a run that has one open keeps what it has mapped."""
    shutil.rmtree(cache_folder() / "packed", ignore_errors=True)


def _bytes(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.iterdir())


def _used(folder: Path) -> str:
    return datetime.date.fromtimestamp((folder / "packed.json").stat().st_atime).isoformat()


@dataclass
class Store:
    """Prepared inputs by row of the source; `usable[row]` is False where an example could not be read."""

    index: Index
    usable: np.ndarray
    columns: dict[str, np.ndarray]
    offsets: dict[str, np.ndarray] = field(default_factory=dict)  # for ragged columns: where each row begins
    findings: list[Finding] = field(default_factory=list)
    reused: bool = False

    def gather(self, rows: np.ndarray) -> dict[str, Column]:
        """The inputs of these rows as tensors."""
        return {name: self._column(name, rows) for name in self.columns}

    def _column(self, name: str, rows: np.ndarray) -> Column:
        values = self.columns[name]
        if name not in self.offsets:
            return torch.from_numpy(values[rows])
        starts, stops = self.offsets[name][rows], self.offsets[name][rows + 1]
        pieces = [values[start:stop] for start, stop in zip(starts, stops, strict=True)]
        return Ragged(torch.from_numpy(np.concatenate(pieces)), torch.from_numpy(stops - starts))


def prepare_all(
    source: Source,
    parts: np.ndarray,
    prepare: Callable[[Any], Example],
    preparation: Any,
    keep: bool,
    watch: Callable[[int, int], None] = lambda done, of: None,
    only: np.ndarray | None = None,
) -> Store:
    """Read, examine and prepare every example, or take the packed copy of an earlier pass.

    `preparation` is what `prepare` depends on; with the source's fingerprint it names the packed copy. With `only`,
    just these rows are read and the others count as unusable: enough for an estimate.
    """
    name = hashlib.sha256(
        json.dumps([VERSION, source.fingerprint(), to_json(preparation), list(parts)], default=str).encode()
    ).hexdigest()[:32]
    folder = cache_folder() / "packed" / name
    if keep and (store := _open(folder, source.index)):
        return store
    began = time.monotonic()
    rows = np.arange(len(source.index)) if only is None else np.sort(only)
    store = _pass(source, parts, prepare, rows, watch)
    if keep and only is None and time.monotonic() - began > WORTH_KEEPING:
        _write(store, folder)
    return store


def _pass(
    source: Source,
    parts: np.ndarray,
    prepare: Callable[[Any], Example],
    rows: np.ndarray,
    watch: Callable[[int, int], None],
) -> Store:
    examiner = Examiner(source, parts)
    count = len(source.index)
    usable = np.zeros(count, dtype=bool)
    packing: dict[str, _Packing] = {}
    for place, (row, result) in enumerate(_read(source, prepare, rows.tolist())):
        if isinstance(result, Unreadable):
            examiner.bad(row, result)
            continue
        example, seen = result
        examiner.see(row, seen)
        usable[row] = True
        for name, values in example.inputs.items():
            packing.setdefault(name, _Packing(count)).put(row, np.asarray(values))
        if place % CHUNK == 0:
            watch(place, len(rows))
    watch(len(rows), len(rows))
    columns = {name: packed.columns() for name, packed in packing.items()}
    offsets = {name: packed.offsets() for name, packed in packing.items() if packed.ragged}
    return Store(source.index, usable, columns, offsets, examiner.findings())


def _read(
    source: Source, prepare: Callable[[Any], Example], rows: list[int]
) -> Iterator[tuple[int, tuple[Example, Glance] | Unreadable]]:
    """Every row in order, decoded by as many threads as there are cores (decoders release the lock)."""

    def one(row: int) -> tuple[Example, Glance] | Unreadable:
        try:
            raw = source.read(row)
            return prepare(raw), glance(raw)
        except Unreadable as reason:
            return reason

    def chunk(start: int) -> list[tuple[Example, Glance] | Unreadable]:
        return [one(row) for row in rows[start : start + CHUNK]]

    workers = os.cpu_count() or 1
    starts = range(0, len(rows), CHUNK)
    with ThreadPoolExecutor(workers) as pool:
        waiting = [pool.submit(chunk, start) for start in starts[: 2 * workers]]
        for place, start in enumerate(starts):
            for offset, result in enumerate(waiting[place].result()):
                yield rows[start + offset], result
            waiting[place] = None  # pyright: ignore  -- what was handed over may be freed
            if place + 2 * workers < len(starts):
                waiting.append(pool.submit(chunk, starts[place + 2 * workers]))


class _Packing:
    """One column growing row by row: a block where all rows have one shape, else values end to end."""

    def __init__(self, count: int):
        self.count = count
        self.ragged = False
        self.block: np.ndarray | None = None
        self.pieces: dict[int, np.ndarray] = {}

    def put(self, row: int, values: np.ndarray) -> None:
        if self.ragged or (self.block is not None and values.shape != self.block.shape[1:]):
            self._loosen()
            self.pieces[row] = values
            return
        if self.block is None:
            self.block = _block((self.count, *values.shape), values.dtype)
            self.filled = np.zeros(self.count, dtype=bool)
        self.block[row] = values
        self.filled[row] = True

    def columns(self) -> np.ndarray:
        if not self.ragged:
            return self.block  # pyright: ignore
        return np.concatenate([self.pieces[row] for row in sorted(self.pieces)])

    def offsets(self) -> np.ndarray:
        lengths = [len(self.pieces[row]) if row in self.pieces else 0 for row in range(self.count)]
        return np.concatenate([[0], np.cumsum(lengths)])

    def _loosen(self) -> None:
        """The first row of another length turns the block into values end to end."""
        if self.ragged:
            return
        self.ragged = True
        self.pieces = {int(row): self.block[row] for row in np.flatnonzero(self.filled)}  # pyright: ignore
        self.block = None


def _block(shape: tuple[int, ...], dtype: np.dtype[Any]) -> np.ndarray:
    """Room for all rows: in memory, or in an unnamed file where that would be too much."""
    if np.prod(shape, dtype=np.int64) * dtype.itemsize <= IN_MEMORY:
        return np.zeros(shape, dtype)
    folder = cache_folder() / "packed"
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f".block-{uuid.uuid4().hex[:12]}"
    block = np.memmap(file, dtype, "w+", shape=shape)
    file.unlink()  # the map keeps it alive; a kill leaves nothing behind
    return block


def _write(store: Store, folder: Path) -> None:
    """A packed copy beside the others; where it cannot be written, the next run reads the files again."""
    aside = folder.parent / f".{folder.name}.tmp-{uuid.uuid4().hex[:12]}"
    try:
        aside.mkdir(parents=True)
        np.save(aside / "usable.npy", store.usable)
        for name, values in store.columns.items():
            np.save(aside / f"column-{name}.npy", values)
        for name, values in store.offsets.items():
            np.save(aside / f"offsets-{name}.npy", values)
        hashes = {file.name: file_sha256(file) for file in sorted(aside.iterdir())}
        findings = [to_json(finding._asdict()) for finding in store.findings]
        (aside / "packed.json").write_text(json.dumps({"version": VERSION, "files": hashes, "findings": findings}))
        if not folder.exists():
            os.rename(aside, folder)
    except OSError:
        return
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _open(folder: Path, index: Index) -> Store | None:
    """The packed copy if it is there and whole."""
    try:
        document = json.loads((folder / "packed.json").read_text())
        hashes: dict[str, str] = document["files"]
        if any(file_sha256(folder / name) != sha256 for name, sha256 in hashes.items()):
            return None
        usable = np.load(folder / "usable.npy", allow_pickle=False)
        columns = {name: _load(folder / file) for name, file in _named(hashes, "column-")}
        offsets = {name: _load(folder / file) for name, file in _named(hashes, "offsets-")}
    except (OSError, ValueError, KeyError):
        return None
    findings = [Finding(**finding) for finding in document["findings"]]
    return Store(index, usable, columns, offsets, findings, reused=True)


def _load(file: Path) -> np.ndarray:
    return np.load(file, allow_pickle=False, mmap_mode="r" if file.stat().st_size > IN_MEMORY else None)


def _named(files: Sequence[str] | dict[str, str], beginning: str) -> list[tuple[str, str]]:
    return [(file.removeprefix(beginning).removesuffix(".npy"), file) for file in files if file.startswith(beginning)]
