"""The contract of a source: what examples there are, and how to read one of them.

Finding examples is cheap and touches no file's content; reading one may fail with `Unreadable`, which names the reason.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np

from deepglass.data.column import take
from deepglass.data.settings import DataSettings

PARTS = ("train", "val", "test")


class Unreadable(Exception):
    """One example cannot be used; `reason` is a key of foundation/words/data.toml and `values` fill it."""

    def __init__(self, reason: str, **values: Any):
        super().__init__(reason)
        self.reason = reason
        self.values = values


def unopened(error: OSError) -> Unreadable:
    """Why a file could not be opened or read."""
    if isinstance(error, FileNotFoundError):
        return Unreadable("missing_file")
    return Unreadable("cannot_read", detail=error.strerror or str(error))


class Finding(NamedTuple):
    """Something the doctor saw. `kind` is a key of foundation/words/data.toml; errors stop a run, notes do not."""

    kind: str
    level: str  # "error", "warning" or "note"
    file: str = ""  # the id of the example, or a folder or file of the source
    values: dict[str, Any] = {}


class Window(NamedTuple):
    """What a row is where rows are windows of longer series: steps that are known, and those that follow."""

    history: int
    horizon: int
    season: int  # steps after which the series comes back; 1 where it does not
    targets: tuple[str, ...]  # the channels that are foretold


@dataclass(frozen=True)
class Index:
    """Every example of a source as columns: ids (paths relative to the source), answers, parts and groups.

    A column is a list, or an array behind the face of one where there are millions of examples (column.py).

    `labels` holds what the source says of each example: a class name, a tuple of names (several labels), a number, or
    None. `parts` is "train", "val", "test" or "" where the source does not say. `groups` are people, patients, scenes:
    examples of one group never lie on both sides of a split.
    """

    ids: Sequence[str]
    labels: Sequence[Any]
    parts: Sequence[str] = ()
    groups: Sequence[str] = ()
    kind: str = "picture"  # the reader's name: "picture", "vector", "text", "series", "sound" or "volume"
    columns: tuple[str, ...] = ()  # names of a vector's numbers
    window: Window | None = None
    classes: tuple[str, ...] = ()  # names of what the numbers of a mask stand for

    def __len__(self) -> int:
        return len(self.ids)

    def take(self, rows: np.ndarray) -> "Index":
        """These rows as an index of their own."""

        columns = (self.ids, self.labels, self.parts, self.groups)
        taken = [take(values, rows) for values in columns]
        return replace(self, **dict(zip(("ids", "labels", "parts", "groups"), taken, strict=True)))


class Source(Protocol):
    """Where examples lie."""

    root: Path
    index: Index
    layout: str  # its name in the catalogue of data.sources
    task: str  # what follows from the answers: "classify", "multilabel", "regress"
    findings: list[Finding]  # seen while finding the examples: stray files, empty folders, a level too high

    def read(self, row: int, fit: object = None) -> Any:
        """The raw content of one example (a `Picture`, a vector); raises Unreadable.

        `fit` is the size that pictures are wanted at: a source may spare itself decoding more.
        """
        ...

    def header(self, row: int) -> tuple[int, int, int]:
        """What is known of an example without decoding it; may be Unreadable.

        Width, height and channels of a picture; frames, channels and rate of a sound; width,
        height and depth of a volume; (columns, 1, 1) of a vector.
        """
        ...

    def fingerprint(self) -> str:
        """A hash that changes when the examples do: names, sizes and times of change, not content."""
        ...


class Match(NamedTuple):
    """What a layout says of a place: how sure it is (0 to 1), why in words, and the task that follows."""

    sure: float
    reason: str  # key of foundation/words/data.toml
    task: str
    values: dict[str, Any] = {}


@dataclass(frozen=True)
class Layout:
    """A catalogue entry of data/sources: how to recognise a place and how to open it.

    `recognise(place, settings)` looks at names and first lines only and returns None where the layout does not fit.
    `open(place, settings)` returns the Source. Where `task` is asked for and this layout fits when it is named, it is
    taken before any that fits unasked: what the data look like does not say what is wanted of them.
    """

    recognise: Callable[[str, DataSettings], Match | None]
    open: Callable[[str, DataSettings], Source]
    task: str = ""


class Picture(NamedTuple):
    """A decoded picture: pixels uint8 or uint16 (H, W, C) with C 1 or 3, and notes for the doctor."""

    pixels: np.ndarray
    notes: tuple[str, ...] = ()  # e.g. "first_frame": said as note_first_frame in data.toml
    size: tuple[int, int] = (0, 0)  # width and height of the stored picture, where it was decoded smaller
    mask: np.ndarray | None = None  # the class of every pixel, where it is known: uint8 (H, W), 255 is "do not care"
    partner: np.ndarray | None = None  # the same on another side, where it is known: as `pixels`
