"""COCO's outlines as masks: the places of COCO, read for `--task segment`.

Class 0 is "background", or the category of that name; the others are the file's, in its order. A thing that is listed
later lies over those before it; what belongs to a crowd, or has a box and no outline, is "do not care".
"""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from deepglass.data.annotation import Annotated
from deepglass.data.readers.coco import Instances, looks_coco, read_coco
from deepglass.data.readers.mask import MOST
from deepglass.data.readers.outline import Outline, Runs, painted
from deepglass.data.readers.picture import header, read_picture
from deepglass.data.settings import DataSettings
from deepglass.data.source import Finding, Index, Layout, Match, Picture, Unreadable
from deepglass.data.sources.boxed import Marked, Pictures, annotated, brought_together, indexed
from deepglass.data.sources.coco import box_of, files_of, marks_in, strange_ids
from deepglass.data.sources.files import Files
from deepglass.foundation.errors import DataError

BACKGROUND = "background"


class Outlined(Files):
    """Pictures in files, their masks painted from outlines when they are read."""

    def __init__(self, root: Path, index: Index, findings: list[Finding], annotated: Annotated):
        super().__init__("coco_masks", "segment", root, index, findings)
        self.annotated = annotated
        self.numbers = {name: number for number, name in enumerate(index.classes)}

    def numbered_as(self, names: Sequence[str]) -> "Outlined":
        """The same with the numbers that these classes have; DataError where it has others."""
        if others := sorted(set(self.numbers) - set(names)):
            values = {"place": self.root, "names": ", ".join(others[:5]), "known": ", ".join(names[:5])}
            raise DataError("data.other_classes", **values)
        index = replace(self.index, classes=tuple(names))
        return Outlined(self.root, index, self.findings, self.annotated)

    def read(self, row: int, fit: object = None) -> Picture:
        """The decoded picture with its mask; raises Unreadable."""
        self.annotated.accept(row, None)
        picture = read_picture(self.root / self.index.ids[row], fit)
        self.annotated.accept(row, picture.size)
        outlines = self.index.labels[row]
        if outlines is None:
            return picture
        mask, notes = painted(outlines, picture.size, self.numbers)
        return picture._replace(mask=mask, notes=picture.notes + notes)

    def header(self, row: int) -> tuple[int, int, int]:
        """Width, height and channels without decoding; raises Unreadable."""
        self.annotated.accept(row, None)
        found = header(self.root / self.index.ids[row])
        self.annotated.accept(row, found[:2])
        return found

    def told(self) -> "hashlib.blake2b":
        """The pictures, their sizes, the outlines, and the number of each class in the masks that are painted."""
        state = super().told()
        state.update(self.annotated.told() + f"{self.index.classes}\n".encode())
        return state


def recognise(place: str, settings: DataSettings) -> Match | None:
    """COCO's files that have outlines; unless masks are asked for, they are boxes in the first place."""
    _, files = files_of(Path(place))
    files = [file for file in files if looks_coco(file, b'"segmentation"')]
    if not files:
        return None
    return Match(0.5, "layout_coco_masks", "segment", {"files": ", ".join(file.name for file in files[:3])})


def open_coco_masks(place: str, settings: DataSettings) -> Outlined:
    """Every listed picture with what is outlined in it."""
    root, files = files_of(Path(place))
    if not files:
        raise DataError("data.not_that_layout", place=place, layout="coco_masks")
    pictures = Pictures(root)
    marks: list[Marked] = []
    findings: list[Finding] = []
    names: dict[str, None] = {BACKGROUND: None}
    for file in files:
        found = read_coco(file, outlines=True)
        marks += marks_in(found, pictures, _outline)
        findings += strange_ids(found)
        names |= dict.fromkeys(found.categories.values())
    if len(names) > MOST:
        raise DataError("data.many_classes", place=place, count=len(names), most=MOST)
    every = brought_together(pictures, marks)
    index, findings = indexed(every, findings)
    return Outlined(root, replace(index, classes=tuple(names)), findings, annotated(every, tuple(names)))


def _outline(entry: dict[str, Any], found: Instances) -> Outline:
    label, said = found.categories[entry["category_id"]], entry.get("segmentation")
    if isinstance(said, Unreadable):
        name = f"annotation {entry.get('id', '-')}"
        raise Unreadable(said.reason, **said.values, annotation=found.file.name, outline=name)
    crowd = bool(entry.get("iscrowd"))
    if isinstance(said, Runs):
        return Outline(label, runs=said, crowd=crowd)
    if said:
        return Outline(label, said, crowd=crowd)
    return Outline(label, box=box_of(entry, found)[1:5], crowd=crowd)


CATALOGUE = {"coco_masks": Layout(recognise, open_coco_masks, "segment")}
