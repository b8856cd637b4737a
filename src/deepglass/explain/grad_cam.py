"""Grad-CAM (Selvaraju et al. 2017, arXiv:1610.02391): where in pictures, volumes and clips maps speak for an answer.

a_k = mean over places of dy / dA_k;   heat = max(0, Σ_k a_k A_k)
y is the score of a class, or the number that is answered. Where it is said of a part of the picture, of a box or of a
class' pixels, each place of the maps keeps its own slope, heat = max(0, Σ_k dy/dA_k · A_k): the mean would light up
everything of that kind (HiResCAM, arXiv:2011.08891; of boxes ODAM, arXiv:2304.06354).
"""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from deepglass.bundle import Bundle
from deepglass.explain.clips import over_time
from deepglass.explain.maps import gives_maps, inside_words, laid_over, read_at
from deepglass.explain.method import Explanation, Method, Row, kind_of, sentences
from deepglass.explain.target import has_target
from deepglass.foundation.words import say
from deepglass.graph.probe import Probe
from deepglass.tasks.kinds.volume import slices_of


def grad_cam(
    model: nn.Module, inputs: Tensor, score: Callable[[Tensor], Tensor], stage: str, local: bool = False
) -> Tensor:
    """Heat for the score (B,) of what the network gives, from the maps of `stage`.

    (B, C, H, W) -> (B, h, w); (B, C, D, H, W) -> (B, d, h, w), or (BD, h, w) where each frame has maps of its own
    """
    inputs = inputs.detach().clone().requires_grad_()
    with torch.enable_grad(), Probe(model, [stage]) as probe:
        score(model(inputs)).sum().backward(inputs=[inputs])
    maps, slopes = probe[stage].value, probe[stage].gradient  # (B, K, h, w) each, or (B, K, d, h, w)
    weights = slopes if local else slopes.mean(tuple(range(2, maps.ndim)), keepdim=True)
    return (weights * maps).sum(1).clamp(min=0).float()


def logits_of(classes: Tensor) -> Callable[[Tensor], Tensor]:
    """The score of a class of its own for each row. int (B,)"""
    return lambda logits: logits.gather(1, classes[:, None])[:, 0]


def fits(bundle: Bundle) -> bool:
    """Pictures, volumes or clips, maps inside, and one number to be explained."""
    return has_target(bundle) and gives_maps(bundle, ("picture", "volume", "clip"))


def explain(bundle: Bundle, row: Row | None) -> Explanation:
    """The heat over the picture, over slices of the volume or over frames of the clip."""
    assert row is not None and row.target is not None
    model, target = bundle.model.eval(), row.target
    stage = read_at(model, row)
    heats = grad_cam(model, row.presented, target.score, stage, target.local)
    if kind_of(bundle) == "clip":
        return over_time(bundle, row, heats.cpu(), stage)
    heat = heats[0].cpu().numpy()
    if kind_of(bundle) == "volume":
        measured, inside = row.prepared[0].float().cpu().numpy(), ""
        view = slices_of(measured, bundle.task.facts.inputs, target.name, heat)
    else:
        view, inside = laid_over(row, heat, target.name), inside_words(row, heat)
    words = sentences(say("explain.grad_cam", stage=stage, seen=view.text()), inside)
    return Explanation({"grad_cam": view}, {"heat": heat.astype(np.float32)}, words, {"stage": stage})


CATALOGUE = {"grad_cam": Method(fits, explain, rank=0)}
