"""What the families learn from: digits, made pictures, texts, sounds and series, written small."""

import json
from pathlib import Path

import numpy as np
from PIL import Image

from deepglass.data.sources.digits import FILE
from deepglass.data.sources.made_sequences import english, german
from tests.data.scenes import bright_boxes
from tests.data.sounds import save, spelled, tone
from tests.data.street import street, text_lines
from tests.data.texts import text_table, ts_file
from tests.data.videos import film, moving
from tests.data.volumes import body

SAID = "bad cab dad abba bee fed face deaf".split()


def write_data(folder: Path) -> None:
    """A place for every family, and the plan of what is compiled."""
    (folder / "compiled.json").write_text(json.dumps({"compile": "inductor", "threads": 1, "steps": 48}))
    _pictures(folder)
    patterns(folder / "patterns")
    _few(folder / "few")
    _sides(folder / "sides")
    _masks(folder)
    _told(folder)
    _texts(folder)
    _tagged(folder)
    _sounds(folder)
    _videos(folder)
    ts_file(folder / "waves.ts", 60)
    bright_boxes(folder / "boxes", 40)
    _volumes(folder)
    street(folder / "street", 40, ((128, 96), (144, 96)))
    text_lines(folder / "lines", 48)
    hours = (f"2024-01-{1 + hour // 24:02d}T{hour % 24:02d}:00,{(hour * hour) % 17 + hour % 6}" for hour in range(240))
    (folder / "load.csv").write_text("\n".join(["time,load", *hours]) + "\n")


def _pictures(folder: Path) -> None:
    """200 real digits, and 72 small colour pictures of three made kinds."""
    with np.load(FILE, allow_pickle=False) as stored:
        np.savez(folder / "digits.npz", x=stored["x"][:200], y=stored["y"][:200])
    draw = np.random.default_rng(0)
    kinds = np.arange(72) % 3
    pixels = draw.integers(0, 120, (72, 16, 16, 3)) + 100 * np.eye(3, dtype=int)[kinds][:, None, None, :]
    np.savez(folder / "colours.npz", x=pixels.astype(np.uint8), y=kinds)


