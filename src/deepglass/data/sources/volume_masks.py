"""Volumes with a mask for each: images/ beside labels/, imagesTr beside labelsTr (Medical Decathlon, nnU-Net).

A mask belongs to the volume of its name; nnU-Net's _0000 behind a volume's name counts as nothing. Folders for parts
(train, val, test) may stand above. dataset.json names the classes; without it their numbers are looked up in masks.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from deepglass.data.column import Texts
from deepglass.data.readers.volume import Scan
from deepglass.data.readers.volume_file import ARRAYS, NIFTI, read_volume, size_of
from deepglass.data.settings import DataSettings
from deepglass.data.source import Finding, Index, Layout, Match, Unreadable
from deepglass.data.sources.columns import part
from deepglass.data.sources.files import Files, changed, nameable
from deepglass.data.walk import walk
from deepglass.foundation.errors import DataError
from deepglass.foundation.seeds import Permutation

LOOKED = 20  # masks that are read to learn which classes there are, drawn by a key
SCANS = frozenset("images image imagestr imagests scans volumes ct mr 图像 影像".split())
MASKS = frozenset("labels label labelstr labelsts masks mask segmentations segmentation 标注 掩码".split())
PAIRED = 0.5  # share of the volumes that have a mask for it to be this layout
MOST_CLASSES = 254
NEAR = 0.01  # of the spacing: how far a mask may lie from its volume
UNKNOWN = 255


class Pair(NamedTuple):
    """A volume and its mask, as ids."""

    scan: str
    mask: str
    part: str


class MaskedVolumes(Files):
    """Volumes in files with the masks beside them."""

    def __init__(self, root: Path, index: Index, findings: list[Finding], two: bool = False):
        super().__init__("volume_masks", "segment", root, index, findings)
        self.two = two  # masks hold nothing but 0 and 255, which is then the object and not "do not care"
        self.own = index.classes  # by the numbers in masks
        self.table: np.ndarray | None = None  # other numbers for them

    def numbered_as(self, names: Sequence[str]) -> "MaskedVolumes":
        """The same with the numbers that these classes have; DataError where it has others."""
        own = self.index.classes
        if others := sorted(set(own) - set(names)):
            values = {"place": self.root, "names": ", ".join(others[:5]), "known": ", ".join(names[:5])}
            raise DataError("data.other_classes", **values)
        found = MaskedVolumes(self.root, replace(self.index, classes=tuple(names)), self.findings, self.two)
        found.own, found.table = own, np.full(256, UNKNOWN, dtype=np.uint8)
        found.table[: len(own)] = [names.index(name) for name in own]
        return found

    def read(self, row: int, fit: object = None) -> Scan:
        """The volume with its mask; raises Unreadable, also where the two do not go together."""
        scan = read_volume([self.root / self.index.ids[row]])
        name = self.index.labels[row]
        if name is None:
            return scan
        try:
            mask = read_volume([self.root / name])
            if mask.shape != scan.shape:
                sizes = [" x ".join(map(str, one.shape)) for one in (mask, scan)]
                raise Unreadable("mask_size", size=sizes[0], own=sizes[1])
            if np.abs(mask.affine - scan.affine).max() > NEAR * max(scan.spacing):
                raise Unreadable("volume_mask_elsewhere")
            found = classes_in(mask, len(self.own), self.two)
            own = found if self.table is None else self.table[found]
            return scan._replace(mask=own, notes=(*scan.notes, *_odd(found)))
        except Unreadable as reason:
            raise Unreadable(reason.reason, **{**reason.values, "at": name}) from None

    def header(self, row: int) -> tuple[int, int, int]:
        """Width, height and depth without reading what was measured; raises Unreadable."""
        return size_of([self.root / self.index.ids[row]])

    def told(self) -> "hashlib.blake2b":
        """The volumes, the masks, and what the masks' numbers mean."""
        state = super().told()
        state.update(f"{self.own} {self.index.classes}{' 255 is the second' if self.two else ''}\n".encode())
        for name in self.index.labels:
            state.update(f"{changed(f'{self.root}/{name}')}\n".encode())
        return state


def recognise(place: str, settings: DataSettings) -> Match | None:
    """Most volumes in folders for volumes have a mask of their name in folders for masks."""
    root = Path(place)
    found, alone, _ = paired(root) if root.is_dir() else ([], [], [])
    if not found or len(found) < PAIRED * (len(found) + len(alone)):
        return None
    return Match(0.98, "layout_volume_masks", "segment", {"count": len(found)})


def open_masks(place: str, settings: DataSettings) -> MaskedVolumes:
    """Every volume that has a mask, with the mask's name as its answer."""
    root = Path(place)
    found, alone, without = paired(root)
    if not found:
        raise DataError("data.not_that_layout", place=place, layout="volume_masks")
    findings: list[Finding] = []
    for kind, names in (("volume_without_mask", alone), ("mask_without_volume", without)):
        if names:
            findings.append(Finding(kind, "warning", "", {"count": len(names), "examples": ", ".join(names[:3])}))
    parts = [pair.part for pair in found] if any(pair.part for pair in found) else ()
    ids, names = [pair.scan for pair in found], [pair.mask for pair in found]
    classes, two = _classes(root, names)
    return MaskedVolumes(root, Index(ids, Texts(names), parts, kind="volume", classes=classes), findings, two)


