"""Examples that are in memory already: pictures or vectors as one array."""

import hashlib
import os
from pathlib import Path

import numpy as np

from deepglass.data.column import Coded
from deepglass.data.source import Finding, Index, Picture, Unreadable


class Arrays:
    """The rows of one array: pictures (N, H, W, C) as uint8 or uint16, or vectors (N, K) as float32."""

    def __init__(
        self, layout: str, task: str, root: Path, index: Index, rows: np.ndarray, findings: list[Finding] | None = None
    ):
        self.layout = layout
        self.task = task
        self.root = root
        self.index = index
        self.rows = rows
        self.findings = findings or []

    def read(self, row: int, fit: object = None) -> Picture | np.ndarray:
        """One picture or vector; raises Unreadable for a vector that is not finite."""
        if self.index.kind == "picture":
            return Picture(self.rows[row])
        bad = np.flatnonzero(~np.isfinite(self.rows[row]))
        if len(bad):
            raise Unreadable("row_not_finite", column=self.index.columns[bad[0]], value=str(self.rows[row][bad[0]]))
        return self.rows[row]

    def header(self, row: int) -> tuple[int, int, int]:
        """Width, height and channels; (columns, 1, 1) of a vector."""
        shape = self.rows.shape
        return (shape[2], shape[1], shape[3]) if self.index.kind == "picture" else (shape[1], 1, 1)

    def fingerprint(self) -> str:
        """A hash over the rows themselves and their answers; of a mapped file its size and time of change."""
        state = hashlib.blake2b(digest_size=16)
        if isinstance(self.rows, np.memmap):
            file = os.stat(self.rows.filename)  # pyright: ignore
            state.update(f"{file.st_size} {file.st_mtime_ns} {self.rows.shape}".encode())
        else:
            state.update(np.ascontiguousarray(self.rows).view(np.uint8).data)
        for column in (self.index.labels, self.index.parts, self.index.groups, self.index.columns):
            coded = isinstance(column, Coded)
            state.update(repr(column.names if coded else list(column)).encode())
            state.update(np.ascontiguousarray(column.codes).view(np.uint8).data if coded else b"")
        return state.hexdigest()
