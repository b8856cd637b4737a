"""Image to image where pairs are known: what a picture is on the other side was seen for many (pix2pix, Isola 2017).

Two turns a step. The discriminator pays for taking a picture beside its translation for a true pair, and a true pair
for a translated one; then the translator pays where it is found out, and for every pixel that is not its partner's.

Letters: B pictures, C H W channels, height and width.
"""

from typing import Any

import torch
from torch import Tensor, nn

from deepglass.data.example import Batch, Example
from deepglass.data.source import Picture as Stored
from deepglass.foundation.errors import UsageError
from deepglass.foundation.ports import Image, Players, Ports
from deepglass.foundation.seeds import Draws
from deepglass.losses.adversarial import discriminator_loss, generator_loss
from deepglass.metrics.kid import KID
from deepglass.metrics.translated import Apart
from deepglass.tasks.brought import Brought, apart
from deepglass.tasks.generate_images import as_bytes
from deepglass.tasks.inputs import OneInput
from deepglass.tasks.task import Losses, Metric, Predictions, Turn


class PairedImages(Brought, OneInput):
    """The task of translating pictures where partners were seen."""

    def towards(self, side: str) -> "PairedImages":
        """The same task; only the second side was learned."""
        if side != self.facts.sides[1]:
            raise UsageError("tasks.no_such_side", side=side, sides=self.facts.sides[1])
        return self

    def asks(self) -> Ports:
        picture = self.takes()
        assert isinstance(picture, Image)
        return Ports(picture, Players(("generator", "discriminator"), picture))

    def prepare(self, raw: Any, label: Any = None) -> Example:
        """The picture, and its partner where it has one: input, partner uint8 (C, H, W)."""
        inputs = {"input": torch.from_numpy(self._form(raw))}
        if raw.partner is not None:
            inputs["partner"] = torch.from_numpy(self._form(Stored(raw.partner)))
        return Example(inputs)

    def code(self, labels: Any) -> dict[str, Tensor]:
        """Nothing: partners lie beside their pictures."""
        return {}

    def present(self, batch: Batch, draws: Draws | None = None) -> Batch:
        """Both from -1 to 1 (B, C, H, W), changed alike: what happens to a picture follows from its draws."""
        names = [name for name in ("input", "partner") if name in batch]
        facts, settings = self.facts.inputs, self.settings
        return batch.with_columns(**{name: self.kind.present(batch[name], facts, settings, draws) for name in names})

    def turns(self) -> list[Turn]:
        falling = self.settings.falling
        return [Turn("discriminator", self.judged, rate=falling), Turn("generator", self.translated, rate=falling)]

    def judged(self, model: nn.Module, batch: Batch) -> Losses:
        """The discriminator's turn: true pairs against translated ones."""
        picture, judge = batch["input"], model.discriminator
        with torch.no_grad():
            made = model.generator(picture)  # pyright: ignore
        real, found = judge(picture, batch["partner"]), judge(picture, made)  # pyright: ignore
        return Losses({"judge": discriminator_loss(real, found, self.settings.game) / real[0].numel()})

    def translated(self, model: nn.Module, batch: Batch) -> Losses:
        """The translator's turn: found out or not, and how far from the partner."""
        picture = batch["input"]
        made = model.generator(picture)  # pyright: ignore
        verdicts = model.discriminator(picture, made)  # pyright: ignore
        fooled = generator_loss(verdicts, self.settings.game) / verdicts[0].numel()
        return Losses({"fooled": fooled, "near": self.settings.near * apart(made, batch["partner"]).sum()})

    def predict(self, model: nn.Module, batch: Batch) -> Predictions:
        """Each picture on the other side, uint8 (B, C, H, W); how far from its partner, where that is known (B,)."""
        made = model.generator(batch["input"])  # pyright: ignore
        known = {"apart": apart(made, batch["partner"]) / 2} if "partner" in batch else {}
        return {"picture": as_bytes(made), **known}

    def truth(self, batch: Batch) -> Tensor:
        return batch["partner"]

    def metrics(self) -> dict[str, Metric]:
        return {"pair_apart": Apart("apart"), "kid_pixels": KID()}
