"""Forecast: the next H steps of a series from those before, as a median and a band around it.

loss = Σ_rows mean_k Σ_q pinball_q(z_kq, y'_k) / rows,  over steps and channels k, q the band's ends and the median

x'_t = (x_t - x_T) / std,  y'_h = (y_h - naive_h) / std,  naive_h = what it was a season before, x_T where there is none

A window is seen from where it ends, so that a trend may lead where training has never been; and a network that says
nothing says what the naive forecast says, which is to be beaten. The answer is taken back to the series' own units.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, ClassVar

import numpy as np
import torch
from annotated_types import Gt, Lt
from torch import Tensor, nn

from deepglass.data.clock import Clock
from deepglass.data.example import Batch, Column, Encoder, Example
from deepglass.data.source import Index, Unreadable
from deepglass.foundation.errors import DataError
from deepglass.foundation.padded import Padded
from deepglass.foundation.ports import Ports, Vector
from deepglass.foundation.seeds import Draws
from deepglass.foundation.words import say
from deepglass.losses.quantile import pinball
from deepglass.metrics.forecast import Coverage, Scaled
from deepglass.metrics.regression import Regression
from deepglass.tasks.inputs import OneInput
from deepglass.tasks.kinds.series import SeriesFacts, SeriesSettings
from deepglass.tasks.kinds.standard import FLAT, spread
from deepglass.tasks.task import Losses, Metric, Predictions
from deepglass.views.curve import Curve, Line
from deepglass.views.view import View

ENOUGH = 4096  # windows that statistics are taken from, at even distances


@dataclass(frozen=True, kw_only=True, slots=True)
class ForecastFacts:
    """What was learned once from the training part."""

    history: int  # steps that a network sees
    horizon: int  # steps that it tells
    season: int
    targets: tuple[str, ...]  # the channels that it tells
    inputs: SeriesFacts
    scale: tuple[float, ...] = ()  # of each of them: what the naive forecast is off by in the training part


@dataclass(frozen=True, kw_only=True, slots=True)
class ForecastSettings:
    """What is asked of a forecast; how far it looks back and ahead are settings of the data."""

    facts_type: ClassVar = ForecastFacts

    band: Annotated[float, Gt(0), Lt(1)] = 0.8  # share of what comes that the band around the median is to hold

    def learn(self, index: Index, size: tuple[int, int], channels: int) -> ForecastFacts:
        """The window; statistics follow when the steps are read."""
        window = index.window
        if window is None:
            raise DataError("tasks.wants_windows", kind=index.kind)
        return ForecastFacts(
            history=window.history,
            horizon=window.horizon,
            season=window.season,
            targets=window.targets,
            inputs=SeriesFacts(columns=tuple(index.columns)),
        )

    def build(self, facts: ForecastFacts) -> "Forecast":
        """The task with what it learned."""
        return Forecast(self, facts)


class Forecast(OneInput):
    """The task of telling how a series goes on."""

    settings: ForecastSettings
    facts: ForecastFacts
    columns = ("id", "step", "time", "channel", "value", "low", "high", "error")  # of a table of answers

    @property
    def places(self) -> list[int]:
        """Which channels are told."""
        return [self.facts.inputs.columns.index(name) for name in self.facts.targets]

    @property
    def quantiles(self) -> tuple[float, ...]:
        """Lower end of the band, median, upper end."""
        return (0.5 - self.settings.band / 2, 0.5, 0.5 + self.settings.band / 2)

    def asks(self) -> Ports:
        told = self.facts.horizon * len(self.facts.targets)
        return Ports(self.takes(), Vector(told * len(self.quantiles)))

    def prepare(self, raw: Any, label: Any = None) -> Example:
        """The last steps of a series, as many as a network sees. float32 (T, C)"""
        steps = self._form(raw)
        if len(steps) < self.facts.history:
            raise Unreadable("history_short", found=len(steps), wanted=self.facts.history)
        return Example({"input": torch.from_numpy(steps[-self.facts.history :].copy())})

    def preparation(self) -> Any:
        return [*super().preparation(), self.facts.history, self.facts.horizon]

    def code(self, labels: Sequence[Any]) -> dict[str, Column]:
        """Nothing: what follows lies in the window."""
        return {}

    def settle(self, columns: Mapping[str, Any]) -> ForecastFacts:
        """Mean and spread of each channel, and what the naive forecast is off by, from windows of the training part."""
        if self.facts.scale:
            return self.facts
        windows = columns["input"]
        some = np.asarray(windows[:: max(1, -(-len(windows) // ENOUGH))], dtype=np.float64)  # (N, T, C)
        std = spread(some.std((0, 1)))
        inputs = replace(self.facts.inputs, mean=tuple(map(float, some.mean((0, 1)))), std=std)
        told = some[:, :, self.places]
        change = np.abs(told[:, self.facts.season :] - told[:, : -self.facts.season]).mean((0, 1))
        scale = tuple(map(float, np.where(change > FLAT, change, 1.0)))
        return replace(self.facts, inputs=inputs, scale=scale)

    def encoder(self) -> Encoder | None:
        return None

    def present(self, batch: Batch, draws: Draws | None = None) -> Batch:
        """History in units of the channels' spread, and the same of what follows where it is there. Padded (B, T, C)

        `naive` (B, H·K) is what the told channels were a season ago.
        """
        values: Tensor = batch["input"]
        seen, follows = values[:, : self.facts.history], values[:, self.facts.history :, self.places]
        std = torch.tensor(self.facts.inputs.std, device=values.device)
        naive = self._a_season_ago(seen[:, :, self.places])
        lengths = torch.full((len(values),), seen.shape[1], device=values.device)
        columns: dict[str, Any] = {
            "input": Padded((seen - seen[:, -1:]) / std, lengths),
            "naive": naive.flatten(1),
        }
        if follows.shape[1]:
            columns["target"] = ((follows - naive) / std[self.places]).flatten(1)
        return batch.with_columns(**columns)

    def loss(self, model: nn.Module, batch: Batch) -> Losses:
        """The pinball loss of three quantiles, summed over the rows."""
        values = model(batch["input"]).float().view(len(batch), -1, len(self.quantiles))
        return Losses({"loss": pinball(values, batch["target"], self.quantiles)})

    def predict(self, model: nn.Module, batch: Batch) -> Predictions:
        """Median, lower and upper end of the band, and the naive forecast, in the series' own units. (B, H·K) each"""
        shape = (len(batch), self.facts.horizon, len(self.facts.targets), len(self.quantiles))
        told = model(batch["input"]).float().view(shape).sort(3).values  # quantiles never cross
        std = torch.tensor(self.facts.inputs.std, device=told.device)[self.places]
        low, middle, high = ((one * std).flatten(1) + batch["naive"] for one in told.unbind(3))
        return {"values": middle, "low": low, "high": high, "naive": batch["naive"]}

    def truth(self, batch: Batch) -> Tensor:
        """What came, in the series' own units. (B, H·K)"""
        follows = batch["input"][:, self.facts.history :]
        return follows[:, :, self.places].flatten(1)

    def metrics(self) -> dict[str, Metric]:
        return {
            "mase": Scaled(self.facts.scale),
            "mase_naive": Scaled(self.facts.scale, "naive"),
            "mae": Regression("mae"),
            "rmse": Regression("rmse"),
            "coverage": Coverage(),
        }

    def answers(self, predictions: Predictions) -> list[dict[str, Any]]:
        """The median of each channel, step by step, and the band around it."""
        names = {"prediction": "values", "low": "low", "high": "high"}
        columns = {name: self._by_channel(predictions[column]) for name, column in names.items()}
        return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]

    def dated(self, answer: Mapping[str, Any], clock: Clock) -> dict[str, Any]:
        """The answer with the times of its steps."""
        return {**answer, "times": clock.after(self.facts.horizon)}

    def rows(self, answer: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """The answer as lines of a table, one for each step of each channel."""
        for name, values in answer["prediction"].items():
            for place, value in enumerate(values):
                time = answer["times"][place] if "times" in answer else ""
                band = {end: answer[end][name][place] for end in ("low", "high")}
                yield {"id": answer["id"], "step": place + 1, "time": time, "channel": name, "value": value, **band}

    def show(self, raw: Any, answer: Mapping[str, Any]) -> list[View]:
        """What was, and how it goes on, channel by channel."""
        return [self.drawn(raw, answer, name) for name in self.facts.targets]

    def drawn(self, raw: Any, answer: Mapping[str, Any], name: str, came: Sequence[float] = ()) -> View:
        """One channel's history, its forecast with the band, and what came where it is known."""
        known = np.asarray(raw, dtype=np.float32).reshape(len(raw), -1)[-self.facts.history :]
        known = known[:, self.facts.inputs.columns.index(name)].tolist()
        steps = range(1, self.facts.horizon + 1)
        lines = [Line(say("tasks.history"), range(1 - len(known), 1), known)]
        lines += [Line(say("tasks.came"), steps, came)] if len(came) else []
        told = [answer[column][name] for column in ("prediction", "low", "high")]
        return Curve([*lines, Line(say("tasks.forecast"), steps, *told)], name, say("tasks.step"), say("tasks.value"))

    @property
    def _form(self) -> Any:
        return self.kind.form(self.facts.inputs, SeriesSettings())

    def _a_season_ago(self, told: Tensor) -> Tensor:
        """(B, T, K) -> (B, H, K)"""
        season = told[:, -self.facts.season :]
        again = season.repeat(1, -(-self.facts.horizon // self.facts.season), 1)
        return again[:, : self.facts.horizon]

    def _by_channel(self, values: Any) -> list[dict[str, list[float]]]:
        shaped = values.view(-1, self.facts.horizon, len(self.facts.targets)).tolist()
        names = self.facts.targets
        return [dict(zip(names, map(list, zip(*row, strict=True)), strict=True)) for row in shaped]


CATALOGUE = {"forecast": ForecastSettings()}
