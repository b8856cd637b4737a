"""sacrebleu (Post 2018), where it is installed: texts beside one reference each. The one file that adapts it."""

from collections.abc import Sequence
from typing import Any, Literal

import torch
from torch import Tensor

from deepglass.foundation.errors import MachineError
from deepglass.metrics.collect import Collected
from deepglass.metrics.figure import Figure, bootstrap, missing

Name = Literal["BLEU", "CHRF"]


class Texts:
    """What was written and what should have been, by example id; both come as UTF-8 rows end to end."""

    def __init__(self) -> None:
        self._rows = Collected()
        self._written: list[str] = []
        self._wanted: list[str] = []

    def add(self, ids: Sequence[str], written: Any, wanted: Any) -> None:
        """A batch: two Ragged of uint8."""
        self._rows.add(ids, place=len(self._written) + torch.arange(len(ids)))
        self._written += texts_of(written)
        self._wanted += texts_of(wanted)

    def pairs(self) -> tuple[list[str], list[str]]:
        """What was written and its references, in the order of the sorted ids."""
        order = self._rows.column("place").long().tolist()
        return [self._written[place] for place in order], [self._wanted[place] for place in order]


def scorer(name: Name, **settings: Any) -> Any:
    """sacrebleu's metric of that name; MachineError names the extra where the package is missing."""
    try:
        from sacrebleu import metrics  # an extra: loaded when it is used
    except ImportError:
        raise MachineError("metrics.no_sacrebleu") from None
    return getattr(metrics, name)(**settings)


def figure(scorer: Any, written: Sequence[str], wanted: Sequence[str], apart: str = "") -> Figure:
    """The score of all sentences together, 0 to 100, with sacrebleu's signature; the bootstrap draws sentences.

    `apart` is what stands between several references of one sentence.
    """
    if not written:
        return missing("up")
    statistics = scorer._extract_corpus_statistics(written, _streams(wanted, apart))  # per sentence; they add up
    sums = torch.tensor(statistics, dtype=torch.float64)

    def again(counts: Tensor) -> Tensor:
        return torch.tensor([scorer._compute_score_from_stats(row).score for row in (counts @ sums).tolist()])

    score = scorer._aggregate_and_compute(statistics)
    found = bootstrap(float(score.score), len(written), again, "up")
    return found._replace(by=f"{score.name}|{scorer.get_signature()}")


def _streams(wanted: Sequence[str], apart: str) -> list[list[str]]:
    """The first reference of each, the second of each, and so on; one that has fewer repeats its first.

    >>> _streams(["a b|c d", "e f"], "|")
    [['a b', 'e f'], ['c d', 'e f']]
    """
    each = [text.split(apart) if apart else [text] for text in wanted]
    most = max(map(len, each))
    return [list(stream) for stream in zip(*(own + own[:1] * (most - len(own)) for own in each), strict=True)]


def by_sentence(scorer: Any, written: Sequence[str], wanted: Sequence[str]) -> list[float]:
    """The score of each sentence alone, 0 to 100."""
    return [scorer.sentence_score(one, [other]).score for one, other in zip(written, wanted, strict=True)]


def texts_of(rows: Any) -> list[str]:
    """Ragged uint8 as texts; bytes that are no UTF-8 become the sign for them."""
    whole = bytes(rows.values.to(torch.uint8).cpu().numpy())
    ends = rows.lengths.cumsum(0).tolist()
    return [whole[start:end].decode(errors="replace") for start, end in zip([0, *ends], ends, strict=False)]
