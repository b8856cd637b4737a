"""Series: C numbers at every step, standardised channel by channel.

x' = (x - mean) / std with the training part's statistics; or, as archives of time series are often compared, each row
by its own mean and spread (z-normalised), which leaves its shape and forgets its height.
"""

from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from deepglass.data.augment.series import SeriesAugment, augment_series
from deepglass.data.example import Column, Form, padded
from deepglass.data.readers.series import Steps
from deepglass.data.source import Index
from deepglass.foundation.padded import Padded
from deepglass.foundation.ports import Port, Series
from deepglass.foundation.seeds import Draws
from deepglass.foundation.words import say
from deepglass.tasks.kinds.kind import Seen
from deepglass.tasks.kinds.standard import FLAT, constants, spread
from deepglass.views.curve import Curve, Line
from deepglass.views.view import View


@dataclass(frozen=True, kw_only=True, slots=True)
class SeriesSettings:
    """How series are standardised and, in training, varied."""

    standardise: Literal["channel", "row"] = "channel"  # by the training part's statistics, or each row by its own
    augment: SeriesAugment = SeriesAugment()


@dataclass(frozen=True, kw_only=True, slots=True)
class SeriesFacts:
    """What was learned of series from the training part."""

    kind: Literal["series"] = "series"
    columns: tuple[str, ...] = ()  # names of the channels
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()


class SeriesKind:
    """float32 (T, C) as recorded; Padded float (B, T, C) for the network."""

    def learn(self, index: Index, settings: Any, seen: Seen) -> SeriesFacts:
        return SeriesFacts(columns=tuple(index.columns))

    def form(self, facts: SeriesFacts, settings: Any) -> Form:
        return Steps(len(facts.columns))

    def depends(self, facts: SeriesFacts, settings: Any) -> Any:
        return [facts.kind, len(facts.columns)]

    def settle(self, facts: SeriesFacts, settings: Any, values: Any) -> SeriesFacts:
        if facts.mean:
            return facts
        count = sum(len(row) for row in values)
        mean = np.sum([row.sum(0, dtype=np.float64) for row in values], axis=0) / count
        apart = np.sum([np.square(row - mean).sum(0) for row in values], axis=0)
        return replace(facts, mean=tuple(map(float, mean)), std=spread(np.sqrt(apart / count)))

    def encoder(self, facts: SeriesFacts, settings: Any) -> None:
        return None

    def port(self, facts: SeriesFacts) -> Port:
        return Series(len(facts.columns))

    def present(self, values: Column, facts: SeriesFacts, settings: Any, draws: Draws | None) -> Padded:
        rows = padded(values)
        if settings.series.standardise == "row":
            rows = _by_row(rows)
        else:
            mean, std = constants(facts.mean, facts.std, (-1,), rows.values.device)
            rows = rows.with_values((rows.values - mean) / std)
        return augment_series(rows, draws, settings.series.augment) if draws is not None else rows

    def show(self, raw: Any, facts: SeriesFacts, caption: str) -> View:
        steps = range(len(raw))
        lines = [Line(name, steps, raw[:, place].tolist()) for place, name in enumerate(facts.columns)]
        return Curve(lines, caption, say("tasks.step"), say("tasks.value"))


def _by_row(rows: Padded) -> Padded:
    """Each row and channel by its own mean and spread over its own steps."""
    count = rows.lengths.clamp(min=1)[:, None, None]
    mean = rows.values.sum(1, keepdim=True) / count  # zeros behind the end add nothing
    apart = rows.with_values(rows.values - mean)
    std = (apart.values.square().sum(1, keepdim=True) / count).sqrt()
    return rows.with_values(apart.values / std.where(std > FLAT, 1.0))


CATALOGUE = {"series": SeriesKind()}
