"""The contract of a form in which boxes are written, and what all forms have in common."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from deepglass.data.annotation import Box


class Entry(NamedTuple):
    """One picture as it is written: its file's name, its part or nothing, and its boxes, None where nobody looked."""

    name: str
    part: str
    boxes: tuple[Box, ...] | None
    width: int
    height: int
    channels: int

    @property
    def stem(self) -> str:
        """The name without its extension, by which VOC and YOLO find an annotation's picture."""
        return self.name.rpartition(".")[0] or self.name


@dataclass(frozen=True)
class Form:
    """A catalogue entry of data/writers.

    `place(entry)` is where a picture lies, `write(folder, entries, classes)` writes the annotations; `crowds` says
    whether a group that is marked as one can be told from a single thing.
    """

    place: Callable[[Entry], str]
    write: Callable[[Path, Sequence[Entry], Sequence[str]], None]
    crowds: bool = True


def number(value: float) -> int | float:
    """A whole number without a point, others to a billionth of a pixel.

    >>> number(3.0), number(0.1 + 0.2)
    (3, 0.3)
    """
    return int(value) if value == int(value) else round(float(value), 9)


def by_part(entries: Sequence[Entry]) -> Mapping[str, list[Entry]]:
    """The entries of each part that there is, in the order of their first."""
    found: dict[str, list[Entry]] = {}
    for entry in entries:
        found.setdefault(entry.part, []).append(entry)
    return found


def put(file: Path, text: str) -> None:
    """A text into a file, with the folders above it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8", newline="\n")