def paired(root: Path) -> tuple[list[Pair], list[str], list[str]]:
    """What belongs together by name, volumes that have no mask, and masks that have no volume."""
    scans: dict[tuple[str, ...], str] = {}
    masks: dict[tuple[str, ...], str] = {}
    for name in walk(root):
        if name.lower().endswith((*NIFTI, *ARRAYS)) and nameable(name):
            key, kind = key_of(name)
            if kind:
                (masks if kind == "mask" else scans).setdefault(key, name)
    both = [Pair(name, masks[key], _part(key)) for key, name in sorted(scans.items()) if key in masks]
    alone = [name for key, name in sorted(scans.items()) if key not in masks]
    return both, alone, [name for key, name in sorted(masks.items()) if key not in scans]


def key_of(name: str) -> tuple[tuple[str, ...], str]:
    """What a volume and its mask have in common, and which of both it is by its folder.

    >>> key_of("train/images/a.nii.gz"), key_of("labelsTr/liver_1.nii.gz"), key_of("imagesTr/liver_1_0000.nii.gz")
    ((('train', 'a'), 'scan'), (('liver_1',), 'mask'), (('liver_1',), 'scan'))
    """
    *folders, file = name.split("/")
    kind, key = "", list[str]()
    for folder in folders:
        lower = folder.lower()
        found = "scan" if lower in SCANS else "mask" if lower in MASKS else ""
        kind = found or kind
        if not found:
            key.append(folder)
    stem = file[: -len(".nii.gz")] if file.lower().endswith(".nii.gz") else file.rpartition(".")[0]
    return (*key, stem.removesuffix("_0000") if kind == "scan" else stem), kind


def classes_in(mask: Scan, count: int, two: bool = False) -> np.ndarray:
    """Class numbers of every place; raises Unreadable where there are others. uint8 (D, H, W)"""
    values = mask.stored
    if (mask.slope, mask.intercept) != (1.0, 0.0) or values.dtype.kind == "f":
        exact = np.concatenate([slab for _, slab in mask.slabs()])
        values = exact.astype(np.int64)
        if (values != exact).any():
            raise Unreadable("volume_mask_shades")
    values = np.where(values == UNKNOWN, 1, values) if two else values
    strange = np.unique(values[(values >= count) & (values != UNKNOWN) | (values < 0)])
    if len(strange):
        raise Unreadable("volume_mask_classes", values=", ".join(map(str, strange[:3])), last=count - 1)
    return np.ascontiguousarray(values).astype(np.uint8)


def _odd(mask: np.ndarray) -> tuple[str, ...]:
    """What is odd about the classes of a volume: nothing of it is anything, or nothing that is known."""
    if not mask.any():
        return ("mask_empty",)
    return () if ((mask > 0) & (mask < UNKNOWN)).any() else ("mask_unknown",)


def _classes(root: Path, names: Sequence[str]) -> tuple[tuple[str, ...], bool]:
    """The classes by number, as dataset.json says or a keyed sample of masks shows; and whether 255 is the second."""
    told = next((found for file in sorted(root.glob("**/dataset.json")) if (found := _told(file))), ())
    if len(told) > 2:
        return told, False
    shown = set[float]()
    for place in Permutation(len(names), "masks")(np.arange(min(LOOKED, len(names)))):
        try:
            mask = read_volume([root / names[int(place)]])
            values = np.unique(np.concatenate([np.unique(slab) for _, slab in mask.slabs()]))
        except Unreadable:
            continue  # named when its volume is read
        shown.update(values.tolist())
    last = max(1, int(max((value for value in shown if value != UNKNOWN), default=1)))
    if told or last == 1:
        return told or ("background", "object"), shown <= {0, UNKNOWN} and UNKNOWN in shown
    if last > MOST_CLASSES:
        raise DataError("data.mask_shades", place=root, count=last, most=MOST_CLASSES)
    return ("background", *map(str, range(1, last + 1))), False


def _told(file: Path) -> tuple[str, ...]:
    """Names of the classes in a dataset.json of either form: {"0": "background"} or {"background": 0}."""
    try:
        labels: Any = json.loads(file.read_text(encoding="utf-8"))["labels"]
        pairs = [
            (int(one), str(other)) if str(one).isdigit() else (int(other), str(one)) for one, other in labels.items()
        ]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return ()
    numbers = dict(pairs)
    return tuple(numbers[number] for number in range(len(numbers))) if set(numbers) == set(range(len(numbers))) else ()


def _part(key: tuple[str, ...]) -> str:
    return next((part(folder) for folder in key[:-1] if part(folder)), "")


CATALOGUE = {"volume_masks": Layout(recognise, open_masks, "segment")}
