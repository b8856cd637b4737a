"""Prepared inputs by row of the source: in memory, memory-mapped, or still on their way in."""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import torch

from deepglass.data import space
from deepglass.data.column import Parts
from deepglass.data.decode import Here, Result
from deepglass.data.examiner import Examiner
from deepglass.data.example import Column, Encoder, Ragged
from deepglass.data.mapped import Pass
from deepglass.data.reading import USABLE, Reading
from deepglass.data.source import Finding, Index, Source, Unreadable
from deepglass.data.space import room


class Incoming(Protocol):
    """Rows on their way in."""

    @property
    def left(self) -> int:
        """How many are still to be read."""
        ...

    @property
    def bad(self) -> int:
        """How many of those that were read cannot be used."""
        ...

    @property
    def findings(self) -> list[Finding]:
        """What all say together; waits for the last of them."""
        ...

    def left_out(self) -> list[Finding]:
        """What cannot be used, as far as is known."""
        ...

    def wait(self, rows: np.ndarray) -> None:
        """Until it is known of these."""
        ...

    def prefer(self, rows: np.ndarray) -> None:
        """These will be wanted first, in this order."""
        ...

    def finish(self) -> None:
        """Wait for all, and for what follows."""
        ...


class Store:
    """Every row's inputs; `columns` and `offsets` (where each row of a ragged column begins) are by row of the source.

    `touch(name, rows)` is called before rows of a column are used: a packed copy checks what it has not checked yet.
    `take(column, rows)` copies rows of a fixed-size column where that is not numpy's to do.
    """

    def __init__(
        self,
        index: Index,
        state: np.ndarray,
        columns: dict[str, np.ndarray],
        offsets: dict[str, np.ndarray] | None = None,
        findings: list[Finding] | None = None,
        touch: Callable[[str, np.ndarray], None] | None = None,
        take: Callable[[np.ndarray, np.ndarray], np.ndarray] | None = None,
    ):
        self.index = index
        self.state = state  # of reading.py, one for each row
        self.columns = columns
        self.offsets = offsets or {}
        self.reused = touch is not None
        self.touch = touch
        self.take = take or _take
        self.intake: Incoming | None = None  # where rows are still being read
        self._findings = findings or []

    @classmethod
    def of_pass(cls, own: Pass) -> "Store":
        """Rows of a mapped file, used where they lie."""
        store = cls(own.source.index, own.state, {"input": own.rows}, take=own.take)
        store.intake = own
        return store

    @property
    def usable(self) -> np.ndarray:
        """Which rows have been read and can be used. bool (N,)"""
        return self.state == USABLE

    @property
    def whole(self) -> bool:
        """Whether no row is still to be read."""
        return self.intake is None or not self.intake.left

    @property
    def findings(self) -> list[Finding]:
        """What the examples say together; while they are being read, what could not be read so far."""
        if self.intake is None:
            return self._findings
        return self.intake.left_out() if self.intake.left else self.intake.findings

    def readable(self, rows: np.ndarray) -> np.ndarray:
        """Which of these rows can be used; waits for those that have not been read. bool (B,)"""
        if self.intake is not None:
            self.intake.wait(rows)
        return self.state[rows] == USABLE

    def prefer(self, rows: Callable[[], np.ndarray]) -> None:
        """These rows will be wanted first, in this order; they are worked out only where some are still to be read."""
        if self.intake is not None and self.intake.left:
            self.intake.prefer(rows())

    def finish(self) -> None:
        """Wait until every row has been read, examined and, where it is worth it, packed."""
        if self.intake is not None:
            self.intake.finish()

    def gather(self, rows: np.ndarray) -> dict[str, Column]:
        """The inputs of these rows as tensors; all of them must be usable."""
        return {name: self._column(name, rows) for name in self.columns}

    def view(self, rows: np.ndarray) -> Mapping[str, "Rows | RaggedRows"]:
        """The columns of these rows, to be looked at piece by piece without copying all of them."""
        return {name: (RaggedRows if name in self.offsets else Rows)(self, name, rows) for name in self.columns}

    def lengths(self, name: str) -> np.ndarray:
        """How long each row of a ragged column is. int64 (N,)"""
        return np.diff(self.offsets[name])

    def encoded(self, encode: Encoder) -> "Store":
        """The same rows with other columns, each worked out from what is here; rows that cannot be used stay empty."""
        self.finish()
        rows = np.flatnonzero(self.usable)
        columns: dict[str, np.ndarray] = {}
        offsets: dict[str, np.ndarray] = {}
        for name, found in encode({name: self.each(name, rows) for name in self.columns}).items():
            lengths = np.zeros(len(self.state), dtype=np.int64)
            lengths[rows] = [len(one) for one in found]
            offsets[name] = np.concatenate([[0], np.cumsum(lengths)])
            columns[name] = np.concatenate(found) if len(found) else np.zeros(0, dtype=np.int32)
        return Store(self.index, self.state, columns, offsets, self.findings)

    def each(self, name: str, rows: np.ndarray) -> Sequence[np.ndarray]:
        """These rows of a column one by one, as they lie there."""
        if self.touch is not None:
            self.touch(name, rows)
        values = self.columns[name]
        if name not in self.offsets:
            return [values[row] for row in rows.tolist()]
        starts, stops = self.offsets[name][rows].tolist(), self.offsets[name][rows + 1].tolist()
        return [values[start:stop] for start, stop in zip(starts, stops, strict=True)]

    def values(self, name: str, rows: np.ndarray) -> np.ndarray:
        """A copy of these rows of a fixed-size column."""
        if self.touch is not None:
            self.touch(name, rows)
        return self.take(self.columns[name], rows)

    def _column(self, name: str, rows: np.ndarray) -> Column:
        if name not in self.offsets:
            return torch.from_numpy(self.values(name, rows))
        lengths = self.offsets[name][rows + 1] - self.offsets[name][rows]
        return Ragged(torch.from_numpy(np.concatenate(self.each(name, rows))), torch.from_numpy(lengths))


