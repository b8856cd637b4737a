"""Spans as seqeval reads them, and figures over tokens and spans worked out by hand."""

import itertools

import pytest
import torch

from deepglass.data.example import ragged
from deepglass.metrics.spans import SpanF1, TokenAccuracy, in_spans, spans_of

TAGS = ("B-LOC", "B-PER", "I-LOC", "I-PER", "O")


def conlleval(tags):
    """The rules of conlleval.pl, as seqeval states them: written once more, tag by tag."""
    found, begin, before, kind_before = [], 0, "O", ""
    for place, tag in enumerate([*tags, "O"]):
        mark, _, kind = tag.partition("-")
        ends = before in ("E", "S") or (before in ("B", "I") and mark in ("B", "S", "O"))
        ends = ends or (before != "O" and kind_before != kind)
        starts = mark in ("B", "S") or (before in ("E", "S", "O") and mark in ("E", "I"))
        starts = starts or (mark != "O" and kind_before != kind)
        if ends:
            found.append((begin, place, kind_before))
        if starts:
            begin = place
        before, kind_before = mark, kind
    return found


@pytest.mark.parametrize("length", [1, 2, 3, 4, 5])
def test_every_short_sentence_has_the_spans_of_conlleval(length):
    for tags in itertools.product(TAGS, repeat=length):
        assert spans_of(tags) == conlleval(tags), tags


def test_ends_and_singles_are_read_as_well():
    tags = ["S-PER", "B-LOC", "I-LOC", "E-LOC", "E-LOC", "O", "I-PER", "S-PER"]
    assert (
        spans_of(tags) == conlleval(tags) == [(0, 1, "PER"), (1, 4, "LOC"), (4, 5, "LOC"), (6, 7, "PER"), (7, 8, "PER")]
    )


def test_tags_of_spans_are_told_from_others():
    assert in_spans(["B-PER", "O"]) and not in_spans(["B-PER", "NOUN"]) and not in_spans(["O", "X"])


def numbers(*rows):
    return ragged([torch.tensor([TAGS.index(tag) if tag in TAGS else -1 for tag in row.split()]) for row in rows])


TRUE = ("B-PER I-PER O B-LOC", "O B-LOC", "B-PER O")
SAID = ("B-PER I-PER O B-LOC", "O B-PER", "B-PER I-PER")


def test_figures_by_hand():
    tokens, spans = TokenAccuracy(), SpanF1(TAGS)
    for metric in (tokens, spans):
        metric.update(["a", "b"], {"tags": numbers(*SAID[:2])}, numbers(*TRUE[:2]))
        metric.update(["c"], {"tags": numbers(SAID[2])}, numbers(TRUE[2]))
    assert tokens.compute().value == pytest.approx(6 / 8) and tokens.compute().n == 3
    assert spans.compute().value == pytest.approx(2 * 2 / (4 + 4))  # PER and LOC of the first; no other is whole
    assert spans.types == ["?", "LOC", "PER"]
    right, told, true = spans.totals()
    assert (right.tolist(), told.tolist(), true.tolist()) == ([0, 1, 1], [0, 1, 3], [0, 2, 2])
    assert 0 <= spans.compute().low <= spans.compute().value <= spans.compute().high <= 1


def test_a_tag_that_training_never_had_is_a_span_that_was_missed():
    spans = SpanF1(TAGS)
    spans.update(["a"], {"tags": numbers("B-PER O")}, numbers("B-PER B-ORG"))
    assert spans.compute().value == pytest.approx(2 / 3)


def test_tokens_of_a_row_that_was_cut_are_not_right():
    tokens = TokenAccuracy()
    tokens.update(["a"], {"tags": numbers("O O")}, numbers("O O O O"))
    assert tokens.compute().value == 0.5


def test_nothing_to_tell_is_no_figure():
    spans, tokens = SpanF1(TAGS), TokenAccuracy()
    assert spans.compute().value != spans.compute().value and tokens.compute().n == 0
    spans.update(["a"], {"tags": numbers("O O")}, numbers("O O"))
    assert spans.compute().value != spans.compute().value
