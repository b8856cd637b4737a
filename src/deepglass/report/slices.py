"""Volumes slice by slice: the surest mistakes, then the surest right answers, with where the network looked."""

import numpy as np
import torch

from deepglass.explain.grad_cam import fits, grad_cam, last_map
from deepglass.foundation.words import say
from deepglass.report.case import Case, Classified
from deepglass.report.section import Section, Viewer, percent, sentences
from deepglass.report.thumbnail import thumbnail
from deepglass.tasks.kinds.volume import slices_of
from deepglass.views.slices import Slices
from deepglass.views.view import number

SHOWN = 6  # volumes
MISTAKES = 3  # of them, where there are so many
MOST_SLICES = 32  # of a volume in the page
SIDE = 192


def slices(case: Case) -> Section | None:
    """Of a classifier of volumes."""
    found = case.classified()
    if found is None or case.kind != "volume" or not len(found.targets):
        return None
    places = _chosen(found)
    looks = fits(case.run.bundle)
    views = _views(case, found, places, looks)
    viewers = [_viewer(found, place, view) for place, view in zip(places, views, strict=True)]
    of = {"count": number(len(found.targets)), "shown": number(len(viewers))}
    figures = {
        "shown": [{"id": found.ids[place], "peak": view.peak()} for place, view in zip(places, views, strict=True)]
    }
    lead = sentences(say("report.lead_slices", **of), say("report.lead_slices_heat") if looks else "")
    return Section("slices", lead, viewers=viewers, figures=figures)


def _chosen(found: Classified) -> list[int]:
    """Places in the part: the surest mistakes, and of each class in turn the surest right answers."""
    sure = found.shares.max(1).values
    wrong = found.predicted != found.targets
    order = sure.argsort(descending=True, stable=True)
    mistakes = [place for place in order.tolist() if wrong[place]][:MISTAKES]
    right = [
        [place for place in order.tolist() if not wrong[place] and found.predicted[place] == label]
        for label in reversed(range(len(found.labels)))
    ]
    turn = [own[rank] for rank in range(SHOWN) for own in right if rank < len(own)]
    return [*mistakes, *turn][:SHOWN]


def _views(case: Case, found: Classified, places: list[int], looks: bool) -> list[Slices]:
    """Each volume as the network sees it, with heat for what it said."""
    rows = found.rows[places]
    inputs = case.presented(rows)
    heats: list[np.ndarray | None] = [None] * len(places)
    if looks:
        stage = last_map(case.model, inputs[:1])
        assert stage is not None
        heats = list(grad_cam(case.model, inputs, found.predicted[places].to(inputs.device), stage).cpu().numpy())
    measured = case.material.store.gather(rows)["input"]
    assert isinstance(measured, torch.Tensor)
    facts = case.task.facts.inputs  # pyright: ignore
    return [slices_of(one[0].float().numpy(), facts, "", heat) for one, heat in zip(measured, heats, strict=True)]


def _viewer(found: Classified, place: int, view: Slices) -> Viewer:
    depth = len(view.grey)
    numbers = np.unique(np.linspace(0, depth - 1, min(depth, MOST_SLICES)).round().astype(int)).tolist()
    peak = view.peak()
    start = min(range(len(numbers)), key=lambda at: abs(numbers[at] - (peak[0] if peak else depth // 2)))
    said, true = found.name(int(found.predicted[place])), found.name(int(found.targets[place]))
    title = said if said == true else say("report.taken_for", true=true, taken=said)
    share = percent(float(found.shares[place].max()))
    return Viewer(
        tuple(thumbnail(view.slice_of(number), SIDE) for number in numbers),
        start,
        say("report.described_example", id=found.ids[place], label=title) + " " + view.text(),
        title,
        (say("report.sure", share=share), found.ids[place]),
    )