def _take(values: np.ndarray, rows: np.ndarray) -> np.ndarray:
    return np.asarray(values).take(rows, axis=0)  # a memmap's own results are memmaps, made slowly


class Rows:
    """Some rows of a column, as an array is sliced: each slice is copied when it is asked for."""

    def __init__(self, store: Store, name: str, rows: np.ndarray):
        self.store = store
        self.name = name
        self.rows = rows
        self.shape = (len(rows), *store.columns[name].shape[1:])

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, piece: slice) -> np.ndarray:
        return self.store.values(self.name, self.rows[piece])

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.asarray(self[:], dtype)


class RaggedRows(Sequence[np.ndarray]):
    """Some rows of a ragged column, one by one."""

    def __init__(self, store: Store, name: str, rows: np.ndarray):
        self.store = store
        self.name = name
        self.rows = rows

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, place: Any) -> Any:
        found = self.store.each(self.name, np.atleast_1d(self.rows[place]))
        return found if isinstance(place, slice) else found[0]

    def __iter__(self) -> Iterator[np.ndarray]:
        return iter(self.store.each(self.name, self.rows))


class Intake:
    """One pass over the source: rows read, examined and laid into their columns, in a thread of its own."""

    def __init__(self, source: Source, parts: Parts, rows: np.ndarray):
        self.index = source.index
        self.examiner = Examiner(source, parts)
        self.packing: dict[str, Packing] = {}
        self.reading = Reading(rows, len(source.index), self._keep)
        self._findings: list[Finding] = []
        self._examined = threading.Event()
        self._packed = threading.Event()

    def begin(self, here: Here, workers: int, cores: int, then: Callable[["Intake"], None]) -> None:
        """Read all rows in the background, say what was found, then do what is to be done with a whole pass."""

        def whole() -> None:
            try:
                self.reading.run(here, workers, cores)
                self.reading.raise_failure()
                self._findings = self.examiner.findings()
                self._examined.set()
                then(self)
            except BaseException as failure:
                self.reading.stop(failure)
            finally:
                self._examined.set()
                self._packed.set()

        threading.Thread(target=whole, daemon=True).start()

    @property
    def left(self) -> int:
        return self.reading.left

    @property
    def bad(self) -> int:
        return len(self.examiner.unreadable)

    def left_out(self) -> list[Finding]:
        return self.examiner.left_out()

    def wait(self, rows: np.ndarray) -> None:
        self.reading.wait(rows)

    def prefer(self, rows: np.ndarray) -> None:
        self.reading.prefer(rows)

    @property
    def findings(self) -> list[Finding]:
        """What the rows say together; waits until every one is read and examined."""
        self._examined.wait()
        self.reading.raise_failure()
        return self._findings

    def finish(self) -> None:
        """Wait for the end of all that follows the pass as well."""
        self._packed.wait()
        self.reading.raise_failure()

    def store(self, findings: list[Finding]) -> Store:
        """The rows as they are now; columns of one shape may still be filling up."""
        columns = {name: packed.columns() for name, packed in self.packing.items()}
        offsets = {name: packed.offsets() for name, packed in self.packing.items() if packed.ragged}
        return Store(self.index, self.reading.state, columns, offsets, findings)

    def _keep(self, row: int, result: Result) -> None:
        if isinstance(result, Unreadable):
            self.examiner.bad(row, result)
            return
        self.examiner.see(row, result.seen)
        for name, values in result.inputs.items():
            self.packing.setdefault(name, Packing(len(self.index))).put(row, values)


