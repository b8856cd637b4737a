"""Raw things to be answered: files, folders, tables, arrays as a stream of (id, raw), each read when its turn comes."""

import os
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from deepglass.data.clock import Clock
from deepglass.data.readers.delimited import SUFFIXES, open_delimited
from deepglass.data.readers.picture import on_white, read_picture
from deepglass.data.readers.shots import Shot
from deepglass.data.readers.sound import MOST_CHANNELS, Sound, read_sound
from deepglass.data.readers.tagged import looks_tagged, read_tagged, tokens_of, written
from deepglass.data.readers.text import SUFFIXES as TEXTS
from deepglass.data.readers.text import Given, Line, Text, clean, read_text
from deepglass.data.readers.vector import Column, columns_of, read_vector
from deepglass.data.readers.video import Clip, read_clip
from deepglass.data.readers.volume_file import read_volume, scan_of
from deepglass.data.recognise import nearest_place
from deepglass.data.settings import DataSettings
from deepglass.data.source import Index, Picture, Source, Unreadable
from deepglass.data.sources.files import is_clip, is_picture, is_sound, is_text
from deepglass.data.sources.series_table import asked_about
from deepglass.data.sources.series_wide import rows_of
from deepglass.data.sources.ts import open_ts
from deepglass.data.sources.volumes import volumes_at
from deepglass.data.walk import listing, suffix, walk
from deepglass.foundation.errors import DataError
from deepglass.foundation.words import say

CHANNELS = (1, 3, 4)  # of one picture given as an array


class Input(NamedTuple):
    """One thing to be answered, or why it cannot be read."""

    id: str
    raw: Any
    times: Clock | Shot | None = None  # how those of a series go on, or from when to when a shot is seen

    def error(self) -> str:
        """The reason in words."""
        return say(f"data.{self.raw.reason}", **self.raw.values) if isinstance(self.raw, Unreadable) else ""


def open_inputs(
    inputs: Any, kind: str, columns: Sequence[str], channels: int = 1, fit: object = None
) -> Iterator[Input]:
    """Pictures, videos and sounds from files, folders, bytes or arrays; rows of numbers from tables or arrays.

    Texts are files, folders, tables with the column that was read in training, bytes, or the words themselves: what is
    no place on the disk is the text. Where every token is to be told of, each sentence of a file is one, and each line
    where texts are translated.
    Series are .ts files, tables, or arrays (T, C). Volumes are files, folders of slices, or arrays (D, H, W).

    An array (H, W), (H, W, 1), (H, W, 3) or (H, W, 4) is one picture, the last with its transparency on white; other
    arrays are stacks of pictures. `channels` is what the network sees, `fit` the task's form: files are decoded as
    they were for training.
    """
    for place, item in enumerate(_listed(inputs, kind, channels)):
        if kind == "text":
            yield from _texts(place, item, columns, fit)
        elif kind == "series" and not isinstance(item, np.ndarray):
            yield from _of_tables(_series, Path(item), columns, ".ts")
        elif kind in BODIES:
            yield from BODIES[kind](place, item, fit)
        elif isinstance(item, np.ndarray):
            yield Input(str(place), _from_array(item, kind, len(columns)))
        elif isinstance(item, bytes):
            yield _picture(str(place), item, fit)
        elif kind == "vector":
            yield from _of_tables(_from_table, Path(item), columns)
        else:
            yield from _from_path(Path(item), fit)


class Aligned:
    """Another table seen through the columns that a network was trained on: same names, in its order.

    A category that training never had makes its row Unreadable; a missing column is a DataError.
    """

    def __init__(self, source: Source, columns: tuple[str, ...]):
        there = {column.name: (column, start) for column, start in _placed(columns_of(source.index.columns))}
        self.wanted = columns_of(columns)
        missing = [column.name for column in self.wanted if column.name not in there]
        if missing:
            raise DataError("data.columns_missing", place=source.root, names=", ".join(missing[:5]), count=len(missing))
        self.source = source
        self.found = [there[column.name] for column in self.wanted]
        old = source.index
        self.index = Index(old.ids, old.labels, old.parts, old.groups, old.kind, columns)
        self.root, self.layout, self.task, self.findings = source.root, source.layout, source.task, source.findings

    def read(self, row: int, fit: object = None) -> np.ndarray:
        """The row's numbers in the network's order; raises Unreadable."""
        values = self.source.read(row)
        line = self.index.ids[row].rpartition(":")[2]
        pieces = []
        for wanted, (found, start) in zip(self.wanted, self.found, strict=True):
            here = values[start : start + found.width]
            if wanted.categories or found.categories:
                cell = found.categories[int(here.argmax())] if found.categories else f"{here[0]:g}"
                here = read_vector([cell], [wanted], _no_number, int(line) if line.isdigit() else 0)
            pieces.append(here)
        return np.concatenate(pieces).astype(np.float32)

    def header(self, row: int) -> tuple[int, int, int]:
        """As many numbers as the network wants."""
        return len(self.index.columns), 1, 1

    def fingerprint(self) -> str:
        """The other table's, and the columns asked for."""
        return f"{self.source.fingerprint()}:{','.join(self.index.columns)}"


