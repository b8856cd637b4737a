"""Heat in clips: which frames, and which places of them, spoke for the answer; of tags also what was told of each when.

Letters: W windows of a row, D frames that the network sees together, d h w of its maps, T frames of a row, K tags.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from deepglass.bundle import Bundle
from deepglass.data.augment.clips import places
from deepglass.data.example import Batch
from deepglass.explain.method import Explanation, Row, Target
from deepglass.foundation.words import say
from deepglass.tasks.tag_video import TagVideo
from deepglass.views.curve import Curve, Line
from deepglass.views.moving import Moving
from deepglass.views.view import View


def moment_of(task: TagVideo, batch: Batch, answer: Mapping[str, Any], wanted: str = "") -> Target:
    """The surest moment, or that of the wanted tag; where none of it was found, the tag over the whole video."""
    found = [one for one in answer["moments"] if wanted in ("", one["label"])]
    best = max(found, key=lambda one: one["confidence"], default=None)
    name = best["label"] if best else wanted or task.facts.labels[0]
    tag, rate = task.facts.labels.index(name), task.settings.clip.rate
    start, end = (best["start"], best["end"]) if best else (0.0, answer["seconds"])
    times = (torch.arange(batch["input"].shape[0])[:, None] * task.hop + torch.arange(task.frames)) / rate  # (W, D)
    holds = ((times >= start - 1 / rate) & (times < end)).float().to(batch["input"].device)
    holds = holds if holds.any() else torch.ones_like(holds)

    def mean(values: Tensor) -> Tensor:
        return (values[..., tag] * holds).sum(1) / holds.sum()

    figures = {"tag": name, "start": start, "end": end, "confidence": best["confidence"] if best else None}
    remark = "" if best else say("explain.no_such_moment", name=name)
    both = (lambda said: mean(said.values.float()), lambda said: mean(said.values.float().sigmoid()))
    return Target("class", name, *both, tag, remark=remark, figures=figures)


def over_time(bundle: Bundle, row: Row, heats: Tensor, stage: str) -> Explanation:
    """Frames of the window with most heat, with the heat over them. (W, d, h, w), or (WD, h, w) of single frames"""
    assert row.target is not None
    windows, frames = row.presented.shape[0], row.presented.shape[2]
    heats = heats.unflatten(0, (windows, frames)) if heats.ndim == 3 else heats
    window = int(heats.sum((1, 2, 3)).argmax())
    seen = frames_of(bundle, row, window)
    pixels = row.prepared[seen].cpu().numpy().transpose(0, 2, 3, 1)  # (D, H, W, C)
    wide = F.interpolate(heats[window][None, None].float(), size=pixels.shape[:3], mode="trilinear")[0, 0].numpy()
    times = (seen / bundle.task.settings.clip.rate).tolist()  # pyright: ignore
    view = Moving(pixels, wide, times, row.target.name)
    views: dict[str, View] = {"grad_cam": view}
    arrays = {"heat": heats[window].float().numpy(), "times": np.array(times, np.float32)}
    if isinstance(bundle.task, TagVideo):
        shares = shares_of(bundle, row)
        views["evidence"], arrays["evidence"] = evidence(bundle.task, shares), shares
    words = say("explain.grad_cam", stage=stage, seen=view.text())
    return Explanation(views, arrays, words, {"stage": stage, "strength": view.strength().round(4).tolist()})


def frames_of(bundle: Bundle, row: Row, window: int) -> Tensor:
    """Which frames of a row the network saw in this window. int64 (D,)"""
    task, length = bundle.task, len(row.prepared)
    if isinstance(task, TagVideo):
        return (window * task.hop + torch.arange(task.frames)).clamp(max=length - 1)
    chosen = task.settings.clip  # pyright: ignore
    return places(torch.tensor([length]), row.presented.shape[2], chosen.sampling, None)[0]


@torch.no_grad()
def shares_of(bundle: Bundle, row: Row) -> np.ndarray:
    """What the network told of every tag at every frame of the row, as moments were found in it. (T, K)"""
    assert row.batch is not None
    return bundle.task.predict(bundle.model, row.batch)["share"].values.numpy()


def evidence(task: TagVideo, shares: np.ndarray) -> Curve:
    """A line of shares for each tag. (T, K)"""
    times = (np.arange(len(shares)) / task.settings.clip.rate).tolist()
    lines = [Line(name, times, shares[:, tag].tolist()) for tag, name in enumerate(task.facts.labels)]
    return Curve(lines, say("explain.evidence"), say("views.time_axis"), say("explain.evidence_share"))
