"""Reading every example once: in threads or in processes, whichever is quicker here; what is asked for comes first.

Which row is read when, and by whom, depends on the machine; what comes of it does not.
"""

import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator

import numpy as np

from deepglass.data.decode import Decoded, Decoder, Here, Result, Worker, fits_workers
from deepglass.data.source import Unreadable

CHUNK = 64  # rows that are decoded at a stretch
SMALL = 8  # rows at a stretch where somebody waits for them
HELD = 1 << 25  # bytes of decoded rows that wait for the others of their chunk
TRIAL = 256  # rows by which threads and processes are compared
PAYS = 1.0  # seconds of reading from which processes are worth their start
UNREAD, USABLE, BAD = 0, 1, 2


class Reading:
    """Rows on their way in: `keep` takes each result once, `state` says what became of each row."""

    def __init__(self, rows: np.ndarray, count: int, keep: Callable[[int, Result], None]):
        self.state = np.full(count, UNREAD, dtype=np.int8)
        self.keep = keep
        self.left = len(rows)
        self.failure: BaseException | None = None
        self._order = rows
        self._given = np.ones(count, dtype=bool)
        self._given[rows] = False
        self._place = 0
        self._handed = 0
        self._asked: deque[np.ndarray] = deque()
        self._changed = threading.Condition()
        self._stopped = False

    def prefer(self, rows: np.ndarray) -> None:
        """Read these next, in this order; the others after them."""
        with self._changed:
            mine = np.zeros(len(self.state), dtype=bool)
            mine[rows] = True
            self._order = np.concatenate([rows, self._order[~mine[self._order]]])
            self._place = 0

    def wait(self, rows: np.ndarray) -> None:
        """Until these rows are read; they come before all others."""
        if (self.state[rows] != UNREAD).all():
            return
        with self._changed:
            asked = rows[~self._given[rows]]
            self._asked.extend(asked[start : start + SMALL] for start in range(0, len(asked), SMALL))
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._over() or (self.state[rows] != UNREAD).all())
        self.raise_failure()

    def wait_some(self, seconds: float, until: Callable[[], bool]) -> bool:
        """Up to so many seconds, or until it holds."""
        with self._changed:
            held = self._changed.wait_for(lambda: self._over() or until(), seconds)
        self.raise_failure()
        return held

    def stop(self, failure: BaseException | None = None) -> None:
        """Read no more; whoever waits is told."""
        with self._changed:
            self._stopped = True
            self.failure = self.failure or failure
            self._changed.notify_all()

    def raise_failure(self) -> None:
        """What went wrong in a thread is raised where somebody waits for it."""
        if self.failure is not None:
            raise self.failure

    def run(self, here: Here, workers: int, cores: int) -> None:
        """Read all, in the calling thread's crews. `workers` is a number of processes, 0 for none, -1 for a trial."""
        if not fits_workers(here.source, here.form) or workers == 0:
            self._crew([here] * cores)
        elif workers > 0:
            self._crew(self._hired(here, workers))
        else:
            threads = self._pace([here] * cores)
            if self.left < PAYS * threads or self._over():
                self._crew([here] * cores)
                return
            hired = self._hired(here, cores)
            processes = self._pace(hired)
            if processes > threads:
                self._crew(hired)
            else:
                _dismiss(hired)
                self._crew([here] * cores)

    def _hired(self, here: Here, count: int) -> list[Worker]:
        hired = [Worker(here.source, here.form) for _ in range(count)]
        for worker in hired:
            worker([])  # its start is no part of its pace
        return hired

    def _pace(self, decoders: list[Decoder] | list[Worker] | list[Here]) -> float:
        """Rows a second of these over the next few."""
        began, before = time.monotonic(), self.left
        self._crew(decoders, TRIAL)
        return (before - self.left) / max(1e-6, time.monotonic() - began)

    def _crew(self, decoders: list[Decoder] | list[Worker] | list[Here], most: int = 0) -> None:
        """A thread for each decoder, until all is read, or `most` rows; then the decoders are let go."""
        until = self._handed + most if most else 0
        threads = [threading.Thread(target=self._work, args=(decoder, until), daemon=True) for decoder in decoders]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if not most or self._over():
            _dismiss(decoders)

    def _work(self, decoder: Decoder, until: int) -> None:
        while len(rows := self._next(until)):
            try:
                for some, results in _decoded(decoder, rows.tolist()):
                    with self._changed:
                        for row, result in zip(some, results, strict=True):
                            self.keep(row, result)
                            self.state[row] = BAD if isinstance(result, Unreadable) else USABLE
                        self.left -= len(some)
                        self._changed.notify_all()
            except BaseException as failure:
                self.stop(failure)
                return

    def _next(self, until: int) -> np.ndarray:
        """The rows to be read now; none where all are given out."""
        with self._changed:
            rows = self._order[:0]
            if self._stopped or (until and self._handed >= until):
                return rows
            while self._asked and not len(rows):
                asked = self._asked.popleft()
                rows = asked[~self._given[asked]]
            while self._place < len(self._order) and not len(rows):
                chunk = self._order[self._place : self._place + CHUNK]
                self._place += CHUNK
                rows = chunk[~self._given[chunk]]
            self._given[rows] = True
            self._handed += len(rows)
            return rows

    def _over(self) -> bool:
        return self._stopped or not self.left


def _decoded(decoder: Decoder, rows: list[int]) -> Iterator[tuple[list[int], list[Result]]]:
    """The rows with what came of them, a few at a time where they are large: not all of a chunk is held at once."""
    if isinstance(decoder, Worker):
        yield rows, decoder(rows)
        return
    start, results, held = 0, list[Result](), 0
    for place, row in enumerate(rows):
        results += decoder([row])
        held += sum(values.nbytes for values in results[-1].inputs.values()) if isinstance(results[-1], Decoded) else 0
        if held > HELD or place == len(rows) - 1:
            yield rows[start : place + 1], results
            start, results, held = place + 1, [], 0


def cores() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _dismiss(decoders: list[Decoder] | list[Worker] | list[Here]) -> None:
    for decoder in decoders:
        if isinstance(decoder, Worker):
            decoder.close()
