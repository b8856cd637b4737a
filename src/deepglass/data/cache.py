"""Packed copies: prepared examples on the disk, memory-mapped, so that nothing is decoded twice.

A copy is named by what it depends on and never changed. Its bytes are checked in blocks before they are used. Copies
stay within a bound: the one not used for longest goes first, never one that a run has open.
"""

import contextlib
import datetime
import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from deepglass.data.column import Parts
from deepglass.data.reading import cores
from deepglass.data.source import Finding, Index, Source
from deepglass.data.space import packed_folder
from deepglass.data.store import Store
from deepglass.foundation.errors import RunFailed
from deepglass.foundation.settings import to_json

try:
    import fcntl
except ImportError:  # not on Windows, where a file that is open cannot be removed anyway
    fcntl = None

VERSION = 5
MOST = 20 << 30  # bytes of all packed copies together
SHARE = 0.5  # and no more than this share of what the disk has left for them
BLOCK = 1 << 20  # bytes that are checked together
AT_ONCE = 2 << 30  # bytes up to which a copy is checked when it is opened, in threads; of larger ones what is touched


class PackedCopy(NamedTuple):
    """One packed copy on the disk."""

    name: str
    size: int
    used: str
    in_use: bool


def name_of(source: Source, parts: Parts, preparation: Any) -> str:
    """A hash of all that a packed copy depends on."""
    state = hashlib.sha256(json.dumps([VERSION, source.fingerprint(), to_json(preparation)], default=str).encode())
    state.update(parts.codes.data)
    return state.hexdigest()[:32]


def packed_copies() -> list[PackedCopy]:
    """Every packed copy, the one used last first."""
    return [
        PackedCopy(folder.name[:12], _bytes(folder), _day(folder), _free(folder) is None)
        for folder in reversed(_by_use())
    ]


def clear_packed() -> int:
    """Remove all packed copies but those that a run has open, and say how many these are."""
    kept = sum(not _remove(folder) for folder in _by_use())
    sweep_packed()
    return kept


def sweep_packed() -> None:
    """Remove what runs that were killed left behind: what nobody holds and does not bear a copy's name."""
    for left in [*packed_folder().glob(".*.tmp-*"), *packed_folder().glob(".gone-*")]:
        _remove(left)


def limit() -> int:
    """Bytes that all packed copies may take together."""
    there = next(folder for folder in packed_folder().absolute().parents if folder.is_dir())
    free = shutil.disk_usage(there).free
    return min(MOST, int(SHARE * (free + sum(map(_bytes, _by_use())))))


def write_packed(store: Store, name: str) -> None:
    """A packed copy beside the others; where it cannot be written, the next run reads the files again."""
    folder = packed_folder() / name
    size = sum(values.nbytes for values in store.columns.values())
    aside = folder.parent / f".{name}.tmp-{uuid.uuid4().hex[:12]}"
    try:
        sweep_packed()
        if size > (most := limit()):
            return
        _make_room(most - size)
        aside.mkdir(parents=True)
        with contextlib.closing(_Hold(aside, exclusive=True)):
            arrays = {"state.npy": store.state, **_files("column", store.columns), **_files("offsets", store.offsets)}
            for file, values in arrays.items():
                np.save(aside / file, values)
            findings = [to_json(finding._asdict()) for finding in store.findings]
            body = {"files": {file: _digests(aside / file) for file in arrays}, "findings": findings}
            (aside / "packed.json").write_text(json.dumps({"body": body, "sha256": _seal(body)}))
            if not folder.exists():
                os.rename(aside, folder)
    except OSError:
        return
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def open_packed(name: str, index: Index) -> Store | None:
    """The packed copy if it is there and whole; a damaged one is removed."""
    folder = packed_folder() / name
    try:
        hold = _Hold(folder)
    except OSError:
        return None
    try:
        return _opened(folder, hold, index)
    except (OSError, EOFError, ValueError, KeyError, TypeError):
        hold.close()
        _remove(folder)
        return None


def _opened(folder: Path, hold: "_Hold", index: Index) -> Store:
    document = json.loads((folder / "packed.json").read_text())
    body = document["body"]
    if _seal(body) != document["sha256"]:
        raise ValueError(folder)
    pages = {file: _Pages(folder / file, told, hold) for file, told in body["files"].items()}
    at_once = [page for page in pages.values() if page.size <= AT_ONCE or page.file.name == "state.npy"]
    if not all(_whole(at_once)):
        raise ValueError(folder)
    columns = {told: pages[file].values for told, file in _named(pages, "column-")}
    offsets = {told: pages[file].values for told, file in _named(pages, "offsets-")}
    os.utime(folder / "packed.json")

    def touch(column: str, rows: np.ndarray) -> None:
        pages[f"column-{column}.npy"].check(rows if column not in offsets else None)

    findings = [Finding(**finding) for finding in body["findings"]]
    return Store(index, np.array(pages["state.npy"].values), columns, offsets, findings, touch)


