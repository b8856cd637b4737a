"""COCO: one JSON of instances or several (annotations/instances_train2017.json) and the pictures that they name.

Files and folders named after parts (train2017, valid/_annotations.coco.json) are these parts. A picture that is listed
without an annotation holds nothing; of one that no file lists, or that is listed where nothing is annotated, the answer
is not known.
"""

import math
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from deepglass.data.annotation import UNKNOWN, Box
from deepglass.data.readers.coco import Instances, looks_coco, read_coco
from deepglass.data.settings import DataSettings
from deepglass.data.source import Finding, Layout, Match, Unreadable
from deepglass.data.sources.boxed import Marked, Pictures, gathered, part_in, unknown_ids
from deepglass.data.sources.columns import part
from deepglass.data.sources.files import PictureFiles
from deepglass.data.walk import listing, suffix
from deepglass.foundation.errors import DataError

BESIDE = frozenset(("annotations", "annotation", "labels"))  # folders of annotations beside those of pictures
MAIN = "instances"  # of COCO's own files those of boxes; the others speak of the same pictures


def recognise(place: str, settings: DataSettings) -> Match | None:
    """A JSON file that lists pictures and categories, or a folder that has such files where COCO's are."""
    _, files = files_of(Path(place))
    if not files:
        return None
    names = ", ".join(file.name for file in files[:3])
    return Match(0.97, "layout_coco", "detect", {"files": names})


def open_coco(place: str, settings: DataSettings) -> PictureFiles:
    """Every listed picture with its boxes."""
    root, files = files_of(Path(place))
    if not files:
        raise DataError("data.not_that_layout", place=place, layout="coco")
    pictures = Pictures(root)
    marks: list[Marked] = []
    findings: list[Finding] = []
    classes: dict[str, None] = {}
    for file in files:
        found = read_coco(file)
        marks += marks_in(found, pictures, box_of)
        findings += strange_ids(found)
        classes |= dict.fromkeys(found.categories.values())
    return gathered("coco", pictures, marks, findings, tuple(classes))


def files_of(place: Path) -> tuple[Path, list[Path]]:
    """The folder under which pictures lie, and the files of instances."""
    if place.is_file():
        beside = place.parent.name.lower() in BESIDE
        root = place.parent.parent if beside else place.parent
        return root, [place] if suffix(place.name) == ".json" and looks_coco(place) else []
    if not place.is_dir():
        return place, []
    inner, _ = listing(place)
    folders = [place, *(place / name for name in inner if name.lower() in BESIDE or part(name))]
    found = [folder / name for folder in folders for name in listing(folder)[1] if suffix(name) == ".json"]
    found = [file for file in found if looks_coco(file)]
    return place, [file for file in found if file.name.startswith(MAIN)] or found


def marks_in(found: Instances, pictures: Pictures, thing: Callable[[dict[str, Any], Instances], Any]) -> list[Marked]:
    """What the file says of each of its pictures; `thing` makes one annotation what is marked, or raises Unreadable."""
    here = found.file.relative_to(pictures.root).as_posix()
    named, folder = part_in(here), here.rpartition("/")[0]
    marks: list[Marked] = []
    for image in found.images:
        id, fault = pictures.find(str(image["file_name"]), [folder], named)
        boxes = None
        if found.annotations is not None:
            try:
                own = found.annotations.get(image["id"], ())
                boxes = tuple(thing(entry, found) for entry in own if _known(entry, found))
            except Unreadable as reason:
                fault = fault or reason
        marks.append(Marked(id, boxes, here, named, _size(image), fault))
    return marks


def _known(entry: dict[str, Any], found: Instances) -> bool:
    return entry["category_id"] in found.categories


def box_of(entry: dict[str, Any], found: Instances) -> Box:
    """Its box, in pixels; raises Unreadable where its corners are no numbers."""
    values = entry.get("bbox")
    if not isinstance(values, list) or len(values) != 4 or not all(map(_is_number, values)):
        name = f"annotation {entry.get('id', '-')}"
        raise Unreadable("box_not_numbers", annotation=found.file.name, box=name, value=str(values)[:40])
    x, y, width, height = map(float, values)
    return Box(found.categories[entry["category_id"]], x, y, x + width, y + height, bool(entry.get("iscrowd")))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _size(image: dict[str, Any]) -> tuple[int, int]:
    size = (image.get("width"), image.get("height"))
    return size if all(isinstance(side, int) and side > 0 for side in size) else UNKNOWN  # pyright: ignore


def strange_ids(found: Instances) -> list[Finding]:
    """Annotations of categories and pictures that the file does not list."""
    if not found.annotations:
        return []
    ids = Counter(entry["category_id"] for entries in found.annotations.values() for entry in entries)
    named = {image["id"]: str(image["file_name"]) for image in found.images}
    strange = (
        named.get(image, "-")
        for image, entries in found.annotations.items()
        for entry in entries
        if not _known(entry, found)
    )
    findings = unknown_ids(ids, list(found.categories), found.file, next(strange, ""))
    if lost := [image for image in found.annotations if image not in named]:
        count = sum(len(found.annotations[image]) for image in lost)
        values = {"count": count, "ids": ", ".join(map(str, lost[:3]))}
        findings.append(Finding("annotations_lost", "warning", found.file.name, values))
    return findings


CATALOGUE = {"coco": Layout(recognise, open_coco, "detect")}
