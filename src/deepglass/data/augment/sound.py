"""Sounds made different on every visit: samples first (speed, noise ...), then masks over what is heard of them.

Every row depends on its own samples and draws alone.
Letters: B rows, N samples, T frames, C channels of a frame.

>>> from deepglass.foundation.seeds import Draws, row_keys
>>> waves = Padded(torch.zeros(2, 8000, dtype=torch.int16), torch.tensor([8000, 400]))
>>> augment_waves(waves, Draws(row_keys(7, "train", 0, 2)), speech(), 8000).values.dtype
torch.float32
"""

import functools
import math
from dataclasses import dataclass
from typing import Annotated

import torch
from annotated_types import Ge, Gt, Le
from torch import Tensor

from deepglass.data.features import as_floats
from deepglass.foundation.padded import Padded
from deepglass.foundation.seeds import Draws

Share = Annotated[float, Ge(0), Le(1)]
Masks = Annotated[int, Ge(0), Le(8)]
TAPS = 8  # neighbours that a sample between two others is made of
PHASES = 1024  # places between two samples that are told apart
LOUDER = 20.0  # decibels between the loudest noise and the quietest


@dataclass(frozen=True, kw_only=True, slots=True)
class SoundAugment:
    """What may happen to a training sound; everything is off unless it is set, and what is off costs nothing."""

    speed: Annotated[float, Ge(0), Le(0.5)] = 0.0  # faster and higher or slower and lower, by at most this share
    shift: Annotated[float, Ge(0), Le(10)] = 0.0  # seconds of silence in front, at most; nothing is cut off behind
    gain: Annotated[float, Ge(0), Le(40)] = 0.0  # decibels louder or quieter, at most
    noise: Share = 0.0  # chance of white noise
    quietest: Annotated[float, Ge(-20), Le(60)] = 10.0  # decibels that a sound stands above its noise, at least
    time_masks: Masks = 0  # stretches of time that are not heard, so many in every row
    time_mask: Annotated[float, Gt(0), Le(1)] = 0.1  # share of the row that one covers, at most
    band_masks: Masks = 0  # the same over bands
    band_mask: Annotated[float, Gt(0), Le(1)] = 0.2  # share of the bands that one covers, at most

    @property
    def masks(self) -> bool:
        """Whether `mask_features` does anything."""
        return bool(self.time_masks or self.band_masks)


def none() -> SoundAugment:
    """Sounds as they are."""
    return SoundAugment()


def speech() -> SoundAugment:
    """Speech: a tenth faster or slower (Ko et al. 2015), masks over time and bands (Park et al. 2019)."""
    return SoundAugment(speed=0.1, shift=0.1, gain=6, time_masks=2, time_mask=0.08, band_masks=2, band_mask=0.2)


def noisy() -> SoundAugment:
    """Sounds from anywhere: as `speech`, and half of them under white noise."""
    return SoundAugment(
        speed=0.15, shift=0.2, gain=12, noise=0.5, time_masks=2, time_mask=0.1, band_masks=2, band_mask=0.25
    )


PRESETS = {"none": none, "speech": speech, "noisy": noisy}


def augment_waves(waves: Padded, draws: Draws, settings: SoundAugment, rate: int) -> Padded:
    """Samples as training hears them; lengths follow what speed and shift did.

    int16 or float about -1 to 1 (B, N) -> float32 (B, N')
    """
    waves = Padded(as_floats(waves.values), waves.lengths)
    if settings.speed:
        factor = 1 + settings.speed * draws.between("speed", -1.0, 1.0)
        waves = change_speed(waves, factor)
    if settings.shift:
        waves = delay(waves, (settings.shift * rate * draws.uniform("shift")).long())
    if settings.gain:
        decibels = settings.gain * draws.between("gain", -1.0, 1.0)
        waves = Padded(waves.values * (10 ** (decibels / 20))[:, None], waves.lengths)
    if settings.noise:
        above = settings.quietest + LOUDER * draws.uniform("noise/level")
        above = torch.where(draws.chance("noise", settings.noise), above, math.inf)
        waves = add_noise(waves, draws, above)
    return waves


