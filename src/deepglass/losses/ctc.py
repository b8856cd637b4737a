"""Connectionist temporal classification: the loss of a transcript whose letters nobody has put at their moments.

Graves et al. 2006, "Connectionist temporal classification". Number 0 is the blank, "nothing new here".
Letters: B rows, T steps of the network, V symbols with the blank, L letters of a transcript.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from deepglass.foundation.padded import Padded

NEAR = 0.25  # of its room, from a letter's middle, within which a flat start wants it


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


def flat_start(logits: Padded, targets: Padded) -> Tensor:
    """Σ_b Σ_t -log softmax(z_bt)_ŷ with the letters ŷ of each row spread evenly over it, blanks between them.

    What recognisers of speech begin with before they can find out where each letter is (Young 2006, "The HTK Book",
    section 8.3): a CTC network by itself says for hundreds of steps nothing but how often each letter comes up.
    logits (B, T, V), targets int (B, L) of 1 .. V-1 -> (); its count is that of `ctc`.
    """
    steps, letters = logits.lengths[:, None], targets.lengths[:, None]
    time = torch.arange(logits.values.shape[1], device=steps.device)
    share = letters / steps.clamp(min=1)  # letters a step
    place = (time + 0.5) * share  # (B, T)
    letter = torch.minimum(place.long(), (letters - 1).clamp(min=0))
    near = (place - letter - 0.5).abs() < torch.clamp(share / 2 + 1e-4, min=NEAR)  # at one step at least
    every = F.pad(targets.values.long(), (0, 1)).gather(1, letter)  # (B, T)
    wanted = torch.where(near & (letters > 0), every, 0)
    each = F.cross_entropy(logits.values.float().mT, wanted, reduction="none")  # (B, T)
    return (each * logits.mask).sum()


def disagreement(one: Padded, other: Padded) -> Tensor:
    """Σ_b Σ_t ½ [KL(q_bt‖p_bt) + KL(p_bt‖q_bt)] of two hearings p, q of the same rows, each learning from the other.

    In each half the first distribution is a constant, what the second is to become (CR-CTC, Yao et al. 2024,
    arXiv:2410.05101, section 3.2). logits (B, T, V) twice, with the same lengths -> (); its count is that of `ctc`.
    """
    p, q = (logits.values.float().log_softmax(2) for logits in (one, other))
    apart = F.kl_div(p, q.detach(), reduction="none", log_target=True).sum(2)
    apart = apart + F.kl_div(q, p.detach(), reduction="none", log_target=True).sum(2)  # (B, T)
    return (apart * one.mask).sum() / 2


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
