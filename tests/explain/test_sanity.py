"""Sanity checks for saliency maps (Adebayo et al. 2018, arXiv:1810.03292): what a network learned must be seen in them.

Heat of a trained network differs from that of the same network with weights drawn anew, and its peak lies in the square
more often than chance would have it. Boxes of made:scattered: benchmarks/explain.py, records/2026-11-27-explain.md.
"""

import copy

import numpy as np
import pytest
import torch
from PIL import Image

import deepglass as dg
from deepglass.bundle import Bundle
from deepglass.explain.answer import explain
from deepglass.foundation.words import speaking
from deepglass.networks import build

METHODS = ("grad_cam", "eigen_cam", "occlusion", "integrated_gradients")
SIDE = 32


@pytest.fixture(scope="module")
def asked(squares):
    """A trained network, twenty pictures with a square, and where the square is."""
    root, run = squares
    files = [root / "square" / f"{place:02d}.png" for place in range(20)]
    squares_at = [np.asarray(Image.open(file).convert("L")) > 200 for file in files]
    return dg.load(run), [str(file) for file in files], squares_at


def random_one(bundle):
    """The same network with weights drawn anew."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        model = build(bundle.name, bundle.document["model"]["settings"])
    return Bundle(bundle.document, model.eval(), bundle.task)


def heats(bundle, files, method):
    """How strongly each pixel counts for "square". (N, SIDE, SIDE)"""
    with speaking("en"):
        found = [one.explanation for one in explain(bundle, files, method, "square")]
    maps = [next(iter(one.arrays.values())) for one in found]
    maps = [np.abs(heat).sum(0) if heat.ndim == 3 else heat.clip(min=0) for heat in maps]
    sized = [Image.fromarray(heat.astype(np.float32)).resize((SIDE, SIDE), Image.Resampling.BILINEAR) for heat in maps]
    return np.stack([np.asarray(heat) for heat in sized])


def alike(one, other):
    """The mean rank correlation of heat (N, H, W) over the pictures; 0 where one of them is the same everywhere."""
    found = []
    for a, b in zip(one.reshape(len(one), -1), other.reshape(len(other), -1), strict=True):
        ranks = [np.argsort(np.argsort(values, kind="stable"), kind="stable") for values in (a, b)]
        found.append(np.corrcoef(*ranks)[0, 1] if a.std() and b.std() else 0.0)
    return float(np.mean(found))


@pytest.mark.parametrize("method", METHODS)
def test_explanations_show_what_was_learned(asked, method):
    bundle, files, _ = asked
    trained, drawn = heats(bundle, files, method), heats(random_one(bundle), files, method)
    assert alike(trained, trained) == pytest.approx(1) and alike(trained, drawn) < 0.6
    again = copy.deepcopy(bundle.model)
    assert np.allclose(trained, heats(Bundle(bundle.document, again, bundle.task), files, method), atol=1e-5)


@pytest.mark.parametrize("method", METHODS)
def test_the_peak_lies_in_the_square_more_often_than_chance(asked, method):
    bundle, files, inside = asked
    hits = 0
    for heat, square in zip(heats(bundle, files, method), inside, strict=True):
        down, across = np.unravel_index(int(heat.argmax()), heat.shape)
        near = square[max(0, down - 2) : down + 3, max(0, across - 2) : across + 3]  # a coarse map's pixel is wide
        hits += near.any()
    assert np.mean([square.mean() for square in inside]) < 0.15
    assert hits >= 14  # of 20; 14 or more by chance, at 20 % a picture: less than once in a million
