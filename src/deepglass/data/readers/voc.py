"""VOC's annotations: one XML for each picture, its corners the first and last pixels of a box, counted from 1.

A thing that is marked as difficult is neither learned nor asked for, as in VOC's own figures. Entities are refused: no
annotation needs them, and a few lines of them unfold into gigabytes.
"""

import math
import re
from pathlib import Path
from typing import NamedTuple
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

from deepglass.data.annotation import UNKNOWN, Box
from deepglass.data.source import Unreadable, unopened

SIDES = ("xmin", "ymin", "xmax", "ymax")
LOOK = 1 << 12  # bytes at the start by which an annotation is told
MOST_BYTES = 1 << 26  # of one annotation


class Page(NamedTuple):
    """What one XML says."""

    filename: str
    size: tuple[int, int]
    boxes: tuple[Box, ...]


def read_voc(file: Path) -> Page:
    """The picture's name and size and its boxes; Unreadable with the line of what is broken."""
    root = _parsed(file)
    if root.tag != "annotation":
        raise Unreadable("voc_lacks", annotation=file.name, field="annotation")
    boxes = tuple(_box(thing, file) for thing in root.findall("object"))
    return Page(_text(root, "filename"), _size(root), boxes)


def looks_voc(file: Path) -> bool:
    """Whether an XML begins as an annotation does."""
    try:
        with file.open("rb") as stream:
            return re.search(rb"<annotation[\s>]", stream.read(LOOK)) is not None
    except OSError:
        return False


def _parsed(file: Path) -> Element:
    """The tree of a file, by expat without entities."""
    builder = TreeBuilder()
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.data
    parser.EntityDeclHandler = lambda *_: _refuse_entity(file, parser.CurrentLineNumber)
    try:
        if file.stat().st_size > MOST_BYTES:
            raise Unreadable("too_many_bytes", size=file.stat().st_size >> 20, limit=MOST_BYTES >> 20)
        parser.Parse(file.read_bytes(), True)
    except expat.ExpatError as error:
        detail = expat.ErrorString(error.code)
        raise Unreadable("broken_xml", annotation=file.name, detail=detail, line=error.lineno) from None
    except OSError as error:
        raise unopened(error) from None
    return builder.close()


def _refuse_entity(file: Path, line: int) -> None:
    raise Unreadable("xml_entity", annotation=file.name, line=line)


def _text(parent: Element, name: str) -> str:
    return (parent.findtext(name) or "").strip()


def _size(root: Element) -> tuple[int, int]:
    sides = [_text(root, f"size/{name}") for name in ("width", "height")]
    if all(side.isdigit() and int(side) > 0 for side in sides):
        return int(sides[0]), int(sides[1])
    return UNKNOWN


def _box(thing: Element, file: Path) -> Box:
    label = _text(thing, "name")
    if not label:
        raise Unreadable("voc_lacks", annotation=file.name, field="object/name")
    xmin, ymin, xmax, ymax = (_number(_text(thing, f"bndbox/{side}"), label, file) for side in SIDES)
    left, right = (xmin - 1, xmax) if xmin - 1 <= xmax else (xmin, xmax - 1)  # swapped ends are both inside as well
    top, bottom = (ymin - 1, ymax) if ymin - 1 <= ymax else (ymin, ymax - 1)
    return Box(label, left, top, right, bottom, _text(thing, "difficult") == "1")


def _number(cell: str, label: str, file: Path) -> float:
    try:
        value = float(cell)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise Unreadable("box_not_numbers", annotation=file.name, box=label, value=cell or "-")
    return value
