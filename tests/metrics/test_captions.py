"""Figures of captions by hand: exact match, ROUGE-L, CIDEr as its paper has it, BLEU with several references."""

import math

import pytest
import sacrebleu
from hypothesis import given, settings
from hypothesis import strategies as st

from deepglass.foundation.errors import RunFailed
from deepglass.metrics.bleu import BLEU
from deepglass.metrics.cider import CIDEr, cider
from deepglass.metrics.exact import ExactMatch
from deepglass.metrics.rouge import BETA, RougeL, longest_common, rouge_l
from deepglass.metrics.told import cut
from tests.metrics.test_translation import column, measured

TOLD = ["a red circle left of a blue square", "a dog", "two cats sleep", ""]
WANTED = [
    "A red circle left of a blue square.",
    "a cat\na Dog!\nsomething that barks",
    "three cats sleep\ntwo cats play",
    "a tree",
]


def test_exact_match_asks_for_the_words_of_one_caption():
    found = measured(ExactMatch(), TOLD, WANTED)
    assert (found.value, found.n, found.better) == (0.5, 4, "up") and 0 < found.low < 0.5 < found.high < 1
    assert measured(ExactMatch(), ["a dog a"], ["a dog"]).value == 0  # nor more words than it has
    assert math.isnan(ExactMatch().compute().value)


def test_rouge_l_by_hand():
    # "two cats sleep" shares two words of three with either caption: R = P = 2/3
    assert rouge_l(cut(TOLD[2]), [cut(one) for one in WANTED[2].split("\n")]) == pytest.approx(2 / 3)
    # recall of the short caption and precision by the long one are taken apart: R = 2/2, P = 3/4
    told, wanted = "a b c d".split(), ["a d".split(), "a b c x y z".split()]
    assert rouge_l(told, wanted) == pytest.approx((1 + BETA**2) * 0.75 / (1 + BETA**2 * 0.75))
    assert rouge_l([], wanted) == rouge_l(told, [["x"]]) == rouge_l(told, [[]]) == 0
    assert measured(RougeL(), TOLD, WANTED).value == pytest.approx((1 + 1 + 2 / 3 + 0) / 4)


words = st.lists(st.sampled_from("abcd"), max_size=7)


@settings(max_examples=60, deadline=None)
@given(words, words)
def test_the_longest_common_sequence_is_the_one_of_all_subsequences(one, other):
    def subsequences(row):
        return {tuple(row[place] for place in range(len(row)) if mask >> place & 1) for mask in range(1 << len(row))}

    longest = max(map(len, subsequences(one) & subsequences(other)))
    assert longest_common(one, other) == longest_common(other, one) == longest


def test_cider_by_hand():
    """Two pictures, so log |I| / 1 = log 2 for what one of them has and log 1 = 0 for "a", which both have."""
    pairs = [("a dog".split(), ["a dog".split(), "a cat".split()]), ("a tree".split(), ["a tree".split()])]
    # n = 1: "a" weighs nothing, so c and s_1 are both "dog" alone and s_2 is "cat": (1 + 0) / 2; n = 2: the same
    # n = 3, 4: no such runs. So the first has (1/2 + 1/2 + 0 + 0) / 4 and the second (1 + 1) / 4
    assert cider(pairs) == pytest.approx([0.25, 0.5])
    # tf counts: "a dog dog" has h / Σh = 2/3 of dog against 1/3 of a: only dog weighs, the direction is the same
    assert cider([("dog dog b".split(), ["dog c".split()]), (["x"], [["x"]])])[0] == pytest.approx(
        # n = 1: g(c) = (dog 2/3 log 2, b 1/3 log 2 since no caption has it), g(s) = (dog, c) 1/2 log 2 each
        (2 / 3 * 1 / 2) / (math.sqrt(4 / 9 + 1 / 9) * math.sqrt(1 / 2)) / 4
    )


def test_cider_is_whole_for_four_words_that_nobody_else_tells():
    texts = ["one two three four five", "six seven eight nine ten"]
    found = measured(CIDEr(), texts, [f"{text}\n{text}" for text in texts], sizes=(1,))
    assert found.value == pytest.approx(1.0) and found.n == 2
    assert measured(CIDEr(), texts[::-1], texts).value == 0
    assert measured(CIDEr(), ["", "six"], texts).value == pytest.approx((1 / math.sqrt(5) / 4) / 2)


def test_bleu_takes_the_best_of_several_references():
    found = measured(BLEU("\n"), TOLD, WANTED)
    streams = [[own.split("\n")[0] for own in WANTED]]
    streams += [[(own.split("\n") + [own.split("\n")[0]] * 3)[place] for own in WANTED] for place in (1, 2)]
    assert found.value == pytest.approx(sacrebleu.BLEU().corpus_score(TOLD, streams).score)
    assert found.by.startswith("BLEU|nrefs:3|")
    assert measured(BLEU(), TOLD, WANTED).by.startswith("BLEU|nrefs:1|")


@pytest.mark.parametrize("make", [ExactMatch, RougeL, CIDEr])
def test_batches_do_not_count_and_no_row_counts_twice(make):
    assert measured(make(), TOLD, WANTED) == measured(make(), TOLD, WANTED, sizes=(4,))
    metric = make()
    metric.update(["a"], {"text": column(["x"])}, column(["y"]))
    with pytest.raises(RunFailed, match="a"):
        metric.update(["a"], {"text": column(["x"])}, column(["y"]))


def test_words_are_compared_without_capitals_and_punctuation():
    assert cut("Tom's dog — “No. 5”, isn’t it?") == ["tom's", "dog", "no", "5", "isn’t", "it"]
    assert cut("红色的圆在 blue 的左边。") == [*"红色的圆在", "blue", *"的左边"]
