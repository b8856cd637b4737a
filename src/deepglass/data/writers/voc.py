"""VOC: Annotations/a.xml with JPEGImages/a.jpg, and the parts in ImageSets/Main; a crowd is marked as difficult."""

from collections.abc import Sequence
from pathlib import Path
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from deepglass.data.annotation import Box
from deepglass.data.writers.form import Entry, Form, by_part, number, put


def place(entry: Entry) -> str:
    """All pictures lie together."""
    return f"JPEGImages/{entry.name}"


def write(folder: Path, entries: Sequence[Entry], classes: Sequence[str]) -> None:
    """An XML for each picture of which something is known, and a list for each part."""
    for entry in entries:
        if entry.boxes is not None:
            put(folder / "Annotations" / f"{entry.stem}.xml", _page(entry))
    parts = {part: "".join(f"{entry.stem}\n" for entry in own) for part, own in by_part(entries).items() if part}
    if "train" in parts and "val" in parts:
        parts["trainval"] = parts["train"] + parts["val"]
    for part, lines in parts.items():
        put(folder / "ImageSets" / "Main" / f"{part}.txt", lines)


def _page(entry: Entry) -> str:
    root = Element("annotation")
    _add(root, folder="JPEGImages", filename=entry.name)
    _add(SubElement(root, "size"), width=entry.width, height=entry.height, depth=entry.channels)
    _add(root, segmented=0)
    for box in entry.boxes or ():
        _thing(SubElement(root, "object"), box)
    indent(root)
    return tostring(root, encoding="unicode") + "\n"


def _thing(thing: Element, box: Box) -> None:
    _add(thing, name=box.label, pose="Unspecified", truncated=0, difficult=int(box.crowd))
    corners = {"xmin": box.left + 1, "ymin": box.top + 1, "xmax": box.right, "ymax": box.bottom}
    _add(SubElement(thing, "bndbox"), **{side: number(value) for side, value in corners.items()})


def _add(parent: Element, **texts: object) -> None:
    for name, text in texts.items():
        SubElement(parent, name).text = str(text)


CATALOGUE = {"voc": Form(place, write)}