def _placed(columns: Iterable[Column]) -> Iterator[tuple[Column, int]]:
    """Each column with the place of its first number in the vector."""
    start = 0
    for column in columns:
        yield column, start
        start += column.width


def _no_number(cell: str) -> None:
    return None


def _listed(inputs: Any, kind: str, channels: int) -> list[Any]:
    if isinstance(inputs, str | Path | bytes):
        return [inputs]
    if isinstance(inputs, list | tuple) and any(isinstance(item, str | Path | bytes | np.ndarray) for item in inputs):
        return [item if isinstance(item, str | Path | bytes) else np.asarray(item) for item in inputs]
    array = np.asarray(inputs)
    if kind in ("series", "sound", "volume", "clip"):
        return [array] if array.ndim < {"volume": 4, "clip": 5}.get(kind, 3) else list(array)
    if kind == "picture" and array.ndim == 3 and channels == 3 and len(array) in CHANNELS[1:]:
        if array.shape[2] not in CHANNELS:
            raise DataError("data.array_ambiguous", shape=array.shape, count=len(array))
    single = array.ndim == (2 if kind == "picture" else 1) or (kind == "picture" and _is_one_picture(array))
    return [array] if single else list(array)


def _is_one_picture(array: np.ndarray) -> bool:
    return array.ndim == 3 and array.shape[2] in CHANNELS


def _from_array(array: np.ndarray, kind: str, width: int) -> Any:
    if kind == "picture":
        whole = array.dtype in (np.uint8, np.uint16) and (array.ndim == 2 or _is_one_picture(array))
        transparent = array.ndim == 3 and array.shape[2] == 4
        if not whole or transparent and array.dtype != np.uint8:
            return Unreadable("array_not_picture", dtype=array.dtype, shape=tuple(array.shape))
        if transparent:
            return Picture(on_white(array))
        return Picture(array[..., None] if array.ndim == 2 else array)
    if kind == "series":
        return array.astype(np.float32)
    if array.shape != (width,):
        return Unreadable("wrong_cells", line=0, expected=width, found=array.size)
    return array.astype(np.float32)


def _from_table(file: Path, columns: Sequence[str]) -> Iterator[Input]:
    """Every row of a CSV; columns are found by name, others are passed over."""
    if not file.exists():
        raise DataError("data.no_place", place=file, hint=nearest_place(file))
    if not file.is_file() or suffix(file.name) not in SUFFIXES:
        raise DataError("data.not_a_table", place=file)
    table = open_delimited(file)
    wanted = columns_of(columns)
    missing = [column.name for column in wanted if column.name not in table.names]
    if missing:
        raise DataError("data.columns_missing", place=file, names=", ".join(missing[:5]), count=len(missing))
    places = [table.names.index(column.name) for column in wanted]
    for line, cells in table.rows():
        name = f"{file.name}:{line}"
        try:
            if len(cells) != len(table.names):
                raise Unreadable("wrong_cells", line=line, expected=len(table.names), found=len(cells))
            yield Input(name, read_vector([cells[place] for place in places], wanted, table.number, line))
        except Unreadable as reason:
            yield Input(name, reason)


def _from_path(path: Path, fit: object) -> Iterator[Input]:
    if path.is_dir():
        files = [found for found in walk(path) if is_picture(path, found)]
        if not files:
            raise DataError("data.no_pictures", place=path)
        for name in files:
            yield _picture(str(path / name), path / name, fit)
    elif path.exists():
        yield _picture(str(path), path, fit)
    else:
        yield Input(str(path), Unreadable("missing_file"))


