"""Error rates equal jiwer's; alignments are ways of the stated cost; intervals go over utterances."""

import math
from typing import NamedTuple

import jiwer
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from deepglass.metrics.error_rate import Edit, ErrorRate, align, distance, error_table, texts

LETTERS = st.text("ab c", max_size=12)
LINES = st.lists(st.tuples(LETTERS.map(str.strip), LETTERS.map(str.strip)), min_size=1, max_size=6)


class Rows(NamedTuple):
    values: Tensor
    lengths: Tensor


def rows(lines: list[str]) -> Rows:
    numbers = [ord(letter) for line in lines for letter in line]
    return Rows(torch.tensor(numbers, dtype=torch.int32), torch.tensor([len(line) for line in lines]))


def rated(unit: str, pairs: list[tuple[str, str]]) -> ErrorRate:
    metric = ErrorRate(unit)
    half = len(pairs) // 2
    for start, part in ((half, pairs[half:]), (0, pairs[:half])):
        if part:
            true, said = zip(*part, strict=True)
            ids = [f"{start + place:04d}" for place in range(len(part))]
            metric.update(ids, {"text": rows(list(said))}, rows(list(true)))
    return metric


@settings(max_examples=150, deadline=None)
@given(LINES)
def test_rates_equal_jiwers(pairs: list[tuple[str, str]]):
    pairs = [(" ".join(true.split()), " ".join(said.split())) for true, said in pairs]
    told = [(true, said) for true, said in pairs if true]  # jiwer refuses an empty reference
    if not told:
        assert math.isnan(rated("words", pairs).compute().value)
        return
    true, said = map(list, zip(*told, strict=True))
    assert rated("words", told).compute().value == pytest.approx(jiwer.wer(true, said))
    assert rated("letters", told).compute().value == pytest.approx(jiwer.cer(true, said))


@settings(max_examples=200, deadline=None)
@given(LETTERS, LETTERS)
def test_an_alignment_leads_from_one_to_the_other_at_the_distance(true: str, said: str):
    edits = align(true, said)
    assert "".join(edit.true for edit in edits) == true and "".join(edit.said for edit in edits) == said
    assert sum(edit.kind != "right" for edit in edits) == distance(true, said) == distance(said, true)


def test_distances_at_the_ends():
    assert distance("", "") == 0 and distance("abc", "") == 3 and distance("", "ab") == 2
    assert align("", "") == [] and align("", "a") == [Edit("", "a")]
    assert distance("语音识别", "语言识别") == 1 and distance("😀a", "a") == 1
    assert distance("a" * 3000, "b" + "a" * 2999) == 1


def test_said_beyond_what_is_true_counts_more_than_all():
    figure = rated("words", [("yes", "no no no")]).compute()
    assert figure.value == 3.0 and figure.better == "down" and figure.n == 1


def test_an_empty_truth_counts_its_insertions_over_the_others_length():
    assert rated("letters", [("ab", "ab"), ("", "xy")]).compute().value == 1.0


def test_the_interval_goes_over_utterances():
    pairs = [("abcd", "abcd" if number % 2 else "abxx") for number in range(400)]
    figure = rated("letters", pairs).compute()
    assert figure.value == 0.25
    assert figure.high - figure.low == pytest.approx(2 * 1.96 * 0.25 / math.sqrt(400), rel=0.2)
    assert rated("letters", pairs).compute() == figure


def test_the_table_counts_kinds_and_names_the_most_frequent():
    pairs = [("the cat sat", "the cat sad"), ("the cat sat", "cat sad"), ("a dog", "a big dog")]
    table = error_table(pairs)
    assert table[:4] == (5, 2, 1, 1)
    assert table.frequent == [(Edit("sat", "sad"), 2), (Edit("", "big"), 1), (Edit("the", ""), 1)]
    assert [edit.kind for edit, _ in table.frequent] == ["substitution", "insertion", "deletion"]
    assert error_table(pairs, most=1).frequent == [(Edit("sat", "sad"), 2)]
    assert error_table([("ab", "aс")], "letters").substitutions == 1  # a Cyrillic с is another letter


def test_rows_become_texts():
    assert texts(rows(["né", "", "你好"])) == ["né", "", "你好"]
    assert texts(rows([])) == []
