"""Cross-entropy of every token of rows that differ in length: the loss of language models and of translation."""

import torch.nn.functional as F
from torch import Tensor

from deepglass.foundation.padded import Padded

PADDING = -100  # what `torch.nn.functional.cross_entropy` passes over


def token_cross_entropy(logits: Padded, targets: Padded, smoothing: float = 0.0) -> Tensor:
    """Σ_b Σ_{t < n_b} Σ_k t'_btk · (-log softmax(z_bt)_k), with t' = (1 - ε) · [k = y_bt] + ε / V.

    logits (B, T, V), targets int (B, T) -> (). Its count is the number of tokens, Σ_b n_b.
    """
    flat, own = _flat(logits, targets)
    return F.cross_entropy(flat, own, ignore_index=PADDING, label_smoothing=smoothing, reduction="sum")


def row_cross_entropy(logits: Padded, targets: Padded) -> Tensor:
    """Σ_{t < n_b} -log softmax(z_bt)_{y_bt} of each row: what it costs to be told, in nats. -> (B,)"""
    flat, own = _flat(logits, targets)
    each = F.cross_entropy(flat, own, ignore_index=PADDING, reduction="none")
    return each.view(targets.values.shape).sum(1)


def _flat(logits: Padded, targets: Padded) -> tuple[Tensor, Tensor]:
    """(B · T, V), (B · T,)"""
    own = targets.values.masked_fill(~targets.mask, PADDING)
    return logits.values.flatten(0, 1).float(), own.flatten()