class _Hold:
    """That a copy is in use, for as long as this object lives; the system takes it back however the process ends."""

    handle = -1

    def __init__(self, folder: Path, exclusive: bool = False):
        self.handle = os.open(folder, os.O_RDONLY)
        if fcntl is not None:
            try:
                fcntl.flock(self.handle, (fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH) | fcntl.LOCK_NB)
            except BlockingIOError:
                self.close()
                raise FileNotFoundError(folder) from None  # being written or removed: as good as not there

    def close(self) -> None:
        """Give it back."""
        if self.handle >= 0:
            os.close(self.handle)
            self.handle = -1

    def __del__(self) -> None:
        self.close()


class _Pages:
    """One file of a copy, mapped, with the digests of its blocks."""

    def __init__(self, file: Path, digests: list[str], hold: _Hold):
        self.file = file
        self.size = file.stat().st_size
        self.digests = digests
        self.hold = hold
        self.good = np.zeros(len(digests), dtype=bool)
        if len(digests) != -(-self.size // BLOCK) or not self.whole(slice(0, 1)):  # its header is read before the rest
            raise ValueError(file)
        self.values: np.ndarray = np.load(file, allow_pickle=False, mmap_mode="r")

    def check(self, rows: np.ndarray | None) -> None:
        """Raise RunFailed where a block that holds one of these rows, or any, is not what was written."""
        if self.good.all():
            return
        wanted = np.arange(len(self.good))
        if rows is not None:
            width = max(1, self.values.nbytes // max(1, len(self.values)))
            starts = self.size - self.values.nbytes + rows * width
            wanted = np.unique(np.concatenate([starts // BLOCK, (starts + width - 1) // BLOCK]))
        for block in wanted[~self.good[wanted]].tolist():
            if not self.whole(slice(block, block + 1)):
                self.hold.close()
                _remove(self.file.parent)
                raise RunFailed("data.packed_damaged", folder=self.file.parent)

    def whole(self, part: slice) -> bool:
        """Whether the blocks of this part are what was written."""
        with self.file.open("rb") as stream:
            for block in range(len(self.digests))[part]:
                stream.seek(block * BLOCK)
                if hashlib.sha256(stream.read(BLOCK)).hexdigest()[:32] != self.digests[block]:
                    return False
                self.good[block] = True
        return True


def _whole(pages: Iterable[_Pages]) -> list[bool]:
    """Whether each of these is what was written: all cores at once, as hashing lets go of the interpreter."""
    count = cores()
    parts = [(page, slice(start, None, count)) for page in pages for start in range(count)]
    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(lambda one: one[0].whole(one[1]), parts))


def _digests(file: Path) -> list[str]:
    with file.open("rb") as stream:
        return [hashlib.sha256(block).hexdigest()[:32] for block in iter(lambda: stream.read(BLOCK), b"")]


def _seal(body: Any) -> str:
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()


def _files(beginning: str, arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {f"{beginning}-{name}.npy": values for name, values in arrays.items()}


def _named(files: Iterable[str], beginning: str) -> list[tuple[str, str]]:
    return [(file.removeprefix(beginning).removesuffix(".npy"), file) for file in files if file.startswith(beginning)]


def _by_use() -> list[Path]:
    """All packed copies, the one not used for longest first."""
    found = [path for path in packed_folder().glob("[!.]*") if (path / "packed.json").is_file()]
    return sorted(found, key=lambda folder: (folder / "packed.json").stat().st_mtime)


def _make_room(most: int) -> None:
    """Remove copies until the rest take no more than `most` bytes; what is in use stays."""
    copies = _by_use()
    taken = sum(map(_bytes, copies))
    for folder in copies:
        size = _bytes(folder)
        if taken > most and _remove(folder):
            taken -= size


def _remove(folder: Path) -> bool:
    """Remove a copy or what is left of one, unless somebody holds it."""
    hold = _free(folder)
    if hold is None:
        return False
    gone = folder.parent / f".gone-{uuid.uuid4().hex[:12]}"
    with contextlib.suppress(OSError):
        os.rename(folder, gone)  # at once: who opens it now finds it whole or not at all
        shutil.rmtree(gone, ignore_errors=True)
    hold.close()
    return True


def _free(folder: Path) -> _Hold | None:
    """The folder, held for oneself alone; None where somebody else holds it or it is gone."""
    try:
        return _Hold(folder, exclusive=True)
    except OSError:
        return None


def _bytes(folder: Path) -> int:
    with contextlib.suppress(OSError):
        return sum(file.stat().st_size for file in folder.iterdir())
    return 0


def _day(folder: Path) -> str:
    return datetime.date.fromtimestamp((folder / "packed.json").stat().st_mtime).isoformat()
