"""Generate images: pictures that could be among those of the folder, made of numbers drawn at random.

Two turns a step. The discriminator pays for taking real pictures for made ones and made ones for real; then the
generator pays where its pictures were found out. Which functions they pay by: losses/adversarial.py.

Letters: B pictures, C H W channels, height and width, Z numbers that a picture is made of, K classes.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, ClassVar

import numpy as np
import torch
from annotated_types import Ge, Gt, Le, Lt
from torch import Tensor, nn

from deepglass.data.augment.adaptive import adapted
from deepglass.data.example import Batch
from deepglass.data.source import Index
from deepglass.foundation.errors import UsageError
from deepglass.foundation.ports import Image, Latent, Players, Ports
from deepglass.foundation.seeds import Draws, row_keys, text_keys
from deepglass.losses.adversarial import (
    Game,
    discriminator_loss,
    generator_loss,
    path_lengths,
    squared_slopes,
    uneven_slopes,
)
from deepglass.metrics.kid import KID
from deepglass.metrics.players import EVEN, Taken, Variety, standing, taken
from deepglass.tasks.alarms import game_alarms
from deepglass.tasks.flight import STANDING, FlightRecorder
from deepglass.tasks.inputs import OneInput, learn_inputs
from deepglass.tasks.kinds.picture import PictureFacts, PictureSettings
from deepglass.tasks.of_class import classes_of, coded, of_name, of_rows, taken_for
from deepglass.tasks.task import Alarm, Losses, Metric, Predictions, Some, Turn

STYLES = ("other", "crossing")  # columns that a styled generator is told by name
AT_ONCE = 64  # pictures that are made together
LENGTH_DECAY, SURE_DECAY = 0.99, 0.9  # of the running means of path lengths and of how sure the discriminator is
GAME_DECAY = 0.95  # of the running means of how the game stands


@dataclass(frozen=True, kw_only=True, slots=True)
class GenerateImagesFacts:
    """What was learned once from the training part."""

    labels: tuple[str, ...] = ()  # the classes that may be asked for; none where pictures are made without
    inputs: PictureFacts


@dataclass(frozen=True, kw_only=True, slots=True)
class GenerateImagesSettings:
    """What is asked of two players."""

    facts_type: ClassVar = GenerateImagesFacts
    imitates: ClassVar = True  # few examples are learned by heart

    latent: Annotated[int, Ge(1), Le(4096)] = 100  # numbers that a picture is made of
    by_class: bool = False  # whether the class of a picture may be asked for
    game: Game = "non_saturating"
    slope: Annotated[float, Ge(0), Le(1000)] = 0.0  # weight of the discriminator's slope at real pictures (R1, γ / 2)
    slope_every: Annotated[int, Ge(1)] = 16  # of so many steps one pays for the slope, so many times as much
    path: Annotated[float, Ge(0), Le(100)] = 0.0  # weight of uneven paths: how far pictures move with their styles
    path_every: Annotated[int, Ge(1)] = 4  # as slope_every
    mixing: Annotated[float, Ge(0), Le(1)] = 0.0  # share of pictures in training whose finer styles are another's
    adaptive: Annotated[float, Ge(0), Lt(1)] = 0.0  # how sure of real pictures before all are changed (0.6); 0: off
    adaptive_over: Annotated[int, Ge(1)] = 500_000  # pictures within which the chance of a change could go from 0 to 1
    discriminator_rate: Annotated[float, Gt(0), Le(100)] = 1.0  # the discriminator's rate is train.lr times this
    picture: PictureSettings = PictureSettings()

    def learn(self, index: Index, size: tuple[int, int], channels: int) -> GenerateImagesFacts:
        """Classes, where they are asked for, and inputs; pictures go from -1 to 1, as tanh makes them."""
        if self.picture.augment.mixes:
            raise UsageError("tasks.mixed_pictures")
        inputs = learn_inputs(index, self, size, channels)
        assert isinstance(inputs, PictureFacts)
        half = (0.5,) * inputs.channels
        labels = classes_of(index) if self.by_class else ()
        return GenerateImagesFacts(labels=labels, inputs=replace(inputs, mean=half, std=half))

    def build(self, facts: GenerateImagesFacts) -> "GenerateImages":
        """The task with what it learned."""
        return GenerateImages(self, facts)


class GenerateImages(OneInput, nn.Module):
    """The task of making pictures like those that were seen.

    It remembers how long paths are on average, how sure the discriminator is of real pictures (the mean sign of its
    verdicts), with which chance every picture is therefore changed before it sees it, and how the game stands.
    """

    settings: GenerateImagesSettings
    facts: GenerateImagesFacts
    imitates: ClassVar = True
    length: Tensor
    sure: Tensor
    chance: Tensor
    game: Tensor  # (3,): running means of `standing`
    jumps: Tensor  # the running mean of how far `last` moves from step to step
    last: Tensor  # the share of made pictures that was taken for real when the generator moved last

    def __init__(self, settings: GenerateImagesSettings, facts: GenerateImagesFacts):
        nn.Module.__init__(self)
        OneInput.__init__(self, settings, facts)
        for name in ("length", "sure", "chance", "jumps", "last"):
            self.register_buffer(name, torch.zeros(()))
        self.register_buffer("game", torch.full((3,), EVEN))
        self.feeds = ("latent", "label") if facts.labels else ("latent",)

    def asks(self) -> Ports:
        picture = self.takes()
        assert isinstance(picture, Image)
        names = ("generator", "discriminator")
        styled = self.settings.mixing > 0 or self.settings.path > 0
        return Ports(Latent(self.settings.latent, len(self.facts.labels)), Players(names, picture, styled))

    def code(self, labels: Sequence[Any]) -> dict[str, Tensor]:
        return coded(labels, self.facts.labels)

    def present(self, batch: Batch, draws: Draws | None = None) -> Batch:
        """Real pictures from -1 to 1 (B, C, H, W), and of what others are to be made: latent (B, Z), label (B,).

        And for styles noise (B,), a key from which a row's noise follows, other (B, Z) and crossing (B,). In evaluation
        a row's numbers follow from its id, so that every check and every machine makes the same picture.
        """
        shown = self.kind.present(batch["input"], self.facts.inputs, self.settings, draws)
        numbers = batch.draws("latent") if draws is not None else self._of_ids(batch.ids, shown.device)
        columns = {"input": shown, **self._numbers(numbers)}
        if draws is not None and self.settings.mixing:
            mixed = numbers.chance("mixed", self.settings.mixing)
            columns["other"] = numbers.normal("other", self.settings.latent)
            columns["crossing"] = torch.where(mixed, numbers.uniform("crossing"), 1.0)
        return batch.with_columns(**columns, **of_rows(numbers, self.facts.labels, batch))

    def turns(self) -> list[Turn]:
        asked = self.settings

        def judge_rate(done: float) -> float:
            return asked.discriminator_rate

        turns = [Turn("discriminator", self.judged, rate=judge_rate)]
        if asked.slope:
            turns.append(Turn("discriminator", self.steepness, every=asked.slope_every, rate=judge_rate))
        turns.append(Turn("generator", self.found_out))
        if asked.path:
            turns.append(Turn("generator", self.unevenness, half_the_rows, every=asked.path_every))
        return turns

    def judged(self, model: nn.Module, batch: Batch) -> Losses:
        """The discriminator's turn: real pictures against as many made ones, which it looks at apart."""
        with torch.no_grad():
            made = self._changed(self._made(model, batch), batch, "made")
            shown = self._changed(batch["input"], batch, "real")
        real = self._verdict(model, shown, batch)
        found = self._verdict(model, made, batch)
        sums = {"discriminator": discriminator_loss(real, found, self.settings.game)}
        if self.settings.game == "wasserstein":
            share = batch.draws("latent").uniform("between", 1, 1, 1)
            between = torch.lerp(shown, made, share).requires_grad_(True)
            sums["slope"] = 10 * uneven_slopes(self._verdict(model, between, batch), between)
        with torch.no_grad():
            self.game.lerp_(standing(real, found, self.settings.game), 1 - GAME_DECAY)
            if self.settings.adaptive:
                self._adapt(real, batch.whole)
        return Losses(sums)

    def steepness(self, model: nn.Module, batch: Batch) -> Losses:
        """The discriminator pays for the slope of its verdicts at real pictures, as it sees them."""
        with torch.no_grad():
            real = self._changed(batch["input"], batch, "steep").clone()
        real.requires_grad_(True)
        return Losses({"slope": self.settings.slope * squared_slopes(self._verdict(model, real, batch), real)})

    def found_out(self, model: nn.Module, batch: Batch) -> Losses:
        """The generator's turn: what its pictures of the same numbers are taken for."""
        verdicts = self._verdict(model, self._changed(self._made(model, batch), batch, "found"), batch)
        with torch.no_grad():
            share = taken(verdicts, self.settings.game)
            self.jumps.lerp_((share - self.last).abs(), 1 - GAME_DECAY)
            self.last.copy_(share)
        return Losses({"generator": generator_loss(verdicts, self.settings.game)})

    def unevenness(self, model: nn.Module, batch: Batch) -> Losses:
        """The generator pays where a picture moves more or less with its styles than pictures do; half of the rows.

        w · Σ_b (l_b - l̄)², l̄ the running mean of the lengths l
        """
        half = batch.rows(0, (len(batch) + 1) // 2)
        styles = model.generator.styles(*(half[name] for name in self.feeds), **_named(half, STYLES))  # pyright: ignore
        pictures = model.generator.synthesis(styles, half["noise"])  # pyright: ignore
        lengths = path_lengths(pictures, styles, half.draws("path").normal("noise", *pictures.shape[1:]))
        self.length.lerp_(lengths.detach().mean(), 1 - LENGTH_DECAY)
        return Losses({"path": self.settings.path * (lengths - self.length.clone()).square().sum()})

    def predict(self, model: nn.Module, batch: Batch) -> Predictions:
        """A made picture for each row, uint8 (B, C, H, W); how real it looks, and the row's own picture; (B,) each."""
        made = self._made(model, batch)
        taken = {"real": batch["input"], "made": made}
        shares = {
            name: self._verdict(model, pictures, batch).float().sigmoid()[:, 0] for name, pictures in taken.items()
        }
        label = {"label": batch["label"]} if self.facts.labels else {}
        return {"picture": as_bytes(made), **shares, **label}

    def truth(self, batch: Batch) -> Tensor:
        return batch["input"]

    def metrics(self) -> dict[str, Metric]:
        return {"kid_pixels": KID(), "variety": Variety(), "taken_real": Taken("real"), "taken_made": Taken("made")}

    def recorder(self, known: Some, held: Some) -> FlightRecorder:
        """What looks at the checks of a training."""
        mirrored = self.settings.picture.augment.flip
        return FlightRecorder(known, held, self.facts.labels, self._stands, mirrored)

    def _stands(self) -> dict[str, float]:
        return dict(zip(STANDING, [*self.game.tolist(), float(self.jumps)], strict=True))

    def alarms(self, checks: Sequence[tuple[int, Mapping[str, float]]]) -> list[Alarm]:
        """What goes wrong in the game; a critic's verdicts have no scale, and it is to tell all apart."""
        return game_alarms(checks, critic=self.settings.game == "wasserstein")

    def answers(self, predictions: Predictions) -> list[dict[str, Any]]:
        """Whether each picture is taken for a real one, and how surely."""
        return taken_for(predictions["real"])

    @torch.no_grad()
    def paint(
        self, model: nn.Module, count: int, label: str = "", seed: int = 0, truncation: float = 0.0
    ) -> Iterator[np.ndarray]:
        """So many pictures uint8 (H, W, C), one after the other; the same of label and seed are the same.

        With `truncation` they are more usual and less varied: styles that much nearer to their mean (1: as they are),
        or latents of which no number is larger.
        """
        device = next(model.parameters()).device
        model.eval()
        for start in range(0, count, AT_ONCE):
            batch = self.drawn(min(AT_ONCE, count - start), label, seed, start)
            yield from as_bytes(self._made(model, batch.to(device), truncation)).cpu().numpy().transpose(0, 2, 3, 1)

    def drawn(self, count: int, label: str = "", seed: int = 0, start: int = 0) -> Batch:
        """What so many pictures of a seed are made of, from this one on: latent (B, Z), noise (B,), label (B,)."""
        numbers = Draws(row_keys(seed, "generate", start, count), "latent")
        return Batch(("",) * count, {**self._numbers(numbers), **of_name(label, numbers, self.facts.labels)})

    def _of_ids(self, ids: Sequence[str], device: torch.device) -> Draws:
        return Draws(torch.from_numpy(text_keys(0, list(ids)).view(np.int64)).to(device), "latent")

    def _numbers(self, draws: Draws) -> dict[str, Tensor]:
        return {
            "latent": draws.normal("numbers", self.settings.latent),
            "noise": draws.for_purpose("noise").rows,
        }

    def _made(self, model: nn.Module, batch: Batch, truncation: float = 0.0) -> Tensor:
        feeds, named = [batch[name] for name in self.feeds], {}
        if hasattr(model.generator, "styles"):
            named = _named(batch, (*STYLES, "noise")) | ({"truncation": truncation} if truncation else {})
        elif truncation:
            feeds[0] = within(feeds[0], truncation)
        return model.generator(*feeds, **named)  # pyright: ignore

    def _changed(self, pictures: Tensor, batch: Batch, which: str) -> Tensor:
        """What the discriminator is shown of these pictures."""
        return adapted(pictures, batch.draws(f"adapt {which}"), self.chance) if self.settings.adaptive else pictures

    def _adapt(self, real: Tensor, rows: int) -> None:
        """One step up where the discriminator was surer of real pictures than it should be, down where it was not.

        The chance moves by all rows of the step, in whichever shard: what shards make of it is averaged, never summed.
        And it goes by how sure the step began, in which all shards agree.
        """
        step = (self.sure - self.settings.adaptive).sign() * (rows / self.settings.adaptive_over)
        self.chance.add_(step).clamp_(0, 1)
        self.sure.lerp_(real.sign().float().mean(), 1 - SURE_DECAY)

    def _verdict(self, model: nn.Module, pictures: Tensor, batch: Batch) -> Tensor:
        return model.discriminator(pictures, *(batch[name] for name in self.feeds[1:]))  # pyright: ignore


def half_the_rows(batch: Batch) -> dict[str, float]:
    """What the sums over the first half of the rows are divided by."""
    return {"": float((len(batch) + 1) // 2)}


def within(numbers: Tensor, limit: float) -> Tensor:
    """Standard normal numbers squeezed so that they are normal ones of which none is beyond the limit.

    Φ(x) = t/2 · (2 Φ(z) - 1) + 1/2 with t = 2 Φ(limit) - 1: each keeps its rank (arXiv:1809.11096, section 3.1)
    """
    inside = torch.erf(torch.tensor(limit / 2**0.5, device=numbers.device))
    return torch.erfinv(torch.erf(numbers / 2**0.5) * inside).mul(2**0.5).clamp(-limit, limit)


def _named(batch: Batch, names: Sequence[str]) -> dict[str, Tensor]:
    """These columns, where the batch has them."""
    return {name: batch[name] for name in names if name in batch}


def as_bytes(pictures: Tensor) -> Tensor:
    """From -1 to 1 -> uint8 (B, C, H, W)"""
    return pictures.float().add(1).mul(127.5).round().clamp(0, 255).to(torch.uint8)


CATALOGUE = {"generate_images": GenerateImagesSettings()}
