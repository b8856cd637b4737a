"""What depth bought a language model: bits per character of the same texts, foretold by counting instead.

Both read the same tokens, and both are charged alike for those that the vocabulary does not know.
"""

import math
import time
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from deepglass.data.example import Ragged
from deepglass.foundation.settings import to_json
from deepglass.foundation.words import say
from deepglass.metrics.figure import Figure
from deepglass.metrics.language import Language
from deepglass.report.case import Case
from deepglass.report.headline import duration, training_seconds
from deepglass.report.section import Exhibit, Section, percent
from deepglass.tasks.generate_text import GenerateText
from deepglass.tasks.ngram import fit_ngram
from deepglass.views.bars import Bars
from deepglass.views.table import Table
from deepglass.views.view import number

ORDERS = {"characters": 6, "pieces": 4, "words": 3}  # tokens that are looked at together
FITTED, ASKED = 1_000_000, 200_000  # tokens at most: about three seconds


class Texts(NamedTuple):
    """Places in a part, their tokens end to end, and of each its tokens, letters and letters of unknown tokens."""

    places: np.ndarray
    tokens: np.ndarray  # int32 (ΣT,)
    lengths: list[int]
    letters: Tensor  # int64 (N,)
    unknown: Tensor  # int64 (N,)


class Method(NamedTuple):
    """What a way to foretell texts costs, and how well it does."""

    name: str
    bits: Figure  # per character
    perplexity: Figure
    numbers: int
    seconds: float


def ngrams(case: Case) -> Section | None:
    """Tokens by their frequency alone, an interpolated n-gram model, the network."""
    task, predictions = case.task, case.results[case.part][1]
    if not isinstance(task, GenerateText) or not case.held_out:
        return None
    order = ORDERS[task.vocabulary.level]
    known, asked = _texts(case, "train", FITTED), _texts(case, case.part, ASKED)
    rows = [_counted(task, known, asked, length) for length in (1, order)]
    parameters = sum(parameter.numel() for parameter in case.model.parameters())
    nats = predictions["nats"][torch.from_numpy(asked.places)]  # pyright: ignore
    rows.append(Method("network", *_figures(nats, asked), parameters, training_seconds(case)))
    own = say("report.floor_network", model=case.run.settings.model.name)
    names = [say("report.floor_unigram"), say("report.floor_ngram", order=order), own]
    ends = [[getattr(row.bits, end) for row in rows] for end in ("value", "low", "high")]
    bits = say("tasks.metric_bits_per_character")
    bars = Bars(names, ends[0], say("report.ngrams_title"), bits, ends[1], ends[2])
    cells = [
        [name, *row.bits[:3], row.perplexity.value, row.numbers, duration(row.seconds)]
        for name, row in zip(names, rows, strict=True)
    ]
    heads = [say("report.method"), bits, say("report.low"), say("report.high"), say("tasks.metric_perplexity")]
    table = Table([*heads, say("report.numbers"), say("report.time")], cells)
    sizes = {"rows": number(len(known.lengths)), "letters": number(int(known.letters.sum()))}
    lead = say("report.lead_ngrams", asked=number(int(asked.letters.sum())), **sizes)
    figures = {
        row.name: {**to_json(row.bits._asdict()), "numbers": row.numbers, "seconds": round(row.seconds, 3)}
        for row in rows
    }
    return Section("floor", lead, [Exhibit(bars, _bought(names, rows))], tables=[table], figures=figures)


def _texts(case: Case, part: str, most: int) -> Texts:
    """Rows of a part, drawn by a key where all of them have more than about so many tokens."""
    rows, store = case.material.rows[part], case.material.store
    places = case.sample(part, max(1, int(most / max(1.0, store.lengths("input")[rows].mean()))))
    columns = store.gather(rows[places])
    tokens, letters = columns["input"], columns["letters"]
    assert isinstance(tokens, Ragged) and isinstance(letters, Ragged)
    counts = letters.values.view(-1, 2).long()
    return Texts(places, tokens.values.numpy(), tokens.lengths.tolist(), counts[:, 0], counts[:, 1])


def _counted(task: GenerateText, known: Texts, asked: Texts, order: int) -> Method:
    began = time.monotonic()
    model = fit_ngram(known.tokens, len(task.vocabulary), order, known.lengths)
    found = torch.from_numpy(model.bits(asked.tokens, asked.lengths)) * math.log(2)
    owner = torch.repeat_interleave(torch.tensor(asked.lengths))
    nats = torch.zeros(len(asked.lengths), dtype=torch.float64).index_add_(0, owner, found)
    spelled = asked.unknown * math.log(task.facts.alphabet)
    numbers = sum(len(one.p) + len(one.gamma) for one in model.orders)
    name = "unigram" if order == 1 else "ngram"
    return Method(name, *_figures(nats + spelled, asked), numbers, time.monotonic() - began)


def _figures(nats: Tensor, asked: Texts) -> tuple[Figure, Figure]:
    """Bits per character and perplexity of the asked texts. (N,)"""
    ids = [str(place) for place in range(len(nats))]
    columns = {"nats": nats, "tokens": torch.tensor(asked.lengths), "letters": asked.letters}
    bits, perplexity = Language("bits_per_character"), Language("perplexity")
    for metric in (bits, perplexity):
        metric.update(ids, columns)
    return bits.compute(), perplexity.compute()


def _bought(names: list[str], rows: list[Method]) -> str:
    """The network against the better of the others."""
    *others, own = rows
    best = min(range(len(others)), key=lambda place: others[place].bits.value)
    other = others[best].bits
    values = {"best": names[best], "bits": number(other.value), "own": number(own.bits.value)}
    if own.bits.low > other.value:
        return say("report.ngrams_worse", **values)
    if own.bits.high >= other.value:
        return say("report.ngrams_nothing", **values)
    return say("report.ngrams_bought", spared=percent(1 - own.bits.value / other.value), **values)
