"""Generate series: courses over time that could be among those of the set, made of numbers drawn at random.

Two turns a step, as with pictures: the discriminator pays for taking real series for made ones and made ones for real,
then the generator pays where its series were found out. Of a step's numbers some are the same all along the series, so
that it can be of one kind as a whole, and the others are drawn for every step.

Letters: B series, T steps, C channels, Z numbers that a step is made of, K classes.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
import torch
from annotated_types import Ge, Gt, Le
from torch import Tensor, nn

from deepglass.data.example import Batch, Ragged
from deepglass.data.source import Index
from deepglass.foundation.errors import UsageError
from deepglass.foundation.padded import Padded
from deepglass.foundation.ports import LatentSteps, Players, Ports, Series
from deepglass.foundation.seeds import Draws, row_keys, text_keys
from deepglass.losses.adversarial import discriminator_loss, generator_loss
from deepglass.metrics.made_series import Roughness, SeriesKID, SeriesVariety, rows_of
from deepglass.metrics.players import Taken
from deepglass.tasks.inputs import OneInput, learn_inputs
from deepglass.tasks.kinds.series import SeriesFacts, SeriesSettings
from deepglass.tasks.of_class import classes_of, coded, of_name, of_rows, taken_for
from deepglass.tasks.task import Losses, Metric, Predictions, Turn

AT_ONCE = 64  # series that are made together
LENGTHS = 100  # of the training part that are remembered, from the shortest to the longest

# The slopes that Wasserstein's distance and R1 ask for cannot be had of an LSTM's kernels on a GPU.
SeriesGame = Literal["non_saturating", "hinge", "least_squares"]


@dataclass(frozen=True, kw_only=True, slots=True)
class GenerateSeriesFacts:
    """What was learned once from the training part."""

    labels: tuple[str, ...] = ()  # the classes that may be asked for; none where series are made without
    lengths: tuple[int, ...] = ()  # of series, as they lie from the shortest to the longest
    inputs: SeriesFacts


@dataclass(frozen=True, kw_only=True, slots=True)
class GenerateSeriesSettings:
    """What is asked of two players over time."""

    facts_type: ClassVar = GenerateSeriesFacts
    imitates: ClassVar = True  # few examples are learned by heart

    latent: Annotated[int, Ge(1), Le(1024)] = 16  # numbers that a step is made of
    kept: Annotated[int, Ge(0), Le(1024)] = 8  # of these, so many are the same at all steps of a series
    by_class: bool = False  # whether the class of a series may be asked for
    game: SeriesGame = "non_saturating"
    noise: Annotated[float, Ge(0), Le(2)] = 0.1  # spreads of what is added to every number that is judged, made or not
    discriminator_rate: Annotated[float, Gt(0), Le(100)] = 1.0  # the discriminator's rate is train.lr times this
    series: SeriesSettings = SeriesSettings()

    def learn(self, index: Index, size: tuple[int, int], channels: int) -> GenerateSeriesFacts:
        """Classes, where they are asked for."""
        if index.kind != "series":
            raise UsageError("tasks.only_series", task="generate_series", kind=index.kind)
        if self.kept > self.latent:
            raise UsageError("tasks.kept_of_latent", kept=self.kept, latent=self.latent)
        if self.series.standardise == "row":
            raise UsageError("tasks.rows_lose_height")
        inputs = learn_inputs(index, self, size, channels)
        assert isinstance(inputs, SeriesFacts)
        return GenerateSeriesFacts(labels=classes_of(index) if self.by_class else (), inputs=inputs)

    def build(self, facts: GenerateSeriesFacts) -> "GenerateSeries":
        """The task with what it learned."""
        return GenerateSeries(self, facts)


class GenerateSeries(OneInput):
    """The task of making series like those that were seen."""

    settings: GenerateSeriesSettings
    facts: GenerateSeriesFacts
    imitates: ClassVar = True

    def __init__(self, settings: GenerateSeriesSettings, facts: GenerateSeriesFacts):
        super().__init__(settings, facts)
        self.feeds = ("latent", "label") if facts.labels else ("latent",)

    def asks(self) -> Ports:
        series = self.takes()
        assert isinstance(series, Series)
        takes = LatentSteps(self.settings.latent, len(self.facts.labels))
        return Ports(takes, Players(("generator", "discriminator"), series))

    def code(self, labels: Sequence[Any]) -> dict[str, Tensor]:
        return coded(labels, self.facts.labels)

    def settle(self, columns: Mapping[str, Any]) -> GenerateSeriesFacts:
        """With the channels' means and spreads, and how long series are."""
        lengths = np.sort([len(row) for row in columns["input"]])
        places = np.linspace(0, len(lengths) - 1, LENGTHS).round().astype(int)
        kept = lengths[places] if lengths[0] < lengths[-1] else lengths[:1]
        return replace(super().settle(columns), lengths=tuple(kept.tolist()))

    def present(self, batch: Batch, draws: Draws | None = None) -> Batch:
        """Real series Padded (B, T, C), and what others as long are to be made of: latent Padded (B, T, Z), label (B,).

        In evaluation a row's numbers follow from its id, so that every check and every machine makes the same series.
        """
        shown = self.kind.present(batch["input"], self.facts.inputs, self.settings, draws)
        keys = batch.keys
        if draws is None:
            keys = torch.from_numpy(text_keys(0, list(batch.ids)).view(np.int64)).to(shown.values.device)
        numbers = Draws(keys, "latent")
        columns: dict[str, Any] = {"input": shown, "latent": self._numbers(numbers, shown.lengths)}
        return batch.with_columns(**columns, **of_rows(numbers, self.facts.labels, batch))

    def turns(self) -> list[Turn]:
        asked = self.settings

        def judge_rate(done: float) -> float:
            return asked.discriminator_rate

        return [Turn("discriminator", self.judged, rate=judge_rate), Turn("generator", self.found_out)]

    def judged(self, model: nn.Module, batch: Batch) -> Losses:
        """The discriminator's turn: real series against as many made ones."""
        with torch.no_grad():
            made = self._roughened(self._made(model, batch), batch, "made")
        real = self._verdict(model, self._roughened(batch["input"], batch, "real"), batch)
        return Losses(
            {"discriminator": discriminator_loss(real, self._verdict(model, made, batch), self.settings.game)}
        )

    def found_out(self, model: nn.Module, batch: Batch) -> Losses:
        """The generator's turn: what its series of the same numbers are taken for."""
        made = self._roughened(self._made(model, batch), batch, "found")
        return Losses({"generator": generator_loss(self._verdict(model, made, batch), self.settings.game)})

    def predict(self, model: nn.Module, batch: Batch) -> Predictions:
        """A made series for each row, as long and standardised, Ragged (B, T, C); how real both look, (B,) each."""
        made = self._made(model, batch)
        taken = {"real": batch["input"], "made": made}
        shares = {name: self._verdict(model, series, batch).float().sigmoid()[:, 0] for name, series in taken.items()}
        label = {"label": batch["label"]} if self.facts.labels else {}
        return {"series": Ragged(made.values[made.mask], made.lengths), **shares, **label}

    def truth(self, batch: Batch) -> Padded:
        """The rows' own series, standardised as the made ones are."""
        return self.kind.present(batch["input"], self.facts.inputs, self.settings, None)

    def metrics(self) -> dict[str, Metric]:
        return {
            "kid_series": SeriesKID(),
            "variety": SeriesVariety(),
            "roughness": Roughness(),
            "taken_real": Taken("real"),
            "taken_made": Taken("made"),
        }

    def answers(self, predictions: Predictions) -> list[dict[str, Any]]:
        """Whether each series is taken for a real one, and how surely."""
        return taken_for(predictions["real"])

    @torch.no_grad()
    def record(self, model: nn.Module, count: int, label: str = "", seed: int = 0) -> Iterator[np.ndarray]:
        """So many series float32 (T, C) in the data's own units; the same of label and seed are the same.

        They are as long as those of the training part, some longer and some shorter where those were.
        """
        device, inputs = next(model.parameters()).device, self.facts.inputs
        lengths = torch.tensor(self.facts.lengths, device=device)
        spread, middle = (np.array(one, dtype=np.float32) for one in (inputs.std, inputs.mean))
        model.eval()
        for start in range(0, count, AT_ONCE):
            keys = row_keys(seed, "generate", start, min(AT_ONCE, count - start)).to(device)
            numbers = Draws(keys, "latent")
            latent = self._numbers(numbers, lengths[numbers.integers("length", 0, len(lengths))])
            columns: dict[str, Any] = {"latent": latent, **of_name(label, numbers, self.facts.labels)}
            made = self._made(model, Batch(("",) * len(keys), columns))
            for row in rows_of(made):
                yield row.float().cpu().numpy() * spread + middle

    def _numbers(self, draws: Draws, lengths: Tensor) -> Padded:
        """Those of every step; a row's do not depend on how long the others are. Padded (B, T, Z)"""
        steps, kept = int(lengths.max()), self.settings.kept
        whole = draws.normal("whole", kept)[:, None].expand(-1, steps, -1)
        each = draws.normal("steps", steps, self.settings.latent - kept)
        rows = Padded(whole, lengths)
        return rows.with_values(torch.cat([whole, each], dim=2))

    def _made(self, model: nn.Module, batch: Batch) -> Padded:
        return model.generator(*(batch[name] for name in self.feeds))  # pyright: ignore

    def _roughened(self, series: Padded, batch: Batch, which: str) -> Padded:
        """What is judged: the series under noise, which a discriminator would otherwise tell them apart by."""
        if not self.settings.noise:
            return series
        noise = batch.draws(f"noise {which}").normal("noise", *series.values.shape[1:])
        return series.with_values(series.values + self.settings.noise * noise)

    def _verdict(self, model: nn.Module, series: Padded, batch: Batch) -> Tensor:
        return model.discriminator(series, *(batch[name] for name in self.feeds[1:]))  # pyright: ignore


CATALOGUE = {"generate_series": GenerateSeriesSettings()}
