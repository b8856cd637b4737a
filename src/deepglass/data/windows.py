"""Windows of long series as rows: each a view of the numbers where they lie, so that no step is kept twice.

A window is so many steps of history and those of the horizon behind it. Parts follow each other in time: what is
foretold in validation lies behind all that training sees, the test behind both, and no horizon reaches over a border.
A history may reach back over one: what was before is known when a forecast is made.

    steps      ─────────────────── training ──────────────────┬── validation ──┬──── test ────
    training   [ history │ horizon ]   ...   [ history │ horizon ]
    validation                                     [ history  │ horizon ]
    test                                                         [ history     │ horizon ]
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from deepglass.data.column import NAMES, Coded, Parts
from deepglass.data.reading import USABLE
from deepglass.data.settings import DataSettings
from deepglass.data.source import Finding, Index, Window
from deepglass.data.store import Store
from deepglass.foundation.errors import DataError


class Windows:
    """The windows of some series float32 (T, C), by name."""

    def __init__(
        self,
        layout: str,
        root: Path,
        series: Mapping[str, np.ndarray],
        columns: tuple[str, ...],
        window: Window,
        settings: DataSettings,
        findings: list[Finding],
    ):
        self.layout = layout
        self.task = "forecast"
        self.root = root
        self.findings = findings
        self.values = np.concatenate(list(series.values()))  # (ΣT, C)
        ids: list[str] = []
        starts: list[np.ndarray] = []
        codes: list[np.ndarray] = []
        begin = 0
        for name, one in series.items():
            own, parts = dealt(len(one), window, settings)
            ids += [f"{name}:{start + window.history}" for start in own.tolist()]
            starts.append(own + begin)
            codes.append(parts)
            begin += len(one)
        self.starts = np.concatenate(starts)
        answers = Coded([""], np.zeros(len(ids), dtype=np.int8))  # what follows lies in the window itself
        parts = Parts(np.concatenate(codes))
        self.index = Index(ids, answers, parts, kind="series", columns=columns, window=window)
        for part, share in (("train", 1.0), ("val", settings.val), ("test", settings.test)):
            if share and not (parts == part).any():
                longest = max(map(len, series.values()))
                values = {"steps": longest, "history": window.history, "horizon": window.horizon, "part": part}
                raise DataError("data.series_short", place=root, **values)

    def read(self, row: int, fit: object = None) -> np.ndarray:
        """History and horizon of one window. float32 (T, C)"""
        start, window = int(self.starts[row]), self.index.window
        assert window is not None
        return self.values[start : start + window.history + window.horizon]

    def header(self, row: int) -> tuple[int, int, int]:
        """Steps of history, and channels."""
        window = self.index.window
        assert window is not None
        return window.history, self.values.shape[1], 1

    def fingerprint(self) -> str:
        """A hash over the numbers and the windows."""
        state = hashlib.blake2b(digest_size=16)
        state.update(np.ascontiguousarray(self.values).view(np.uint8).data)
        state.update(np.ascontiguousarray(self.starts).view(np.uint8).data)
        state.update(repr((self.index.columns, self.index.window, self.index.parts.tolist())).encode())  # pyright: ignore
        return state.hexdigest()


def dealt(steps: int, window: Window, settings: DataSettings) -> tuple[np.ndarray, np.ndarray]:
    """Where the windows of one series begin, and the number of the part that each is of. int64 (N,), int8 (N,)"""
    test = steps - round(steps * settings.test)
    val = test - round(steps * settings.val)
    first = np.arange(window.history, steps - window.horizon + 1)  # the first step that is foretold
    last = first + window.horizon
    part = np.zeros(len(first), dtype=np.int8)
    part[last <= val] = NAMES.index("train")
    part[(first >= val) & (last <= test)] = NAMES.index("val")
    part[first >= test] = NAMES.index("test")
    kept = part > 0
    return first[kept] - window.history, part[kept]


def rows_of_windows(source: Windows) -> Store:
    """Every window a row of one view; rows are copied when they are drawn."""
    window = source.index.window
    assert window is not None
    views = sliding_window_view(source.values, window.history + window.horizon, axis=0).transpose(0, 2, 1)  # (.., T, C)
    state = np.full(len(source.index), USABLE, dtype=np.uint8)
    return Store(source.index, state, {"input": views}, take=lambda values, rows: values[source.starts[rows]])
