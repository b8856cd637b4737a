"""Pictures of two kinds that are to be translated into each other: DIR/trainA and DIR/trainB, perhaps valA, testB ...

It is how the data sets of CycleGAN lie. The answer of a picture is its side, A or B. Two folders of any name, DIR/photo
and DIR/painting, are class folders; they are translated with --task image_to_image. Equal names on both sides make no
pairs here; they do where a network is asked for that learns from pairs, or data.layout=pairs.
"""

import re
from pathlib import Path

from deepglass.data.settings import DataSettings
from deepglass.data.source import Finding, Index, Layout, Match
from deepglass.data.sources.class_folders import class_files
from deepglass.data.sources.columns import part
from deepglass.data.sources.files import PictureFiles, holds, strays
from deepglass.data.walk import listing
from deepglass.foundation.errors import DataError

SIDES = ("A", "B")


def recognise(place: str, settings: DataSettings) -> Match | None:
    """A folder trainA or trainB; where only one of them holds pictures that is said when it is opened."""
    root = Path(place)
    if not root.is_dir():
        return None
    found = _folders(root)
    training = [side for (name, side) in found.values() if name == "train"]
    if not training or not any(holds(root / folder, "picture") for folder in found):
        return None
    parts = ", ".join(dict.fromkeys(name for name, _ in found.values()))
    return Match(0.97, "layout_two_sides", "image_to_image", {"parts": parts})


def open_sides(place: str, settings: DataSettings) -> PictureFiles:
    """Every picture with its side and its part."""
    root = Path(place)
    _, loose = listing(root)
    findings: list[Finding] = strays(loose)
    ids: list[str] = []
    labels: list[str] = []
    parts: list[str] = []
    for folder, (name, side) in _folders(root).items():
        found, seen = class_files(root, folder, "picture")
        findings += seen
        ids += found
        labels += [side] * len(found)
        parts += [name] * len(found)
    trained = {side for side, name in zip(labels, parts, strict=True) if name == "train"}
    if len(trained) < len(SIDES):
        missing = ", ".join(f"train{side}" for side in SIDES if side not in trained)
        raise DataError("data.one_side", place=place, missing=missing)
    return PictureFiles("two_sides", "image_to_image", root, Index(ids, labels, parts), findings)


def _folders(root: Path) -> dict[str, tuple[str, str]]:
    """Part and side of each folder that is named for both."""
    found = {name: re.fullmatch(r"(\w+?)[_-]?([ABab])", name) for name in listing(root)[0]}
    return {name: (part(one[1]), one[2].upper()) for name, one in found.items() if one and part(one[1])}


CATALOGUE = {"two_sides": Layout(recognise, open_sides, task="image_to_image")}
