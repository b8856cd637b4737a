"""Augmented sounds: a function of each row's samples and draws, and nothing else; exact in its lengths."""

import math
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from deepglass.data.augment.sound import (
    PRESETS,
    SoundAugment,
    add_noise,
    augment_waves,
    change_speed,
    delay,
    mask_features,
)
from deepglass.data.features import as_floats
from deepglass.foundation.padded import Padded
from deepglass.foundation.seeds import Draws, row_keys
from tests.data.sounds import tone


def some_waves(*lengths: int) -> Padded:
    maker = torch.Generator().manual_seed(sum(lengths))
    values = torch.randint(-20000, 20000, (len(lengths), max(lengths)), dtype=torch.int16, generator=maker)
    return Padded(values, torch.tensor(lengths)).with_values(values)


def some_draws(count: int, step: int = 0) -> Draws:
    return Draws(row_keys(3, "test", step, count))


EACH = {
    "speed": SoundAugment(speed=0.3),
    "shift": SoundAugment(shift=0.2),
    "gain": SoundAugment(gain=12),
    "noise": SoundAugment(noise=0.7, quietest=0),
} | {name: make() for name, make in PRESETS.items()}


@pytest.mark.parametrize("name", EACH)
@settings(max_examples=15, deadline=None)
@given(lengths=st.lists(st.integers(1, 900), min_size=1, max_size=5), step=st.integers(0, 1000))
def test_a_row_alone_equals_the_row_in_a_batch(name, lengths, step):
    waves, draws = some_waves(*lengths), some_draws(len(lengths), step)
    together = augment_waves(waves, draws, EACH[name], 8000)
    assert together.values.dtype == torch.float32 and together.values.shape[1] == int(together.lengths.max())
    assert (together.values[~together.mask] == 0).all() and (together.lengths >= 1).all()
    for row, length in enumerate(lengths):
        one = Padded(waves.values[row : row + 1, :length], waves.lengths[row : row + 1])
        alone = augment_waves(one, Draws(draws.rows[row : row + 1]), EACH[name], 8000)
        assert alone.lengths[0] == together.lengths[row]
        torch.testing.assert_close(alone.values[0], together.values[row, : int(alone.lengths)], rtol=0, atol=1e-6)


@pytest.mark.parametrize("name", [name for name in EACH if name != "none"])
def test_steps_differ_and_the_global_generator_is_neither_read_nor_moved(name):
    state = torch.get_rng_state()
    first, again, other = (
        augment_waves(some_waves(900, 700), some_draws(2, step), EACH[name], 8000) for step in (0, 0, 1)
    )
    assert torch.equal(first.values, again.values)
    assert first.values.shape != other.values.shape or not torch.equal(first.values, other.values)
    assert torch.equal(state, torch.get_rng_state())


def test_nothing_switched_on_is_the_sound_itself():
    waves = some_waves(50, 30)
    plain = augment_waves(waves, some_draws(2), SoundAugment(), 8000)
    assert torch.equal(plain.values, as_floats(waves.values)) and torch.equal(plain.lengths, waves.lengths)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 2000), st.floats(0.5, 1.5)), min_size=1, max_size=4))
def test_a_speed_gives_its_exact_length(rows):
    lengths, factors = zip(*rows, strict=True)
    changed = change_speed(
        Padded(as_floats(some_waves(*lengths).values), torch.tensor(lengths)),
        torch.tensor(factors, dtype=torch.float64),
    )
    assert changed.lengths.tolist() == [max(1, round(length / factor)) for length, factor in rows]


@pytest.mark.parametrize("factor", [0.8, 0.93, 1.0, 1.1, 1.25])
def test_a_faster_tone_is_a_higher_tone(factor):
    waves = Padded(as_floats(torch.from_numpy(tone(1.0, pitch=800)))[None], torch.tensor([8000]))
    changed = change_speed(waves, torch.tensor([factor], dtype=torch.float64)).values[0]
    expected = torch.from_numpy(tone(len(changed) / 8000, pitch=800 * factor)).float() / 32768
    inside = slice(20, min(len(changed), len(expected)) - 20)
    assert (changed[inside] - expected[inside]).abs().max() < 0.01
    if factor == 1.0:
        torch.testing.assert_close(changed, waves.values[0])


