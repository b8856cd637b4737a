"""CTC equals the sum over every path, written out; rows do not touch each other; what fits nowhere costs nothing."""

import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from deepglass.foundation.padded import Padded
from deepglass.losses.ctc import alignable, ctc, ctc_count, disagreement, flat_start


def padded(rows: list[list[int]]) -> Padded:
    longest = max(1, *map(len, rows))
    values = torch.tensor([row + [0] * (longest - len(row)) for row in rows])
    return Padded(values, torch.tensor([len(row) for row in rows]))


def some_logits(lengths: list[int], symbols: int, seed: int = 0) -> Padded:
    values = torch.randn(len(lengths), max(lengths), symbols, generator=torch.Generator().manual_seed(seed))
    return Padded(values, torch.tensor(lengths)).with_values(values)


def read(path: tuple[int, ...]) -> list[int]:
    """Repeats merged, blanks dropped."""
    return [symbol for symbol, _ in itertools.groupby(path) if symbol]


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 5), st.lists(st.integers(1, 2), max_size=3), st.integers(0, 99))
def test_it_is_the_sum_over_every_path(steps: int, target: list[int], seed: int):
    logits = some_logits([steps], 3, seed)
    shares = logits.values[0].double().softmax(1)
    total = sum(
        float(torch.stack([shares[step, symbol] for step, symbol in enumerate(path)]).prod())
        for path in itertools.product(range(3), repeat=steps)
        if read(path) == target
    )
    loss = ctc(logits, padded([target]))
    fits = bool(alignable(logits.lengths, padded([target])))
    assert fits == (total > 0)
    expected = -torch.tensor(total).log() if fits else torch.tensor(0.0)
    torch.testing.assert_close(loss, expected.float(), rtol=1e-4, atol=1e-5)


def test_a_batch_is_the_sum_of_its_rows_whatever_stands_behind_their_ends():
    logits, targets = some_logits([9, 4, 7], 5), [[1, 2, 2], [4], []]
    alone = [
        ctc(Padded(logits.values[row : row + 1, :steps], logits.lengths[row : row + 1]), padded([targets[row]]))
        for row, steps in enumerate([9, 4, 7])
    ]
    torch.testing.assert_close(ctc(logits, padded(targets)), sum(alone))
    dirty = Padded(logits.values.masked_fill(~logits.mask[:, :, None], 3.0), logits.lengths)
    torch.testing.assert_close(ctc(dirty, padded(targets)), ctc(logits, padded(targets)))


def test_gradients_stay_inside_each_row_and_out_of_rows_that_do_not_fit():
    logits = some_logits([8, 3, 5], 4)
    values = logits.values.clone().requires_grad_()
    loss = ctc(Padded(values, logits.lengths), padded([[1, 2, 3], [1, 1, 1], [2, 2]]))
    loss.backward()
    moved = values.grad.abs().sum(2) > 0
    assert torch.equal(moved, logits.mask & torch.tensor([[True], [False], [True]]))
    assert loss.isfinite() and not alignable(logits.lengths, padded([[1, 2, 3], [1, 1, 1], [2, 2]]))[1]


def test_half_precision_logits_give_a_loss_in_single_precision():
    logits = some_logits([12], 6)
    half = ctc(Padded(logits.values.bfloat16(), logits.lengths), padded([[1, 2]]))
    assert half.dtype == torch.float32
    torch.testing.assert_close(half, ctc(logits, padded([[1, 2]])), rtol=0.02, atol=0.02)


@pytest.mark.parametrize(("targets", "count"), [([[1, 2], [3]], 3.0), ([[], []], 1.0)])
def test_the_count_is_the_letters(targets: list[list[int]], count: float):
    assert ctc_count(padded(targets)) == count


def test_a_nan_is_not_hidden():
    logits = some_logits([4], 3)
    logits.values[0, 1, 1] = float("nan")
    assert ctc(logits, padded([[1]])).isnan()


def test_two_hearings_that_disagree_learn_from_each_other_and_not_behind_their_ends():
    """What is written is Jeffreys' divergence by half; its gradient is (p - q) / 2, each other's share held fast."""
    one, other = (some_logits([5, 3], 4, seed) for seed in (0, 1))
    p, q = (each.values[each.mask].double().softmax(1) for each in (one, other))
    expected = ((p - q) * (p.log() - q.log())).sum() / 2
    values = one.values.clone().requires_grad_()
    loss = disagreement(one.with_values(values), other)
    torch.testing.assert_close(loss, expected.float())
    loss.backward()
    torch.testing.assert_close(values.grad[one.mask], ((p - q) / 2).float())
    assert not values.grad[~one.mask].any() and disagreement(one, one) == 0


def test_a_flat_start_wants_letters_evenly_spread_and_blanks_between():
    """Eight steps, two letters: each is wanted in the middle half of its four steps; a row's own end counts."""
    logits, targets = some_logits([8, 4], 4), padded([[3, 1], [2]])
    probabilities = logits.values.log_softmax(2)
    wanted = [[0, 3, 3, 0, 0, 1, 1, 0], [0, 2, 2, 0]]
    expected = -sum(probabilities[b, t, symbol] for b, row in enumerate(wanted) for t, symbol in enumerate(row))
    torch.testing.assert_close(flat_start(logits, targets), expected)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 12), st.integers(0, 12)), min_size=1, max_size=3))
def test_a_flat_start_wants_every_letter_that_has_a_step(rows):
    rows = [(steps, min(letters, steps)) for steps, letters in rows]
    lengths = [steps for steps, _ in rows]
    targets = padded([list(range(1, letters + 1)) for _, letters in rows])
    values = torch.zeros(len(rows), max(lengths), 14, requires_grad=True)
    flat_start(Padded(values, torch.tensor(lengths)), targets).backward()
    assert values.grad is not None
    for row, (steps, letters) in enumerate(rows):
        asked = values.grad[row].argmin(1)[:steps].tolist()
        assert read(tuple(asked)) == list(range(1, letters + 1))
        assert not values.grad[row, steps:].any()
