"""CCPD (Xu et al., ECCV 2018): street pictures with one Chinese plate each, annotated in their names alone.

025-95_113-154&383_386&473-386&473_177&454_154&383_363&402-0_0_22_27_27_33_16-37-15.jpg
area, tilt, box, corners (from the lower right one clockwise), the numbers of the plate's characters in three lists,
brightness, blur. Pictures under ccpd_np have no plate. split/train.txt and val.txt name parts, every other list of
split/ is of the test part; CCPD2020 has folders train, val and test.
"""

import re
from itertools import islice
from pathlib import Path

from deepglass.data.annotation import Plate
from deepglass.data.settings import DataSettings
from deepglass.data.source import Layout, Match, Unreadable
from deepglass.data.sources.boxed import Marked, Pictures, part_in
from deepglass.data.sources.files import LOOKED, PictureFiles
from deepglass.data.sources.plate_fonts import DIGITS, LETTERS
from deepglass.data.sources.plated import gathered
from deepglass.data.walk import listing, walk
from deepglass.foundation.errors import DataError

FIRST = "皖沪津渝冀晋蒙辽吉黑苏浙京闽赣鲁豫鄂湘粤桂琼川贵云藏陕甘青宁新警学"  # by the numbers of CCPD; then "none"
SECOND, OTHERS = LETTERS, LETTERS + DIGITS  # and "none" behind the last of each
NAMED = 0.5  # share of the pictures whose names say so for it to be this layout
WITHOUT = "ccpd_np"
_POINT = r"(\d+)&(\d+)"
_NAME = re.compile(
    rf"\d+-\d+_\d+-\d+&\d+_\d+&\d+-{_POINT}_{_POINT}_{_POINT}_{_POINT}-(\d+(?:_\d+){{6,7}})-\d+-\d+\.\w+"
)


def recognise(place: str, settings: DataSettings) -> Match | None:
    """Most pictures are named as CCPD names them."""
    root = Path(place)
    if not root.is_dir():
        return None
    names = [name.rpartition("/")[2] for name in islice(walk(root), LOOKED)]
    pictures = [name for name in names if name.endswith((".jpg", ".jpeg", ".png"))]
    told = sum(_NAME.fullmatch(name) is not None for name in pictures)
    if not told or told < NAMED * len(pictures):
        return None
    return Match(0.99, "layout_ccpd", "read_plates", {"count": told})


def open_ccpd(place: str, settings: DataSettings) -> PictureFiles:
    """Every picture with the plate that its name tells."""
    root = Path(place)
    if not root.is_dir():
        raise DataError("data.not_that_layout", place=place, layout="ccpd")
    pictures, parts = Pictures(root), _parts(root)
    return gathered("ccpd", pictures, [_mark(id, parts) for id in pictures.names.ids], [])


def _parts(root: Path) -> dict[str, str]:
    """The part of each picture that a list of split/ names."""
    lists = [name for name in listing(root / "split")[1] if name.endswith(".txt")] if (root / "split").is_dir() else []
    found: dict[str, str] = {}
    for name in lists:
        part = {"train.txt": "train", "val.txt": "val"}.get(name, "test")
        for line in (root / "split" / name).read_text(encoding="utf-8", errors="replace").splitlines():
            found.setdefault(line.strip(), part)
    return found


def _mark(id: str, parts: dict[str, str]) -> Marked:
    part = parts.get(id, "") or part_in(id.rpartition("/")[0])
    told = _NAME.fullmatch(id.rpartition("/")[2])
    if told is None:
        return Marked(id, () if WITHOUT in id.split("/")[:-1] else None, id, part)
    *numbers, text = told.groups()
    points = [(float(x), float(y)) for x, y in zip(numbers[::2], numbers[1::2], strict=True)]
    lower_right, lower_left, upper_left, upper_right = points
    places = [int(place) for place in text.split("_")]
    written = _text(places)
    if written is None:
        return Marked(id, (), id, part, fault=Unreadable("ccpd_characters", numbers=text))
    kind = "green" if len(places) == 8 else ""  # the others may be blue or yellow
    return Marked(id, (Plate(written, (upper_left, upper_right, lower_right, lower_left), kind),), id, part)


def _text(places: list[int]) -> str | None:
    """The characters of these numbers; None where one is of no character."""
    lists = [FIRST, SECOND, *[OTHERS] * (len(places) - 2)]
    if any(place >= len(known) for place, known in zip(places, lists, strict=True)):
        return None
    return "".join(known[place] for place, known in zip(places, lists, strict=True))


CATALOGUE = {"ccpd": Layout(recognise, open_ccpd, "read_plates")}
