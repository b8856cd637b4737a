"""Pictures with a mask for each: images/ beside masks/, JPEGImages beside SegmentationClass, X.jpg beside X_mask.png.

A mask belongs to the picture of its name; folders for parts (train, val, test) may stand above or below. Masks hold
class numbers (grey or with a palette; 255 is "do not care") or colours. A classes.txt, labelmap.txt or class_dict.csv
beside them names the classes, and their colours; without one, numbers and colours are looked up in LOOKED masks.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np

from deepglass.data.column import Texts
from deepglass.data.readers import mask as masks
from deepglass.data.readers.mask import Classes
from deepglass.data.readers.picture import header, read_picture
from deepglass.data.settings import DataSettings
from deepglass.data.source import Finding, Index, Layout, Match, Picture, Unreadable
from deepglass.data.sources.columns import part
from deepglass.data.sources.files import LOOKED as FIRST
from deepglass.data.sources.files import Files, changed, is_picture, nameable
from deepglass.data.walk import listing, walk
from deepglass.foundation.errors import DataError
from deepglass.foundation.seeds import Permutation

LOOKED = 400  # masks that are read to learn which values there are, drawn by a key; all where there are no more
MOST_COLOURS = 64  # beyond so many, colours are shades and no classes
PAIRED = 0.5  # share of the pictures that have a mask for it to be this layout
PICTURES = frozenset("images image img imgs pictures jpegimages input inputs 图片 图像 原图".split())
MASKS = frozenset(
    "masks mask labels label annotations segmentationclass segmentationclasspng segmentationclassraw gt"
    " ground_truth groundtruth targets segmentation 掩码 标注".split()
)
OTHERS = frozenset(("segmentationobject",))  # numbers of things, not of classes
ENDINGS = ("_mask", "_masks", "-mask", "_label", "_labels", "_gt", "_seg", "_segmentation", "_L")


class Pair(NamedTuple):
    """A picture and its mask, as paths."""

    picture: str
    mask: str
    part: str


class Paired(NamedTuple):
    """The files of a folder: what belongs together, and what stands alone."""

    pairs: Sequence[Pair]
    pictures: Sequence[str]  # without a mask
    masks: Sequence[str]  # without a picture
    second: Mapping[str, str]  # another mask of a picture that has one, by the first


class Masked(Files):
    """Pictures in files with the masks beside them."""

    def __init__(self, root: Path, index: Index, findings: list[Finding], classes: Classes):
        super().__init__("masks", "segment", root, index, findings)
        self.classes = classes
        self.table: np.ndarray | None = None  # other numbers for its classes
        self.second: Mapping[str, str] = {}  # of Paired

    def numbered_as(self, names: Sequence[str]) -> "Masked":
        """The same with the numbers that these classes have; DataError where it has others."""
        own = self.classes.names
        if others := sorted(set(own) - set(names)):
            values = {"place": self.root, "names": ", ".join(others[:5]), "known": ", ".join(names[:5])}
            raise DataError("data.other_classes", **values)
        found = Masked(self.root, replace(self.index, classes=tuple(names)), self.findings, self.classes)
        found.second = self.second
        found.table = np.full(256, masks.UNKNOWN, dtype=np.uint8)
        found.table[: len(own)] = [names.index(name) for name in own]
        return found

    def read(self, row: int, fit: object = None) -> Picture:
        """The decoded picture with its mask; raises Unreadable, also where the two do not go together."""
        picture = read_picture(self.root / self.index.ids[row], fit)
        name = self.index.labels[row]
        if name is None:
            return picture
        try:
            stored = masks.read_stored(self.root / name)
            height, width = stored.values.shape[:2]
            if (width, height) != picture.size:
                raise Unreadable("mask_size", size=f"{width} x {height}", own="{} x {}".format(*picture.size))
            numbers = masks.numbers_in(stored, self.classes)
            if name in self.second and not self._repeats(self.second[name], numbers):
                raise Unreadable("two_annotations", first=name, second=self.second[name])
            return picture._replace(mask=numbers if self.table is None else self.table[numbers])
        except Unreadable as reason:
            raise Unreadable(reason.reason, **reason.values, at=name) from None

    def _repeats(self, name: str, numbers: np.ndarray) -> bool:
        """Whether another mask says the same."""
        return np.array_equal(masks.numbers_in(masks.read_stored(self.root / name), self.classes), numbers)

    def header(self, row: int) -> tuple[int, int, int]:
        """Width, height and channels without decoding; raises Unreadable."""
        return header(self.root / self.index.ids[row])

    def told(self) -> "hashlib.blake2b":
        """The pictures, the masks, what the masks' values mean, and the number that each class has here."""
        state = super().told()
        state.update(f"{self.classes} {self.index.classes}\n".encode())
        for name in (*self.index.labels, *self.second.values()):
            state.update(f"{changed(f'{self.root}/{name}')}\n".encode())
        return state


