"""Numbers that lie ready in a mapped file: looked through once for rows that are not finite, in threads.

A row that is wanted before its turn is looked at when it is wanted, so what a run computes does not depend on how far
the pass has come. Rows of a large file are read and not touched through the map: mapped pages count as this process's
memory, and each costs more than the call that reads a row.
"""

import errno
import os
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from deepglass.data.column import pieces
from deepglass.data.examiner import unreadable
from deepglass.data.reading import BAD, UNREAD, USABLE, cores
from deepglass.data.source import Finding, Source, Unreadable
from deepglass.data.sources.arrays import Arrays
from deepglass.foundation.errors import DataError

PATIENCE = 1.0  # seconds that a run waits for the pass: its own rows are looked at in any case
AT_ONCE = 4 << 20  # bytes that are looked at together
MANY_ROWS = 1 << 16  # rows wanted together from which the pass itself is waited for
KEPT = 128 << 20  # bytes of a file that may all stay mapped
POSITIONED = hasattr(os, "pread")  # not on Windows


def is_mapped(source: Source) -> bool:
    """Whether its rows lie in a file that is mapped."""
    return isinstance(source, Arrays) and isinstance(source.rows, np.memmap)


class Pass:
    """Rows of a mapped array on their way through the check for finite numbers; `state` says what became of each."""

    def __init__(self, source: Any):
        self.source: Arrays = source
        self.rows: Any = source.rows
        self.state = np.full(len(self.rows), UNREAD, dtype=np.int8)
        self.left = len(self.rows)
        self._unreadable: dict[int, Finding] = {}
        self._failure: BaseException | None = None
        self._stopped = False
        self._changed = threading.Condition()
        self._width = self.rows[0].nbytes
        self._handle = os.open(self.rows.filename, os.O_RDONLY) if self.rows.nbytes > KEPT and POSITIONED else -1
        self._pieces: Iterator[slice] = pieces(len(self.rows), max(1, AT_ONCE // max(1, self._width)))

    def __del__(self) -> None:
        if self._handle >= 0:
            os.close(self._handle)

    def begin(self, threads: int) -> None:
        """Look through all rows in the background."""
        for _ in range(threads):
            threading.Thread(target=self._work, daemon=True).start()

    def wait(self, rows: np.ndarray) -> None:
        """Until it is known of these rows; a few are looked at here and now."""
        fresh = rows[self.state[rows] == UNREAD]
        if len(fresh) > MANY_ROWS:
            self.finish()
        elif len(fresh):
            self._judge(fresh, self.take(self.rows, fresh))
        self._raise_failure()

    def take(self, values: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """A copy of these rows."""
        shape = (len(rows), *values.shape[1:])
        if self._handle < 0:  # as bytes: out of an array that is not aligned numpy takes a copy of all first
            lying = np.asarray(values).reshape(len(values), -1).view(np.uint8)
            return lying.take(rows, axis=0).view(values.dtype).reshape(shape)
        handle, width, start = self._handle, self._width, self.rows.offset
        found = b"".join([os.pread(handle, width, start + width * row) for row in rows.tolist()])
        if len(found) < width * len(rows):
            raise self._cut_short()
        return np.frombuffer(bytearray(found), values.dtype).reshape(shape)

    def wait_some(self, seconds: float) -> bool:
        """Up to so many seconds, or until all is known; whether it is."""
        with self._changed:
            self._changed.wait_for(lambda: self._stopped or not self.left, seconds)
        self._raise_failure()
        return not self.left

    def prefer(self, rows: np.ndarray) -> None:
        """Rows that are wanted first need no place in the queue."""

    def stop(self, failure: BaseException | None = None) -> None:
        """Look at no more; whoever waits is told."""
        with self._changed:
            self._stopped = True
            self._failure = self._failure or failure
            self._changed.notify_all()

    def finish(self) -> None:
        """Wait until all is known."""
        with self._changed:
            self._changed.wait_for(lambda: self._stopped or not self.left)
        self._raise_failure()

    @property
    def bad(self) -> int:
        """How many rows cannot be used, as far as is known."""
        return len(self._unreadable)

    def left_out(self) -> list[Finding]:
        """Which these are, in the order of rows."""
        with self._changed:
            return [self._unreadable[row] for row in sorted(self._unreadable)]

    @property
    def findings(self) -> list[Finding]:
        """All that the pass has to say; waits for its end."""
        self.finish()
        return [*self.left_out(), Finding("not_compared", "note", "", {"count": len(self.rows)})]

    def _work(self) -> None:
        try:
            with open(self.rows.filename, "rb", buffering=0) as stream:
                while (piece := self._next()) is not None:
                    block = np.empty((piece.stop - piece.start, *self.rows.shape[1:]), self.rows.dtype)
                    stream.seek(self.rows.offset + piece.start * self._width)  # read, not mapped: it takes no memory
                    if stream.readinto(block.data.cast("B")) < block.nbytes:
                        raise self._cut_short()
                    self._judge(piece, block)
                    with self._changed:
                        self.left -= len(block)
                        self._changed.notify_all()
        except BaseException as failure:
            self.stop(failure)

    def _next(self) -> slice | None:
        with self._changed:
            return None if self._stopped else next(self._pieces, None)

    def _judge(self, rows: slice | np.ndarray, values: np.ndarray) -> None:
        """Name what is not finite, then say what is known."""
        finite = np.isfinite(values)
        if finite.all():
            self.state[rows] = USABLE
            return
        good = finite.all(axis=1)
        numbers = np.arange(rows.start, rows.stop) if isinstance(rows, slice) else rows
        for row in numbers[~good].tolist():
            try:
                self.source.read(row)
            except Unreadable as reason:
                with self._changed:
                    self._unreadable[row] = unreadable(self.source.index, row, reason)
        self.state[rows] = np.where(good, USABLE, BAD)

    def _cut_short(self) -> DataError:
        return DataError("data.npz_broken", place=self.rows.filename, reason=os.strerror(errno.EIO))

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise self._failure


def look_through(source: Source, first: np.ndarray | None, watch: Callable[[int, int], None]) -> Pass:
    """A pass over all rows; where `first` are enough to begin with, only these are waited for once it takes long."""
    own = Pass(source)
    own.begin(cores())
    began = time.monotonic()
    try:
        if first is not None:
            own.wait(first)
        while not own.wait_some(0.1) and (first is None or time.monotonic() - began < PATIENCE):
            watch(len(own.state) - own.left, len(own.state))
    except BaseException as reason:
        own.stop(reason)
        raise
    return own
