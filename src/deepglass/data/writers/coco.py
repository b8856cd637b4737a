"""COCO: annotations/instances_train.json with train/, or instances.json with images/ where there are no parts."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from deepglass.data.annotation import Box
from deepglass.data.writers.form import Entry, Form, by_part, number, put


def place(entry: Entry) -> str:
    """The folder is called after the part."""
    return f"{entry.part or 'images'}/{entry.name}"


def write(folder: Path, entries: Sequence[Entry], classes: Sequence[str]) -> None:
    """A file for each part; pictures of which nothing is known are not listed, unless all of a part are such."""
    categories = [{"id": id, "name": name} for id, name in enumerate(classes, start=1)]
    ids = {name: id for id, name in enumerate(classes, start=1)}
    for part, own in by_part(entries).items():
        known = [entry for entry in own if entry.boxes is not None]
        images = [
            {"id": id, "file_name": entry.name, "width": entry.width, "height": entry.height}
            for id, entry in enumerate(known or own, start=1)
        ]
        document: dict[str, Any] = {"images": images, "categories": categories}
        if known:
            boxes = [(id, box) for id, entry in enumerate(known, start=1) for box in entry.boxes or ()]
            document["annotations"] = [_annotation(place, *one, ids) for place, one in enumerate(boxes, start=1)]
        name = f"instances_{part}.json" if part else "instances.json"
        put(folder / "annotations" / name, json.dumps(document, ensure_ascii=False))


def _annotation(id: int, image: int, box: Box, ids: dict[str, int]) -> dict[str, Any]:
    corner = [number(box.left), number(box.top), number(box.right - box.left), number(box.bottom - box.top)]
    return {
        "id": id,
        "image_id": image,
        "category_id": ids[box.label],
        "bbox": corner,
        "area": number(box.area),
        "iscrowd": int(box.crowd),
    }


CATALOGUE = {"coco": Form(place, write)}