def recognise(place: str, settings: DataSettings) -> Match | None:
    """Most pictures have a mask of their name."""
    root = Path(place)
    if not root.is_dir() or not _worth_a_look(root):
        return None
    found = paired(root)
    if not found.pairs or len(found.pairs) < PAIRED * (len(found.pairs) + len(found.pictures)):
        return None
    return Match(0.97, "layout_masks", "segment", {"count": len(found.pairs)})


def open_masks(place: str, settings: DataSettings) -> Masked:
    """Every picture that has a mask, with the mask's name as its answer."""
    root = Path(place)
    found = paired(root)
    if not found.pairs:
        raise DataError("data.not_that_layout", place=place, layout="masks")
    findings = [
        Finding(kind, "warning", "", {"count": len(names), "examples": ", ".join(names[:3])})
        for kind, names in (("picture_without_mask", found.pictures), ("mask_without_picture", found.masks))
        if names
    ]
    classes = classes_of(root, [pair.mask for pair in found.pairs])
    parts = [pair.part for pair in found.pairs] if any(pair.part for pair in found.pairs) else ()
    ids, names = [pair.picture for pair in found.pairs], [pair.mask for pair in found.pairs]
    index = Index(ids, Texts(names), parts, classes=classes.names)
    source = Masked(root, index, findings, classes)
    source.second = found.second
    return source


def paired(root: Path) -> Paired:
    """What belongs together by name: a/images/x.jpg and a/masks/x_mask.png are both x of a."""
    pictures: dict[tuple[str, ...], str] = {}
    marks: dict[tuple[str, ...], str] = {}
    alone: list[str] = []
    second: dict[str, str] = {}
    for name in walk(root):
        if not is_picture(root, name) or not nameable(name):
            continue
        key, marked = key_of(name)
        if OTHERS & set(key):
            continue
        if marked and key in marks:
            second.setdefault(marks[key], name)
        elif not marked and key in pictures:
            alone.append(name)
        (marks if marked else pictures).setdefault(key, name)
    pairs = [Pair(name, marks[key], _part(key)) for key, name in sorted(pictures.items()) if key in marks]
    lonely = [name for key, name in sorted(pictures.items()) if key not in marks]
    without = [name for key, name in sorted(marks.items()) if key not in pictures]
    named = _parts_by_list(root)
    pairs = [pair._replace(part=named.get(Path(pair.picture).stem, pair.part)) for pair in pairs]
    return Paired(pairs, [*lonely, *alone], without, second)


def key_of(name: str) -> tuple[tuple[str, ...], bool]:
    """What a picture and its mask have in common, and whether this is the mask.

    >>> key_of("train/images/a.jpg"), key_of("masks/train/a_mask.png"), key_of("train_masks/a.gif")
    ((('train', 'a'), False), (('train', 'a'), True), (('train', 'a'), True))
    """
    *folders, file = name.split("/")
    stem, marked, key = file.rpartition(".")[0] or file, False, list[str]()
    for folder in folders:
        lower = folder.lower()
        ending = _ending(folder)
        marked = marked or lower in MASKS or bool(ending)
        if lower not in MASKS | PICTURES:
            key.append(lower.removesuffix(ending.lower()) if ending else lower)
    ending = _ending(stem)
    return (*key, stem.removesuffix(ending) if ending else stem), marked or bool(ending)


