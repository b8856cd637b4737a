"""Sounds: heard as mel bands or MFCC at every moment, standardised band by band.

x' = (x - mean) / std with the training part's statistics. Kept on the disk are samples at one rate; what is heard of
them is worked out on the device, so that speed and noise can change at every visit.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal

import numpy as np
import torch
from annotated_types import Ge, Le
from torch import Tensor

from deepglass.data.augment.sound import SoundAugment, augment_waves, mask_features
from deepglass.data.example import Column, Form, padded, ragged
from deepglass.data.features import SoundFeatures, band_middles, hear
from deepglass.data.readers.sound import LONGEST, Sound, Wave
from deepglass.data.source import Index
from deepglass.foundation.padded import Padded
from deepglass.foundation.ports import Port, Series
from deepglass.foundation.seeds import Draws
from deepglass.tasks.kinds.kind import Seen
from deepglass.tasks.kinds.standard import constants, spread
from deepglass.views.spectrogram import Mark, Spectrogram
from deepglass.views.view import View

PIECE = 16  # rows that statistics hear together
ENOUGH = 2048  # rows that statistics are taken from


@dataclass(frozen=True, kw_only=True, slots=True)
class SoundSettings:
    """How sounds are heard and, in training, varied."""

    features: SoundFeatures = SoundFeatures()
    augment: SoundAugment = SoundAugment()
    longest: Annotated[float, Ge(0), Le(LONGEST)] = 30.0  # seconds from the start that are heard; 0: all


@dataclass(frozen=True, kw_only=True, slots=True)
class SoundFacts:
    """What was learned of sounds from the training part."""

    kind: Literal["sound"] = "sound"
    columns: tuple[str, ...] = ()
    channels: int = 0  # numbers of every moment
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()


class SoundKind:
    """int16 (N,) at one rate; Padded float (B, T, C) for the network."""

    def learn(self, index: Index, settings: Any, seen: Seen) -> SoundFacts:
        return SoundFacts(channels=settings.sound.features.channels)

    def form(self, facts: SoundFacts, settings: Any) -> Form:
        return Wave(settings.sound.features.rate, settings.sound.longest)

    def depends(self, facts: SoundFacts, settings: Any) -> Any:
        return [facts.kind, settings.sound.features.rate, settings.sound.longest]

    def settle(self, facts: SoundFacts, settings: Any, values: Any) -> SoundFacts:
        if facts.mean:
            return facts
        step = max(1, -(-len(values) // ENOUGH))
        rows = values if step == 1 else [values[row : row + 1][0] for row in range(0, len(values), step)]
        mean, std = _statistics(rows, settings.sound.features)
        return replace(facts, mean=mean, std=std)

    def encoder(self, facts: SoundFacts, settings: Any) -> None:
        return None

    def port(self, facts: SoundFacts) -> Port:
        return Series(facts.channels)

    def present(self, values: Column, facts: SoundFacts, settings: Any, draws: Draws | None) -> Padded:
        chosen: SoundSettings = settings.sound
        waves = padded(values)
        if draws is not None:
            waves = augment_waves(waves, draws, chosen.augment, chosen.features.rate)
        mean, std = constants(facts.mean, facts.std, (-1,), waves.values.device)
        heard = hear(waves, chosen.features)
        heard = heard.with_values((heard.values - mean) / std)
        return heard if draws is None else mask_features(heard, draws, chosen.augment)

    def show(self, raw: Any, facts: SoundFacts, caption: str) -> View:
        return spectrogram(raw, caption)


def spectrogram(raw: Sound, caption: str, marks: Sequence[Mark] = ()) -> Spectrogram:
    """A sound as its mel bands, whatever a network heard of it."""
    features = SoundFeatures(rate=max(1000, min(raw.rate, 16_000)), bands=64)
    wave = torch.from_numpy(Wave(features.rate)(raw))[None]
    levels = hear(Padded(wave, torch.tensor([wave.shape[1]])), features).values[0].numpy()
    return Spectrogram(levels, band_middles(features).tolist(), raw.seconds, caption, marks)


def _statistics(rows: Sequence[np.ndarray], features: SoundFeatures) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and spread of every band over all moments of these rows, in float64 and one pass."""
    count, sums, squares = 0, torch.zeros(1, dtype=torch.float64), torch.zeros(1, dtype=torch.float64)
    for start in range(0, len(rows), PIECE):
        piece = rows[start : start + PIECE]
        waves = padded(ragged([torch.from_numpy(np.asarray(row)) for row in piece]))
        heard = hear(waves, features)
        values: Tensor = heard.values.double()
        count, sums = count + int(heard.lengths.sum()), sums + values.sum((0, 1))
        squares = squares + values.square().sum((0, 1))
    mean = sums / max(1, count)
    return tuple(mean.tolist()), spread((squares / max(1, count) - mean.square()).clamp(min=0).sqrt().numpy())


CATALOGUE = {"sound": SoundKind()}
