"""Examples that are in memory already and differ in length: texts, series, sounds, clips."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from deepglass.data.readers.sound import Sound
from deepglass.data.readers.text import Text
from deepglass.data.readers.video import Clip
from deepglass.data.source import Finding, Index, Unreadable


class Rows:
    """One raw thing for each id of the index, or why it cannot be used."""

    def __init__(
        self,
        layout: str,
        task: str,
        root: Path,
        index: Index,
        rows: Sequence[Any],
        findings: list[Finding] | None = None,
    ):
        self.layout = layout
        self.task = task
        self.root = root
        self.index = index
        self.rows = rows
        self.findings = findings or []

    def read(self, row: int, fit: object = None) -> Any:
        """The raw thing; raises Unreadable."""
        raw = self.rows[row]
        if isinstance(raw, Unreadable):
            raise raw
        return raw

    def header(self, row: int) -> tuple[int, int, int]:
        """Letters of a text, steps and channels of a series or a sound; width, height and channels of a clip."""
        raw = self.read(row)
        if isinstance(raw, Text):
            return len(raw.text), 1, 1
        if isinstance(raw, Clip):
            return *raw.size, raw.frames.shape[3]
        return *_steps(raw).shape[:2], 1

    def fingerprint(self) -> str:
        """A hash over the rows themselves, their answers, parts and groups."""
        state = hashlib.blake2b(digest_size=16)
        for raw in self.rows:
            if isinstance(raw, Unreadable | Text):
                state.update(f"{raw.reason if isinstance(raw, Unreadable) else raw.text}\0".encode())
            else:
                steps = _steps(raw)
                state.update(f"{steps.shape}".encode())
                state.update(np.ascontiguousarray(steps).view(np.uint8).data)
        for column in (self.index.labels, self.index.parts, self.index.groups, self.index.columns):
            state.update(repr(list(column)).encode())
        return state.hexdigest()


def _steps(raw: Any) -> np.ndarray:
    """What differs in length: a series, a sound's samples, a clip's frames."""
    if isinstance(raw, Clip):
        return raw.frames
    return raw.samples if isinstance(raw, Sound) else raw
