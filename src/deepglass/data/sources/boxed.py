"""Pictures whose answers are boxes: what every layout of boxes has in common once its annotations are read.

A box is cut at its picture's border; one without area, or outside, is left out. A picture whose annotation does not fit
it, is missing or speaks twice is left out by name. Where nobody has looked at a picture its answer is None.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from deepglass.data.annotation import UNKNOWN, Annotated, Box, in_words, unordered
from deepglass.data.readers.delimited import SUFFIXES, Delimited, open_delimited
from deepglass.data.readers.picture import SUFFIXES as PICTURE_SUFFIXES
from deepglass.data.readers.picture import header
from deepglass.data.source import Finding, Index, Unreadable
from deepglass.data.sources.columns import part
from deepglass.data.sources.files import Names, PictureFiles
from deepglass.data.walk import listing, suffix

NAMED = 3  # faults that a sentence names; its values name up to MOST
MOST = 1000
MOST_IDS = 10  # class ids with gaps between them that a sentence names
_WORD = re.compile(r"[a-z]+|[\u4e00-\u9fff]+")

MOST_TABLES = 50  # in a folder and its parts


class Marked(NamedTuple):
    """What an annotation says of one picture."""

    id: str  # of the picture, or the name by which it was not found
    boxes: tuple[Any, ...] | None  # or outlines, or plates
    annotation: str  # the file that says so
    part: str = ""
    size: tuple[int, int] = UNKNOWN  # width and height as they were annotated
    fault: Unreadable | None = None  # why it cannot be used
    group: str = ""


class Pictures:
    """Finds the picture that an annotation speaks of, as it may have been written on another machine."""

    def __init__(self, root: Path):
        self.root = root
        self.names = Names(root, "picture")
        self.folders: dict[str, set[str]] = defaultdict(set)  # of pictures, by the part that they are named after
        for folder in {_folder(id) for id in self.names.ids}:
            self.folders[part_in(folder)].add(folder)

    def find(self, name: str, near: Sequence[str] = (), of: str = "") -> tuple[str, Unreadable | None]:
        """The id of the picture `name`: near these folders, in a folder of its part, by its path, by its bare name.

        Where there is none, or several could be meant, the name comes back with the reason.
        """
        name = name.replace("\\", "/").removeprefix("./")
        bare = name.rsplit("/", 1)[-1]
        folders = [*near, *(sorted(self.folders[of]) if of else ())]
        for tried in (name, bare) if bare != name else (name,):
            if found := self.beside(tried, folders):
                return found, None
            if tried in self.names.shared:
                return name, Unreadable("several_pictures", names=", ".join(sorted(self.names.shared[tried])[:NAMED]))
            if found := self.names.find(tried):
                return found, None
        like = self._stems.get(_stem(bare))
        return name, Unreadable("missing_file_like", like=like) if like else Unreadable("missing_file")

    def named_in(self, cells: Sequence[str], path: int, near: Sequence[str], of: str) -> str:
        """The id of the picture that a row with too few or too many cells is of; nothing where that cannot be told."""
        cell = cells[path] if path < len(cells) else ""
        id, lost = self.find(cell, near, of) if cell else ("", None)
        return id if lost is None or suffix(cell) in PICTURE_SUFFIXES else ""

    @cached_property
    def _stems(self) -> dict[str, str]:
        """Pictures by their bare names in small letters without what comes after the point."""
        return {_stem(id.rsplit("/", 1)[-1]): id for id in reversed(self.names.ids)}

    def beside(self, name: str, folders: Sequence[str]) -> str | None:
        """The picture of this name, with its extension or without, in the first of these folders that has it."""
        for folder in folders:
            found = self.names.find(f"{folder}/{name}" if folder else name)
            if found and (folder or "/" not in found):
                return found
        return None


def tables_at(place: Path, fits: Callable[[Delimited, Path], bool]) -> tuple[Path, list[Path]]:
    """The folder of pictures, and those tables that fit: one that is given, or those in it and in its parts.

    `fits` is asked of each table and that folder; among very many tables none is meant.
    """
    root = place.parent if place.is_file() else place
    tables = [place] if suffix(place.name) in SUFFIXES and place.is_file() else []
    if place.is_dir():
        inside = [place, *(place / name for name in listing(place)[0] if part(name))]
        tables = [folder / name for folder in inside for name in listing(folder)[1] if suffix(name) in SUFFIXES]
    if len(tables) > MOST_TABLES:
        return root, []
    return root, [file for file in tables if file.stat().st_size and fits(open_delimited(file), root)]


class Line(NamedTuple):
    """A row of a table; of one that is cut only which picture it is of, and why that cannot be used."""

    at: str
    cells: list[str]
    id: str = ""
    fault: Unreadable | None = None


class Lines:
    """The rows of a table of pictures: cut ones, with too few or too many cells, are told apart from the others.

    `named` is the part that the table is named after, `near` the folders where its pictures are looked for first.
    """

    def __init__(self, table: Delimited, path: int, pictures: Pictures):
        here = table.file.relative_to(pictures.root).as_posix()
        self.table, self.here, self.path, self.pictures = table, here, path, pictures
        self.named, self.near = part_in(here), [_folder(here)]
        self.nobodys: list[int] = []  # lines that are cut and of which it cannot be told which picture they are of

    def __iter__(self) -> Iterator[Line]:
        expected = len(self.table.names)
        for number, cells in self.table.rows():
            at = f"{self.here}:{number}"
            if len(cells) == expected:
                yield Line(at, cells)
            elif id := self.pictures.named_in(cells, self.path, self.near, self.named):
                yield Line(at, cells, id, Unreadable("row_cut", annotation=at, found=len(cells), expected=expected))
            else:
                self.nobodys.append(number)

    def findings(self) -> list[Finding]:
        """That rows are cut and name no picture: an error, for some picture would count as having less than it has."""
        if not self.nobodys:
            return []
        first, expected = ", ".join(map(str, self.nobodys[:NAMED])), len(self.table.names)
        values = {"place": self.table.file, "count": len(self.nobodys), "expected": expected, "lines": first}
        return [Finding("rows_of_no_picture", "error", "", values)]


def part_in(path: str) -> str:
    """The part that a path names, the last name first: train2017, instances_val.json, 测试集; nothing where none.

    >>> part_in("coco/train2017"), part_in("annotations/instances_val2017.json"), part_in("images")
    ('train', 'val', '')
    """
    words = [word for name in reversed(path.lower().split("/")) for word in _WORD.findall(name)]
    return next(filter(None, map(part, words)), "")


def size_of(root: Path, id: str) -> tuple[int, int] | Unreadable:
    """Width and height of a picture, from its first bytes."""
    try:
        return header(root / id)[:2]
    except Unreadable as reason:
        return reason


def gathered(
    layout: str,
    pictures: Pictures,
    marks: Sequence[Marked],
    findings: list[Finding],
    classes: Sequence[str] = (),
    alone: bool = False,
) -> PictureFiles:
    """The source of these annotations and, unless they stand alone, of the pictures beside those that they name.

    `classes` are those that are listed; where nothing lists them, those that occur, in the order of letters.
    """
    faults: dict[str, list[str]] = defaultdict(list)
    settled = [_settled(mark, faults) for mark in brought_together(pictures, marks, alone)]
    index, findings = indexed(settled, findings + told(faults))
    source = PictureFiles(layout, "detect", pictures.root, index, findings)
    occur = sorted({box.label for mark in settled for box in mark.boxes or ()})
    source.annotated = annotated(settled, tuple(classes) or tuple(occur))
    return source


def brought_together(pictures: Pictures, marks: Sequence[Marked], alone: bool = False) -> list[Marked]:
    """One mark for each picture, with its size and part; unless they stand alone, also for those that none names."""
    if not any(mark.part for mark in marks):
        marks = [mark._replace(part=part_in(_folder(mark.id))) for mark in marks]
    known = once(marks)
    every = [_sized(pictures.root, mark) for mark in known]
    every = [mark if mark.fault is None else mark._replace(boxes=()) for mark in every]
    return every + ([] if alone else beside(pictures, known))


def beside(pictures: Pictures, marks: Sequence[Marked]) -> list[Marked]:
    """The pictures beside these that none of them is of: nobody has looked at them."""
    known, looked = {mark.id for mark in marks}, {_folder(mark.id) for mark in marks if mark.fault is None}
    unseen = [id for id in pictures.names.ids if id not in known and _folder(id) in looked]
    return [Marked(id, None, "", part_in(_folder(id))) for id in unseen]


def indexed(marks: Sequence[Marked], findings: list[Finding]) -> tuple[Index, list[Finding]]:
    """The index of these pictures, and the findings with those that nobody has looked at."""
    if nobody := [mark.id for mark in marks if mark.boxes is None]:
        values = {"count": len(nobody), "examples": ", ".join(nobody[:NAMED])}
        findings = [*findings, Finding("not_annotated", "note", "", values)]
    parts = [mark.part for mark in marks] if any(mark.part for mark in marks) else ()
    groups = [mark.group for mark in marks] if any(mark.group for mark in marks) else ()
    return Index([mark.id for mark in marks], [mark.boxes for mark in marks], parts, groups), findings


def annotated(marks: Sequence[Marked], classes: tuple[str, ...]) -> Annotated:
    """What is known of these pictures before any is read."""
    sizes = np.array([mark.size for mark in marks], dtype=np.int32).reshape(-1, 2)
    return Annotated(classes, sizes, {row: mark.fault for row, mark in enumerate(marks) if mark.fault is not None})


def _stem(bare: str) -> str:
    return (bare.rpartition(".")[0] or bare).casefold()


def _folder(id: str) -> str:
    return id.rpartition("/")[0]


def once(marks: Sequence[Marked]) -> list[Marked]:
    """One mark for each picture: annotations that say the same count once, those that differ make it unusable."""
    known: dict[str, Marked] = {}
    for mark in marks:
        first = known.setdefault(mark.id, mark)
        same = (unordered(first.boxes or ()), first.part) == (unordered(mark.boxes or ()), mark.part)
        differ = Unreadable("two_annotations", first=first.annotation, second=mark.annotation)
        if first is not mark and first.fault is None:
            known[mark.id] = first._replace(fault=mark.fault if same else differ)
    return list(known.values())


def _sized(root: Path, mark: Marked) -> Marked:
    """With the size of the picture itself, where the annotation says none."""
    if mark.size != UNKNOWN or mark.fault is not None:
        return mark
    found = size_of(root, mark.id)
    return mark._replace(fault=found) if isinstance(found, Unreadable) else mark._replace(size=found)


def _settled(mark: Marked, faults: dict[str, list[str]]) -> Marked:
    """The boxes as they can be used; what was done to them is added to `faults`."""
    if mark.boxes is None or mark.fault is not None:
        return mark
    kept: list[Box] = []
    for box in mark.boxes:
        found, kind = settled_box(box, *mark.size)
        if kind:
            faults[kind].append(f"{mark.id}: {in_words((box,))} ({mark.size[0]} x {mark.size[1]})")
        kept += [found] if found is not None else []
    return mark._replace(boxes=tuple(kept))


def settled_box(box: Box, width: int, height: int) -> tuple[Box | None, str]:
    """A box with its corners in order and inside the picture, or None; and what was wrong with it.

    >>> settled_box(Box("a", -2, 0, 5, 5), 10, 10)
    (Box(label='a', left=0, top=0, right=5, bottom=5, crowd=False), 'box_cut')
    >>> settled_box(Box("a", 12, 0, 15, 5), 10, 10), settled_box(Box("a", 2, 2, 2, 5), 10, 10)
    ((None, 'box_outside'), (None, 'box_without_area'))
    """
    (left, right), (top, bottom) = sorted((box.left, box.right)), sorted((box.top, box.bottom))
    if left == right or top == bottom:
        return None, "box_without_area"
    if left >= width or top >= height or right <= 0 or bottom <= 0:
        return None, "box_outside"
    kind = "" if (left, top) == (box.left, box.top) else "box_corners"
    inside = (max(left, 0), max(top, 0), min(right, width), min(bottom, height))
    kind = kind or ("" if inside == (left, top, right, bottom) else "box_cut")
    return Box(box.label, *inside, box.crowd), kind


def told(faults: dict[str, list[str]]) -> list[Finding]:
    """One finding for each kind of fault, with the first few in words and many by name."""
    found: list[Finding] = []
    for kind, names in sorted(faults.items()):
        values: dict[str, Any] = {"count": len(names), "examples": "; ".join(names[:NAMED]), "boxes": names[:MOST]}
        found.append(Finding(kind, "note" if kind == "box_cut" else "warning", "", values))
    return found


def _listed(ids: Sequence[Any]) -> str:
    """Class ids in words; from .. to only where none between them is missing.

    >>> _listed([0, 1, 2]), _listed([1, 2, 5]), _listed([])
    ('0 .. 2', '1, 2, 5', '-')
    """
    if len(ids) > 1 and all(isinstance(id, int) for id in ids) and list(ids) == [*range(ids[0], ids[0] + len(ids))]:
        return f"{ids[0]} .. {ids[-1]}"
    return ", ".join(map(str, ids[:MOST_IDS])) + (" ..." if len(ids) > MOST_IDS else "") or "-"


def unknown_ids(ids: Counter[Any], known: Sequence[Any], place: Path, first: str) -> list[Finding]:
    """That boxes have class ids which nothing lists: an error, for every name may be that of its neighbour."""
    strange = [id for id in ids if id not in known]
    if not strange:
        return []
    whole = [id for id in ids if isinstance(id, int)]
    shifted = any(len(whole) == len(ids) and all(id + step in known for id in whole) for step in (-1, 1))
    values = {
        "count": sum(ids[id] for id in strange),
        "ids": ", ".join(map(str, sorted(strange, key=str)[:NAMED])),
        "known": _listed(known),
        "place": place,
        "first": first,
    }
    return [Finding("class_ids_shifted" if shifted else "class_ids_unknown", "error", "", values)]
