"""Raw things to be answered: files, folders, arrays as a stream of (id, raw), each read when its turn comes."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from deepglass.data.readers.picture import read_picture
from deepglass.data.source import Picture, Unreadable
from deepglass.data.sources.files import is_picture
from deepglass.data.walk import walk
from deepglass.foundation.errors import DataError
from deepglass.foundation.words import say


class Input(NamedTuple):
    """One thing to be answered, or why it cannot be read."""

    id: str
    raw: Any

    def error(self) -> str:
        """The reason in words."""
        return say(f"data.{self.raw.reason}", **self.raw.values) if isinstance(self.raw, Unreadable) else ""


def open_inputs(inputs: Any, kind: str) -> Iterator[Input]:
    """Pictures from files, folders, bytes, arrays (H, W), (H, W, C) or many of them; rows of numbers from arrays."""
    for place, item in enumerate(_listed(inputs, kind)):
        if isinstance(item, np.ndarray):
            yield Input(str(place), Picture(_with_channels(item)) if kind == "picture" else item)
        elif isinstance(item, bytes):
            yield _read(str(place), item)
        else:
            yield from _from_path(Path(item))


def _listed(inputs: Any, kind: str) -> list[Any]:
    if isinstance(inputs, str | Path | bytes):
        return [inputs]
    array = np.asarray(inputs) if not isinstance(inputs, list | tuple) else None
    if array is not None:
        single = array.ndim == (2 if kind == "picture" else 1) or (kind == "picture" and _is_one_picture(array))
        return [array] if single else list(array)
    return [np.asarray(item) if not isinstance(item, str | Path | bytes) else item for item in inputs]


def _is_one_picture(array: np.ndarray) -> bool:
    return array.ndim == 3 and array.shape[2] in (1, 3)


def _with_channels(pixels: np.ndarray) -> np.ndarray:
    return pixels[..., None] if pixels.ndim == 2 else pixels


def _from_path(path: Path) -> Iterator[Input]:
    if path.is_dir():
        files = [found for found in walk(path) if is_picture(path, found)]
        if not files:
            raise DataError("data.no_pictures", place=path)
        for name in files:
            yield _read(str(path / name), path / name)
    elif path.exists():
        yield _read(str(path), path)
    else:
        raise DataError("data.no_place", place=path, hint="")


def _read(name: str, content: Path | bytes) -> Input:
    try:
        return Input(name, read_picture(content))
    except Unreadable as reason:
        return Input(name, reason)