def _media(media: "Media", place: int, item: Any, fit: object) -> Iterator[Input]:
    """What one thing holds: a file's sound or video, those of a folder, or an array at the rate of the training."""
    if isinstance(item, np.ndarray):
        yield Input(str(place), media.of_array(item, getattr(fit, "rate", media.rate)))
    elif isinstance(item, bytes):
        yield _medium(media, str(place), item, fit)
    elif Path(item).is_dir():
        files = [name for name in walk(item) if media.meant(item, name)]
        if not files:
            raise DataError(media.nothing, place=item)
        yield from (_medium(media, str(Path(item) / name), Path(item) / name, fit) for name in files)
    else:
        yield _medium(media, str(item), Path(item), fit)


def _samples(array: np.ndarray, rate: int) -> Any:
    samples = array[:, None] if array.ndim == 1 else array
    whole = samples.ndim == 2 and len(samples) and 0 < samples.shape[1] <= MOST_CHANNELS
    if not whole or not (array.dtype == np.int16 or (array.dtype.kind == "f" and np.isfinite(array).all())):
        return Unreadable("array_not_sound", dtype=array.dtype, shape=tuple(array.shape))
    return Sound(samples if array.dtype == np.int16 else samples.astype(np.float32), rate)


def _frames(array: np.ndarray, rate: float) -> Any:
    if array.ndim != 4 or not len(array) or array.shape[3] not in CHANNELS[:2] or array.dtype != np.uint8:
        return Unreadable("array_not_clip", dtype=array.dtype, shape=tuple(array.shape))
    return Clip(array, np.arange(len(array)) / rate, (), (array.shape[2], array.shape[1]), len(array) / rate)


def _medium(media: "Media", name: str, content: Path | bytes, fit: object) -> Input:
    try:
        return Input(name, media.read(content, fit))
    except Unreadable as reason:
        return Input(name, reason)


def _volumes(place: int, item: Any, fit: object) -> Iterator[Input]:
    """What one thing holds: an array of Hounsfield units or other values, a file's volume, or those of a folder."""
    if isinstance(item, np.ndarray):
        yield Input(str(place), scan_of(item))
        return
    found = list(volumes_at(Path(item)))
    if not found:
        raise DataError("data.no_volumes_here", place=item)
    for one in found:
        try:
            yield Input(one.id, read_volume(one.files))
        except Unreadable as reason:
            yield Input(one.id, reason)


def _texts(place: int, item: Any, columns: Sequence[str], fit: object) -> Iterator[Input]:
    """What one thing holds: the texts of a folder or of a table's column, a file's text, or the words themselves."""
    path = None if isinstance(item, bytes) else _there(item)
    if path is None and isinstance(item, str) and _names_a_file(item):
        yield Input(item, Unreadable("missing_file"))
    elif path is None:
        content = item if isinstance(item, bytes) else str(item)
        yield _text(str(place), read_text if isinstance(item, bytes) else clean, content)
    elif path.is_dir():
        yield from _texts_in(path, columns, fit)
    elif isinstance(fit, Given) and path.is_file():
        yield from _sentences(path)
    elif suffix(path.name) in SUFFIXES:
        yield from _column(path, columns)
    else:
        yield from _file(path, path.name if isinstance(fit, Line) else str(path), fit)


def _texts_in(folder: Path, columns: Sequence[str], fit: object) -> Iterator[Input]:
    """The texts of a folder, or else the rows of its tables."""
    files = [name for name in walk(folder) if is_text(folder, name)]
    tables = [] if files else _tables(folder)
    if not (files or tables):
        raise DataError("data.no_texts", place=folder)
    for table in tables:
        yield from _column(table, columns)
    for name in files:
        yield from _file(folder / name, str(folder / name), fit)


def _file(file: Path, name: str, fit: object) -> Iterator[Input]:
    """A file's text, or each of its lines."""
    if isinstance(fit, Line):
        yield from _lines(file, name)
    else:
        yield _text(name, read_text, file)


