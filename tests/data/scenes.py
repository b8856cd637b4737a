"""Made pictures with boxes, and their annotations as COCO writes them."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from deepglass.data.annotation import Box
from deepglass.data.source import Source, Unreadable
from deepglass.foundation.words import say

SIZE = (64, 48)  # width and height


def picture(file: Path, number: int = 0, size: tuple[int, int] = SIZE) -> Path:
    """A picture of its own."""
    file.parent.mkdir(parents=True, exist_ok=True)
    coarse = np.random.default_rng(number).integers(0, 255, (5, 5, 3), dtype=np.uint8)
    Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC).save(file)
    return file


def boxes_of(number: int) -> tuple[Box, ...]:
    """Two, one, or no whole-numbered boxes."""
    both = (Box("cat", 1, 2, 30, 40), Box("dog", 10 + number, 0, 64, 48))
    return both[: (2, 1, 0)[number % 3]]


def image(id: int, name: str, size: tuple[int, int] = SIZE) -> dict[str, Any]:
    """One entry of "images"."""
    return {"id": id, "file_name": name, "width": size[0], "height": size[1]}


def annotation(image_id: int, box: Box | list[Any], category: int = 1, **more: Any) -> dict[str, Any]:
    """One entry of "annotations"."""
    if isinstance(box, Box):
        corners = [box.left, box.top, box.right - box.left, box.bottom - box.top]
        category, box = {"cat": 1, "dog": 3}[box.label], corners
    outline = [[0, 0, 5, 0, 5, 5]]
    return {"id": 1, "image_id": image_id, "category_id": category, "bbox": box, "segmentation": outline, **more}


def instances(file: Path, images: list[Any], annotations: list[Any] | None, **more: Any) -> Path:
    """A COCO file of cats (1) and dogs (3)."""
    document = {"info": {}, "images": images, "categories": [{"id": 3, "name": "dog"}, {"id": 1, "name": "cat"}]}
    document |= {} if annotations is None else {"annotations": annotations}
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(document | more), encoding="utf-8")
    return file


def coco(root: Path, count: int = 6, parts: tuple[str, ...] = ("train", "val")) -> Path:
    """annotations/instances_PART2017.json with PART2017/0.png and on."""
    for place, part in enumerate(parts):
        numbers = range(place * count, (place + 1) * count)
        for number in numbers:
            picture(root / f"{part}2017" / f"{number}.png", number)
        images = [image(number, f"{number}.png") for number in numbers]
        marks = [annotation(number, box) for number in numbers for box in boxes_of(number)]
        instances(root / "annotations" / f"instances_{part}2017.json", images, marks)
    return root


def bright_boxes(root: Path, count: int, side: int = 64) -> Path:
    """Pictures with up to two boxes, red "cat" and blue "dog", that a network can learn to find; one COCO file."""
    images, marks = [], []
    for number in range(count):
        random = np.random.default_rng(number)
        pixels = random.integers(0, 60, (side, side, 3), dtype=np.uint8)
        for name, colour in (("cat", (240, 30, 30)), ("dog", (30, 30, 240)))[: number % 3]:
            wide, tall = random.integers(14, 30, 2).tolist()
            left, top = int(random.integers(0, side - wide)), int(random.integers(0, side - tall))
            pixels[top : top + tall, left : left + wide] = colour
            marks.append(annotation(number, Box(name, left, top, left + wide, top + tall)))
        (root / "pictures").mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(root / "pictures" / f"{number}.png")
        images.append(image(number, f"{number}.png", (side, side)))
    instances(root / "instances.json", images, marks)
    return root


def answers(source: Source) -> dict[str, Any]:
    """What a source says of each picture."""
    return dict(zip(source.index.ids, source.index.labels, strict=True))


def reason(source: Source, id: str) -> str:
    """Why a picture cannot be used, in words."""
    with pytest.raises(Unreadable) as caught:
        source.read(list(source.index.ids).index(id))
    return say(f"data.{caught.value.reason}", **caught.value.values)
