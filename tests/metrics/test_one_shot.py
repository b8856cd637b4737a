"""Known from one picture: what is right, what angles add, and that batches and order do not matter."""

import math

import pytest
import torch

from deepglass.metrics.one_shot import OneShot


def rows(people=4, each=6, noise=0.0, seed=0):
    """Pictures of one grey a person, each lighter or darker; turned ones have the person's own grey."""
    maker = torch.Generator().manual_seed(seed)
    targets = torch.arange(people).repeat_interleave(each) * 7 - 9  # strangers have negative numbers
    clean = (torch.arange(people).repeat_interleave(each) * 40 + 40).float()[:, None, None, None].expand(-1, 1, 32, 32)
    shift = noise * torch.randn(len(targets), 1, 1, 1, generator=maker)
    pictures = (clean + shift).round().clamp(0, 255).to(torch.uint8)
    ids = [f"{row:03d}" for row in range(len(targets))]
    return ids, {"known": torch.stack([pictures, clean.to(torch.uint8)], dim=1)}, targets


def figure(turned, ids, predictions, targets, cuts=((0, None),)):
    metric = OneShot(turned)
    for start, stop in cuts:
        part = {name: values[start:stop] for name, values in predictions.items()}
        metric.update(ids[start:stop], part, targets[start:stop])
    return metric.compute()


def test_people_apart_are_all_known():
    assert figure(False, *rows()).value == 1.0


def test_angles_that_show_the_person_better_help():
    given = rows(noise=20.0)
    plain, helped = figure(False, *given), figure(True, *given)
    assert 0.3 < plain.value < helped.value <= 1 and helped.better == "up"
    assert plain.low < plain.value < plain.high and plain.n == 24


@pytest.mark.parametrize("turned", [False, True])
def test_neither_batches_nor_order_change_it(turned):
    ids, predictions, targets = rows(noise=15.0)
    whole = figure(turned, ids, predictions, targets)
    assert figure(turned, ids, predictions, targets, ((0, 5), (5, 17), (17, None))) == whole
    order = torch.randperm(len(ids), generator=torch.Generator().manual_seed(3))
    mixed = {name: values[order] for name, values in predictions.items()}
    assert figure(turned, [ids[place] for place in order.tolist()], mixed, targets[order]).value == whole.value


def test_without_a_second_picture_there_is_no_figure_and_one_person_is_always_known():
    assert math.isnan(figure(False, *rows(each=1)).value)
    assert figure(False, *rows(people=1)).value == 1
    assert math.isnan(OneShot(True).compute().value)
