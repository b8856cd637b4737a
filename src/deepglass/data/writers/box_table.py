"""A table: boxes.csv with a row for each box, and one without corners for a picture in which nothing is."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from deepglass.data.writers.form import Entry, Form, number, put

COLUMNS = ("path", "label", "left", "top", "right", "bottom", "crowd", "width", "height")


def place(entry: Entry) -> str:
    """The folder is called after the part."""
    return f"{entry.part or 'images'}/{entry.name}"


def write(folder: Path, entries: Sequence[Entry], classes: Sequence[str]) -> None:
    """One table; pictures of which nothing is known have no row."""
    stream = io.StringIO()
    table = csv.writer(stream, lineterminator="\n")
    parted = any(entry.part for entry in entries)
    table.writerow([*COLUMNS, *(["split"] if parted else [])])
    for entry in entries:
        tail = [entry.width, entry.height, *([entry.part] if parted else [])]
        for box in entry.boxes or ():
            corners = map(number, box[1:5])
            table.writerow([place(entry), box.label, *corners, int(box.crowd), *tail])
        if entry.boxes == ():
            table.writerow([place(entry), "", "", "", "", "", "", *tail])
    put(folder / "boxes.csv", stream.getvalue())


CATALOGUE = {"csv": Form(place, write)}
