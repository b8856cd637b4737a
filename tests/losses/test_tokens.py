"""Cross-entropy of tokens: what each row costs alone, whatever lies behind its end."""

import pytest
import torch
import torch.nn.functional as F

from deepglass.foundation.padded import Padded
from deepglass.losses.tokens import row_cross_entropy, token_cross_entropy

LENGTHS = torch.tensor([4, 1, 0, 3])


def rows(dtype: torch.dtype = torch.float64) -> tuple[Padded, Padded]:
    maker = torch.Generator().manual_seed(0)
    logits = torch.randn(4, 4, 6, generator=maker, dtype=dtype)
    targets = torch.randint(0, 6, (4, 4), generator=maker)
    return Padded(logits, LENGTHS), Padded(targets, LENGTHS)  # behind the ends lies anything


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_the_sum_is_that_of_the_rows_alone(smoothing: float):
    logits, targets = rows()
    alone = [
        F.cross_entropy(z[:length].float(), y[:length], reduction="sum", label_smoothing=smoothing)
        for z, y, length in zip(logits.values, targets.values, LENGTHS.tolist(), strict=True)
    ]
    torch.testing.assert_close(token_cross_entropy(logits, targets, smoothing), torch.stack(alone).sum())
    if not smoothing:
        torch.testing.assert_close(row_cross_entropy(logits, targets), torch.stack(alone))


def test_what_lies_behind_an_end_has_no_gradient():
    logits, targets = rows()
    values = logits.values.clone().requires_grad_()
    token_cross_entropy(Padded(values, LENGTHS), targets).backward()
    assert values.grad is not None and (values.grad[~logits.mask] == 0).all()
    assert (values.grad[logits.mask].abs().sum(1) > 0).all()


def test_half_precision_is_summed_as_whole():
    logits, targets = rows(torch.bfloat16)
    assert token_cross_entropy(logits, targets).dtype == torch.float32
