"""Films to be told of in words: each shot of a video is asked about by the picture in its middle."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from deepglass.data.files import Input, open_inputs
from deepglass.data.readers.magic import ENOUGH, picture_format, video_format
from deepglass.data.readers.shots import seen_in, shots_of
from deepglass.data.source import Unreadable
from deepglass.data.sources.files import is_clip, is_picture
from deepglass.data.walk import walk


def open_told(inputs: Any, kind: str, columns: Sequence[str], channels: int = 1, fit: object = None) -> Iterator[Input]:
    """As `open_inputs`, but of a video, given or in a folder, an input for each of its shots with the shot's times."""
    given = [inputs] if isinstance(inputs, str | Path | bytes) else inputs
    if not isinstance(given, list | tuple) or not any(isinstance(item, str | Path | bytes) for item in given):
        yield from open_inputs(inputs, kind, columns, channels, fit)
        return
    for place, item in enumerate(given):
        films = films_of(item)
        if not films or _has_pictures(item):
            bare = isinstance(item, bytes | np.ndarray)
            for one in open_inputs([item], kind, columns, channels, fit):
                yield one._replace(id=str(place)) if bare else one
        for film in films:
            yield from _shots(str(place) if isinstance(film, bytes) else str(film), film)


def films_of(item: Any) -> list[Path | bytes]:
    """The videos that one thing is or holds: by their extensions, of bytes by the first of them."""
    if isinstance(item, bytes):
        return [item] if video_format(item[:ENOUGH]) and not picture_format(item[:ENOUGH]) else []
    if not isinstance(item, str | Path):
        return []
    path = Path(item)
    if path.is_dir():
        return [path / name for name in walk(path) if is_clip(path, name)]
    return [path] if path.is_file() and is_clip(path.parent, path.name) else []


def _has_pictures(item: Any) -> bool:
    return isinstance(item, str | Path) and Path(item).is_dir() and any(is_picture(item, name) for name in walk(item))


def _shots(name: str, film: Path | bytes) -> Iterator[Input]:
    """A picture of every shot, each decoded when its turn comes; or why the film, or the rest of it, cannot be read."""
    try:
        shots = shots_of(film)
        for shot, picture in zip(shots, seen_in(film, shots), strict=True):
            yield Input(name, picture, shot)
    except Unreadable as reason:
        yield Input(name, reason)
