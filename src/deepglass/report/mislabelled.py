"""Examples whose given class is probably wrong (confident learning; Northcutt et al. 2021, arXiv:1911.00068).

t_j = mean of p_j over held-out examples that are labelled j. An example labelled i is a candidate where another class j
has p_j >= t_j; candidates are ranked by p_j - p_i. Only predictions for rows that were not trained on are used.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from deepglass.foundation.words import say
from deepglass.report.case import Case, Classified
from deepglass.report.section import Card, Section, percent
from deepglass.report.thumbnail import thumbnail
from deepglass.views.table import Table
from deepglass.views.view import number

MOST = 12
TOO_MANY = 0.2  # of the labels; a network that doubts more is itself in doubt


class Suspect(NamedTuple):
    """Place in its part, given class, likely class, and how sure the network is of the latter."""

    part: Classified
    place: int
    given: int
    likely: int
    share: float
    margin: float


def mislabelled(case: Case) -> Section | None:
    """Candidates of validation and test, the likeliest first."""
    parts = [found for part in ("val", "test") if (found := case.classified(part)) is not None]
    if not parts or case.inputs is None:
        return None
    shares, given = torch.cat([part.shares for part in parts]), torch.cat([part.targets for part in parts])
    origin = [(part, place) for part in parts for place in range(len(part.targets))]
    suspects = [
        Suspect(*origin[row], int(given[row]), likely, float(shares[row, likely]), margin)
        for row, likely, margin in suspicious(shares, given)
    ]
    if len(suspects) > TOO_MANY * len(given):
        words = say("report.suspects_too_many", suspects=number(len(suspects)), count=number(len(given)))
        return Section("mislabelled", words, figures={"suspects": len(suspects), "of": len(given), "shown": []})
    shown = suspects[:MOST]
    entries = [
        {
            "id": one.part.ids[one.place],
            "given": one.part.labels[one.given],
            "likely": one.part.labels[one.likely],
            "confidence": one.share,
        }
        for one in shown
    ]
    figures = {"suspects": len(suspects), "of": len(given), "shown": entries}
    if not suspects:
        return Section("mislabelled", say("report.no_suspects", count=number(len(given))), figures=figures)
    lead = say("report.lead_mislabelled", suspects=number(len(suspects)), count=number(len(given)), shown=len(shown))
    pictures = case.inputs.kind == "picture"
    heads = [say(f"report.column_{name}") for name in ("example", "given", "likely", "sure")]
    table = Table(
        heads, [[*map(str, list(entry.values())[:3]), percent(float(entry["confidence"]))] for entry in entries]
    )  # pyright: ignore
    return Section(
        "mislabelled",
        lead,
        cards=[_card(case, one) for one in shown] if pictures else (),
        tables=() if pictures else [table],
        figures=figures,
    )


def suspicious(shares: Tensor, given: Tensor) -> list[tuple[int, int, float]]:
    """Rows whose given class is doubtful: (row, likely class, p_likely - p_given), the largest gap first.

    shares float64 (N, K), given int64 (N,); rows of unknown class (-1) are passed over.
    """
    classes = shares.shape[1]
    own = given[:, None] == torch.arange(classes)
    counts = own.sum(0)
    limits = torch.where(counts > 0, (shares * own).sum(0) / counts.clamp(min=1), torch.inf)
    over = (shares >= limits) & ~own & (given >= 0)[:, None]
    likely = torch.where(over, shares, -1.0).max(1)
    gaps = likely.values - shares.gather(1, given.clamp(min=0)[:, None])[:, 0]
    rows = torch.nonzero((likely.values >= 0) & (gaps > 0))[:, 0]
    rows = rows[gaps[rows].argsort(descending=True, stable=True)]
    return [(int(row), int(likely.indices[row]), float(gaps[row])) for row in rows.tolist()]


def _card(case: Case, one: Suspect) -> Card:
    pixels = case.pixels(int(one.part.rows[one.place]))
    assert pixels is not None
    given, likely, name = one.part.labels[one.given], one.part.labels[one.likely], one.part.ids[one.place]
    title = say("report.given_likely", given=given, likely=likely)
    words = say("report.sure", share=percent(one.share))
    described = say("report.described_mistake", id=name, title=title, seen="")
    return Card((thumbnail(pixels),), described, title, (words, name))
