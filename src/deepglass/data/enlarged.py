"""A source and, behind its own rows, pictures that a network made: learned from, and in no figure."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from deepglass.data.column import NAMES, Coded, Parts
from deepglass.data.source import Finding, Index, Picture, Source

MARK = "made/"  # what the ids of made pictures begin with


@dataclass(frozen=True)
class Made:
    """Pictures uint8 (N, H, W, C), the class of each, and what is told of where they come from."""

    pixels: np.ndarray
    labels: Sequence[str]
    digest: str  # of the pictures as they are kept
    origin: dict[str, Any]  # what is kept of it wherever the run is told of
    findings: Sequence[Finding] = ()


class Enlarged:
    """The rows of `own` as they are, then the made ones."""

    def __init__(self, own: Source, made: Made):
        self.own = own
        self.made = made
        self.root: Path = own.root
        self.layout = own.layout
        self.task = own.task
        self.findings = [*own.findings, *made.findings]
        self.index = _longer(own.index, made)

    def read(self, row: int, fit: object = None) -> Any:
        """One picture; raises Unreadable."""
        own = len(self.own.index)
        return self.own.read(row, fit) if row < own else Picture(self.made.pixels[row - own])

    def header(self, row: int) -> tuple[int, int, int]:
        """Width, height and channels."""
        if row < len(self.own.index):
            return self.own.header(row)
        _, height, width, channels = self.made.pixels.shape
        return width, height, channels

    def fingerprint(self) -> str:
        """A hash over both."""
        return hashlib.blake2b(f"{self.own.fingerprint()} {self.made.digest}".encode(), digest_size=16).hexdigest()

    def parts(self, own: Parts) -> Parts:
        """The parts of all rows, where these are those of its own: what was made is learned from."""
        made = np.full(len(self.made.labels), NAMES.index("train"), np.int8)
        return Parts(np.concatenate([own.codes, made]))


def own_of(source: Source) -> Source:
    """The source without what was made."""
    return source.own if isinstance(source, Enlarged) else source


def _longer(index: Index, made: Made) -> Index:
    """The columns with those of the made pictures behind; what the source says of parts has been heard by then."""
    width = len(str(len(made.labels)))
    ids = [f"{MARK}{label}/{number:0{width}d}" for number, label in enumerate(made.labels)]
    groups = [*index.groups, *[""] * len(ids)] if len(index.groups) else ()
    return replace(index, ids=[*index.ids, *ids], labels=_answers(index.labels, made.labels), parts=(), groups=groups)


def _answers(own: Sequence[Any], made: Sequence[str]) -> Sequence[Any]:
    if not isinstance(own, Coded):
        return [*own, *made]
    places = {str(name): code for code, name in enumerate(own.names)}
    codes = np.array([places[label] for label in made], own.codes.dtype)
    return Coded(own.names, np.concatenate([own.codes, codes]))
