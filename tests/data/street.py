"""Small street pictures with plates of three characters, and the table of their texts and corners."""

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from deepglass.data.annotation import Plate

LETTERS = "AC4X"
KINDS = {"blue": ((20, 40, 150), "white"), "yellow": ((240, 200, 30), "black")}
HEAD = "file,text,kind,lines,x1,y1,x2,y2,x3,y3,x4,y4"


def text_of(number: int) -> str:
    """Three characters, all of the four within a few numbers."""
    return "".join(LETTERS[(number * step + step) % len(LETTERS)] for step in (1, 2, 3))


def plate_of(number: int, left: float, top: float) -> Plate:
    """One line, or two for every fourth."""
    lines = 2 if number % 4 == 3 else 1
    width, height = (36, 28) if lines == 2 else (48, 16)
    corners = ((left, top), (left + width, top), (left + width, top + height), (left, top + height))
    return Plate(text_of(number), corners, list(KINDS)[number % 2], lines)


def painted(number: int, size: tuple[int, int] = (128, 96)) -> tuple[Image.Image, tuple[Plate, ...]]:
    """A picture with one plate, two or none on a grey ground."""
    draw = np.random.default_rng(number)
    ground = draw.integers(60, 180, (6, 8, 3), dtype=np.uint8)
    picture = Image.fromarray(ground).resize(size, Image.Resampling.BICUBIC)
    places = [(draw.integers(4, 60), draw.integers(4, 24)), (draw.integers(4, 60), draw.integers(52, 64))]
    plates = tuple(plate_of(number + at, *map(float, places[at])) for at in range((1, 2, 1, 0, 1)[number % 5]))
    for plate in plates:
        paint(picture, plate)
    return picture, plates


def paint(picture: Image.Image, plate: Plate) -> None:
    """The plate where its corners say; of two lines the first character stands above."""
    (left, top), _, (right, bottom), _ = plate.corners
    ground, ink = KINDS[plate.kind]
    draw = ImageDraw.Draw(picture)
    draw.rectangle((left, top, right - 1, bottom - 1), fill=ground)
    rows = [plate.text] if plate.lines == 1 else [plate.text[:1], plate.text[1:]]
    tall = (bottom - top) / len(rows)
    for row, text in enumerate(rows):
        for place, letter in enumerate(text):
            middle = left + (place + 0.5) * (right - left) / len(text), top + (row + 0.5) * tall
            draw.text(middle, letter, fill=ink, font=ImageFont.load_default(13), anchor="mm")


def row_of(name: str, plate: Plate | None) -> str:
    """A line of the table."""
    if plate is None:
        return f"{name},,,,,,,,,,,"
    ends = ",".join(f"{end:g}" for corner in plate.corners for end in corner)
    return f"{name},{plate.text},{plate.kind},{plate.lines},{ends}"


def street(folder: Path, count: int, sizes: tuple[tuple[int, int], ...] = ((128, 96),)) -> Path:
    """So many pictures, their sizes in turn, and plates.csv."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = [HEAD]
    for number in range(count):
        picture, plates = painted(number, sizes[number % len(sizes)])
        picture.save(folder / f"{number:03d}.png")
        lines += [row_of(f"{number:03d}.png", plate) for plate in plates or (None,)]
    (folder / "plates.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def text_lines(folder: Path, count: int) -> Path:
    """Pictures of texts of two to five characters, each with its text beside it."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        text = (text_of(number) + text_of(number + 1))[: 2 + number % 4]
        picture = Image.new("L", (12 * len(text) + 8, 20), 230 - number % 40)
        for place, letter in enumerate(text):
            ImageDraw.Draw(picture).text(
                (10 + 12 * place, 10), letter, fill=20, font=ImageFont.load_default(14), anchor="mm"
            )
        picture.save(folder / f"{number:03d}.png")
        (folder / f"{number:03d}.txt").write_text(text + "\n", encoding="utf-8")
    return folder