def _sentences(file: Path) -> Iterator[Input]:
    """The sentences of a file: tokens as they are given, tags or not, or else the lines that are not blank."""
    try:
        if cells := looks_tagged(file):
            for sentence in read_tagged(file):
                yield Input(f"{file.name}:{sentence.lines[0].number}", written(tokens_of(sentence, cells)))
            return
    except Unreadable as reason:
        yield Input(str(file), reason)
        return
    yield from _lines(file, file.name)


def _lines(file: Path, name: str) -> Iterator[Input]:
    """The lines of a file that are not blank."""
    try:
        lines = read_text(file).text.split("\n")
    except Unreadable as reason:
        yield Input(name, reason)
        return
    for line, text in enumerate(lines, start=1):
        if text.strip():
            yield _text(f"{name}:{line}", clean, text)


def _tables(folder: Path, suffixes: Collection[str] = SUFFIXES) -> list[Path]:
    """The tables of a folder, by which a network may have been trained."""
    names = listing(folder)[1] if folder.is_dir() else []
    return [folder / name for name in names if suffix(name) in suffixes]


def _of_tables(
    rows: Callable[[Path, Sequence[str]], Iterator[Input]], place: Path, columns: Sequence[str], *more: str
) -> Iterator[Input]:
    """The rows of a table, or of all that a folder holds."""
    for file in _tables(place, SUFFIXES.union(more)) or [place]:
        yield from rows(file, columns)


def _there(item: str | Path) -> Path | None:
    """A place on the disk, where it is one: a text may be longer than any name."""
    try:
        return Path(item) if os.path.lexists(item) or isinstance(item, Path) else None
    except (OSError, ValueError):
        return None


def _names_a_file(text: str) -> bool:
    """Whether one word is meant as a place on the disk and not as a text: notes.txt, ./notes, texts/."""
    one = len(text.split()) == 1 and "://" not in text
    return one and (suffix(text) in TEXTS | SUFFIXES or text.startswith(("./", "../", "/", "~/")) or text.endswith("/"))


def _column(file: Path, columns: Sequence[str]) -> Iterator[Input]:
    """The cells of the column that texts stood in; the only column of a table that has one."""
    table = open_delimited(file)
    if len(table.names) > 1 and (not columns or columns[0] not in table.names):
        raise DataError("data.columns_missing", place=file, names=", ".join(columns[:1]) or "-", count=1)
    place = table.names.index(columns[0]) if len(table.names) > 1 else 0
    for line, cells in table.rows():
        yield _text(f"{file.name}:{line}", clean, cells[place] if place < len(cells) else "")


def _text(name: str, read: Callable[[Any], Text], content: Any) -> Input:
    try:
        return Input(name, read(content))
    except Unreadable as reason:
        return Input(name, reason)


def _series(file: Path, columns: Sequence[str]) -> Iterator[Input]:
    """Every case of a .ts file; of a table the series whose channels have these names, or else a series in each row."""
    if not file.is_file():
        known = {"place": file} if file.is_dir() else {"place": file, "hint": nearest_place(file)}
        raise DataError("data.no_series_here" if file.is_dir() else "data.no_place", **known)
    if suffix(file.name) in SUFFIXES:
        table = open_delimited(file)
        wide = len(columns) == 1 and columns[0] not in table.names
        yield from (Input(*one) for one in (rows_of(table) if wide else asked_about(table, columns)))
        return
    source = open_ts(str(file), DataSettings())
    for row, name in enumerate(source.index.ids):
        try:
            yield Input(name, source.read(row))
        except Unreadable as reason:
            yield Input(name, reason)


def _picture(name: str, content: Path | bytes, fit: object) -> Input:
    try:
        return Input(name, read_picture(content, fit))
    except Unreadable as reason:
        return Input(name, reason)


class Media(NamedTuple):
    """How things of one kind that lie in files are read, and what an array of them is."""

    read: Callable[[Any, object], Any]
    of_array: Callable[[np.ndarray, Any], Any]
    meant: Callable[[Any, str], bool]
    nothing: str  # what is said of a folder that holds none
    rate: float  # of an array where the task has none


BODIES: dict[str, Callable[[int, Any, object], Iterator[Input]]] = {
    "sound": partial(_media, Media(read_sound, _samples, is_sound, "data.no_sounds", 16_000)),
    "clip": partial(_media, Media(read_clip, _frames, is_clip, "data.no_videos", 25.0)),
    "volume": _volumes,
}
