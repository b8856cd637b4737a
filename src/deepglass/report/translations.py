"""Translations: some as they come, the worst by chrF, how well by length, and where the network looked."""

from typing import Any, NamedTuple

import numpy as np
import torch

from deepglass.data.example import Ragged, picked
from deepglass.foundation.words import say
from deepglass.metrics.sacre import by_sentence, scorer, texts_of
from deepglass.report.case import Case
from deepglass.report.section import Exhibit, Note, Section
from deepglass.tasks.translate import Translate
from deepglass.views.alignment import Alignment
from deepglass.views.bars import Bars
from deepglass.views.table import Table
from deepglass.views.view import number

JUDGED = 2000  # sentences, at most, that are scored one by one
EXAMPLES, WORST = 6, 10
LOOKED = 3  # examples that are shown with where the network looked, and the worst sentence as the fourth
WIDEST, NARROW = 32, 12  # tokens of either side of such a picture, and those that half a page holds
GROUPS = 5  # of similar length


class Sentence(NamedTuple):
    """One sentence of the part that counts."""

    place: int  # in the part
    id: str
    source: str
    wanted: str
    written: str
    chrf: float
    length: int  # tokens of the source

    def entry(self) -> dict[str, Any]:
        """What report.json holds."""
        return {name: getattr(self, name) for name in ("id", "source", "wanted", "written", "chrf")}


def translations(case: Case) -> Section | None:
    """Tables with source, reference and translation; pictures of a few."""
    if not isinstance(case.task, Translate):
        return None
    judged = _judged(case)
    examples = [judged[place] for place in np.linspace(0, len(judged) - 1, min(EXAMPLES, len(judged))).astype(int)]
    worst = sorted((one for one in judged if one.chrf < 100), key=lambda one: (one.chrf, one.id))[:WORST]
    looked = _looked(case, [*[one for one in examples if _small(case, one)][:LOOKED], *filter(_written, worst[:1])])
    tables = [_table(examples, say("report.some_translations"))]
    figures = {
        "examples": [one.entry() for one in examples],
        "worst": [one.entry() for one in worst],
        "by": case.results[case.part][0]["chrf"].by,
    }
    return Section(
        "translations",
        say("report.lead_translations", count=number(len(judged)), part=say(f"report.part_{case.part}")),
        exhibits=[*_by_length(judged), *looked],
        notes=[] if worst else [Note("note", say("report.no_worst_translations"))],
        tables=[*tables, *([_table(worst, say("report.worst_translations"))] if worst else [])],
        figures=figures,
    )


def _judged(case: Case) -> list[Sentence]:
    """Sentences of the part that counts, each with its own score."""
    predictions, rows = case.results[case.part][1], case.material.rows[case.part]
    places = case.sample(case.part, JUDGED)
    chosen = torch.from_numpy(places)
    target = case.material.targets["target"]
    assert isinstance(target, Ragged)
    wanted = texts_of(picked(target, torch.from_numpy(rows[places])))
    written, tokens = texts_of(picked(predictions["text"], chosen)), predictions["source"]
    scores = by_sentence(scorer("CHRF"), written, wanted)
    lengths = tokens.lengths[chosen].tolist()  # pyright: ignore
    ids = case.material.store.index.ids
    return [
        Sentence(place, str(ids[row]), case.text(row), wanted[at], written[at], scores[at], lengths[at])
        for at, (place, row) in enumerate(zip(places.tolist(), rows[places].tolist(), strict=True))
    ]


def _by_length(judged: list[Sentence]) -> list[Exhibit]:
    """The mean score of sentences of similar length; nothing where there are too few to part them."""
    ordered = sorted(judged, key=lambda one: one.length)
    groups = [group for group in np.array_split(np.arange(len(ordered)), GROUPS) if len(group)]
    if len(groups) < GROUPS or ordered[0].length == ordered[-1].length:
        return []
    parts = [[ordered[place] for place in group] for group in groups]
    names = [say("report.tokens_range", low=part[0].length, high=part[-1].length) for part in parts]
    means = [float(np.mean([one.chrf for one in part])) for part in parts]
    bars = Bars(names, means, say("report.chrf_by_length"), "chrF")
    return [Exhibit(bars, say("report.words_by_length", short=number(means[0]), long=number(means[-1])))]


def _small(case: Case, one: Sentence) -> bool:
    lengths = case.results[case.part][1]["tokens"].lengths  # pyright: ignore
    return one.length <= WIDEST and 0 < int(lengths[one.place]) <= WIDEST


def _written(one: Sentence) -> bool:
    return bool(one.written)


def _looked(case: Case, chosen: list[Sentence]) -> list[Exhibit]:
    """Where each of these was looked at while it was written."""
    if not chosen:
        return []
    places = torch.tensor([one.place for one in chosen])
    predictions = {name: picked(column, places) for name, column in case.results[case.part][1].items()}
    found: list[Exhibit] = []
    for one, answer in zip(chosen, case.task.answers(predictions), strict=True):
        seen = answer["alignment"]
        weights = np.array(seen["weights"])[:WIDEST, :WIDEST]
        view = Alignment(weights, seen["target"][:WIDEST], seen["source"][:WIDEST], say("views.alignment_title"))
        words = say("report.words_looked", source=one.source, written=one.written, chrf=number(one.chrf))
        found.append(Exhibit(view, words, wide=len(view.read) > NARROW))
    return found


def _table(sentences: list[Sentence], title: str) -> Table:
    heads = [say(f"report.column_{name}") for name in ("source", "reference", "written")]
    rows = [[one.source, one.wanted, one.written, float(one.chrf)] for one in sentences]
    return Table([*heads, "chrF"], rows, title)
