"""Pictures in pairs: DIR/A/train and DIR/B/train with files of the same names, one side of each pair in each.

Any other two folders whose files have the same names, with folders for parts above or below them or with none, are
class folders; they are pairs where --task image_to_image or data.layout=pairs is asked for. What has no partner is
named.
"""

import hashlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from deepglass.data.column import Texts
from deepglass.data.readers.picture import header, read_picture
from deepglass.data.settings import DataSettings
from deepglass.data.source import Finding, Index, Layout, Match, Picture, Unreadable
from deepglass.data.sources.columns import part
from deepglass.data.sources.files import Files, changed, is_picture, nameable
from deepglass.data.walk import listing, walk
from deepglass.foundation.errors import DataError

PAIRED = 0.5  # share of the names that both sides have for it to be this layout
SIDES = ("A", "B")


class Found(NamedTuple):
    """Two sides, and what belongs together in them: paths below the place, by part and name without its extension."""

    sides: tuple[str, str]
    pairs: Sequence[tuple[str, str]]
    alone: Sequence[str]


class Paired(Files):
    """Pictures in files, each with its partner's."""

    def read(self, row: int, fit: object = None) -> Picture:
        """The decoded picture with its partner; raises Unreadable, also where they are of two sizes."""
        picture = read_picture(os.path.join(self.root, self.index.ids[row]), fit)
        name = self.index.labels[row]
        try:
            partner = read_picture(os.path.join(self.root, name), fit)
            if partner.size != picture.size:
                size, own = ("{} x {}".format(*one.size) for one in (partner, picture))
                raise Unreadable("pair_size", size=size, own=own)
        except Unreadable as reason:
            raise Unreadable(reason.reason, **reason.values, at=name) from None
        return picture._replace(partner=partner.pixels)

    def header(self, row: int) -> tuple[int, int, int]:
        """Width, height and channels without decoding, those of whichever has more; raises Unreadable."""
        own, other = (header(self.root / name) for name in (self.index.ids[row], self.index.labels[row]))
        return (*own[:2], max(own[2], other[2]))

    def told(self) -> "hashlib.blake2b":
        """The pictures and their partners."""
        state = super().told()
        for name in self.index.labels:
            state.update(f"{changed(f'{self.root}/{name}')}\n".encode())
        return state


def recognise(place: str, settings: DataSettings) -> Match | None:
    """Two sides most of whose names agree."""
    found = _found(Path(place), settings)
    if found is None or len(found.pairs) < PAIRED * (len(found.pairs) + len(found.alone) / 2):
        return None
    first, second = found.sides
    return Match(0.9, "layout_pairs", "image_to_image", {"first": first, "second": second, "count": len(found.pairs)})


def open_pairs(place: str, settings: DataSettings) -> Paired:
    """Every picture of the first side that has a partner, with the partner's name as its answer."""
    found = _found(Path(place), settings)
    if found is None or not found.pairs:
        raise DataError("data.no_pairs", place=place)
    values = {"count": len(found.alone), "examples": ", ".join(found.alone[:3])}
    findings = [Finding("without_partner", "warning", "", values)] if found.alone else []
    ids, partners = map(list, zip(*found.pairs, strict=True))
    parts = [_part(name) for name in ids]
    index = Index(ids, Texts(partners), parts if any(parts) else (), classes=found.sides)
    return Paired("pairs", "image_to_image", Path(place), index, findings)


def _found(root: Path, settings: DataSettings) -> Found | None:
    sides = _sides(root, settings) if root.is_dir() else None
    if sides is None:
        return None
    first, second = (_named(root, side) for side in sides)
    pairs = [(first[name], second[name]) for name in first if name in second]
    alone = [*(first[name] for name in first if name not in second)]
    return Found(sides, pairs, [*alone, *(second[name] for name in second if name not in first)])


def _sides(root: Path, settings: DataSettings) -> tuple[str, str] | None:
    """The names of the two folders: below the place, or below each of its parts."""
    folders = listing(root)[0]
    if folders and all(map(part, folders)):
        folders = sorted({name for folder in folders for name in listing(root / folder)[0]})
    if len(folders) != 2 or any(map(part, folders)):
        return None
    meant = tuple(folders) == SIDES and all(_parted(root / side) for side in SIDES)
    return (folders[0], folders[1]) if meant or settings.layout == "pairs" else None


def _parted(side: Path) -> bool:
    """Whether it holds folders for parts and nothing else."""
    below = listing(side)[0]
    return bool(below) and all(map(part, below))


def _named(root: Path, side: str) -> Mapping[str, str]:
    """The pictures of a side by what is left of their paths without it and without their extension."""
    found: dict[str, str] = {}
    for name in walk(root):
        path = PurePosixPath(name)
        if side in path.parts[:-1] and nameable(name) and is_picture(root, name):
            rest = [one for one in path.parts if one != side]
            found.setdefault(str(PurePosixPath(*rest).with_suffix("")), name)
    return found


def _part(name: str) -> str:
    return next((part(one) for one in PurePosixPath(name).parts[:-1] if part(one)), "")


CATALOGUE = {"pairs": Layout(recognise, open_pairs, task="image_to_image")}
