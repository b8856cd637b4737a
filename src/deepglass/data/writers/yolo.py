"""YOLO: images/train/a.jpg with labels/train/a.txt, and data.yaml with parts and names; crowds cannot be told."""

import json
from collections.abc import Sequence
from pathlib import Path

from deepglass.data.annotation import Box
from deepglass.data.writers.form import Entry, Form, by_part, put


def place(entry: Entry) -> str:
    """Below images/, in a folder for each part."""
    return f"images/{_below(entry)}{entry.name}"


def write(folder: Path, entries: Sequence[Entry], classes: Sequence[str]) -> None:
    """A text for each picture of which something is known; where there are no parts, both are the one folder."""
    numbers = {name: number for number, name in enumerate(classes)}
    for entry in entries:
        if entry.boxes is not None:
            lines = "".join(_line(box, numbers[box.label], entry) for box in entry.boxes)
            put(folder / "labels" / f"{_below(entry)}{entry.stem}.txt", lines)
    parts = [part for part in by_part(entries) if part]
    places = {part: f"images/{part}" for part in parts} or {"train": "images", "val": "images"}
    lines = [f"{part}: {where}" for part, where in places.items()]
    lines += [f"nc: {len(classes)}", "names:"]
    lines += [f"  {number}: {json.dumps(name, ensure_ascii=False)}" for name, number in numbers.items()]
    put(folder / "data.yaml", "\n".join(lines) + "\n")


def _below(entry: Entry) -> str:
    return f"{entry.part}/" if entry.part else ""


def _line(box: Box, number: int, entry: Entry) -> str:
    """Every digit is written, so that whole corners come back."""
    shares = (
        (box.left + box.right) / 2 / entry.width,
        (box.top + box.bottom) / 2 / entry.height,
        (box.right - box.left) / entry.width,
        (box.bottom - box.top) / entry.height,
    )
    return f"{number} {' '.join(map(repr, map(float, shares)))}\n"


CATALOGUE = {"yolo": Form(place, write, crowds=False)}
