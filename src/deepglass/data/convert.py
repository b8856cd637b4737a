"""Boxes from one form into another: pictures are linked where they can be, else copied; whole corners stay as they are.

Everything is written beside the new folder first and becomes it at the end, so that it is there whole or not at all.
"""

import os
import re
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deepglass.data.annotation import Box
from deepglass.data.check import refuse, report
from deepglass.data.examiner import unreadable
from deepglass.data.source import Finding, Source, Unreadable
from deepglass.data.writers.form import Entry, Form
from deepglass.foundation import catalogue
from deepglass.foundation.errors import DataError, MachineError, UsageError

ROOM = "data.writers"
NAMED = 3
_UNWRITABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]|^\\s|\\s$|^$")


@dataclass(frozen=True)
class Converted:
    """What was written, and what could not be."""

    folder: str
    form: str
    pictures: int
    boxes: int
    linked: int  # pictures that share their bytes with the original; the others are copies
    parts: dict[str, int]
    classes: list[str]
    findings: list[dict[str, Any]]


def convert(
    source: Source, to: str, out: str | Path, watch: Callable[[int, int], None] = lambda done, of: None
) -> Converted:
    """Write a source of boxes in another form into a new folder; nothing that is there is written over."""
    form: Form = catalogue.find(ROOM, to)
    folder = Path(out)
    if folder.is_file() or (folder.is_dir() and any(folder.iterdir())):
        raise UsageError("data.out_taken", folder=folder)
    if source.task != "detect":
        raise DataError("data.no_boxes", place=source.root)
    refuse(source.findings)
    findings = list(source.findings)
    rows, entries = _entries(source, form, findings, watch)
    classes = _classes(source, entries)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as made:
            whole = Path(made) / "whole"
            linked = sum(
                _bring(source, row, whole / form.place(entry)) for row, entry in zip(rows, entries, strict=True)
            )
            form.write(whole, entries, classes)
            if folder.is_dir():
                folder.rmdir()
            os.replace(whole, folder)
    except OSError as error:
        raise MachineError("sealed.cannot_write", folder=folder, reason=error.strerror or error) from error
    parts = Counter(entry.part for entry in entries)
    boxes = sum(len(entry.boxes or ()) for entry in entries)
    return Converted(str(folder), to, len(entries), boxes, linked, dict(parts), list(classes), report(findings))


def _entries(
    source: Source, form: Form, findings: list[Finding], watch: Callable[[int, int], None]
) -> tuple[list[int], list[Entry]]:
    """Every usable row and how it is written; what is left out is added to the findings."""
    index = source.index
    headers: dict[int, tuple[int, int, int]] = {}
    for row in range(len(index)):
        try:
            headers[row] = source.header(row)
        except Unreadable as reason:
            findings.append(unreadable(index, row, reason))
        if row % 256 == 0:
            watch(row, len(index))
    rows = list(headers)
    if not rows:
        raise DataError("data.no_boxes", place=source.root)
    parted = any(index.parts)
    names = names_for([index.ids[row] for row in rows])
    crowds = 0
    entries: list[Entry] = []
    for row, name in zip(rows, names, strict=True):
        boxes: tuple[Box, ...] | None = index.labels[row]
        if boxes is not None and not form.crowds:
            kept = tuple(box for box in boxes if not box.crowd)
            crowds, boxes = crowds + len(boxes) - len(kept), kept
        part = (index.parts[row] or "train") if parted else ""
        entries.append(Entry(name, part, boxes, *headers[row]))
    if crowds:
        findings.append(Finding("crowds_left_out", "warning", "", {"count": crowds}))
    watch(len(index), len(index))
    return rows, entries


def names_for(ids: Sequence[str]) -> list[str]:
    """A file name for each picture, by which alone it is known: with its folders where bare names are not enough.

    >>> names_for(["a/1.jpg", "b/1.png", "b/2.jpg"])
    ['a-1.jpg', 'b-1.png', '2.jpg']
    """
    bare = [id.rsplit("/", 1)[-1] for id in ids]
    shared = Counter(_stem(name) for name in bare)
    found: list[str] = []
    taken = {stem for stem, count in shared.items() if count == 1}
    for id, name in zip(ids, bare, strict=True):
        if shared[_stem(name)] > 1:
            first, number = id.strip("/").replace("/", "-"), 1
            name = first
            while _stem(name) in taken:
                number += 1
                head, point, ending = first.rpartition(".")
                name = f"{head}-{number}{point}{ending}" if head else f"{first}-{number}"
            taken.add(_stem(name))
        found.append(name)
    return found


def _stem(name: str) -> str:
    return (name.rpartition(".")[0] or name).casefold()


def _classes(source: Source, entries: Sequence[Entry]) -> list[str]:
    """The names that the source lists in its order, and any others; one that cannot be written is refused."""
    annotated = getattr(source, "annotated", None)
    listed = list(annotated.classes) if annotated is not None else []
    occur = {box.label for entry in entries for box in entry.boxes or ()}
    classes = list(dict.fromkeys([*listed, *sorted(occur - set(listed))]))
    for name in classes:
        if _UNWRITABLE.search(name):
            raise DataError("data.label_unwritable", label=ascii(name))
    return classes


def _bring(source: Source, row: int, file: Path) -> bool:
    """Put a picture there; whether it shares its bytes with the original."""
    original = Path(os.path.join(source.root, source.index.ids[row])).resolve()
    file.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(original, file)
        return True
    except OSError:  # another disk, or one that knows no links
        shutil.copyfile(original, file)
        return False
