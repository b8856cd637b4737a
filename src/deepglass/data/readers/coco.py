"""COCO's instances as they are written: pictures, categories, and one annotation for each thing, in one JSON file.

A box is x, y, width, height in pixels from the picture's upper left corner. Outlines are most of a file's bytes: they
are left behind while it is read, or packed where they are asked for.
"""

import json
import mmap
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from deepglass.data.readers.outline import packed
from deepglass.data.source import Unreadable
from deepglass.foundation.errors import DataError

KEPT = ("id", "image_id", "category_id", "bbox", "iscrowd")  # of an annotation
KEYS = (b'"images"', b'"categories"')  # that every file of instances has, and one of captions has not both
TOLD = (b'"images"', b'"annotations"', b'"caption"')


class Instances(NamedTuple):
    """What one file holds."""

    file: Path
    images: list[dict[str, Any]]  # each with "id" and "file_name"
    categories: dict[Any, str]  # names by id, in the order of ids
    annotations: dict[Any, list[dict[str, Any]]] | None  # by "image_id"; None where the file only lists pictures


def looks_coco(file: Path, *more: bytes) -> bool:
    """Whether a JSON file lists pictures and categories, and has these other keys."""
    return _holds(file, (*KEYS, *more))


def holds_captions(file: Path) -> bool:
    """Whether a JSON file lists pictures and captions of them."""
    return _holds(file, TOLD)


def _holds(file: Path, keys: Sequence[bytes]) -> bool:
    try:
        with file.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content:
            return all(content.find(key) >= 0 for key in keys)
    except (OSError, ValueError):  # unreadable or empty
        return False


def read_captions(file: Path) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Every picture ("id", "file_name") and every caption ("image_id", "caption"); DataError names what is broken."""
    whole = _loaded(file, None)
    images = _listed(file, whole, "images", ("id", "file_name"))
    return images, _listed(file, whole, "annotations", ("image_id", "caption"))


def read_coco(file: Path, outlines: bool = False) -> Instances:
    """Every picture, category and annotation; DataError with the line of what is broken.

    With `outlines`, "segmentation" is what `packed` makes of it, or the Unreadable that it raises.
    """
    whole = _loaded(file, _outlined if outlines else _slim)
    images = _listed(file, whole, "images", ("id", "file_name"))
    categories = {
        entry["id"]: str(entry["name"]).strip() for entry in _listed(file, whole, "categories", ("id", "name"))
    }
    found: dict[Any, list[dict[str, Any]]] | None = None
    if "annotations" in whole:
        found = {}
        for entry in _listed(file, whole, "annotations", ("image_id", "category_id")):
            found.setdefault(entry["image_id"], []).append(entry)
    return Instances(file, images, dict(sorted(categories.items(), key=_numbers_first)), found)


def _loaded(file: Path, hook: Callable[[dict[str, Any]], Any] | None) -> Any:
    """The file's content; DataError with the line of what is broken."""
    try:
        return json.loads(file.read_bytes(), object_hook=hook)
    except json.JSONDecodeError as error:
        values = {"reason": error.msg, "line": error.lineno, "column": error.colno}
        raise DataError("data.broken_json", place=file, **values) from None
    except (UnicodeDecodeError, RecursionError) as error:
        raise DataError("data.cannot_open", place=file, reason=error) from None
    except OSError as error:
        raise DataError("data.cannot_open", place=file, reason=error.strerror or error) from None


def _slim(entry: dict[str, Any]) -> dict[str, Any]:
    return {key: entry[key] for key in KEPT if key in entry} if "bbox" in entry else entry


def _outlined(entry: dict[str, Any]) -> dict[str, Any]:
    if "image_id" not in entry:
        return entry
    slim = {key: entry[key] for key in KEPT if key in entry}
    if entry.get("segmentation"):
        try:
            slim["segmentation"] = packed(entry["segmentation"])
        except Unreadable as reason:
            slim["segmentation"] = reason
    return slim


def _listed(file: Path, whole: Any, key: str, fields: tuple[str, ...]) -> list[dict[str, Any]]:
    """The list of this name, whose every entry has these fields."""
    entries = whole.get(key) if isinstance(whole, dict) else None
    if not isinstance(entries, list):
        raise DataError("data.coco_lacks", place=file, field=key)
    for place, entry in enumerate(entries):
        missing = [
            field for field in fields if not isinstance(entry, dict) or not isinstance(entry.get(field), int | str)
        ]
        if missing:
            raise DataError("data.coco_lacks", place=file, field=f"{key}[{place}].{missing[0]}")
    return entries


def _numbers_first(item: tuple[Any, str]) -> tuple[bool, Any]:
    return isinstance(item[0], str), item[0]
