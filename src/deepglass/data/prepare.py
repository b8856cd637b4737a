"""Every example checked and prepared once: from a packed copy, or by reading all of them.

One pass reads, examines and prepares. What cannot be read is left out by name; nothing takes its place. Where the pass
would take long, a keyed sample is enough to begin with, and the rest is read while the run trains.
"""

import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from deepglass.data.cache import name_of, open_packed, write_packed
from deepglass.data.decode import Here
from deepglass.data.examiner import Examiner
from deepglass.data.example import Example, Form
from deepglass.data.readers.vector import Numbers
from deepglass.data.reading import BAD, UNREAD, USABLE, cores
from deepglass.data.settings import DataSettings
from deepglass.data.source import Finding, Source, Unreadable
from deepglass.data.sources.arrays import Arrays
from deepglass.data.store import Intake, Store

WORTH_KEEPING = 2.0  # seconds of decoding from which a packed copy on disk saves more than it costs
WHOLE = 20.0  # seconds of reading up to which a run waits for the whole pass

PIECE = 1 << 16  # rows of a mapped file that are looked through together

Watch = Callable[[int, int], None]


class Preparation(NamedTuple):
    """How raw things become rows. `depends` is all that it depends on, as plain values; `form` is told where known."""

    prepare: Callable[[Any], Example]
    depends: Any
    form: Form | None = None


def prepare_all(
    source: Source,
    parts: np.ndarray,
    how: Preparation,
    settings: DataSettings,
    watch: Watch = lambda done, of: None,
    *,
    only: np.ndarray | None = None,
    first: np.ndarray | None = None,
) -> Store:
    """Read, examine and prepare every example, or take the packed copy of an earlier pass.

    With `only`, just these rows are read and the others count as unusable: enough for an estimate. With `first`, these
    rows are read first, and where the others would take long they are left to be read in the background.
    """
    if is_mapped(source) and isinstance(how.form, Numbers):
        return _as_they_are(source)
    keep = settings.cache and only is None
    name = name_of(source, parts, how.depends) if settings.cache else ""
    if name and (store := open_packed(name, source.index)):
        return store
    began = time.monotonic()
    rows = np.arange(len(source.index)) if only is None else np.sort(only)
    if first is not None:
        rest = np.ones(len(rows), dtype=bool)
        rest[first] = False
        rows = np.concatenate([first, rows[rest]])

    def pack(intake: Intake) -> None:
        if keep and time.monotonic() - began > WORTH_KEEPING:
            write_packed(intake.store(), name)

    intake = Intake(source, parts, rows)
    intake.begin(Here(source, how.prepare, how.form), settings.workers, cores(), pack)
    try:
        early = _watch(intake, len(rows), first, watch)
    except BaseException as reason:
        intake.reading.stop(reason)
        raise
    if not early:
        intake.examined()
    store = intake.store()
    store.intake = intake
    return store


def is_mapped(source: Source) -> bool:
    """Whether its rows lie in a file that is mapped."""
    return isinstance(source, Arrays) and isinstance(source.rows, np.memmap)


def _as_they_are(source: Any) -> Store:
    """Numbers that lie ready in a mapped file: only looked through, in pieces, for rows that are not finite.

    The pieces are read and not mapped, so that what was looked at takes no memory.
    """
    rows: np.memmap = source.rows
    state = np.full(len(rows), USABLE, dtype=np.int8)
    width = rows.shape[1]
    for start in range(0, len(rows), PIECE):
        count = min(PIECE, len(rows) - start)
        where = rows.offset + start * width * rows.itemsize
        piece = np.fromfile(str(rows.filename), rows.dtype, count * width, offset=where).reshape(count, width)
        state[start : start + count][~np.isfinite(piece).all(axis=1)] = BAD
    bad = Examiner(source, np.zeros(0))
    for row in np.flatnonzero(state == BAD).tolist():
        try:
            source.read(row)
        except Unreadable as reason:
            bad.bad(row, reason)
    note = Finding("not_compared", "note", "", {"count": len(rows)})
    return Store(source.index, state, {"input": rows}, {}, [*bad.left_out(), note])


def _watch(intake: Intake, count: int, first: np.ndarray | None, watch: Watch) -> bool:
    """Wait for all rows, or for the first of them where the others would take too long; whether it is the latter."""
    reading = intake.reading
    began = time.monotonic()
    while not reading.wait_some(0.1, lambda: reading.left == 0):
        watch(count - reading.left, count)
        if first is not None and intake.packing and (reading.state[first] != UNREAD).all():
            pace = (count - reading.left) / (time.monotonic() - began)
            if reading.left > WHOLE * pace:
                return True
    watch(count, count)
    return False
