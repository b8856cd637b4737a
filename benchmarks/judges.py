"""What a judge says of pictures whose damage is known: whether its KID and FID grow as a picture gets worse.

    python benchmarks/judges.py CIFAR --judges RUN [RUN ...] [--runs RUN [RUN ...]] [--pictures 2000]

CIFAR: a folder of PART/CLASS/*.png. Pictures of the training part, as they are and damaged in known ways, stand beside
as many of the test part: blurred (Gaussian, pixels), with noise (spread, of 255), made of larger squares, cut into
quarters that change places, of one and the same picture again and again. A judge can be believed where its figures grow
with the damage; one that is as far from noise of 16, which is hardly seen, as from squares of 8, which hide the thing,
cannot. --runs: what these bundles make, judged as well. A Markdown table comes out.
"""

import argparse
from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter

import deepglass as dg
from deepglass.foundation.seeds import Permutation
from deepglass.judging import Judge
from deepglass.metrics import kid
from deepglass.metrics.fid import fid

BLURS, NOISES, SQUARES = (0.5, 1.0, 2.0), (4, 16, 48), (2, 4, 8)


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("place", type=Path)
    words.add_argument("--judges", nargs="+", required=True, help="runs or bundles of classifiers")
    words.add_argument("--runs", nargs="*", default=[], help="runs that make pictures")
    words.add_argument("--pictures", type=int, default=2000)
    asked = words.parse_args()
    judges = [Judge.of(place) for place in asked.judges]
    beside = [judge.features(drawn(asked.place / "test", asked.pictures)) for judge in judges]
    heads = [f"{name} by {judge.short}" for judge in judges for name in ("KID", "FID")]
    print("| pictures | " + " | ".join(heads) + " |\n|" + "---|" * (len(heads) + 1), flush=True)
    heaps = damaged(drawn(asked.place / "train", asked.pictures))
    for run in asked.runs:
        heaps[Path(run).name] = made(run, asked.pictures)
    for name, pictures in heaps.items():
        cells: list[str] = []
        for judge, real in zip(judges, beside, strict=True):
            seen = judge.features(pictures)
            cells += [f"{figure.value:.4g}" for figure in (kid.distance(real, seen), fid(real, seen))]
        print(f"| {name} | " + " | ".join(cells) + " |", flush=True)


def drawn(folder: Path, count: int) -> list[np.ndarray]:
    """So many pictures of a part, by a key."""
    files = sorted(folder.glob("*/*.png"))
    chosen = Permutation(len(files), "judges")(np.arange(min(count, len(files))))
    return [np.asarray(Image.open(files[number]).convert("RGB")) for number in chosen.tolist()]


def damaged(pictures: list[np.ndarray]) -> dict[str, list[np.ndarray]]:
    """The same pictures in each of the ways, by what was done to them."""
    draw = np.random.default_rng(0)
    found = {"as they are": pictures}
    for spread in BLURS:
        found[f"blurred, {spread:g} pixels"] = [
            np.asarray(Image.fromarray(one).filter(ImageFilter.GaussianBlur(spread))) for one in pictures
        ]
    for spread in NOISES:
        found[f"noise, {spread} of 255"] = [
            (one + draw.normal(0, spread, one.shape)).round().clip(0, 255).astype(np.uint8) for one in pictures
        ]
    for side in SQUARES:
        found[f"squares of {side}"] = [
            np.asarray(Image.fromarray(one).reduce(side).resize(one.shape[1::-1], Image.Resampling.NEAREST))
            for one in pictures
        ]
    found["quarters changed"] = [np.roll(one, (one.shape[0] // 2, one.shape[1] // 2), (0, 1)) for one in pictures]
    return found | {"one again and again": [pictures[0]] * len(pictures)}


def made(run: str, count: int) -> list[np.ndarray]:
    """What its bundle makes, of classes equally many."""
    bundle = dg.load(run)
    labels = getattr(bundle.task.facts, "labels", ())
    if not labels:
        return list(bundle.pictures(count, seed=1))
    return [one for label in labels for one in bundle.pictures(count // len(labels), label, 1)]


if __name__ == "__main__":
    main()
