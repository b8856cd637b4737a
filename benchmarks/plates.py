"""Number plates end to end: how many of made street pictures are read without an error, and what one takes.

    deepglass train made:plates --minutes 29 --out RUN data.plates.pictures=6000 data.plates.held_back='["ukai"]'
    python benchmarks/plates.py RUN [--pictures 2000] [--seed 1000] [--font ukai]

Fresh pictures are made with a seed that no training used: `unseen` has grounds and weather of families that training
never shows (made:plates-unseen), `font` a font that it held back (made:plates-font). A plate is right where its box
overlaps the true one by half or more and every character is; plates seen where there is none count against it.
The time is that of one picture of 1280 x 720, file to answer, over as many as `--timed`, after three that warm up.
"""

import argparse
import json
import statistics
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from PIL import Image

from deepglass.bundle import Bundle
from deepglass.data.recognise import recognise
from deepglass.data.settings import DataSettings, PlateSettings
from deepglass.material import gather_elsewhere

LARGE = (1280, 720)


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("run", type=Path, help="a finished run of read_plates")
    words.add_argument("--pictures", type=int, default=2000)
    words.add_argument("--seed", type=int, default=1000, help="of the fresh pictures: another than the training's")
    words.add_argument(
        "--font", default="", help="the font that the training held back; without it only `unseen` is asked"
    )
    words.add_argument("--timed", type=int, default=30, help="large pictures that are timed")
    words.add_argument("--threads", type=int, default=2)
    asked = words.parse_args()
    torch.set_num_threads(asked.threads)
    bundle = Bundle.load(asked.run / "bundle")
    fresh = PlateSettings(pictures=asked.pictures, seed=asked.seed)
    places = {"unseen": ("made:plates-unseen", fresh)}
    if asked.font:
        places["font"] = ("made:plates-font", replace(fresh, held_back=(asked.font,)))
    document: dict[str, Any] = {name: figures(bundle, *place) for name, place in places.items()}
    document["milliseconds"] = timed(bundle, asked.timed, asked.seed)
    print(json.dumps(document, indent=1))


def figures(bundle: Bundle, place: str, plates: PlateSettings) -> dict[str, Any]:
    """The task's figures over fresh pictures, each with its interval, as a run's own evaluation works them out."""
    data = DataSettings(place=place, plates=plates, cache=False, val=0.0, test=0.0)
    material = gather_elsewhere(place, bundle.task, data, lambda done, of: None)
    found, _ = material.evaluated(bundle.model, bundle.task, "test", torch.device("cpu"))
    return {name: figure._asdict() for name, figure in found.items()}


def timed(bundle: Bundle, count: int, seed: int) -> dict[str, float]:
    """Milliseconds of one picture from its JPEG to its answer: the median, and the slowest of ten."""
    width, height = LARGE
    source = recognise(
        "made:plates",
        DataSettings(plates=PlateSettings(pictures=max(10, count + 3), seed=seed, width=width, height=height)),
    )
    spent: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        for row in range(count + 3):
            file = Path(folder) / f"{row}.jpg"
            Image.fromarray(source.read(row).pixels).save(file, quality=92)
            began = time.perf_counter()
            bundle.predict([str(file)])
            spent.append(1000 * (time.perf_counter() - began))
    return middle(spent[3:])


def middle(spent: list[float]) -> dict[str, float]:
    """The median and the ninth of ten.

    >>> middle([30.0, 10.0, 20.0, 40.0])
    {'median': 25.0, 'ninth_of_ten': 40.0, 'n': 4}
    """
    place = min(len(spent) - 1, int(0.9 * len(spent)))
    return {
        "median": round(statistics.median(spent), 1),
        "ninth_of_ten": round(sorted(spent)[place], 1),
        "n": len(spent),
    }


if __name__ == "__main__":
    main()
