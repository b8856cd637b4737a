"""Every example checked and prepared once: from a packed copy, or by reading all of them.

One pass reads, examines and prepares. What cannot be read is left out by name; nothing takes its place. Where the pass
would take long, a keyed sample is enough to begin with, and the rest is read while the run trains.
"""

import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from deepglass.data.cache import name_of, open_packed, write_packed
from deepglass.data.column import Parts
from deepglass.data.decode import Here
from deepglass.data.example import Example, Form
from deepglass.data.mapped import is_mapped, look_through
from deepglass.data.readers.vector import Numbers
from deepglass.data.reading import UNREAD, cores
from deepglass.data.settings import DataSettings
from deepglass.data.source import Source
from deepglass.data.store import Intake, Store
from deepglass.data.windows import Windows, rows_of_windows

WORTH_KEEPING = 2.0  # seconds of decoding from which a packed copy on disk saves more than it costs
WHOLE = 8.0  # seconds of reading up to which a run waits for the whole pass

Watch = Callable[[int, int], None]


class Preparation(NamedTuple):
    """How raw things become rows. `depends` is all that it depends on, as plain values; `form` is told where known."""

    prepare: Callable[[Any], Example]
    depends: Any
    form: Form | None = None


def prepare_all(
    source: Source,
    parts: Parts,
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
        return Store.of_pass(look_through(source, first, watch))
    if isinstance(source, Windows):
        return rows_of_windows(source)
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
            write_packed(intake.store(intake.findings), name)

    intake = Intake(source, parts, rows)
    intake.begin(Here(source, how.prepare, how.form), settings.workers, cores(), pack)
    try:
        early = _watch(intake, len(rows), first, watch)
    except BaseException as reason:
        intake.reading.stop(reason)
        raise
    findings = [] if early else intake.findings
    store = intake.store(findings)
    store.intake = intake
    return store


def _watch(intake: Intake, count: int, first: np.ndarray | None, watch: Watch) -> bool:
    """Wait for all rows, or for the first of them where the others would take too long; whether it is the latter."""
    reading = intake.reading
    began = time.monotonic()
    while not reading.wait_some(0.1, lambda: reading.left == 0):
        watch(count - reading.left, count)
        if first is not None and intake.packing and (reading.state[first] != UNREAD).all():
            pace = (count - reading.left) / (time.monotonic() - began)
            if count > WHOLE * pace:
                return True
    watch(count, count)
    return False
