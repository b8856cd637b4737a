"""What a network hears: how loud each band of pitches is at each moment, worked out on the device, a batch at a time.

wave -> frames of `window` ms every `hop` ms -> Hann -> |FFT|² -> mel bands -> log -> (MFCC: DCT, the first few)
Letters: B rows, N samples, T frames, F frequencies of the FFT.

>>> waves = Padded(torch.zeros(2, 8000, dtype=torch.int16), torch.tensor([8000, 400]))
>>> hear(waves, SoundFeatures(rate=8000, bands=40)).values.shape
torch.Size([2, 100, 40])
"""

import functools
import math
from dataclasses import dataclass
from typing import Annotated, Literal, NamedTuple

import torch
import torch.nn.functional as F
from annotated_types import Ge, Gt, Le
from torch import Tensor

from deepglass.foundation.padded import Padded

FLOOR = 1e-6  # added before the logarithm: about -80 dB, so that silence is a number and not minus infinity
FINEST = 8  # an FFT is at most so many times longer than its window


@dataclass(frozen=True, kw_only=True, slots=True)
class SoundFeatures:
    """How a sound becomes numbers over time."""

    rate: Annotated[int, Ge(1000), Le(192_000)] = 16_000  # samples a second that every sound is brought to
    bands: Annotated[int, Ge(1), Le(256)] = 80
    window: Annotated[float, Gt(0), Le(1000)] = 25.0  # milliseconds that one frame looks at
    hop: Annotated[float, Gt(0), Le(1000)] = 10.0  # milliseconds from frame to frame
    low: Annotated[float, Ge(0)] = 20.0  # hertz, the bottom of the lowest band
    high: Annotated[float, Ge(0)] = 0.0  # hertz, the top of the highest band; 0: half the rate
    scale: Literal["slaney", "htk"] = "slaney"  # which mel scale the bands are even on
    cepstra: Annotated[int, Ge(0), Le(256)] = 0  # so many MFCC instead of the bands themselves; 0: the bands

    @property
    def channels(self) -> int:
        """Numbers of one frame."""
        return min(self.cepstra, self.bands) or self.bands

    @property
    def window_samples(self) -> int:
        """Samples that one frame looks at."""
        return max(1, round(self.window * self.rate / 1000))

    @property
    def hop_samples(self) -> int:
        """Samples from frame to frame."""
        return max(1, round(self.hop * self.rate / 1000))

    def frames(self, samples: Tensor) -> Tensor:
        """How many frames so many samples make: one at every hop that begins inside the sound. (B,) -> (B,)"""
        return (samples + self.hop_samples - 1) // self.hop_samples


class Constants(NamedTuple):
    """What does not depend on the sound: Hann's window, the bands over the FFT's frequencies, the DCT."""

    size: int  # of the FFT
    hann: Tensor  # (window,)
    bank: Tensor  # (F, bands)
    cosines: Tensor | None  # (bands, cepstra)


def hear(waves: Padded, settings: SoundFeatures) -> Padded:
    """Waves as numbers over time: log-mel bands, or MFCC where cepstra are asked for. A row alone equals itself here.

    int16 or float about -1 to 1 (B, N) -> float32 (B, T, bands or cepstra)
    """
    constants = _constants(settings, waves.values.device)
    hop, lengths = settings.hop_samples, settings.frames(waves.lengths)
    frames = -(-waves.values.shape[1] // hop)  # by the shape: no answer of the device is waited for
    floats = F.pad(as_floats(waves.values), (0, frames * hop - waves.values.shape[1] + settings.window_samples - 1))
    cut = floats.unfold(1, settings.window_samples, hop)[:, :frames] * constants.hann  # (B, T, window)
    power = torch.fft.rfft(cut, constants.size).abs().square()  # (B, T, F)
    heard = torch.log(power @ constants.bank + FLOOR)
    if constants.cosines is not None:
        heard = heard @ constants.cosines
    return Padded(heard, lengths).with_values(heard)


def as_floats(waves: Tensor) -> Tensor:
    """Samples as float32, the whole range of int16 as -1 to 1."""
    return waves if waves.is_floating_point() else waves.float() / 32768


def mel_bank(settings: SoundFeatures, size: int) -> Tensor:
    """Triangles even on the mel scale, each of area 1 over hertz, at the frequencies of an FFT of `size`. (F, bands)

    As librosa.filters.mel(norm="slaney") has it.
    """
    edges = _edges(settings)
    frequencies = torch.arange(size // 2 + 1, dtype=torch.float64) * settings.rate / size
    rising = (frequencies[:, None] - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - frequencies[:, None]) / (edges[2:] - edges[1:-1])
    return torch.minimum(rising, falling).clamp(min=0) * (2 / (edges[2:] - edges[:-2]))


def band_middles(settings: SoundFeatures) -> Tensor:
    """Where each band is loudest, in hertz. float64 (bands,)"""
    return _edges(settings)[1:-1]


def dct(bands: int, cepstra: int) -> Tensor:
    """The orthonormal DCT-II: c_k = Σ_n x_n · √(2/N) · cos(π k (2n + 1) / 2N), c_0 divided by √2. (bands, cepstra)"""
    place = torch.arange(bands, dtype=torch.float64)[:, None]
    number = torch.arange(cepstra, dtype=torch.float64)
    cosines = math.sqrt(2 / bands) * torch.cos(math.pi * number * (2 * place + 1) / (2 * bands))
    cosines[:, 0] /= math.sqrt(2)
    return cosines


@functools.lru_cache(16)
def _constants(settings: SoundFeatures, device: torch.device) -> Constants:
    """Made once for each setting and device and not at every step."""
    size = 1 << (settings.window_samples - 1).bit_length()
    finest = FINEST * size
    while size < finest and not mel_bank(settings, size).any(0).all():
        size *= 2  # a low band narrower than the FFT's frequencies lie apart would hear nothing
    with torch.inference_mode(False):  # made while somebody predicts, they still serve a training later on
        hann = torch.hann_window(settings.window_samples, periodic=True, dtype=torch.float64)
        cosines = dct(settings.bands, settings.channels) if settings.cepstra else None
        bank = mel_bank(settings, size)
        return Constants(
            size,
            hann.float().to(device),
            bank.float().to(device),
            None if cosines is None else cosines.float().to(device),
        )


def _edges(settings: SoundFeatures) -> Tensor:
    """Where the bands begin, are loudest and end: each ends where the next but one begins. float64 (bands + 2,)"""
    low, high = settings.low, min(settings.high or settings.rate / 2, settings.rate / 2)
    ends = (_to_mel(low, settings.scale), _to_mel(high, settings.scale))
    return _to_hertz(torch.linspace(*ends, settings.bands + 2, dtype=torch.float64), settings.scale)


def _to_mel(hertz: float, scale: str) -> float:
    """Slaney: 3 mels for 200 Hz up to 1000 Hz, then 27 mels for every factor of 6.4; HTK: 2595·log10(1 + f / 700)."""
    if scale == "htk":
        return 2595 * math.log10(1 + hertz / 700)
    return hertz * 3 / 200 if hertz < 1000 else 15 + 27 * math.log(hertz / 1000) / math.log(6.4)


def _to_hertz(mels: Tensor, scale: str) -> Tensor:
    if scale == "htk":
        return 700 * (10 ** (mels / 2595) - 1)
    return torch.where(mels < 15, mels * 200 / 3, 1000 * torch.exp((mels - 15) * math.log(6.4) / 27))
