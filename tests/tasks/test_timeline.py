"""Shares become moments: thresholds, smoothing, bridged gaps, and the same answer step by step as all at once."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from deepglass.data.example import Ragged
from deepglass.metrics.moments import SegmentF1, TagPrecision, TimelineError, holding, matched
from deepglass.tasks.tag_video import Blend, window_count
from deepglass.tasks.timeline import Rules, Timeline, best_thresholds, moments_of, smoothed

PLAIN = Rules(10.0, (0.5,), 0.0, 0.0, 0.0)


def box(*spans: tuple[int, int], steps: int = 50) -> np.ndarray:
    shares = np.full((steps, 1), 0.1)
    for start, end in spans:
        shares[start:end] = 0.9
    return shares


def ends(shares: np.ndarray, rules: Rules) -> list[tuple[float, float]]:
    return [(round(one.start, 3), round(one.end or -1, 3)) for one in moments_of(shares, rules)]


def test_a_moment_lies_between_its_crossings() -> None:
    assert ends(box((10, 20)), PLAIN) == [(0.95, 1.95)]  # half way between the steps on either side
    assert ends(box((0, 5), (45, 50)), PLAIN) == [(0.0, 0.45), (4.45, 5.0)]
    slow = np.array([[0.1], [0.2], [0.4], [0.8], [0.6], [0.4], [0.2]])
    assert ends(slow, PLAIN) == [(0.225, 0.45)]
    assert moments_of(box((10, 20)), PLAIN)[0].confidence == pytest.approx(0.9)
    assert ends(np.zeros((0, 1)), PLAIN) == [] and ends(box(), PLAIN) == []


def test_short_moments_are_none_and_short_gaps_are_bridged() -> None:
    rules = PLAIN._replace(least=0.35, gap=0.35)
    assert ends(box((10, 13), (30, 34)), rules) == [(2.95, 3.35)]
    assert ends(box((10, 20), (23, 30)), rules) == [(0.95, 2.95)]
    assert ends(box((10, 20), (25, 30)), rules) == [(0.95, 1.95), (2.45, 2.95)]
    assert ends(box((10, 12), (14, 16), (18, 20)), rules) == [(0.95, 1.95)]


def test_smoothing_keeps_the_ends_of_a_clear_moment() -> None:
    rules = PLAIN._replace(smooth=0.5)
    (start, end) = ends(box((10, 30)), rules)[0]
    assert abs(start - 0.95) < 0.06 and abs(end - 2.95) < 0.06
    flicker = box((10, 30))
    flicker[20] = 0.0
    assert len(ends(flicker, rules)) == 1 and len(ends(flicker, PLAIN)) == 2


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_step_by_step_is_all_at_once(data: st.DataObject) -> None:
    steps = data.draw(st.integers(1, 60))
    values = data.draw(st.lists(st.integers(0, 10), min_size=2 * steps, max_size=2 * steps))
    shares = np.array(values, dtype=float).reshape(steps, 2) / 10
    rules = Rules(
        10.0, (0.5, 0.3), data.draw(st.sampled_from([0.0, 0.3, 0.9])), 0.25, data.draw(st.sampled_from([0.0, 0.3]))
    )
    timeline = Timeline(rules)
    told = [one for step in shares for one in timeline.feed(step)] + list(timeline.finish())
    whole = sorted((one for one in told if one.end is not None), key=lambda one: (one.start, one.tag))
    assert whole == moments_of(shares, rules)
    for tag in range(2):
        mine = [one for one in whole if one.tag == tag]
        assert all(one.end - one.start >= 0.25 for one in mine)  # pyright: ignore
        assert all(later.start - one.end > rules.gap for one, later in zip(mine, mine[1:], strict=False))  # pyright: ignore
    begun = {(one.tag, one.start) for one in told if one.end is None}
    long = {(one.tag, one.start) for one in whole if one.end and one.end - one.start > 0.25 + 0.2}
    assert all(
        one in begun for one in long if not rules.gap
    )  # where a gap may lie in it, it may be told only at its end
    mean = [np.mean(shares[max(0, at - rules.reach) : at + rules.reach + 1], axis=0) for at in range(steps)]
    assert np.allclose(smoothed(shares, rules), mean)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 60), st.integers(1, 16))
def test_windows_blend_to_one_answer_a_step(length: int, frames: int) -> None:
    hop = max(1, frames // 2)
    shares = np.random.default_rng(length).random((length, 2))
    blend = Blend(frames, hop)
    steps: list[np.ndarray] = []
    count = window_count(length, frames, hop)
    for number in range(count):
        places = np.minimum(np.arange(frames) + number * hop, length - 1)
        steps += blend.add(shares[places])
    steps = [*steps, *blend.rest()][:length]
    assert len(steps) == length and np.allclose(np.stack(steps), shares)  # windows that agree change nothing
    assert (count - 1) * hop + frames >= length and (count == 1 or (count - 2) * hop + frames < length)


def test_thresholds_are_those_of_the_best_f1() -> None:
    shares = np.array([[0.9, 0.2], [0.6, 0.2], [0.4, 0.9], [0.3, 0.8], [0.1, 0.7]])
    true = np.array([[1, 0], [1, 0], [1, 1], [0, 0], [0, 0]], dtype=bool)
    first, second = best_thresholds(shares, true)
    assert 0.3 < first < 0.4 and 0.8 < second < 0.9
    assert best_thresholds(shares, np.zeros_like(true)) == (0.5, 0.5)


def rows(*moments: list[tuple[float, ...]], wide: int) -> Ragged:
    flat = torch.tensor([one for row in moments for one in row], dtype=torch.float32).view(-1, wide)
    return Ragged(flat, torch.tensor([len(row) for row in moments]))


def test_moments_are_matched_by_tag_and_overlap() -> None:
    found = torch.tensor([[0, 1.0, 2.0, 0.9], [1, 1.0, 2.0, 0.9], [0, 5.0, 6.0, 0.9]])
    marked = torch.tensor([[0, 1.2, 2.2], [0, 5.5, 9.0], [1, 7.0, 8.0]])
    assert matched(found, marked, 0.5) == [(0, 0)] and sorted(matched(found, marked, 0.0)) == [(0, 0), (1, 2)]
    assert matched(found[:0], marked, 0.5) == [] and matched(found, marked[:0], 0.5) == []


def test_the_figures_by_hand() -> None:
    truth = rows([(0, 1.0, 2.0), (1, 0.0, 4.0)], [(0, 3.0, 4.0)], wide=3)
    moments = rows([(0, 1.2, 2.1, 0.9), (1, 0.0, 4.0, 0.9)], [(1, 3.0, 4.0, 0.9)], wide=4)
    shares = torch.cat([holding(one, 40, 2, 10.0).float() for one in truth.each()])
    predictions = {"share": Ragged(shares, torch.tensor([40, 40])), "moments": moments}
    found = {}
    for name, metric in {"map": TagPrecision(10.0), "f1": SegmentF1(), "error": TimelineError(10.0)}.items():
        metric.update(("a", "b"), predictions, truth)
        found[name] = metric.compute()
    assert found["map"].value == 1.0 and found["map"].n == 2
    assert found["f1"].value == pytest.approx(4 / 6)
    assert found["error"].value == pytest.approx((0.2 + 0.1) / 2, abs=1e-6)  # the second tag fills its whole video
    assert found["error"].better == "down" and found["error"].low <= found["error"].value <= found["error"].high
    half = {
        **predictions,
        "share": Ragged(torch.rand(80, 2, generator=torch.Generator().manual_seed(0)), torch.tensor([40, 40])),
    }
    worse = TagPrecision(10.0)
    worse.update(("a", "b"), half, truth)
    assert 0.2 < worse.compute().value < 0.8 and len(worse.per_tag()) == 2
