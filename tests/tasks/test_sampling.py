"""Drawing the next token: shares as they should be, cut as was asked, by a key alone."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from deepglass.foundation.padded import Padded
from deepglass.tasks.sampling import SamplingSettings, pick, sampled

LOGITS = torch.tensor([9.0, 1.0, 2.0, 0.0, 1.5], dtype=torch.float64)  # the first is never drawn


def shares(settings: SamplingSettings, draws: int = 4000) -> list[float]:
    counts = [0] * len(LOGITS)
    for place in range(draws):
        counts[pick(LOGITS, 1, place, settings)] += 1
    return [count / draws for count in counts]


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_tokens_come_as_often_as_they_are_likely(temperature: float):
    wanted = (LOGITS[1:] / temperature).softmax(0).tolist()
    found = shares(SamplingSettings(temperature=temperature))
    assert found[0] == 0 and found[1:] == pytest.approx(wanted, abs=4 * math.sqrt(0.25 / 4000))


def test_top_k_and_top_p_cut_the_unlikely():
    p = LOGITS[1:].softmax(0)  # in the order of likelihood: 2, 4, 1, 3
    found = shares(SamplingSettings(temperature=1.0, top_k=2))
    assert found[1] == found[3] == 0 and found[2] == pytest.approx(float(p[1] / (p[1] + p[3])), abs=0.03)
    two = float(p[1] + p[3])
    assert shares(SamplingSettings(temperature=1.0, top_p=two - 0.01), 500)[1] == 0
    assert shares(SamplingSettings(temperature=1.0, top_p=two + 0.01), 500)[1] > 0
    assert shares(SamplingSettings(temperature=1.0, top_p=1e-9), 50)[2] == 1
    assert shares(SamplingSettings(temperature=0), 50)[2] == 1


@given(st.integers(0, 9), st.integers(0, 99), st.lists(st.floats(-9, 9), min_size=2, max_size=9))
def test_a_draw_depends_on_seed_and_place_alone(seed: int, place: int, logits: list[float]):
    settings = SamplingSettings(temperature=1.0, seed=seed, top_k=3, top_p=0.9)
    z = torch.tensor(logits, dtype=torch.float64)
    first = pick(z, 1, place, settings)
    torch.rand(5)
    assert first == pick(z, 1, place, settings) and 1 <= first < len(logits)
    others = [pick(torch.zeros(1000), 0, at, settings) for at in range(8)]
    assert len(set(others)) > 1 or settings.top_k == 1


class Last(nn.Module):
    """Says the number of tokens that it was shown."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))

    def forward(self, tokens: Padded) -> Padded:
        size = tokens.values.shape[1]
        return Padded(torch.nn.functional.one_hot(torch.full((1, size), size), 9).float() * 50, tokens.lengths)


def test_a_network_without_a_state_sees_no_more_than_its_context():
    written = sampled(Last(), [1, 1], 1, 4, SamplingSettings(temperature=0))
    assert [next(written) for _ in range(5)] == [2, 3, 4, 4, 4]
