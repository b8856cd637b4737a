"""Small sets for the three tasks: rows of numbers, pictures with a table beside them, folders of pictures."""

import csv

import numpy as np
import pytest
from PIL import Image

COLOURS = ("red", "green", "blue")


def paint(names, random, side=16):
    """Noise, with the named channels bright."""
    pixels = random.integers(0, 60, (side, side, 3))
    for name in names:
        pixels[:, :, COLOURS.index(name)] += 150
    return Image.fromarray(pixels.astype("uint8"))


@pytest.fixture
def tagged(tmp_path):
    """A folder of pictures and a table with several labels a picture, as one cell or as columns of 0 and 1."""

    def make(columns=False, count=48):
        random = np.random.default_rng(0)
        folder = tmp_path / ("flags" if columns else "cells")
        folder.mkdir()
        rows = [["file", *COLOURS] if columns else ["file", "labels"]]
        for number in range(count):
            names = [name for name, drawn in zip(COLOURS, random.random(3) < 0.5, strict=True) if drawn]
            paint(names, random).save(folder / f"{number:02d}.png")
            rows.append(
                [f"{number:02d}.png", *([int(name in names) for name in COLOURS] if columns else [" ; ".join(names)])]
            )
        write(folder / "labels.csv", rows)
        return folder

    return make


@pytest.fixture
def numbers(tmp_path):
    """A table whose last column is a number: 100 + 10 x1 - 5 x2 and a little noise."""
    random = np.random.default_rng(1)
    points = random.normal(size=(120, 3))
    answers = 100 + 10 * points[:, 0] - 5 * points[:, 1] + 0.1 * random.normal(size=120)
    rows = [
        ["x1", "x2", "x3", "target"],
        *([*map(float, row), float(t)] for row, t in zip(points, answers, strict=True)),
    ]
    write(tmp_path / "numbers.csv", rows)
    return tmp_path / "numbers.csv"


@pytest.fixture
def folders(tmp_path):
    """Class folders of coloured pictures; `counts` says how many of each class."""

    def make(counts, side=16):
        random = np.random.default_rng(2)
        for name, count in counts.items():
            (tmp_path / "folders" / name).mkdir(parents=True)
            for number in range(count):
                paint([name], random, side).save(tmp_path / "folders" / name / f"{number:02d}.png")
        return tmp_path / "folders"

    return make


def write(file, rows):
    with file.open("w", newline="") as stream:
        csv.writer(stream).writerows(rows)