def change_speed(waves: Padded, factor: Tensor) -> Padded:
    """Each row played so many times faster: y_i = x(i · f), read between the samples by a windowed sinc.

    A row of n samples becomes round(n / f), at least one. What lies above the new half rate folds back: at a tenth
    faster that is the top tenth of the band. float (B, N), (B,) -> (B, N')
    """
    factor = factor.double()
    lengths = (waves.lengths / factor).round().long().clamp(min=1)
    places = torch.arange(int(lengths.max()), device=factor.device) * factor[:, None]  # (B, N')
    whole = places.floor()
    phase = ((places - whole) * PHASES).round().long()  # PHASES itself is the next sample
    table, first = _sinc().to(factor.device), whole.long() - (TAPS // 2 - 1)
    changed = waves.values.new_zeros(places.shape)
    last = waves.values.shape[1] - 1
    for tap in range(TAPS):
        at = first + tap
        neighbour = waves.values.gather(1, at.clamp(0, last))
        changed += table[tap][phase] * neighbour.masked_fill_((at < 0) | (at > last), 0)
    return Padded(changed, lengths).with_values(changed)


def delay(waves: Padded, samples: Tensor) -> Padded:
    """So many samples of silence in front of each row. float (B, N), int64 (B,) -> (B, N')"""
    lengths = waves.lengths + samples
    at = torch.arange(int(lengths.max()), device=samples.device) - samples[:, None]  # (B, N')
    moved = waves.values.gather(1, at.clamp(0, waves.values.shape[1] - 1))
    return Padded(moved.masked_fill_((at < 0) | (at >= waves.lengths[:, None]), 0), lengths)


def add_noise(waves: Padded, draws: Draws, above: Tensor) -> Padded:
    """White noise that each row stands so many decibels above, by their powers; none at infinity. (B, N), (B,)"""
    power = waves.values.square().sum(1) / waves.lengths.clamp(min=1)
    loud = (power * 10 ** (-above / 10)).sqrt() * math.sqrt(12)  # even noise of width 1 has the power 1/12
    noise = (draws.uniform("noise/samples", waves.values.shape[1]) - 0.5) * loud[:, None]
    return waves.with_values(waves.values + noise)


def mask_features(features: Padded, draws: Draws, settings: SoundAugment) -> Padded:
    """Stretches of time and of bands set to 0, the mean of standardised features (SpecAugment, arXiv:1904.08779).

    float (B, T, C) -> the same
    """
    if not settings.masks:
        return features
    values = features.values
    hidden = torch.zeros(values.shape[:2], dtype=torch.bool, device=values.device)
    for number in range(settings.time_masks):
        hidden |= _stretch(draws, f"time/{number}", features.lengths, settings.time_mask, values.shape[1])
    bands = torch.zeros(len(values), values.shape[2], dtype=torch.bool, device=values.device)
    count = torch.full_like(features.lengths, values.shape[2])
    for number in range(settings.band_masks):
        bands |= _stretch(draws, f"bands/{number}", count, settings.band_mask, values.shape[2])
    return Padded(values.masked_fill(hidden[:, :, None] | bands[:, None, :], 0), features.lengths)


def _stretch(draws: Draws, name: str, lengths: Tensor, share: float, size: int) -> Tensor:
    """A stretch of up to `share` of each row's length at an even place inside it. (B,) -> bool (B, size)"""
    width = (draws.uniform(f"{name}/width") * (share * lengths + 1)).floor()
    start = (draws.uniform(f"{name}/place") * (lengths - width + 1)).floor()
    places = torch.arange(size, device=lengths.device)
    return (places >= start[:, None]) & (places < (start + width)[:, None])


@functools.lru_cache(1)
def _sinc() -> Tensor:
    """Weights of the neighbours for each place between two samples, each place's sum 1. (TAPS, PHASES + 1)"""
    with torch.inference_mode(False):
        neighbours = torch.arange(TAPS, dtype=torch.float64)[:, None] - (TAPS // 2 - 1)
        distance = neighbours - torch.arange(PHASES + 1, dtype=torch.float64) / PHASES
        weights = torch.sinc(distance) * torch.cos(math.pi * distance / TAPS).square()  # Hann's window, 0 at ±TAPS/2
        return (weights / weights.sum(0)).float()