def patterns(folder: Path, kinds: int = 12, each: int = 8) -> None:
    """Folders of grey pictures: each kind a pattern of its own, under noise."""
    for kind in range(kinds):
        (folder / f"k{kind:02d}").mkdir(parents=True)
        draw = np.random.default_rng(kind)
        base = draw.integers(60, 190, (4, 4)).repeat(4, 0).repeat(4, 1)
        for number in range(each):
            pixels = (base + draw.integers(-50, 50, base.shape)).clip(0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(folder / f"k{kind:02d}" / f"{number}.png")


def _few(folder: Path) -> None:
    """Digits in two class folders, and more without a class."""
    with np.load(FILE, allow_pickle=False) as stored:
        chosen = np.flatnonzero(stored["y"] < 2)[:96]
        for number, row in enumerate(chosen.tolist()):
            name = f"d{stored['y'][row]}" if number < 32 else "unlabelled"
            (folder / name).mkdir(parents=True, exist_ok=True)
            Image.fromarray(stored["x"][row]).save(folder / name / f"{number:02d}.png")


def _sides(folder: Path) -> None:
    """Boxes, light ones on one side and dark ones on the other, a test part of both; and pairs with their negatives."""
    for number in range(60):
        draw = np.random.default_rng(number)
        side, part = "AB"[number % 2], "test" if number < 12 else "train"
        pixels = draw.integers(110, 140, (16, 16, 3), dtype=np.uint8)
        top, left = draw.integers(0, 9, 2)
        pixels[top : top + 7, left : left + 7] = 230 if side == "A" else 20
        for place in (folder / f"{part}{side}", *(folder.parent / "pairs" / one for one in "AB")):
            place.mkdir(parents=True, exist_ok=True)
            shown = 255 - pixels if place.name == "B" else pixels
            Image.fromarray(shown).save(place / f"{number:02d}.png")


def _masks(folder: Path) -> None:
    """Pictures of unequal size with a bright and a dark box in each, and a mask that says where; some of it unknown."""
    for kind in ("images", "masks"):
        (folder / "masks" / kind).mkdir(parents=True)
    for number in range(40):
        draw = np.random.default_rng(number)
        pixels = draw.integers(80, 140, (24 + number % 3 * 4, 30, 3), dtype=np.uint8)
        mask = np.zeros(pixels.shape[:2], dtype=np.uint8)
        for one, level in ((1, 230), (2, 10)):
            top, left = draw.integers(0, 16, 2)
            pixels[top : top + 8, left : left + 11] = level
            mask[top : top + 8, left : left + 11] = one
        mask[:, :1] = 255
        Image.fromarray(pixels).save(folder / "masks" / "images" / f"{number:02d}.png")
        Image.fromarray(mask).save(folder / "masks" / "masks" / f"{number:02d}.png")


def _told(folder: Path) -> None:
    """Pictures with a bright or a dark box at one of two places, and one or two sentences about each."""
    (folder / "told").mkdir()
    rows = ["file\tcaption"]
    for number in range(40):
        pixels = np.random.default_rng(number).integers(80, 140, (32, 32, 3), dtype=np.uint8)
        shade, side = ("dark", "bright")[number % 2], ("left", "right")[number // 2 % 2]
        left = 2 if side == "left" else 18
        pixels[8:22, left : left + 12] = 240 if shade == "bright" else 5
        Image.fromarray(pixels).save(folder / "told" / f"{number:02d}.png")
        rows.append(f"{number:02d}.png\ta {shade} box at the {side}")
        rows += [f"{number:02d}.png\tthere is a box"] if number % 3 == 0 else []
    (folder / "told" / "captions.tsv").write_text("\n".join(rows) + "\n")


def _volumes(folder: Path) -> None:
    """24 scans of 12 patients, 12 bodies under noise with their masks, and 12 with a table of what is in them."""
    rows = ["id,coordX,coordY,coordZ,diameter_mm"]
    for number in range(24):
        at = (4, 8, 8) if number % 2 else None
        file = folder / "scans" / ("clear", "lesion")[number % 2] / f"p{number // 2}" / "scan.npz"
        file.parent.mkdir(parents=True)
        np.savez(file, values=body(8, 16, 16, seed=number, lesion=at))
        if number < 12:
            for name, values in (("images", body(6, 14 + number, 16, seed=number)), ("labels", None)):
                values = (body(6, 14 + number, 16, seed=number) > -500).astype(np.uint8) if values is None else values
                (folder / "bodies" / name).mkdir(parents=True, exist_ok=True)
                np.savez(folder / "bodies" / name / f"b{number:02d}.npz", values=values)
            (folder / "balls").mkdir(exist_ok=True)
            ball = body(6, 14 + number, 16, lesion=(3, 6, 7 + number % 3))
            np.savez(folder / "balls" / f"b{number:02d}.npz", values=ball)
            rows.append(f"b{number:02d},{7 + number % 3},6,3,6")
    (folder / "balls" / "annotations.csv").write_text("\n".join(rows))


def _videos(folder: Path) -> None:
    """A square that goes left or right, for longer or shorter; and when it is there, in a table."""
    rows = ["file,start,end,tag"]
    for number in range(40):
        way, length = (("left", -1), ("right", 1))[number % 2], 10 + number % 5
        frames = moving(length, 24, (way[1], 0), (number % 18, number % 7 + 4))
        film(folder / "ways" / way[0] / f"{number:02d}.mp4", frames, np.arange(length) / 8, codec="mpeg4")
        first, last = number % 4, 6 + number % 4
        empty = [np.full_like(frames[0], 30)]
        seen = [*(empty * first), *frames[first:last], *(empty * (length - last))]
        film(folder / "moments" / f"{number:02d}.mp4", seen, np.arange(length) / 8, codec="mpeg4")
        rows.append(f"{number:02d}.mp4,{first / 8},{last / 8},{way[0]}")
    (folder / "moments" / "tags.csv").write_text("\n".join(rows) + "\n")


def _texts(folder: Path) -> None:
    """A long text, sentences on two topics, and numbers in two languages."""
    said = (f"{number} and {number * number % 97}, {'not ' * (number % 3)}{number % 7}.\n" for number in range(400))
    (folder / "text.txt").write_text("".join(said))
    text_table(folder / "topics.tsv", 90)
    rows = [(number, number * 7 % 100, number * 31 % 100) for number in range(64)]
    sides = [[" and ".join(map(worded, row)) for row in rows] for worded in (english, german)]
    lines = ["en\tde", *map("\t".join, zip(*sides, strict=True))]
    (folder / "pairs.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _tagged(folder: Path) -> None:
    """Sums of unequal length, each token with what it is."""
    lines: list[str] = []
    for row in range(80):
        numbers = [row, *(row * step % 10 for step in range(1, 2 + row % 4))]
        lines += [f"{token} {tag}" for number in numbers for token, tag in ((number, "N"), ("+-"[number % 2], "SIGN"))]
        lines += ["0 N", ""]
    (folder / "sums.conll").write_text("\n".join(lines))


def _sounds(folder: Path) -> None:
    """About half a second each: spelled words with a text beside them, and tones in class folders."""
    for number in range(48):
        word = SAID[number % len(SAID)] + "abcdef"[number // len(SAID)]
        save(folder / "speech" / f"{number:02d}.wav", spelled(word, each=0.09))
        (folder / "speech" / f"{number:02d}.txt").write_text(word)
        name, pitch = (("low", 250), ("high", 1500))[number % 2]
        save(folder / "tones" / name / f"{number:02d}.wav", tone(0.2 + 0.01 * number, pitch=pitch + number))
