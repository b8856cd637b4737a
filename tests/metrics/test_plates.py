"""Plates right, missed, misread and false, counted by hand; the order of batches and of plates does not matter."""

import math

import pytest
import torch

from deepglass.data.example import Ragged
from deepglass.metrics.plates import Marked, PlateFigure, lines_of, matched
from deepglass.tasks.letters import written


def boxes(*rows):
    return torch.tensor(rows, dtype=torch.float32).view(-1, 6)


def ragged(*tables):
    return Ragged(torch.cat(tables), torch.tensor([len(table) for table in tables]))


# Three pictures: one right and one misread; one missed, one false; none there and none found.
SAID = {
    "boxes": ragged(
        boxes((0, 0, 40, 10, 0.9, 0), (50, 0, 90, 10, 0.8, 0), (0, 0, 41, 10, 0.5, 0)),
        boxes((0, 50, 40, 60, 0.7, 0)),
        boxes(),
    ),
    "score": ragged(torch.tensor([0.9, 0.8, 0.2]), torch.tensor([0.7]), torch.zeros(0)),
    "text": written(["京A12345\n沪B88888\n京A12345\n", "X\n", ""]),
}
TRUE = Marked(
    ragged(boxes((0, 1, 1, 41, 10, 0), (0, 50, 0, 90, 11, 0)), boxes((0, 0, 0, 40, 10, 0)), boxes()),
    written(["京A12345\n沪B8888\n", "粤Z1234学\n", ""]),
)


def figure(which, confidence=0.3):
    metric = PlateFigure(which, confidence)
    metric.update(("a", "b", "c"), SAID, TRUE)
    return metric.compute()


def test_right_plates_are_a_share_of_those_there_and_those_that_are_none():
    assert figure("plate_accuracy").value == 1 / 4 and figure("plate_accuracy").better == "up"
    assert figure("found").value == 2 / 3
    assert figure("cer_found").value == pytest.approx(1 / 13) and figure("cer_found").better == "down"
    assert figure("plate_accuracy").n == 3


def test_what_is_less_sure_is_no_answer_and_a_second_answer_to_a_plate_is_false():
    assert figure("plate_accuracy", 0.0).value == 1 / 5  # the copy counts
    assert figure("plate_accuracy", 0.85).value == 1 / 3
    assert figure("found", 1.1).value == 0


def test_the_order_of_batches_does_not_matter():
    once, twice = PlateFigure("plate_accuracy", 0.3), PlateFigure("plate_accuracy", 0.3)
    once.update(("a", "b", "c"), SAID, TRUE)
    for place, name in ((2, "c"), (0, "a"), (1, "b")):
        part = {key: column.rows(place, place + 1) for key, column in SAID.items()}
        twice.update((name,), part, Marked(*(column.rows(place, place + 1) for column in TRUE)))
    assert once.compute() == twice.compute()


def test_nothing_there_and_nothing_found_is_no_figure():
    metric = PlateFigure("plate_accuracy", 0.3)
    assert math.isnan(metric.compute().value)
    metric.update(
        ("c",), {key: column.rows(2, 3) for key, column in SAID.items()}, Marked(*(c.rows(2, 3) for c in TRUE))
    )
    assert math.isnan(metric.compute().value) and metric.compute().n == 1


def test_the_surest_takes_the_best_that_is_left():
    found = torch.tensor([[0.0, 0, 10, 10], [1, 0, 11, 10], [30, 0, 40, 10]])
    marked = torch.tensor([[1.0, 0, 11, 10], [0, 0, 10, 10]])
    assert matched(found, torch.tensor([0.5, 0.9, 0.8]), 0.3, marked) == [(1, 0), (2, -1), (0, 1)]
    assert matched(found, torch.tensor([0.5, 0.9, 0.8]), 0.85, marked[:0]) == [(1, -1)]


def test_lines_of_texts():
    assert lines_of(SAID["text"]) == [["京A12345", "沪B88888", "京A12345"], ["X"], []]
    assert lines_of(written(["\nA\n"])) == [["", "A"]]
