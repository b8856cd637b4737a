"""Grad-CAM (Selvaraju et al. 2017, arXiv:1610.02391): where in a picture or volume the last maps speak for an answer.

a_k = mean over places of dz_c / dA_k;   heat = max(0, Σ_k a_k A_k)
"""

import math

import numpy as np
import torch
from torch import Tensor, nn

from deepglass.bundle import Bundle
from deepglass.explain.method import Explanation, Method, Row, kind_of, labels_of, pixels_of, stages
from deepglass.foundation.words import say
from deepglass.graph.probe import Probe
from deepglass.graph.trace import example
from deepglass.tasks.kinds.volume import slices_of
from deepglass.views.heat import Heat


def grad_cam(model: nn.Module, inputs: Tensor, classes: Tensor, stage: str) -> Tensor:
    """Heat for the given class of each row, from the maps of `stage`.

    (B, C, H, W), int (B,) -> (B, h, w); (B, C, D, H, W) -> (B, d, h, w)
    """
    inputs = inputs.detach().clone().requires_grad_()
    with torch.enable_grad(), Probe(model, [stage]) as probe:
        logits = model(inputs)
        logits.gather(1, classes[:, None]).sum().backward(inputs=[inputs])
    maps, slopes = probe[stage].value, probe[stage].gradient  # (B, K, h, w) each, or (B, K, d, h, w)
    weights = slopes.mean(tuple(range(2, maps.ndim)), keepdim=True)  # (B, K, 1, 1)
    return (weights * maps).sum(1).clamp(min=0).float()


def last_map(model: nn.Module, inputs: Tensor) -> str | None:
    """The last stage that gives maps (B, C, h, w) or (B, C, d, h, w) of more than one place."""
    names = stages(model)
    with torch.no_grad(), Probe(model, names, keep=lambda tensor, kind: tuple(tensor.shape)) as probe:
        model(inputs)
    maps = [name for name in names if name in probe and _is_map(probe[name].value)]
    return maps[-1] if maps else None


def _is_map(shape: tuple[int, ...]) -> bool:
    return len(shape) in (4, 5) and math.prod(shape[2:]) > 1


def fits(bundle: Bundle) -> bool:
    """Pictures or volumes, classes, and maps inside."""
    if kind_of(bundle) not in ("picture", "volume") or not labels_of(bundle):
        return False
    (blank,) = example(bundle.task.asks().takes, device=_device(bundle))
    return last_map(bundle.model.eval(), blank) is not None


def explain(bundle: Bundle, row: Row | None) -> Explanation:
    """The heat over the picture."""
    assert row is not None
    model = bundle.model.eval()
    stage = last_map(model, row.presented)
    assert stage is not None
    target = torch.tensor([row.number], device=row.presented.device)
    heat = grad_cam(model, row.presented, target, stage)[0].cpu().numpy()
    label = str(labels_of(bundle)[row.number])
    if kind_of(bundle) == "volume":
        measured = row.prepared[0].float().cpu().numpy()
        view = slices_of(measured, bundle.task.facts.inputs, label, heat)
    else:
        view = Heat(pixels_of(row), heat, label)
    words = say("explain.grad_cam", stage=stage, seen=view.text())
    return Explanation({"grad_cam": view}, {"heat": heat.astype(np.float32)}, words)


def _device(bundle: Bundle) -> torch.device:
    return next(bundle.model.parameters()).device


CATALOGUE = {"grad_cam": Method(fits, explain, rank=0)}
