"""What deciding brings, counted by hand: 0 and 1 are classes, 2 is a person, 3 is none of them."""

import math

import pytest
import torch

from deepglass.metrics.decision import MeanCost, Sorted, SortedError

DECISION = torch.tensor([0, 1, 1, 2, 3, 0, 3])
TARGETS = torch.tensor([0, 0, 1, 1, 1, -1, -1])
IDS = list("abcdefg")


def computed(metric, decision=DECISION, targets=TARGETS, ids=IDS):
    for rows in (slice(0, 3), slice(3, None)):
        metric.update(ids[rows], {"decision": decision[rows].float()}, targets[rows])  # as an evaluation keeps them
    return metric.compute()


def test_what_is_taken_for_a_class_is_sorted_and_what_is_set_aside_is_not():
    figure = computed(Sorted(2))
    assert figure.value == pytest.approx(4 / 7) and figure.n == 7 and figure.better == "up"


def test_mistakes_are_counted_where_no_person_is_asked():
    figure = computed(SortedError(2))
    assert figure.value == pytest.approx(3 / 6) and figure.n == 6 and figure.better == "down"  # b, e and f
    assert computed(SortedError(2, none=1)).value == pytest.approx(3 / 6)  # b, f and g: e is of the class none
    nothing = computed(SortedError(2), torch.full((7,), 2))
    assert math.isnan(nothing.value) and nothing.n == 0 and nothing.better == "down"


def test_costs_are_those_of_what_was_taken_for_what():
    costs = ((0.0, 3.0), (5.0, 0.0))
    figure = computed(MeanCost(costs, price=0.5))
    assert figure.value == pytest.approx((0 + 3 + 0 + 0.5 + 0.5) / 5) and figure.n == 5  # -1 has no cost
    aside = computed(MeanCost(costs, price=0.5, none=0))
    assert aside.value == pytest.approx((0 + 3 + 0 + 0.5 + 5) / 5)
