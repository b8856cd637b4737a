"""Volumes slice by slice: the worst answers first, with where the network looked, or with what it found."""

from collections.abc import Sequence

import numpy as np
import torch

from deepglass.data.example import Ragged
from deepglass.explain.grad_cam import fits, grad_cam, logits_of
from deepglass.explain.maps import last_map
from deepglass.foundation.words import say
from deepglass.metrics.iou import cells_of_many
from deepglass.report.case import Case, Classified
from deepglass.report.section import Section, Viewer, percent, sentences
from deepglass.report.thumbnail import thumbnail
from deepglass.tasks.kinds.volume import grey_of, slices_of
from deepglass.tasks.segment_volumes import SegmentVolumes
from deepglass.tasks.wholes import volumes_of
from deepglass.views.mask import Mask
from deepglass.views.slices import Slices
from deepglass.views.view import number

SHOWN = 6  # volumes
MISTAKES = 3  # of them, where there are so many
MOST_SLICES = 32  # of a volume in the page
SIDE = 192


def slices(case: Case) -> Section | None:
    """Of a classifier of volumes, and of what names a class for every place."""
    if isinstance(case.task, SegmentVolumes):
        return _segmented(case, case.task)
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
        scores = logits_of(found.predicted[places].to(inputs.device))
        heats = list(grad_cam(case.model, inputs, scores, stage).cpu().numpy())
    measured = case.material.store.gather(rows)["input"]
    assert isinstance(measured, torch.Tensor)
    facts = case.task.facts.inputs  # pyright: ignore
    return [slices_of(one[0].float().numpy(), facts, "", heat) for one, heat in zip(measured, heats, strict=True)]


def _segmented(case: Case, task: SegmentVolumes) -> Section:
    """The volumes with the lowest Dice, with what was found in them."""
    rows = case.material.rows[case.part]
    said: Ragged = case.results[case.part][1]["mask"]
    masks, count = said.each(), len(task.facts.classes)
    dice = [_dice(one, _whole(case, rows[place], "mask").flatten(), count) for place, one in enumerate(masks)]
    worst = sorted(range(len(dice)), key=lambda place: dice[place])[:SHOWN]
    ids = [str(case.material.store.index.ids[row]) for row in rows.tolist()]
    viewers: list[Viewer] = []
    for place in worst:
        grey = grey_of(_whole(case, rows[place], "input").float().numpy(), task.facts.inputs)
        view = Slices(grey, mask=masks[place].numpy().reshape(grey.shape), classes=task.facts.classes)
        words = say("report.slices_dice", dice=number(dice[place]))
        viewers.append(leafed(view, f"{ids[place]}: {words} {view.text()}", ids[place], (words,)))
    lead = say("report.lead_slices_found", count=number(len(dice)), shown=number(len(viewers)))
    figures = {"shown": [{"id": ids[place], "dice": dice[place]} for place in worst]}
    return Section("slices", lead, viewers=viewers, legend=legend_of(task.facts.classes), figures=figures)


def legend_of(classes: Sequence[str]) -> list[tuple[str, str]]:
    """What the colours over slices stand for."""
    return Mask(np.zeros((1, 1, 3)), np.zeros((1, 1), dtype=np.uint8), classes).legend()


def _whole(case: Case, row: int, name: str) -> torch.Tensor:
    """A column of one volume: all of them together may be more than the memory holds. (D, H, W)"""
    return volumes_of(case.batch(np.array([row])), name)[0].cpu()


def _dice(said: torch.Tensor, true: torch.Tensor, classes: int) -> float:
    """The mean over the classes that are there or were said to be, of one volume."""
    counts = cells_of_many(said[None], true[None], classes)[0].double()
    both, sides = counts.diagonal(), counts.sum(1) + counts[:, :classes].sum(0)
    return float((2 * both / sides)[sides > 0].mean()) if (sides > 0).any() else 1.0


def _viewer(found: Classified, place: int, view: Slices) -> Viewer:
    said, true = found.name(int(found.predicted[place])), found.name(int(found.targets[place]))
    title = said if said == true else say("report.taken_for", true=true, taken=said)
    share = percent(float(found.shares[place].max()))
    described = say("report.described_example", id=found.ids[place], label=title) + " " + view.text()
    return leafed(view, described, title, (say("report.sure", share=share), found.ids[place]))


def leafed(view: Slices, described: str, title: str, lines: tuple[str, ...]) -> Viewer:
    """A volume to leaf through, opened where most is to be seen."""
    depth, peak = len(view.grey), view.peak()
    numbers = np.unique(np.linspace(0, depth - 1, min(depth, MOST_SLICES)).round().astype(int)).tolist()
    start = min(range(len(numbers)), key=lambda at: abs(numbers[at] - (peak[0] if peak else depth // 2)))
    return Viewer(tuple(thumbnail(view.slice_of(at), SIDE) for at in numbers), start, described, title, lines)
