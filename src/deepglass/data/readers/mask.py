"""Masks: the class of every pixel, from a picture whose values are class numbers or whose colours are classes.

Letters: H W height and width of the stored mask, h w those that a network takes.
"""

import re
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
from PIL import Image

from deepglass.data.readers.picture import centre, inner, load, open_picture
from deepglass.data.readers.text import read_text
from deepglass.data.source import Unreadable

UNKNOWN = 255  # the number of pixels that nobody has looked at, or of a border drawn around things: "do not care"
MOST = 254  # classes
VOID = (224, 224, 192)  # VOC's colour of such a border
NAMES = frozenset(
    "classes.txt labels.txt labelmap.txt label_map.txt class_names.txt class_dict.csv classes.csv _classes.csv".split()
)
_COLOURED = re.compile(r"(.+?)[\s,:;]+(\d{1,3})[\s,]+(\d{1,3})[\s,]+(\d{1,3})[\s:,]*")
_NUMBERED = re.compile(r"(\d{1,3})[\s,:]+(\D.*)")
_HEAD = re.compile(r"(?:name|class|label|pixel value)\s*,.*", re.IGNORECASE)

Colour = tuple[int, int, int]


class Classes(NamedTuple):
    """What the numbers or colours of a folder's masks stand for."""

    names: tuple[str, ...]
    colours: tuple[Colour, ...] = ()  # where colours are classes: one for each name
    two: bool = False  # nothing but 0 and 255, which is then the thing itself and not "do not care"


class Stored(NamedTuple):
    """A mask as it is stored: numbers (H, W), or colours (H, W, 3) and, of a palette, its numbers beside."""

    values: np.ndarray
    numbers: np.ndarray | None = None


def read_stored(file: Path | str) -> Stored:
    """A mask's own values, uint8; raises Unreadable."""
    image = open_picture(file)
    if image.format == "JPEG":
        raise Unreadable("mask_lossy")
    load(image)
    if image.mode == "P":
        return Stored(np.asarray(image.convert("RGB")), np.asarray(image))
    if image.mode in ("1", "L", "LA", "La"):
        return Stored(np.asarray(image.convert("L")))
    if image.mode.startswith("I"):
        values = np.asarray(image)
        if values.min() < 0 or values.max() > UNKNOWN:
            raise Unreadable("mask_value", value=int(values.max()), classes=MOST)
        return Stored(values.astype(np.uint8))
    return Stored(np.asarray(image.convert("RGB")))


def numbers_in(stored: Stored, classes: Classes) -> np.ndarray:
    """The class numbers that a stored mask says; raises Unreadable where one of its values is no class. uint8 (H, W)"""
    if classes.colours:
        return _by_colour(stored, classes.colours)
    values = as_numbers(stored)
    if values is None:
        raise Unreadable("mask_coloured")
    if classes.two:
        values = np.where(values == UNKNOWN, np.uint8(1), values)
    wrong = values[(values >= len(classes.names)) & (values != UNKNOWN)]
    if len(wrong):
        raise Unreadable("mask_value", value=int(wrong.max()), classes=len(classes.names))
    return values


def as_numbers(stored: Stored) -> np.ndarray | None:
    """Its values as class numbers: a palette's, or grey ones, also where grey is stored as colour; None of colours."""
    if stored.numbers is not None:
        return stored.numbers
    values = stored.values
    if values.ndim == 2:
        return values
    return values[..., 0] if (values == values[..., :1]).all() else None


def codes(values: np.ndarray) -> np.ndarray:
    """Each colour as one number. uint8 (..., 3) -> int32 (...)"""
    red, green, blue = np.moveaxis(values.astype(np.int32), -1, 0)
    return red << 16 | green << 8 | blue


def colour_of(code: int) -> Colour:
    """The colour of a number."""
    return code >> 16, code >> 8 & 255, code & 255


