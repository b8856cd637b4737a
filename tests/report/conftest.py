from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from deepglass import journey
from deepglass.foundation.settings import parse_assignments
from deepglass.foundation.words import speaking

SHIPPED = Path(journey.__file__).parent / "data" / "digits.npz"
HOSTILE = "<img src=x onerror=alert(1)>&amp;"


def trained(place, folder, *words, recipe_size="tiny"):
    """A tiny run with its data and its results."""
    with speaking("en"):
        proposal = journey.propose(str(place), parse_assignments(words), recipe_size)
        outcome = journey.train(proposal, out=str(folder))
        material = outcome.run.material()
        results = journey.evaluate_parts(outcome.run, material)
    return SimpleNamespace(run=outcome.run, material=material, results=results, folder=folder, report=outcome.report)


@pytest.fixture(scope="session")
def perceptron(tmp_path_factory):
    """A perceptron on XOR: it must fail."""
    folder = tmp_path_factory.mktemp("runs") / "perceptron"
    return trained("made:xor", folder, "model.name=perceptron", "train.steps=200")


@pytest.fixture(scope="session")
def digits(tmp_path_factory):
    """60 digits in class folders, one of which has a hostile name and one a Chinese one."""
    root = tmp_path_factory.mktemp("digits")
    stored = np.load(SHIPPED, allow_pickle=False)
    names = {0: "零", 1: HOSTILE, 2: "two"}
    for digit, name in names.items():
        (root / name).mkdir()
        for place in np.flatnonzero(stored["y"] == digit)[:20]:
            Image.fromarray(stored["x"][place]).save(root / name / f"{place:05d}.png")
    return trained(root, tmp_path_factory.mktemp("runs") / "digits", "train.epochs=4", "data.cache=false")


@pytest.fixture(scope="session")
def colours(tmp_path_factory):
    """Three colours in class folders; a few pictures lie in the wrong one."""
    root = tmp_path_factory.mktemp("colours")
    generator = np.random.default_rng(0)
    for number, name in enumerate(("red", "green", "blue")):
        (root / name).mkdir()
        for place in range(24):
            pixels = generator.integers(0, 60, (24, 24, 3), dtype=np.uint8)
            owner = (number + 1) % 3 if name == "red" and place < 2 else number
            pixels[:, :, owner] += 150
            Image.fromarray(pixels).save(root / name / f"{place:02d}.png")
    words = ("model.name=mlp", "train.steps=40", "data.cache=false", "task.picture.size=24")
    return trained(root, tmp_path_factory.mktemp("runs") / "colours", *words)


@pytest.fixture(scope="session")
def sites(tmp_path_factory):
    """A table with a group column: answers of site B are drawn by lot."""
    generator = np.random.default_rng(1)
    lines = ["width,height,site,label"]
    for place in range(240):
        x, y = generator.normal(size=2)
        site = f"A{place % 12}" if place % 3 else f"B{place % 12}"
        label = "large" if (x > 0 if site[0] == "A" else generator.random() > 0.5) else "small"
        lines.append(f"{x:.4f},{y:.4f},{site},{label}")
    table = tmp_path_factory.mktemp("table") / "sites.csv"
    table.write_text("\n".join(lines) + "\n")
    words = ("data.group=site", "data.target=label", "train.steps=80", "data.test=0.4")
    return trained(table, tmp_path_factory.mktemp("runs") / "sites", *words)
