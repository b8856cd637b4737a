"""Image to image: a picture of one side as it would look on the other, learned from two heaps that nobody has paired.

Two translators, there and back, and a judge for what each makes (CycleGAN, Zhu 2017, arXiv:1703.10593). Two turns a
step: the translators pay where their pictures are found out, where a picture is another one after going there and back,
and where a picture of the side that is asked for does not stay as it is; then the judges pay for their errors, on made
pictures of now and of before. Where pairs are known, tasks/paired_images.py learns from them.

Letters: B pictures of each side, C H W channels, height and width, P pictures of before that each place remembers.
"""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, ClassVar

import torch
from annotated_types import Ge, Le, Lt
from torch import Tensor, nn

from deepglass.data.column import Texts, tally
from deepglass.data.example import Batch
from deepglass.data.source import Index
from deepglass.foundation.errors import DataError, UsageError
from deepglass.foundation.ports import Image, Players, Ports
from deepglass.foundation.seeds import Draws
from deepglass.losses.adversarial import Game, discriminator_loss, generator_loss
from deepglass.metrics.translated import Apart, TranslatedKID
from deepglass.tasks.brought import Brought, apart
from deepglass.tasks.generate_images import as_bytes
from deepglass.tasks.inputs import OneInput, learn_inputs, natural
from deepglass.tasks.kinds.picture import PictureFacts, PictureSettings
from deepglass.tasks.paired_images import PairedImages
from deepglass.tasks.task import Losses, Metric, Predictions, Stream, Turn

PLAYERS = ("generators", "discriminators")
WAYS = ("back", "there")  # to the first side, and to the second
HALF = 0.5  # of the times a judge sees a picture of before


@dataclass(frozen=True, kw_only=True, slots=True)
class ImageToImageFacts:
    """What was learned once from the training part."""

    sides: tuple[str, ...]  # the two, the one that pictures are taken from first
    counts: tuple[int, ...]
    paired: bool = False  # whether each picture's partner on the other side is known
    inputs: PictureFacts


@dataclass(frozen=True, kw_only=True, slots=True)
class ImageToImageSettings:
    """What is asked of two translators and their judges."""

    facts_type: ClassVar = ImageToImageFacts

    game: Game = "least_squares"
    cycle: Annotated[float, Ge(0), Le(1000)] = 5.0  # weight of there and back; 10 in the paper, beside twice our game
    identity: Annotated[float, Ge(0), Le(1)] = 0.5  # of that: how much a picture of the side asked for is to stay
    near: Annotated[float, Ge(0), Le(10_000)] = 100.0  # in pairs: weight of how far a picture is from its partner
    history: Annotated[int, Ge(0), Le(1000)] = 50  # made pictures that each place of a batch remembers for the judges
    steady: Annotated[float, Ge(0), Lt(1)] = 0.5  # share of the run after which the rates fall to nothing
    picture: PictureSettings = PictureSettings()

    def learn(self, index: Index, size: tuple[int, int], channels: int) -> ImageToImageFacts:
        """The two sides; pictures go from -1 to 1, as tanh makes them."""
        if index.kind != "picture":
            raise UsageError("tasks.only_pictures", task="image_to_image", kind=index.kind)
        if self.picture.augment.mixes:
            raise UsageError("tasks.mixed_pictures")
        paired = isinstance(index.labels, Texts)
        found = {str(label): count for label, count in tally(index.labels).items() if label is not None}
        found = dict.fromkeys(index.classes, len(index)) if paired else found
        sides = tuple(sorted(found, key=natural))
        if len(sides) != 2:
            raise DataError("tasks.two_sides", count=len(sides), names=", ".join(sides[:5]) or "-")
        inputs = learn_inputs(index, self, size, channels)
        assert isinstance(inputs, PictureFacts)
        half = (0.5,) * inputs.channels
        counts = tuple(found[side] for side in sides)
        inputs = replace(inputs, mean=half, std=half)
        return ImageToImageFacts(sides=sides, counts=counts, paired=paired, inputs=inputs)

    def falling(self, done: float) -> float:
        """Times the rate: 1 for a while, then in a straight line to 0."""
        return min(1.0, (1 - done) / (1 - self.steady))

    def build(self, facts: ImageToImageFacts) -> "ImageToImage | PairedImages":
        """The task with what it learned."""
        return PairedImages(self, facts) if facts.paired else ImageToImage(self, facts)