def classes_of(root: Path, names: Sequence[str]) -> Classes:
    """What the masks' values stand for: as a file says, or as a keyed sample of the masks shows."""
    told = next((masks.read_classes(file) for file in _lists(root)), None)
    if told and told.colours:
        return told
    values, colours, painted = _values_in(root, names)
    if len(colours) > MOST_COLOURS:
        raise DataError("data.mask_shades", place=root, count=len(colours), most=MOST_COLOURS)
    if colours:
        return _coloured(colours | painted, told)
    two = values <= {0, masks.UNKNOWN} and len(values) > 0
    count = 2 if two else max((value for value in values if value != masks.UNKNOWN), default=0) + 1
    if told:
        return Classes(told.names, two=two and len(told.names) == 2)
    return Classes(_named(count), two=two)


def _values_in(root: Path, names: Sequence[str]) -> tuple[set[int], set[int], set[int]]:
    """What a keyed sample of masks holds: numbers, colours where they are no numbers, and the colours of palettes."""
    values, colours, painted = set[int](), set[int](), set[int]()
    read, lossy = 0, list[str]()
    for place in Permutation(len(names), "masks")(np.arange(min(LOOKED, len(names)))):
        try:
            stored = masks.read_stored(root / names[int(place)])
        except Unreadable as reason:  # named when its picture is read
            lossy += [names[int(place)]] if reason.reason == "mask_lossy" else []
            continue
        read += 1
        numbers = masks.as_numbers(stored)
        if numbers is None:
            colours.update(np.unique(masks.codes(stored.values)).tolist())
            continue
        found, first = np.unique(numbers, return_index=True)
        values.update(found.tolist())
        if stored.numbers is not None:
            kept = first[found != masks.UNKNOWN]
            painted.update(masks.codes(stored.values.reshape(-1, 3)[kept]).tolist())
    if lossy and not read:
        raise DataError("data.masks_lossy", place=root, first=min(lossy))
    return values, colours, painted


def _coloured(found: Iterable[int], told: Classes | None) -> Classes:
    """Colours as classes, black first and the others in order."""
    void = masks.codes(np.array(masks.VOID, dtype=np.uint8))
    colours = tuple(masks.colour_of(code) for code in sorted(set(found) - {int(void)}))
    if told and len(told.names) == len(colours):
        return Classes(told.names, colours)
    if len(colours) == 2:
        return Classes(_named(2), colours)
    return Classes(tuple("#{:02x}{:02x}{:02x}".format(*colour) for colour in colours), colours)


def _named(count: int) -> tuple[str, ...]:
    """Names where nobody gave any: number 0 is the background, as in nearly all data of this form."""
    return ("background", "object") if count == 2 else ("background", *map(str, range(1, count)))


def _lists(root: Path) -> Iterable[Path]:
    """Files that name classes: beside the folders of pictures, or one level deeper."""
    folders, files = listing(root)
    places = [(root, files), *((root / name, listing(root / name)[1]) for name in folders)]
    return [place / file for place, found in places for file in found if file.lower() in masks.NAMES]


def _worth_a_look(root: Path) -> bool:
    """Whether folders or first files are named as masks are: a folder of a million pictures is not walked for it."""
    folders, _ = listing(root)
    deeper = [inner for name in folders if len(folders) < 50 for inner in listing(root / name)[0]]
    if any(name.lower() in MASKS or _ending(name) for name in [*folders, *deeper]):
        return True
    return any(_ending(name.rpartition(".")[0]) for name in islice(walk(root), FIRST))


def _ending(name: str) -> str:
    """What marks a name as a mask's, as it is written."""
    for one in ENDINGS:
        if len(name) > len(one) and (name if one.isupper() else name.lower()).endswith(one):
            return name[-len(one) :]
    return ""


def _part(key: tuple[str, ...]) -> str:
    return next((part(folder) for folder in key[:-1] if part(folder)), "")


def _parts_by_list(root: Path) -> dict[str, str]:
    """VOC's ImageSets/Segmentation/train.txt and its like: names of pictures, line by line."""
    folder = root / "ImageSets" / "Segmentation"
    files = listing(folder)[1] if folder.is_dir() else []
    found: dict[str, str] = {}
    for file in files:
        if part(Path(file).stem):
            names = (folder / file).read_text(encoding="utf-8", errors="replace").split()
            found.update(dict.fromkeys(names, part(Path(file).stem)))
    return found


CATALOGUE = {"masks": Layout(recognise, open_masks, "segment")}
