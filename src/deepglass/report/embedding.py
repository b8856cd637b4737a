"""How the classes come apart: the same examples in two dimensions as raw input and at each stage of the network.

A linear probe (Alain & Bengio 2016, arXiv:1610.01644) says in figures what the pictures show: how much of the answer a
straight cut can read at that stage.
"""

import math
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from deepglass.explain.maps import stages
from deepglass.foundation.settings import to_json
from deepglass.foundation.words import say
from deepglass.graph.cost import cost
from deepglass.graph.probe import Probe
from deepglass.graph.trace import example, trace
from deepglass.metrics.figure import Figure, share
from deepglass.report.baselines import fit_logistic
from deepglass.report.case import Case, Classified
from deepglass.report.section import Exhibit, Section, percent
from deepglass.views.bars import Bars
from deepglass.views.scatter import Scatter
from deepglass.views.view import number

TRAIN, ASKED = 1000, 500  # rows of the probe, at most
WORK = 4e10  # multiplications that the network may take for them
FEATURES = 1024  # numbers that a map is averaged down to
BATCH = 64
DRAWN_CLASSES = 10
BLOCK, ROUNDS = 12, 40  # directions that are followed together, and how often


class Stage(NamedTuple):
    """The rows' features at one place of the network, and what a probe reads from them."""

    name: str
    train: Tensor  # (N, F)
    asked: Tensor  # (M, F)
    accuracy: Figure


def embedding(case: Case) -> Section | None:
    """A scatter and a probe for the raw input and every stage."""
    known, found = case.classified("train"), case.classified()
    if known is None or found is None or case.inputs is None or not case.held_out or not stages(case.model):
        return None
    share_of_rows = min(1.0, WORK / max(1, _work(case) * (TRAIN + ASKED)))
    train = case.sample("train", max(40, round(TRAIN * share_of_rows)))
    asked = case.sample(case.part, max(20, round(ASKED * share_of_rows)))
    wanted = found.targets[asked]
    looked = [
        _probed(name, values[: len(train)], values[len(train) :], known.targets[train], wanted, len(found.labels))
        for name, values in _features(case, np.concatenate([known.rows[train], found.rows[asked]])).items()
    ]
    exhibits = [_exhibit(stage, found, wanted, case.inputs.columns) for stage in looked]
    return Section(
        "embedding",
        say("report.lead_embedding", train=number(len(train)), asked=number(len(asked))),
        [_bars(looked), *exhibits],
        figures={
            "train": len(train),
            "asked": len(asked),
            "stages": [{"name": stage.name, **to_json(stage.accuracy._asdict())} for stage in looked],
        },
    )


def _work(case: Case) -> int:
    return cost(trace(case.model, *example(case.task.asks().takes))).macs


@torch.no_grad()
def _features(case: Case, rows: np.ndarray) -> dict[str, Tensor]:
    """Raw input and the stages' outputs, averaged to a size that a probe can read. name -> (N, F)"""
    names = stages(case.model)
    found: dict[str, list[Tensor]] = {"": [case.flat(rows)], **{name: [] for name in names}}
    for start in range(0, len(rows), BATCH):
        with Probe(case.model, names, keep=lambda tensor, kind: pooled(tensor)) as probe:
            case.model(case.presented(rows[start : start + BATCH]))
        for name in names:
            if name in probe:
                found[name].append(probe[name].value)
    return {name: torch.cat(parts) for name, parts in found.items() if parts}


def pooled(values: Tensor) -> Tensor:
    """(B, C, H, W), (B, C, ...) or (B, F) -> (B, at most about 1,024 numbers)"""
    if values.ndim == 4:
        side = max(1, math.isqrt(FEATURES // values.shape[1]))
        values = F.adaptive_avg_pool2d(values, (min(side, values.shape[2]), min(side, values.shape[3])))
    elif values.ndim > 2:
        values = values.flatten(2).mean(2)
    return values.flatten(1).float().cpu()


def _probed(name: str, train: Tensor, asked: Tensor, own: Tensor, wanted: Tensor, classes: int) -> Stage:
    middle, spread = train.mean(0), train.std(0, correction=0).clamp(min=1e-6)
    train, asked = (train - middle) / spread, (asked - middle) / spread
    weight, bias = fit_logistic(train, own, classes, steps=40)
    right = int(((asked @ weight.T + bias).argmax(1) == wanted).sum())
    return Stage(name, train, asked, share(right, len(wanted)))


def principal(train: Tensor, asked: Tensor) -> Tensor:
    """`asked` on the two directions in which `train` varies most. (N, F), (M, F) -> (M, 2)"""
    if train.shape[1] <= 2:
        return F.pad(asked, (0, 2 - train.shape[1]))
    middle = train.mean(0)
    centred = train - middle
    block = centred[:BLOCK].T  # any start that lies among the rows does
    for _ in range(ROUNDS):  # orthogonal iteration: quicker than all the directions by far
        block, _ = torch.linalg.qr(centred.T @ (centred @ block))
    _, _, turn = torch.linalg.svd(centred @ block, full_matrices=False)
    axes = turn[:2] @ block.T
    axes = axes * axes.gather(1, axes.abs().argmax(1, keepdim=True)).sign()  # the same picture every time
    return (asked - middle) @ axes.T


def _exhibit(stage: Stage, found: Classified, wanted: Tensor, columns: tuple[str, ...]) -> Exhibit:
    points = principal(stage.train, stage.asked).numpy()
    kept = (wanted >= 0) & (wanted < DRAWN_CLASSES)
    labels = (say("report.component_1"), say("report.component_2"))
    if stage.train.shape[1] <= 2:  # nothing to turn: the axes are the columns, or two neurons
        labels = ("1", "2") if stage.name else columns[:2]
    title = say("report.raw_input") if not stage.name else stage.name
    view = Scatter(points[kept], wanted[kept].numpy(), found.labels[:DRAWN_CLASSES], title, labels[0], labels[1])
    words = say("report.words_stage", accuracy=percent(stage.accuracy.value), size=number(stage.train.shape[1]))
    return Exhibit(view, words)


def _bars(looked: list[Stage]) -> Exhibit:
    names = [stage.name or say("report.raw_input") for stage in looked]
    ends = [[getattr(stage.accuracy, end) for stage in looked] for end in ("value", "low", "high")]
    bars = Bars(names, ends[0], say("report.probe_title"), say("report.accuracy"), ends[1], ends[2])
    first, last = looked[0].accuracy, looked[-1].accuracy
    return Exhibit(
        bars, say(f"report.probe_{compared(first, last)}", first=percent(first.value), last=percent(last.value))
    )


def compared(first: Figure, last: Figure) -> str:
    """ "better" or "worse" where the intervals lie apart, else "unclear"."""
    return "better" if last.low > first.high else "worse" if last.high < first.low else "unclear"
