"""EigenCAM (Muhammad & Yeasin 2020, arXiv:2008.00299): what the maps respond to most, without slopes and classes.

A - mean over places (places, channels) = U Σ Vᵀ;   heat = max(0, (A - mean) v_1)
The sign of v_1 is the one in which few places stand out of many. The paper does not take the mean away; of maps behind
no rectifier, as a pyramid's are, the first direction would be what is the same everywhere.
"""

import numpy as np
import torch
from torch import Tensor

from deepglass.bundle import Bundle
from deepglass.explain.maps import gives_maps, inside_words, laid_over, read_at
from deepglass.explain.method import Explanation, Method, Row, sentences
from deepglass.explain.target import has_target
from deepglass.foundation.words import say
from deepglass.graph.probe import Probe


def eigen_cam(maps: Tensor) -> Tensor:
    """The maps along the direction in which they differ most. (B, K, h, w) -> (B, h, w)"""
    flat = maps.float().flatten(2).mT  # (B, h w, K)
    flat = flat - flat.mean(1, keepdim=True)
    first = torch.linalg.svd(flat, full_matrices=False).Vh[:, 0]  # (B, K)
    heat = (flat @ first[:, :, None])[..., 0]
    heat = heat * heat.pow(3).sum(1, keepdim=True).sign()
    return heat.clamp(min=0).unflatten(1, maps.shape[2:])


def fits(bundle: Bundle) -> bool:
    """Pictures, maps inside, and one number to be explained, which says at which of them to look."""
    return has_target(bundle) and gives_maps(bundle)


@torch.no_grad()
def explain(bundle: Bundle, row: Row | None) -> Explanation:
    """The heat over the picture."""
    assert row is not None
    model = bundle.model.eval()
    stage = read_at(model, row)
    with Probe(model, [stage]) as probe:
        model(row.presented)
    heat = eigen_cam(probe[stage].value)[0].cpu().numpy()
    view = laid_over(row, heat, say("explain.response"))
    words = say("explain.eigen_cam", stage=stage, seen=view.text())
    return Explanation(
        {"eigen_cam": view},
        {"heat": heat.astype(np.float32)},
        sentences(words, inside_words(row, heat)),
        {"stage": stage},
    )


CATALOGUE = {"eigen_cam": Method(fits, explain, rank=5)}