def _by_colour(stored: Stored, colours: tuple[Colour, ...]) -> np.ndarray:
    values = stored.values if stored.values.ndim == 3 else np.repeat(stored.values[..., None], 3, axis=2)
    known, numbers = codes(np.array([*colours, VOID], dtype=np.uint8)), [*range(len(colours)), UNKNOWN]
    found, places = np.unique(codes(values), return_inverse=True)
    table = dict(zip(known.tolist()[::-1], numbers[::-1], strict=True))  # of two equal colours the first counts
    places = places.reshape(values.shape[:2])
    unknown = [code not in table for code in found.tolist()]
    if stored.numbers is not None:  # the last place of a palette is "do not care", whatever its colour
        beyond = stored.numbers == UNKNOWN
        unknown = [flag and not beyond[places == place].all() for place, flag in enumerate(unknown)]
    if any(unknown):
        share = np.isin(places, np.flatnonzero(unknown)).mean()
        first = colour_of(int(found[unknown.index(True)]))
        raise Unreadable("mask_colour", colour=f"{first}", count=sum(unknown), share=f"{100 * share:.2g}")
    return np.array([table.get(code, UNKNOWN) for code in found.tolist()], dtype=np.uint8)[places]


def read_classes(file: Path) -> Classes:
    """Names, and colours where they stand beside them: name, "name 0 128 0", "name:0,128,0::", "3, name"."""
    names: dict[int, str] = {}
    colours: list[Colour] = []
    for line in read_text(file).text.splitlines():
        line = line.strip()
        if not line or line.startswith("#") or _HEAD.fullmatch(line):
            continue
        coloured, numbered = _COLOURED.fullmatch(line), _NUMBERED.fullmatch(line)
        if coloured:
            colours.append((int(coloured[2]), int(coloured[3]), int(coloured[4])))
        if numbered and not coloured:
            names[int(numbered[1])] = numbered[2].strip()
        else:
            names[len(names)] = coloured[1].strip() if coloured else line.rstrip(",:")
    most = max(names, default=-1) + 1
    told = tuple(names.get(number, str(number)) for number in range(min(most, MOST)))
    fits = len(colours) == len(told) and all(max(colour) <= 255 for colour in colours)
    return Classes(told, tuple(colours) if fits else ())


def fit_mask(mask: np.ndarray, height: int, width: int, how: Literal["crop", "pad", "stretch"] = "crop") -> np.ndarray:
    """The mask where `fit_picture` puts the picture, by the nearest pixel; "do not care" around it. uint8 (h, w)"""
    if mask.shape == (height, width):
        return mask.copy()
    image = Image.fromarray(mask)
    if how == "pad":
        left, top, wide, tall = inner(image.size, (width, height))
        whole = np.full((height, width), UNKNOWN, dtype=np.uint8)
        whole[top : top + tall, left : left + wide] = np.asarray(image.resize((wide, tall), Image.Resampling.NEAREST))
        return whole
    box = centre(image.size, (width, height) if how == "crop" else image.size, 1.0)
    return np.array(image.resize((width, height), Image.Resampling.NEAREST, box=box))


def stored_mask(mask: np.ndarray, size: tuple[int, int], how: Literal["crop", "pad", "stretch"]) -> np.ndarray:
    """The way back: a mask over the fitted picture as one over the stored picture, width and height `size`.

    What `crop` cut away is "do not care": no network has seen it. uint8 (h, w) -> uint8 (H, W)
    """
    width, height = size
    if mask.shape == (height, width):
        return mask
    if how == "pad":
        left, top, wide, tall = inner(size, (mask.shape[1], mask.shape[0]))
        mask = mask[top : top + tall, left : left + wide]
    if how != "crop":
        return np.array(Image.fromarray(mask).resize(size, Image.Resampling.NEAREST))
    left, top, right, bottom = map(round, centre(size, (mask.shape[1], mask.shape[0]), 1.0))
    whole = np.full((height, width), UNKNOWN, dtype=np.uint8)
    part = Image.fromarray(mask).resize((right - left, bottom - top), Image.Resampling.NEAREST)
    whole[top:bottom, left:right] = np.asarray(part)
    return whole
