"""Examples that lie in files, pictures, videos, sounds and texts: what the layouts of folders and tables open."""

import hashlib
import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from itertools import islice
from pathlib import Path
from types import MappingProxyType
from typing import Any

from deepglass.data.annotation import Annotated
from deepglass.data.readers import sound as sounds
from deepglass.data.readers.magic import ENOUGH, picture_format
from deepglass.data.readers.picture import FOREIGN_SUFFIXES, SUFFIXES, header, read_picture
from deepglass.data.readers.text import SUFFIXES as TEXTS
from deepglass.data.readers.text import Text, read_text
from deepglass.data.readers.video import FOREIGN_SUFFIXES as FOREIGN_VIDEOS
from deepglass.data.readers.video import SUFFIXES as VIDEOS
from deepglass.data.readers.video import Clip, read_clip
from deepglass.data.readers.video import header as video_header
from deepglass.data.source import Finding, Index, Picture, Unreadable
from deepglass.data.walk import suffix, walk

LOOKED = 2000  # files of a folder by which it is told what kind they are
UNLABELLED = frozenset(("unlabelled", "unlabeled", "未标注"))  # folders of what has no class
ARCHIVES = frozenset(".zip .tar .gz .tgz .bz2 .xz .7z .rar".split())


class Files:
    """Examples in files under `root`, one for each id of the index; nothing is opened until it is read."""

    def __init__(self, layout: str, task: str, root: Path, index: Index, findings: list[Finding]):
        self.layout = layout
        self.task = task
        self.root = root
        self.index = index
        self.findings = findings
        self.lines: Sequence[str] = ()  # table:line of each example, where a table names them

    def read(self, row: int, fit: object = None) -> Any:
        """The raw content of one file; raises Unreadable."""
        raise NotImplementedError

    def header(self, row: int) -> tuple[int, int, int]:
        """What its first bytes tell; raises Unreadable."""
        raise NotImplementedError

    def fingerprint(self) -> str:
        """A hash over names, answers, parts, sizes and times of change, as they were when it was first asked for."""
        return self._fingerprint

    @cached_property
    def _fingerprint(self) -> str:
        return self.told().hexdigest()

    def told(self) -> "hashlib.blake2b":
        """What the fingerprint is made of, so far."""
        state = hashlib.blake2b(digest_size=16)
        parts = self.index.parts or [""] * len(self.index)
        root = str(self.root)
        for id, label, part in zip(self.index.ids, self.index.labels, parts, strict=True):
            state.update(f"{id}\0{label}\0{part}\0{changed(os.path.join(root, id))}\n".encode())
        return state


class PictureFiles(Files):
    """Pictures in files."""

    annotated: Annotated | None = None  # where annotations say what size they are, or that they cannot be used

    def read(self, row: int, fit: object = None) -> Picture:
        """The decoded picture; raises Unreadable."""
        self.accept(row, None)
        picture = read_picture(os.path.join(self.root, self.index.ids[row]), fit)
        self.accept(row, picture.size)
        return picture

    def header(self, row: int) -> tuple[int, int, int]:
        """Width, height and channels without decoding; raises Unreadable."""
        self.accept(row, None)
        found = header(self.root / self.index.ids[row])
        self.accept(row, found[:2])
        return found

    def told(self) -> "hashlib.blake2b":
        """The pictures, and what annotations say of their sizes: where that is mended, other pictures can be used."""
        state = super().told()
        state.update(self.annotated.told() if self.annotated is not None else b"")
        return state

    def accept(self, row: int, size: tuple[int, int] | None) -> None:
        """Raise Unreadable where annotations forbid using the picture, or do not fit this size of it."""
        if self.annotated is not None:
            self.annotated.accept(row, size)


class SoundFiles(Files):
    """Sounds in files."""

    def read(self, row: int, fit: object = None) -> sounds.Sound:
        """The decoded sound; raises Unreadable."""
        return sounds.read_sound(os.path.join(self.root, self.index.ids[row]), fit)

    def header(self, row: int) -> tuple[int, int, int]:
        """Frames, channels and rate without decoding; raises Unreadable."""
        return sounds.header(self.root / self.index.ids[row])


class TextFiles(Files):
    """Texts in files."""

    def read(self, row: int, fit: object = None) -> Text:
        """The text; raises Unreadable."""
        return read_text(os.path.join(self.root, self.index.ids[row]))

    def header(self, row: int) -> tuple[int, int, int]:
        """How many bytes the file has."""
        return (self.root / self.index.ids[row]).stat().st_size, 1, 1


