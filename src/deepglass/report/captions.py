"""Captions: the worst and the best sentences with where the network looked, beside the nearest training picture's."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch

from deepglass.data.example import Ragged, picked
from deepglass.foundation.words import say
from deepglass.metrics.rouge import rouge_l
from deepglass.metrics.sacre import texts_of
from deepglass.metrics.told import APART, cut
from deepglass.report.case import Case
from deepglass.report.section import Exhibit, Note, Section
from deepglass.tasks.caption import Caption
from deepglass.tasks.writing import utf8
from deepglass.views.looked import Looked
from deepglass.views.table import Table
from deepglass.views.view import finite, number

JUDGED = 2000  # pictures, at most, that are scored one by one
WORST, BEST = 6, 3
FLOOR_TRAIN = 10_000  # training pictures among which the nearest is looked for, at most
PIECE = 256
WIDE = 9  # words of a sentence whose pictures take the whole width


class Judged(NamedTuple):
    """One picture of the part that counts."""

    place: int  # in the part
    row: int  # of the source
    id: str
    told: str
    captions: tuple[str, ...]
    rouge: float

    def entry(self) -> dict[str, Any]:
        """What report.json holds."""
        return {"id": self.id, "told": self.told, "captions": list(self.captions), "rouge_l": self.rouge}


def captions(case: Case) -> Section | None:
    """Pictures with the heat of each word, a table of sentences, and what looking them up would do."""
    if not isinstance(case.task, Caption):
        return None
    judged = _judged(case)
    ordered = sorted(judged, key=lambda one: (one.rouge, one.id))
    worst = [one for one in ordered if one.rouge < 1][:WORST]
    best = [one for one in reversed(ordered) if one not in worst][:BEST]
    nearest = _nearest(case)
    figures = {
        "worst": [one.entry() for one in worst],
        "best": [one.entry() for one in best],
        "nearest": {name: finite(figure.value) for name, figure in nearest.items()},
    }
    return Section(
        "captions",
        say("report.lead_captions", count=number(len(judged)), part=say(f"report.part_{case.part}")),
        exhibits=_exhibits(case, [*worst, *best]),
        notes=[] if worst else [Note("note", say("report.no_worst_captions"))],
        tables=[_beside_nearest(case, nearest)] if nearest else [],
        folded=[_table(worst, say("report.worst_captions")), _table(best, say("report.best_captions"))],
        figures=figures,
    )


def _judged(case: Case) -> list[Judged]:
    """Pictures of the part that counts, each with its own score."""
    predictions, rows = case.results[case.part][1], case.material.rows[case.part]
    places = case.sample(case.part, JUDGED)
    told = texts_of(picked(predictions["text"], torch.from_numpy(places)))
    wanted = [text.split(APART) for text in _captions(case, rows[places])]
    ids = case.material.store.index.ids
    return [
        Judged(place, row, str(ids[row]), said, tuple(own), rouge_l(cut(said), [cut(one) for one in own]))
        for place, row, said, own in zip(places.tolist(), rows[places].tolist(), told, wanted, strict=True)
    ]


def _captions(case: Case, rows: np.ndarray) -> list[str]:
    """All captions of each of these rows, line by line."""
    target = case.material.targets["target"]
    assert isinstance(target, Ragged)
    return texts_of(picked(target, torch.from_numpy(rows)))


def _exhibits(case: Case, chosen: Sequence[Judged]) -> list[Exhibit]:
    """Where the network looked while it wrote each of these."""
    if not chosen:
        return []
    places = torch.tensor([one.place for one in chosen])
    predictions = {name: picked(column, places) for name, column in case.results[case.part][1].items()}
    found: list[Exhibit] = []
    for one, answer in zip(chosen, case.task.answers(predictions), strict=True):
        pixels = case.pixels(one.row)
        assert pixels is not None
        words = [word["word"] for word in answer["words"]]
        view = Looked(pixels, words, np.array([word["looked"] for word in answer["words"]]), one.id)
        wanted = say("views.list_mark").join(f"“{caption}”" for caption in one.captions)
        values = {"told": one.told, "wanted": wanted, "rouge": number(one.rouge)}
        found.append(Exhibit(view, say("report.words_captioned", **values), wide=len(words) > WIDE))
    return found


def _nearest(case: Case) -> dict[str, Any]:
    """The figures of telling the first caption of the training picture that is most like each; nothing without one."""
    if not case.held_out or case.inputs is None:
        return {}
    known = case.material.rows["train"][case.sample("train", FLOOR_TRAIN)]
    asked = case.material.rows[case.part]
    theirs, own = case.flat(known), case.flat(asked)
    pieces = [torch.cdist(own[start : start + PIECE], theirs).argmin(1) for start in range(0, len(own), PIECE)]
    first = [text.partition(APART)[0] for text in _captions(case, known[torch.cat(pieces).numpy()])]
    ids = [str(case.material.store.index.ids[row]) for row in asked.tolist()]
    wanted = utf8(_captions(case, asked))
    found = case.task.metrics()
    for metric in found.values():
        metric.update(ids, {"text": utf8(first)}, wanted)
    return {name: metric.compute() for name, metric in found.items()}


def _beside_nearest(case: Case, nearest: dict[str, Any]) -> Table:
    own = case.results[case.part][0]
    rows = [[say(f"tasks.metric_{name}"), own[name].value, figure.value] for name, figure in nearest.items()]
    heads = [say(f"report.column_{name}") for name in ("figure", "network", "nearest")]
    return Table(heads, rows, say("report.captions_nearest"))


def _table(chosen: Sequence[Judged], title: str) -> Table:
    heads = [say(f"report.column_{name}") for name in ("example", "told", "captions")]
    rows: list[list[str | float]] = [[one.id, one.told, " · ".join(one.captions), one.rouge] for one in chosen]
    return Table([*heads, "ROUGE-L"], rows, title)