class ImageToImage(Brought, OneInput):
    """The task of translating pictures of one side into those of another."""

    settings: ImageToImageSettings
    facts: ImageToImageFacts

    def __init__(self, settings: ImageToImageSettings, facts: ImageToImageFacts):
        super().__init__(settings, facts)
        self._side = {side: number for number, side in enumerate(facts.sides)}
        self._to: int | None = None  # where every picture is to go, whatever side it is of

    def towards(self, side: str) -> "ImageToImage":
        """The same task, asked to translate every picture to this side."""
        if side not in self._side:
            raise UsageError("tasks.no_such_side", side=side, sides=", ".join(self.facts.sides))
        found = copy.copy(self)
        found._to = self._side[side]
        return found

    def asks(self) -> Ports:
        picture = self.takes()
        assert isinstance(picture, Image)
        return Ports(picture, Players(PLAYERS, picture))

    def streams(self) -> dict[str, Stream]:
        """The pictures of the first side, and as many of the second."""
        first, second = self.facts.sides
        return {"first": Stream(_is(first)), "second": Stream(_is(second))}

    def code(self, labels: Sequence[Any]) -> dict[str, Tensor]:
        """The number of each picture's side, -1 where it is of none. int64 (N,)"""
        return {"target": torch.tensor([self._side.get(str(label), -1) for label in labels], dtype=torch.int64)}

    def present(self, batch: Batch, draws: Draws | None = None) -> Batch:
        """Pictures of both sides from -1 to 1 (B, C, H, W); and where each is to go: to (B,)."""
        shown = self._shown(batch, draws)
        others = {name: self._shown(other, other.draws("augment")) for name, other in batch.streams.items()}
        return replace(shown, streams=others)

    def _shown(self, batch: Batch, draws: Draws | None) -> Batch:
        pictures = self.kind.present(batch["input"], self.facts.inputs, self.settings, draws)
        to = torch.full((len(batch),), 1 if self._to is None else self._to, device=pictures.device)
        if self._to is None and "target" in batch:
            to = torch.where(batch["target"] >= 0, 1 - batch["target"], to)
        return batch.with_columns(input=pictures, to=to)

    def turns(self) -> list[Turn]:
        return [
            Turn("generators", self.translated, rate=self.settings.falling),
            Turn("discriminators", self.judged, rate=self.settings.falling),
        ]

    def translated(self, model: nn.Module, batch: Batch) -> Losses:
        """The translators' turn: found out or not, there and back again, and what should stay as it is."""
        asked = self.settings
        sums: dict[str, Tensor] = {}
        for way, back, ours, other in self._ways(batch):
            translate, judge = (model.get_submodule(f"{name}.{way}") for name in PLAYERS)
            here = ours["input"]
            made = translate(here)
            verdicts = judge(made)
            sums[f"fooled_{way}"] = generator_loss(verdicts, asked.game) / _patches(verdicts)
            again = model.get_submodule(f"generators.{back}")(made)
            sums[f"cycle_{way}"] = asked.cycle * apart(again, here).sum()
            if asked.identity and asked.cycle:
                sums[f"identity_{way}"] = asked.identity * asked.cycle * apart(translate(other), other).sum()
        return Losses(sums)

    def judged(self, model: nn.Module, batch: Batch) -> Losses:
        """The judges' turn: real pictures against made ones, of which every second is one of before."""
        sums: dict[str, Tensor] = {}
        carry: dict[str, Tensor] = {}
        for way, _, ours, real in self._ways(batch):
            translate, judge = (model.get_submodule(f"{name}.{way}") for name in PLAYERS)
            with torch.no_grad():
                made = translate(ours["input"])
                made, remembered = self._of_before(made, batch.carry, ours.keys, way)
            carry |= remembered
            verdicts = judge(real)
            sums[f"judge_{way}"] = discriminator_loss(verdicts, judge(made), self.settings.game) / _patches(verdicts)
        return Losses(sums, carry)

    def _ways(self, batch: Batch) -> list[tuple[str, str, Batch, Tensor]]:
        """Each way and the way back, with the pictures that go it and those that lie at its end."""
        second = batch.streams["second"]
        return [("there", "back", batch, second["input"]), ("back", "there", second, batch["input"])]

    def _of_before(
        self, made: Tensor, carry: Mapping[str, Tensor], keys: Tensor, way: str
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """What the judge is shown, and what is remembered then: bytes (B, P, C, H, W) and how many they are (B,).

        Each place keeps its first P pictures. Then, half of the times, one of them is shown and the new one takes its
        place (Shrivastava 2017, arXiv:1612.07828), so that a judge cannot forget what it has found out.
        """
        most, rows = self.settings.history, len(made)
        if not most:
            return made, {}
        new, every = as_bytes(made), torch.arange(rows, device=made.device)
        pool = _fitted(carry.get(f"{way}_pictures"), new.new_zeros(rows, most, *new.shape[1:]))
        count = _fitted(carry.get(f"{way}_count"), every.new_zeros(rows))
        draws = Draws(keys, "history")
        full = count >= most
        swapped = full & draws.chance(f"{way}/swap", HALF)
        slot = torch.where(full, draws.integers(f"{way}/slot", 0, most), count)
        shown = torch.where(swapped[:, None, None, None], pool[every, slot], new)
        kept = swapped | ~full
        pool[every[kept], slot[kept]] = new[kept]
        count = (count + 1).clamp(max=most)
        return shown.to(made).div(127.5).sub(1), {f"{way}_pictures": pool, f"{way}_count": count}

    def predict(self, model: nn.Module, batch: Batch) -> Predictions:
        """Each picture on the other side, uint8 (B, C, H, W), which side that is (B,), and how far it is from itself
        when it comes back: the mean difference as a share of black to white (B,)."""
        pictures, to = batch["input"], batch["to"]
        made, back = torch.empty_like(pictures), torch.empty_like(pictures)
        for side, way in enumerate(WAYS):
            rows = to == side
            if rows.any():
                made[rows] = model.generators[way](pictures[rows]).to(made.dtype)  # pyright: ignore
                back[rows] = model.generators[WAYS[1 - side]](made[rows]).to(made.dtype)  # pyright: ignore
        return {"picture": as_bytes(made), "back": as_bytes(back), "to": to, "apart": apart(back, pictures) / 2}

    def truth(self, batch: Batch) -> Tensor:
        return batch["input"]

    def metrics(self) -> dict[str, Metric]:
        return {"kid_pixels": TranslatedKID(), "cycle_apart": Apart("apart")}


def _is(side: str) -> Any:
    return lambda label: label is not None and str(label) == side


def _fitted(remembered: Tensor | None, empty: Tensor) -> Tensor:
    """A copy of what was remembered for as many places: a step of which a picture could not be read has fewer."""
    if remembered is not None:
        rows = min(len(remembered), len(empty))
        empty[:rows] = remembered[:rows]
    return empty


def _patches(verdicts: Tensor) -> int:
    """Verdicts for each picture."""
    return verdicts[0].numel()


CATALOGUE = {"image_to_image": ImageToImageSettings()}