class ClipFiles(Files):
    """Videos in files."""

    faults: Mapping[int, Unreadable] = MappingProxyType({})  # rows of a table that cannot be used
    judge: Callable[[int, Clip, object], None] | None = None  # raises Unreadable where a table contradicts a video

    def read(self, row: int, fit: object = None) -> Clip:
        """The frames as the form wants them, decoded; raises Unreadable."""
        if row in self.faults:
            raise self.faults[row]
        clip = read_clip(os.path.join(self.root, self.index.ids[row]), fit)
        if self.judge:
            self.judge(row, clip, fit)
        return clip

    def header(self, row: int) -> tuple[int, int, int]:
        """Width, height and channels by its first frame; raises Unreadable."""
        return video_header(self.root / self.index.ids[row])[:3]

    def told(self) -> "hashlib.blake2b":
        """The videos, and which rows cannot be used: where those are mended, other videos can be."""
        state = super().told()
        state.update(repr([(row, self.faults[row].reason) for row in sorted(self.faults)]).encode())
        return state


def is_clip(folder: Path | str, name: str) -> bool:
    """Whether a file is meant as a video, by its extension; what is not read is an example that is named."""
    return suffix(name) in VIDEOS or suffix(name) in FOREIGN_VIDEOS


def is_text(folder: Path | str, name: str) -> bool:
    """Whether a file is meant as a text, by its extension."""
    return suffix(name) in TEXTS


def is_sound(folder: Path | str, name: str) -> bool:
    """Whether a file is meant as a sound, by its extension; formats that are not read are examples that are named."""
    return suffix(name) in sounds.SUFFIXES or suffix(name) in sounds.FOREIGN_SUFFIXES


def is_picture(folder: Path | str, name: str) -> bool:
    """Whether a file is meant as a picture: by its extension, or by its first bytes where it has none.

    Formats that are not read (HEIC, SVG ...) count too: they are examples that the doctor names, not strays.
    """
    ending = suffix(name)
    if ending:
        return ending in SUFFIXES or ending in FOREIGN_SUFFIXES
    try:
        with open(os.path.join(folder, name), "rb") as stream:
            return bool(picture_format(stream.read(ENOUGH)))
    except OSError:
        return False


# by kind; of equally many files the first counts
MEANT = {"picture": is_picture, "clip": is_clip, "sound": is_sound, "text": is_text}
OPENED: dict[str, type[Files]] = {"picture": PictureFiles, "clip": ClipFiles, "sound": SoundFiles, "text": TextFiles}


def has_pictures(folder: Path | str) -> bool:
    """Whether a picture lies anywhere under the folder; stops at the first."""
    return holds(folder, "picture")


def holds(folder: Path | str, kind: str) -> bool:
    """Whether a file of this kind lies anywhere under the folder; stops at the first."""
    return any(MEANT[kind](folder, name) for name in walk(folder))


def kind_held(folder: Path | str) -> str:
    """Which kind most of the first files under the folder are of; nothing where they are of none."""
    names = list(islice(walk(folder), LOOKED))
    counts = Counter({kind: sum(meant(folder, name) for name in names) for kind, meant in MEANT.items()})
    return max(counts, key=lambda kind: counts[kind]) if counts.total() else ""


class Names:
    """Finds the file of a kind that a cell names: as a path, without its extension, or by its bare name anywhere."""

    def __init__(self, root: Path, kind: str):
        self.root = root
        self.ids = [id for id in walk(root) if nameable(id) and MEANT[kind](root, id)]
        self.shared: dict[str, set[str]] = {}  # names that are short for several files: the first of them is found
        self._known = {id: id for id in self.ids}
        for id in self.ids:
            bare = id.rsplit("/", 1)[-1]
            for short in (id.rsplit(".", 1)[0], bare, bare.rsplit(".", 1)[0]):
                first = self._known.setdefault(short, id)
                if first not in (id, short):
                    self.shared.setdefault(short, {first}).add(id)

    def find(self, cell: str) -> str | None:
        """The file's id, or None where there is none."""
        name = cell.replace("\\", "/").removeprefix("./")
        if name in self._known:
            return self._known[name]
        return name if Path(name).is_absolute() and Path(name).is_file() else None


def class_of(folder: str) -> str | None:
    """The class that a folder's name stands for; None where it says that what lies there has none."""
    return None if folder.lower() in UNLABELLED else folder


def nameable(name: str) -> bool:
    """Whether the name is valid UTF-8, so that it can be written into reports and hashed."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def strays(names: list[str], place: str = "") -> list[Finding]:
    """One note on files that are no examples: how many, and the first few by name."""
    if not names:
        return []
    return [Finding("stray_files", "note", place, {"count": len(names), "examples": ", ".join(names[:3])})]


def changed(file: str) -> str:
    """Size and time of change of a file, or that it is not there."""
    try:
        state = os.stat(file)
    except OSError:
        return "missing"
    return f"{state.st_size} {state.st_mtime_ns}"