class Packing:
    """One column growing row by row: a block where all rows have one shape, else values end to end."""

    def __init__(self, count: int):
        self.count = count
        self.ragged = False
        self.block: np.ndarray | None = None
        self.pieces: dict[int, np.ndarray] = {}
        self.held = 0  # bytes of the pieces
        self.joined: np.ndarray | None = None

    def put(self, row: int, values: np.ndarray) -> None:
        """Take one row in."""
        if self.ragged or (self.block is not None and values.shape != self.block.shape[1:]):
            self._loosen()
            self._keep(row, values)
            return
        if self.block is None:
            self.block = room((self.count, *values.shape), values.dtype)
            self.filled = np.zeros(self.count, dtype=bool)
        self.block[row] = values
        self.filled[row] = True

    def columns(self) -> np.ndarray:
        """All values, by row or end to end."""
        if not self.ragged:
            return self.block  # pyright: ignore
        if self.joined is None or len(self.joined) < sum(map(len, self.pieces.values())):
            rows = sorted(self.pieces)
            first = self.pieces[rows[0]]
            self.joined = room((sum(len(self.pieces[row]) for row in rows), *first.shape[1:]), first.dtype)
            np.concatenate([self.pieces[row] for row in rows], out=self.joined)
        return self.joined

    def offsets(self) -> np.ndarray:
        """Where each row begins."""
        lengths = [len(self.pieces[row]) if row in self.pieces else 0 for row in range(self.count)]
        return np.concatenate([[0], np.cumsum(lengths)])

    def _loosen(self) -> None:
        """The first row of another length turns the block into values end to end."""
        if self.ragged:
            return
        self.ragged = True
        for row in np.flatnonzero(self.filled).tolist():
            self._keep(row, self.block[row])  # pyright: ignore
        self.block = None

    def _keep(self, row: int, values: np.ndarray) -> None:
        """A piece, on the disk once all together would take too much memory."""
        self.held += values.nbytes
        if self.held > space.IN_MEMORY:
            aside = room(values.shape, values.dtype, full=True)
            aside[...] = values
            values = aside
        self.pieces[row] = values
