"""Emoji of one style brought to another: does a translated one lie nearer to its true partner than as it was?

    npm pack emoji-datasource-google@16.0.0 emoji-datasource-twitter@16.0.0   and untar each into X/<name>/
    python benchmarks/emoji_styles.py X OUT [--seed 0] [--size small] [--keep] [--set train.minutes=40 ...]
    python benchmarks/emoji_styles.py X OUT --again      the figures of the run that is there already

A is Google's style, B is Twitter's, 64 x 64 pixels on white. The 1,910 things that both have are dealt by a key: 45 %
are seen in A alone, 45 % in B alone, 10 % in neither. So no thing is trained on in both, and nothing says which belong
together. Then every picture of a style, translated and as it was, asks for its nearest among all 1,910 of the other
style, by raw pixels. `all` are all things, `seen` those whose picture was trained on, `partner` those whose partner
was, `new` those of which neither was. The report in OUT/run shows strips; OUT/made holds all that was translated.
"""

import argparse
import base64
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from search import unpack_emoji
from torch import Tensor

import deepglass as dg
from deepglass.bundle import Bundle
from deepglass.foundation.seeds import Permutation

STYLES = {"A": "google", "B": "twitter"}
SHARES = {"A": 0.45, "B": 0.45}  # of the things; of the rest neither picture is trained on
AT = (1, 5, 10)
GROUPS = ("all", "seen", "partner", "new")
TOGETHER = 100  # pictures that are compared together


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("packages", type=Path, help="the folder that the packages lie in")
    words.add_argument("out", type=Path)
    words.add_argument("--seed", type=int, default=0, help="deals the things anew, and all else")
    words.add_argument("--size", choices=("tiny", "small", "paper"), default="small")
    words.add_argument("--set", nargs="*", default=[], help="settings besides, such as train.minutes=40")
    words.add_argument("--again", action="store_true", help="trains nothing")
    words.add_argument("--keep", action="store_true", help="go on with a run that was stopped")
    asked = words.parse_args()
    names, groups = lay_out(asked.packages, asked.out, asked.seed)
    run = asked.out / "run"
    if not asked.again and not (asked.keep and run.exists()):
        shutil.rmtree(run, ignore_errors=True)
        given = {"seed": asked.seed, "data.val": 0} | dict(word.split("=", 1) for word in asked.set)
        dg.train(asked.out / "sides", task="image_to_image", size=asked.size, out=run, settings=given)
    elif not asked.again:
        dg.resume(run)
    bundle = dg.load(run)
    found = {way: judged(bundle, asked.out, names, groups, way) for way in ("AB", "BA")}
    print(json.dumps({"things": len(names), "seed": asked.seed, **found}, indent=1))


def lay_out(packages: Path, out: Path, seed: int) -> tuple[list[str], dict[str, str]]:
    """OUT/sides/trainA ... testB, and for each thing the side that it is trained on in; nothing of the others."""
    place = out / "emoji"
    if not place.exists():
        unpack_emoji(packages, place)
    names = sorted(one.name for one in place.iterdir())
    dealt = dict(zip(names, sides(len(names), seed), strict=True))
    shutil.rmtree(out / "sides", ignore_errors=True)
    for name, trained in dealt.items():
        for side, style in STYLES.items():
            if trained in (side, ""):
                folder = out / "sides" / f"{'train' if trained else 'test'}{side}"
                folder.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(place / name / f"{style}.png", folder / f"{name}.png")
    return names, dealt


def sides(count: int, seed: int) -> list[str]:
    """The side in which each thing is trained on, "" for neither.

    >>> dealt = sides(100, 0)
    >>> dealt.count("A"), dealt.count("B"), dealt.count("")
    (45, 45, 10)
    """
    dealt = [""] * count
    order = iter(Permutation(count, "emoji", seed)(np.arange(count)).tolist())
    for side, share in SHARES.items():
        for _ in range(int(share * count)):
            dealt[next(order)] = side
    return dealt


def judged(bundle: Bundle, out: Path, names: list[str], dealt: dict[str, str], way: str) -> dict[str, Any]:
    """How often the partner is among the nearest, with and without translation, by group."""
    here, there = (STYLES[side] for side in way)
    files = [str(out / "emoji" / name / f"{here}.png") for name in names]
    folder = out / "made" / way
    folder.mkdir(parents=True, exist_ok=True)
    made: list[Tensor] = []
    for name, answer in zip(names, bundle.towards(way[1]).predict(files), strict=True):
        file = folder / f"{name}.png"
        file.write_bytes(base64.b64decode(answer["picture"].partition(",")[2]))
        made.append(_pixels(file))
    gallery = torch.stack([_pixels(out / "emoji" / name / f"{there}.png") for name in names])
    ranks = {"plain": _ranks(torch.stack(list(map(_pixels, files))), gallery)}
    ranks["translated"] = _ranks(torch.stack(made), gallery)
    member = {"seen": way[0], "partner": way[1], "new": ""}
    found: dict[str, Any] = {}
    for group in GROUPS:
        rows = torch.tensor([group == "all" or dealt[name] == member[group] for name in names])
        each = {kind: {f"first_{k}": _share(rank[rows] < k) for k in AT} for kind, rank in ranks.items()}
        times = each["translated"]["first_1"] / max(1e-9, each["plain"]["first_1"])
        found[group] = {"count": int(rows.sum()), **each, "times": round(times, 3)}
    return found


def _ranks(asked: Tensor, gallery: Tensor) -> Tensor:
    """How many of the gallery lie nearer than the partner, which stands at the same place. (N, F), (N, F) -> (N,)"""
    found: list[Tensor] = []
    for start in range(0, len(asked), TOGETHER):
        apart = torch.cdist(asked[start : start + TOGETHER], gallery)
        own = apart[torch.arange(len(apart)), torch.arange(start, start + len(apart))]
        found.append((apart < own[:, None]).sum(1))
    return torch.cat(found)


def _pixels(file: Path | str) -> Tensor:
    """float64 (F,)"""
    pixels = np.asarray(Image.open(file).convert("RGB").resize((64, 64)), dtype=np.float64) / 255
    return torch.from_numpy(pixels).flatten()


def _share(hits: Tensor) -> float:
    return round(float(hits.double().mean()), 4)


if __name__ == "__main__":
    main()
