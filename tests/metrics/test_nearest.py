"""How made pictures lie among real ones: copies, different ones, those that are met, by their definitions."""

import math

import pytest
import torch

from deepglass.metrics.nearest import SAME, by_class, coarse, copies, distinct, met, nearest, next_one


def points(count, seed, spread=1.0):
    return spread * torch.randn(count, 6, generator=torch.Generator().manual_seed(seed))


def test_the_nearest_are_found_in_pieces_and_nothing_is_its_own(monkeypatch):
    monkeypatch.setattr("deepglass.metrics.nearest.AT_ONCE", 7)
    asked, among = points(20, 0), points(30, 1)
    distances, places = nearest(asked, among, 3)
    table = (asked[:, None] - among).square().mean(2).sqrt()
    expected = table.topk(3, largest=False)
    assert torch.allclose(distances, expected.values, atol=1e-5) and torch.equal(places, expected.indices)
    own, places = nearest(asked, asked, themselves=True)
    assert (own > 0.1).all() and (places[:, 0] != torch.arange(20)).all()


def test_a_distance_of_two_is_black_to_white():
    black, white = torch.zeros(1, 1, 32, 32, dtype=torch.uint8), torch.full((1, 1, 32, 32), 255, dtype=torch.uint8)
    assert coarse(black).shape == (1, 256) and coarse(torch.zeros(2, 3, 8, 8)).shape == (2, 192)
    assert float(nearest(coarse(black), coarse(white))[0]) == pytest.approx(2.0)


def test_copies_are_much_nearer_than_new_pictures_are():
    known = points(50, 0)
    held = nearest(points(40, 1), known)[0][:, 0]
    half = torch.cat([known[:10] + 0.01, points(10, 2)])
    near, which = (column[:, 0] for column in nearest(half, known))
    beside = next_one(known[which], known)
    made, again = copies(near, held, beside)
    assert made == pytest.approx(0.5) and again < 0.1
    twice = torch.cat([held, torch.zeros(60)])  # held-back pictures that are in the training part as well
    assert copies(near, twice, beside) == (made, again)
    assert copies(torch.tensor([SAME / 2, 1.0]), torch.zeros(9), torch.full((2,), torch.inf)) == (
        0.5,
        0.0,
    )  # all of them


def test_a_blur_among_flat_pictures_is_a_copy_of_none_of_them():
    flat, varied = points(20, 0, spread=0.1), points(200, 1)  # training has a few that are all alike
    known, blurs = torch.cat([flat, varied]), points(50, 2, spread=0.1)
    held = nearest(torch.cat([points(5, 3, spread=0.1), points(40, 4)]), known)[0][:, 0]
    near, which = (column[:, 0] for column in nearest(blurs, known))
    assert copies(near, held, torch.full_like(near, torch.inf))[0] == 1
    assert copies(near, held, next_one(known[which], known))[0] < 0.2
    assert torch.equal(next_one(known[:1], known[:1].expand(9, -1)), torch.tensor([torch.inf]))


def test_different_pictures_and_the_same_again():
    real = points(60, 0)
    assert distinct(points(60, 1), real) == pytest.approx(1, abs=0.15)
    assert distinct(points(3, 1).repeat(20, 1), real) == 0
    assert distinct(points(60, 1, 0.3), real) == pytest.approx(0.3, abs=0.06)
    assert math.isnan(distinct(real, real[:1].repeat(60, 1))) and math.isnan(distinct(real[:1], real))


def test_real_pictures_are_met_class_by_class():
    here, there = points(40, 0), points(40, 1) + 50
    rows = met(points(200, 2), torch.cat([here, there]))
    found = by_class(rows, ["there" if place >= 40 else "here" for place in range(80)])
    assert list(found) == ["here", "there"] and found["here"] > 0.8 and found["there"] == 0
    assert not met(here, here[:3]).any()
