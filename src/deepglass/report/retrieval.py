"""A search by example: how often one of the same class is among the nearest, and what was found, right or wrong.

The same figures for the raw pixels say what the network has learned beside looking.
"""

from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from deepglass.foundation.settings import to_json
from deepglass.foundation.words import say
from deepglass.metrics.figure import Figure
from deepglass.metrics.retrieval import RecallAt, ranks
from deepglass.report.case import Case
from deepglass.report.section import Exhibit, Section, percent
from deepglass.tasks.embed import Embed
from deepglass.views.bars import Bars
from deepglass.views.picture import Gallery, Picture
from deepglass.views.table import Table
from deepglass.views.view import number

AT = (1, 2, 5, 10)
MOST = 4000  # examples of the part that are looked at here
ASKED, NEAREST = 12, 5  # questions that are drawn, and what is shown of each answer
WRONG = 8  # of them whose first answer is wrong, at most


class Asked(NamedTuple):
    """One example that has others of its class in the part."""

    place: int  # in the part
    before: int  # wrong ones before the first right one
    nearest: list[int]  # places
    scores: list[float]


def retrieval(case: Case) -> Section | None:
    """Recall beside that of the pixels, and a gallery."""
    if not isinstance(case.task, Embed):
        return None
    places = case.sample(case.part, MOST)
    places = places[places < case.answered(case.part)]
    rows = case.material.rows[case.part][places]
    targets = case.material.targets["target"][rows]
    assert isinstance(targets, Tensor)
    vectors = case.results[case.part][1]["vector"][places]
    plain = F.normalize(case.flat(rows), dim=1) if case.inputs else None
    recalls = {k: _recall(vectors, targets, k) for k in AT}
    pixels = {k: _recall(plain, targets, k) for k in AT} if plain is not None else {}
    chosen = _chosen(_asked(vectors, targets))
    figures: dict[str, Any] = {"recall": {str(k): to_json(figure._asdict()) for k, figure in recalls.items()}}
    figures["pixels"] = {str(k): figure.value for k, figure in pixels.items()}
    figures["shown"] = [{"id": _id(case, int(rows[one.place])), "before": one.before} for one in chosen]
    galleries = [exhibit for one in chosen if (exhibit := _gallery(case, one, rows.tolist()))]
    lead = say("report.lead_retrieval", count=number(recalls[1].n), classes=number(len(targets.unique())))
    return Section("retrieval", lead, [_bars(recalls, pixels), *galleries], figures=figures)


def _recall(vectors: Tensor, targets: Tensor, k: int) -> Figure:
    metric = RecallAt(k)
    metric.update([f"{row:09d}" for row in range(len(vectors))], {"vector": vectors}, targets)
    return metric.compute()


def _bars(recalls: dict[int, Figure], pixels: dict[int, Figure]) -> Exhibit:
    names = [f"recall@{k}" for k in recalls]
    ends = [[getattr(figure, end) for figure in recalls.values()] for end in ("value", "low", "high")]
    bars = Bars(names, ends[0], say("report.retrieval_title"), "recall", ends[1], ends[2])
    columns = ["k", "recall", say("report.low"), say("report.high"), *([say("report.raw_input")] if pixels else [])]
    cells = [
        [k, figure.value, figure.low, figure.high, *([pixels[k].value] if pixels else [])]
        for k, figure in recalls.items()
    ]
    key = "words_recall" if pixels else "words_recall_alone"
    beside = {"pixels": percent(pixels[1].value)} if pixels else {}
    words = say(
        f"report.{key}", first=percent(recalls[1].value), last=percent(recalls[AT[-1]].value), k=AT[-1], **beside
    )
    return Exhibit(bars, words, Table(columns, cells))


def _asked(vectors: Tensor, targets: Tensor) -> list[Asked]:
    scores = vectors @ vectors.T
    scores.fill_diagonal_(-torch.inf)
    right = (targets[:, None] == targets).fill_diagonal_(False)
    before = ranks(scores, right).tolist()
    top = scores.topk(min(NEAREST, max(1, len(vectors) - 1)), dim=1)
    has = right.any(1).tolist()
    return [
        Asked(place, before[place], top.indices[place].tolist(), top.values[place].tolist())
        for place in range(len(vectors))
        if has[place]
    ]


def _chosen(asked: list[Asked]) -> list[Asked]:
    """The worst first, then as many of those that went well as there is room for, at even distances."""
    wrong = sorted((one for one in asked if one.before), key=lambda one: (-one.before, one.place))[:WRONG]
    well = [one for one in asked if not one.before]
    room = min(ASKED - len(wrong), len(well))
    return wrong + [well[place * len(well) // room] for place in range(room)]


def _gallery(case: Case, one: Asked, rows: list[int]) -> Exhibit | None:
    """The question and what is nearest to it, each marked right or wrong."""
    pixels = [case.pixels(rows[place]) for place in (one.place, *one.nearest)]
    labels = [str(case.material.source.index.labels[rows[place]]) for place in (one.place, *one.nearest)]
    pictures = [Picture(shown, say("report.asked_for", label=labels[0])) for shown in pixels[:1] if shown is not None]
    for shown, label, score in zip(pixels[1:], labels[1:], one.scores, strict=True):
        if shown is not None:
            pictures.append(Picture(shown, f"{'✓' if label == labels[0] else '✗'} {score:.2f} {label}"))
    if len(pictures) < 2:
        return None
    key = "words_found_at_once" if not one.before else "words_found_later"
    words = say(f"report.{key}", id=_id(case, rows[one.place]), place=one.before + 1, label=labels[0])
    return Exhibit(Gallery(pictures, "", across=len(pictures)), words, wide=True)


def _id(case: Case, row: int) -> str:
    return str(case.material.store.index.ids[row])