def test_a_delay_is_silence_in_front():
    waves = Padded(torch.tensor([[1.0, 2, 3], [4, 5, 0]]), torch.tensor([3, 2]))
    moved = delay(waves, torch.tensor([2, 0]))
    assert moved.values.tolist() == [[0, 0, 1, 2, 3], [4, 5, 0, 0, 0]] and moved.lengths.tolist() == [5, 2]


def test_gain_and_shift_stay_within_their_settings():
    waves, draws = Padded(torch.ones(200, 80), torch.full((200,), 80)), some_draws(200)
    louder = augment_waves(waves, draws, SoundAugment(gain=6), 8000).values[:, 0]
    assert 10 ** (-6 / 20) <= louder.min() < 0.6 and 1.8 < louder.max() <= 10 ** (6 / 20)
    later = augment_waves(waves, draws, SoundAugment(shift=0.01), 8000).lengths - 80
    assert later.min() == 0 and later.max() == 79


def test_noise_has_the_power_it_is_given():
    waves = Padded(torch.stack([torch.sin(torch.arange(20_000) / 3)] * 3), torch.tensor([20_000, 20_000, 10_000]))
    waves = waves.with_values(waves.values)
    noisy = add_noise(waves, some_draws(3), torch.tensor([10.0, math.inf, 0.0]))
    noise = noisy.values - waves.values
    power = noise.square().sum(1) / waves.lengths
    torch.testing.assert_close(power, torch.tensor([0.05, 0.0, 0.5]), rtol=0.05, atol=1e-9)
    assert noise[0].mean().abs() < 0.005 and (noise[2, 10_000:] == 0).all()
    often = augment_waves(
        Padded(waves.values.repeat(40, 1)[:100], torch.full((100,), 9000)), some_draws(100), EACH["noise"], 8000
    )
    changed = (often.values[:, :9000] != waves.values.repeat(40, 1)[:100, :9000]).any(1)
    assert 50 < int(changed.sum()) < 90


class TestMasks:
    chosen = SoundAugment(time_masks=2, time_mask=0.2, band_masks=1, band_mask=0.3)

    def features(self, *lengths: int, bands: int = 20) -> Padded:
        values = torch.rand(len(lengths), max(lengths), bands, generator=torch.Generator().manual_seed(5)) + 1
        return Padded(values, torch.tensor(lengths)).with_values(values)

    def test_masks_are_whole_stretches_no_wider_than_allowed(self):
        features = self.features(*[50] * 300)
        hidden = mask_features(features, some_draws(300), self.chosen).values == 0
        bands = hidden.all(1).sum(1)
        times = hidden.all(2).sum(1)
        assert bands.max() == 6 and bands.min() == 0 and times.max() <= 20 and times.min() == 0
        assert torch.equal(hidden, hidden.all(1)[:, None, :] | hidden.all(2)[:, :, None])
        assert hidden.all(2).float().mean(0).min() > 0.01  # every place is hidden now and then

    def test_a_mask_stays_inside_its_own_row(self):
        features = self.features(*[40, 10] * 100)
        hidden = mask_features(features, some_draws(200), replace(self.chosen, band_masks=0)).values == 0
        assert hidden[1::2, :10].all(2).sum(1).max() <= 4 and hidden[1::2, 10:].all()

    @settings(max_examples=25, deadline=None)
    @given(lengths=st.lists(st.integers(1, 30), min_size=1, max_size=5), step=st.integers(0, 99))
    def test_a_row_alone_equals_the_row_in_a_batch(self, lengths, step):
        features, draws = self.features(*lengths), some_draws(len(lengths), step)
        together = mask_features(features, draws, self.chosen)
        for row, length in enumerate(lengths):
            one = Padded(features.values[row : row + 1, :length], features.lengths[row : row + 1])
            alone = mask_features(one, Draws(draws.rows[row : row + 1]), self.chosen)
            assert torch.equal(alone.values[0], together.values[row, :length])

    def test_without_masks_nothing_is_touched(self):
        features = self.features(7, 3)
        assert mask_features(features, some_draws(2), SoundAugment(speed=0.1)) is features
        assert not SoundAugment(speed=0.1).masks and PRESETS["speech"]().masks


def test_draws_of_one_option_do_not_move_another():
    waves = some_waves(800, 300)
    slower = augment_waves(waves, some_draws(2), SoundAugment(speed=0.2), 8000)
    both = augment_waves(waves, some_draws(2), SoundAugment(speed=0.2, gain=1e-6), 8000)
    torch.testing.assert_close(both.values, slower.values)
