"""Levels: what each stage and each level of a network for pictures sees, and which level said which box.

For every map: the mean strength of its channels over the picture, and the channels that are strongest by
mean |A_k| over the places. arrays: mean (h, w), strength (K,), and the maps of the strongest (6, h, w)
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from deepglass.bundle import Bundle
from deepglass.explain.maps import gives_maps, laid_over, levels, map_shapes
from deepglass.explain.method import Explanation, Method, Row, sentences
from deepglass.explain.target import has_target, said_by
from deepglass.foundation.words import say
from deepglass.graph.probe import Probe
from deepglass.tasks.detect import STRIDES, Detect
from deepglass.views.boxes import Mark
from deepglass.views.levels import Level, Levels
from deepglass.views.view import number

SHOWN = 6  # channels of a level
NAMED = 3  # boxes of a level that its row names


def fits(bundle: Bundle) -> bool:
    """Pictures, maps inside, and an answer of the kinds that are explained."""
    return has_target(bundle) and gives_maps(bundle)


@torch.no_grad()
def explain(bundle: Bundle, row: Row | None) -> Explanation:
    """One picture with a row for each level."""
    assert row is not None
    model = bundle.model.eval()
    names = list(map_shapes(model, row.presented))
    with Probe(model, names) as probe:
        said = model(row.presented)
    spoken = _boxes(bundle, said, row)
    titles = {name: f"P{stride.bit_length() - 1}" for name, stride in zip(spoken, STRIDES, strict=False)}  # 8 is 2³
    rows: list[Level] = []
    arrays: dict[str, np.ndarray] = {}
    figures: dict[str, Any] = {}
    for name in names:
        maps = probe[name].value[0].float().cpu()  # (K, h, w)
        mean, strength = maps.abs().mean(0), maps.abs().mean((1, 2))
        strongest = strength.topk(min(SHOWN, len(maps))).indices
        marks = spoken.get(name)
        rows.append(
            Level(
                *_told(titles.get(name, name), maps, strength, marks), _heat(row, mean, marks), _shown(maps, strongest)
            )
        )
        arrays |= {f"{name}.mean": mean.numpy(), f"{name}.strength": strength.numpy()}
        arrays[f"{name}.channels"] = maps[strongest].numpy()
        figures[name] = _figures(maps, strength, strongest, marks)
    view = Levels(rows, say("explain.levels_title"))
    said_boxes = [_answered(rows[names.index(name)].name, marks) for name, marks in spoken.items() if marks]
    words = sentences(_words(rows, [probe[name].value.shape for name in names]), *said_boxes)
    return Explanation({"levels": view}, arrays, words, {"levels": figures})


def _boxes(bundle: Bundle, said: Tensor, row: Row) -> dict[str, list[Mark]]:
    """The boxes of the answer by the level that said them; nothing of a network that is no detector."""
    answering = levels(bundle.model)
    if row.batch is None or not isinstance(bundle.task, Detect) or len(answering) != len(STRIDES):
        return {}
    found: dict[str, list[Mark]] = {name: [] for name in answering}
    for level, mark in said_by(bundle.task, said, row.batch, row.answer["boxes"]):
        found[answering[level]].append(mark)
    return found


def _told(name: str, maps: Tensor, strength: Tensor, marks: Sequence[Mark] | None) -> tuple[str, list[str]]:
    """A level's name, and what its row says."""
    lines = [
        say("explain.level_places", width=maps.shape[2], height=maps.shape[1]),
        say("explain.level_channels", count=len(maps)),
        say("explain.level_mean", mean=number(float(strength.mean()))),
    ]
    if silent := int((strength == 0).sum()):
        lines.append(say("explain.level_silent", count=silent))
    if marks is None:
        return name, lines
    lines += [mark.words for mark in marks[:NAMED]] or [say("explain.level_nothing")]
    return name, lines + (["…"] if len(marks) > NAMED else [])


def _heat(row: Row, mean: Tensor, marks: Sequence[Mark] | None) -> Any:
    return laid_over(row, mean - mean.min(), "", marks or ())


def _shown(maps: Tensor, strongest: Tensor) -> list[tuple[int, np.ndarray]]:
    return [(int(one), maps[one].abs().numpy()) for one in strongest.tolist()]


def _figures(maps: Tensor, strength: Tensor, strongest: Tensor, marks: Sequence[Mark] | None) -> dict[str, Any]:
    channels = [{"channel": one, "mean": float(strength[one])} for one in strongest.tolist()]
    found = {
        "channels": len(maps),
        "height": maps.shape[1],
        "width": maps.shape[2],
        "mean": float(strength.mean()),
        "largest": float(maps.max()),
        "silent": int((strength == 0).sum()),
        "strongest": channels,
    }
    return found if marks is None else found | {"boxes": [mark.words for mark in marks]}


def _answered(name: str, marks: Sequence[Mark]) -> str:
    mark = say("views.list_mark")
    return say("explain.level_said", name=name, boxes=mark.join(one.words for one in marks))


def _words(rows: Sequence[Level], shapes: Sequence[Any]) -> str:
    fine, coarse = (pick(range(len(rows)), key=lambda at: shapes[at][2] * shapes[at][3]) for pick in (max, min))
    values: Mapping[str, Any] = {
        "count": len(rows),
        "fine": rows[fine].name,
        "fine_size": f"{shapes[fine][3]} x {shapes[fine][2]}",
        "coarse": rows[coarse].name,
        "coarse_size": f"{shapes[coarse][3]} x {shapes[coarse][2]}",
    }
    return say("explain.levels", **values)


CATALOGUE = {"levels": Method(fits, explain, rank=7)}
