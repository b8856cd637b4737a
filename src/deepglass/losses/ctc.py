"""Connectionist temporal classification: the loss of a transcript whose letters nobody has put at their moments.

Graves et al. 2006, "Connectionist temporal classification". Number 0 is the blank, "nothing new here".
Letters: B rows, T steps of the network, V symbols with the blank, L letters of a transcript.
"""

import torch.nn.functional as F
from torch import Tensor

from deepglass.foundation.padded import Padded


def ctc(logits: Padded, targets: Padded) -> Tensor:
    """Σ_b -log Σ_π Π_t softmax(z_bt)_π_t over the paths π that read y_b once repeats are merged and blanks dropped.

    logits (B, T, V), targets int (B, L) of 1 .. V-1 -> (). Its count is Σ_b L_b, the letters. A row that is not
    `alignable` has no such path: it costs 0 and moves nothing, instead of making everything infinite.
    """
    # On the CPU wherever the network is: the kernel of CUDA adds its gradients in no order, so in other bits each time.
    log_probabilities = logits.values.float().log_softmax(2).transpose(0, 1).cpu()  # (T, B, V)
    loss = F.ctc_loss(
        log_probabilities,
        targets.values.long().cpu(),
        logits.lengths.cpu(),
        targets.lengths.cpu(),
        blank=0,
        reduction="sum",
        zero_infinity=True,
    )
    return loss.to(logits.values.device)


def alignable(steps: Tensor, targets: Padded) -> Tensor:
    """Whether the network takes enough steps: one for every letter, and a blank between two that are the same.

    int (B,), int (B, L) -> bool (B,)
    """
    values = targets.values
    repeats = (values[:, 1:] == values[:, :-1]) & targets.mask[:, 1:]
    return steps >= targets.lengths + repeats.sum(1)


def ctc_count(targets: Padded) -> float:
    """What the sum is divided by: the letters of all transcripts, at least one."""
    return float(max(1, int(targets.lengths.sum())))
