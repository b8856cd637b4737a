"""What a network hears: equal to another's mel bands and MFCC, exact in its lengths, the same alone as in a batch."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers.audio_utils import mel_filter_bank

from deepglass.data.features import FLOOR, SoundFeatures, as_floats, dct, hear, mel_bank
from deepglass.foundation.padded import Padded
from tests.data.sounds import tone

SMALL = SoundFeatures(rate=8000, bands=40)


def some_waves(*lengths: int) -> Padded:
    maker = torch.Generator().manual_seed(sum(lengths))
    values = torch.randint(-20000, 20000, (len(lengths), max(lengths)), dtype=torch.int16, generator=maker)
    counts = torch.tensor(lengths)
    return Padded(values, counts).with_values(values)


@pytest.mark.parametrize("scale", ["slaney", "htk"])
@pytest.mark.parametrize(("rate", "size", "bands"), [(16000, 512, 80), (8000, 256, 40), (22050, 2048, 128)])
def test_bands_equal_transformers(scale, rate, size, bands):
    ours = mel_bank(SoundFeatures(rate=rate, bands=bands, low=20, scale=scale), size)
    theirs = mel_filter_bank(size // 2 + 1, bands, 20, rate / 2, rate, norm="slaney", mel_scale=scale)
    np.testing.assert_allclose(ours.numpy(), theirs, rtol=1e-6, atol=1e-12)


def test_slaneys_scale_by_its_published_numbers():
    """Middles of 38 bands from 0 to 11025 Hz, as librosa.mel_frequencies(40) prints them."""
    bank = mel_bank(SoundFeatures(rate=22050, bands=38, low=0), 22050)  # one frequency a hertz
    middles = bank.argmax(0).tolist()
    printed = [85.317, 170.635, 255.952, 341.269, 426.586, 511.904, 597.221, 682.538, 767.855, 853.173, 938.49]
    assert middles[:11] == [round(number) for number in printed]
    assert middles[11:15] == [1025, 1119, 1222, 1334] and middles[-2:] == [9246, 10096]
    torch.testing.assert_close(bank.sum(0), torch.ones(38, dtype=torch.float64), rtol=1e-2, atol=0)


def test_a_tone_is_loudest_in_its_own_band():
    for pitch in (200, 440, 1500, 3000):
        waves = Padded(torch.from_numpy(tone(0.5, pitch=pitch))[None], torch.tensor([4000]))
        heard = hear(waves, SMALL).values[0, 5:-5].mean(0)
        loudest = mel_bank(SMALL, 8000)[:, heard.argmax()]  # at hertz 0, 1, 2 ...
        assert loudest[pitch] > 0.3 * loudest.max()


def test_frames_by_hand():
    """One frame as a plain sum over the definition of the transform."""
    chosen = SoundFeatures(rate=8000, bands=20, window=4, hop=2, low=100, high=3000)
    waves = some_waves(100)
    heard = hear(waves, chosen).values[0]
    samples = waves.values[0].double() / 32768
    window = 0.5 - 0.5 * torch.cos(2 * math.pi * torch.arange(32, dtype=torch.float64) / 32)
    size = 64  # at 32 some of the twenty bands would lie between two frequencies
    for frame in (0, 3, 6):
        cut = torch.zeros(32, dtype=torch.float64)
        there = samples[16 * frame : 16 * frame + 32]
        cut[: len(there)] = there
        angle = 2 * math.pi * torch.arange(33)[:, None] * torch.arange(32, dtype=torch.float64) / size
        power = (cut * window * torch.cos(angle)).sum(1) ** 2 + (cut * window * torch.sin(angle)).sum(1) ** 2
        torch.testing.assert_close(
            heard[frame].double(), torch.log(power @ mel_bank(chosen, size) + FLOOR), rtol=1e-4, atol=1e-4
        )


def test_mfcc_is_the_cosine_transform_of_the_bands():
    waves = some_waves(3000, 1000)
    bands = hear(waves, SMALL)
    cepstra = hear(waves, SoundFeatures(rate=8000, bands=40, cepstra=13))
    assert cepstra.values.shape == (2, 38, 13)
    torch.testing.assert_close(cepstra.values, bands.values @ dct(40, 13).float(), rtol=1e-4, atol=1e-3)
    whole = dct(6, 6)
    torch.testing.assert_close(whole.T @ whole, torch.eye(6, dtype=torch.float64))
    by_hand = [math.sqrt(2 / 6) * math.cos(math.pi * 2 * (2 * place + 1) / 12) for place in range(6)]
    torch.testing.assert_close(whole[:, 2], torch.tensor(by_hand, dtype=torch.float64))


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(1, 3000), min_size=1, max_size=5),
    st.sampled_from([SMALL, SoundFeatures(rate=8000, bands=23, window=7.3, hop=11.1, cepstra=9), SoundFeatures()]),
)
def test_a_row_alone_equals_itself_in_a_batch(lengths, chosen):
    waves = some_waves(*lengths)
    together = hear(waves, chosen)
    assert together.lengths.tolist() == [-(-length // chosen.hop_samples) for length in lengths]
    assert together.values.shape == (len(lengths), int(together.lengths.max()), chosen.channels)
    assert (together.values[~together.mask] == 0).all()
    for row, length in enumerate(lengths):
        alone = hear(Padded(waves.values[row : row + 1, :length], waves.lengths[row : row + 1]), chosen)
        frames = int(alone.lengths)
        torch.testing.assert_close(alone.values[0], together.values[row, :frames], rtol=0, atol=1e-4)


def test_silence_and_one_sample_are_finite_numbers():
    for length in (1, 2, 800):
        silent = hear(Padded(torch.zeros(1, length, dtype=torch.int16), torch.tensor([length])), SMALL)
        torch.testing.assert_close(silent.values, torch.full_like(silent.values, math.log(FLOOR)))
        assert hear(some_waves(length), SMALL).values.isfinite().all()


def test_whole_numbers_and_floats_are_heard_alike():
    waves = some_waves(700)
    torch.testing.assert_close(
        hear(waves, SMALL).values, hear(Padded(as_floats(waves.values), waves.lengths), SMALL).values
    )
    assert as_floats(torch.tensor([-32768, 16384], dtype=torch.int16)).tolist() == [-1.0, 0.5]


def test_every_band_hears_something():
    for chosen in (SoundFeatures(rate=8000, bands=128, window=5), SoundFeatures(bands=256), SoundFeatures(high=900)):
        noise = torch.randn(1, 20_000, generator=torch.Generator().manual_seed(1))
        assert (hear(Padded(noise, torch.tensor([20_000])), chosen).values.mean((0, 1)) > math.log(FLOOR) + 1).all()


def test_features_made_in_inference_mode_serve_a_training():
    chosen = SoundFeatures(rate=8000, bands=11, cepstra=7)
    with torch.inference_mode():
        hear(some_waves(500), chosen)
    weight = torch.ones(7, requires_grad=True)
    (hear(some_waves(500), chosen).values * weight).sum().backward()
    assert weight.grad is not None and weight.grad.isfinite().all()
