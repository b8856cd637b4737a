"""How far explanations can be trusted: a pointing game on known boxes, and what untrained weights leave of them.

    python benchmarks/explain.py RUN [--pictures 200] [--out explain.json]

RUN learned made:scattered (`deepglass demo boxes`). Pointing game (Zhang 2016, arXiv:1608.00507): the share of pictures
in which the hottest place lies inside the box that is explained, for EigenCAM inside any box; chance is the share of a
picture that these cover. Sanity (Adebayo 2018, arXiv:1810.03292): the mean rank correlation between the heat of the
trained network and that of the same network with weights drawn anew, asked about the same place.
"""

import argparse
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

import deepglass as dg
from deepglass.bundle import Bundle
from deepglass.data.settings import DataSettings
from deepglass.data.sources.made_boxes import scattered
from deepglass.explain.answer import prepare_row
from deepglass.explain.eigen_cam import eigen_cam
from deepglass.explain.grad_cam import grad_cam
from deepglass.explain.integrated_gradients import integrated_gradients
from deepglass.explain.maps import explained_part, read_at, spread
from deepglass.explain.method import Row
from deepglass.explain.occlusion import occlusion
from deepglass.graph.probe import Probe
from deepglass.networks import build

SANE = 40  # pictures of the sanity check
STEPS = 16  # of integrated gradients


def maps_of(model: nn.Module, row: Row) -> Tensor:
    """The maps that the answer is read from. (1, K, h, w)"""
    stage = read_at(model, row)
    with torch.no_grad(), Probe(model, [stage]) as probe:
        model(row.presented)
    return probe[stage].value


def methods() -> dict[str, Callable[[nn.Module, Row], Tensor]]:
    """Each gives heat (h, w) for a row's target."""
    return {
        "grad_cam": lambda model, row: grad_cam(model, row.presented, row.target.score, read_at(model, row), True)[0],
        "grad_cam, slopes pooled": lambda model, row: grad_cam(
            model, row.presented, row.target.score, read_at(model, row), False
        )[0],
        "eigen_cam": lambda model, row: eigen_cam(maps_of(model, row))[0],
        "occlusion": lambda model, row: occlusion(lambda x: row.target.share(model(x)), row.presented),
        "integrated_gradients": lambda model, row: (
            integrated_gradients(lambda x: row.target.score(model(x)), row.presented, STEPS)[0].sum(0).abs()
        ),
    }


def rank_correlation(one: Tensor, other: Tensor) -> float:
    """Spearman's, 0 where one is the same everywhere."""
    a, b = one.flatten().numpy(), other.flatten().numpy()
    if not a.std() or not b.std():
        return 0.0
    ranks = [np.argsort(np.argsort(values, kind="stable"), kind="stable") for values in (a, b)]
    return float(np.corrcoef(*ranks)[0, 1])


def interval(hits: list[bool]) -> list[float]:
    """Share and the ends of Wilson's 95 % interval."""
    n, p, z = len(hits), float(np.mean(hits)), 1.96
    middle, half = p + z * z / (2 * n), z * np.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return [round(float(one / (1 + z * z / n)), 3) for one in (middle - half, middle + half)]


def drawn_anew(bundle: Bundle) -> nn.Module:
    """The same network untrained."""
    torch.manual_seed(1)
    return build(bundle.name, bundle.document["model"]["settings"]).eval()


def measure(run: str, pictures: int) -> dict:
    """All figures."""
    bundle, source = dg.load(run), scattered(DataSettings())
    rows = [row for row, part in enumerate(source.index.parts) if part == "test"][:pictures]
    untrained, offered = drawn_anew(bundle), methods()
    hits: dict[str, list[bool]] = {name: [] for name in offered}
    same: dict[str, list[float]] = {name: [] for name in offered}
    chance: dict[str, list[float]] = {"the box": [], "any box": []}
    for place, number in enumerate(rows):
        row = prepare_row(bundle, next(iter(bundle.inputs(source.rows[number][None]))))
        height, width = row.presented.shape[-2:]
        inside, boxes = explained_part(row), np.zeros((height, width), dtype=bool)
        for box in source.index.labels[number]:
            boxes[int(box.top) : int(np.ceil(box.bottom)), int(box.left) : int(np.ceil(box.right))] = True
        chance["the box"].append(float(inside.mean()))
        chance["any box"].append(float(boxes.mean()))
        for name, heat_of in offered.items():
            heat = spread(heat_of(bundle.model, row).detach().float().clamp(min=0), height, width)
            down, across = np.unravel_index(int(heat.argmax()), heat.shape)
            hits[name].append(bool((boxes if name == "eigen_cam" else inside)[down, across]))
            if place < SANE:
                other = spread(heat_of(untrained, row).detach().float().clamp(min=0), height, width)
                same[name].append(rank_correlation(heat, other))
    return {
        "pictures": len(rows),
        "chance": {name: round(float(np.mean(values)), 3) for name, values in chance.items()},
        "pointing": {
            name: {"share": round(float(np.mean(one)), 3), "interval": interval(one)} for name, one in hits.items()
        },
        "untrained": {name: round(float(np.mean(values)), 3) for name, values in same.items()},
    }


def main() -> None:
    """From the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("run")
    parser.add_argument("--pictures", type=int, default=200)
    parser.add_argument("--out", default="")
    words = parser.parse_args()
    document = json.dumps(measure(words.run, words.pictures), indent=1)
    print(document)
    if words.out:
        Path(words.out).write_text(document + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
