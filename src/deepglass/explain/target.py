"""Which number of an answer is explained, where it is not said otherwise the one that counts most for the answer.

    classify, multilabel  a class: its logit                          its probability
    semi_supervised       the same
    regress               the number that is answered                 the same
    detect                a box: the logit of the place that said it  the best of all places: overlap · probability
    segment               the pixels of a class: their mean logit     their mean probability
    tag                   a token's tag: its logit                    its probability
    forecast              a channel: the mean of its median forecast  the same
    read_plates           a plate: the logit of the place that saw it  the best of all places: overlap · probability
    embed                 how far the vector reaches its own way      its cosine with what it is for the whole input
    tag_video             a moment: its tag's mean logit              its mean probability

Letters: B rows, P places and K classes of a detector, h w the network's frame, T tokens, W windows of D frames.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from deepglass.bundle import Bundle
from deepglass.data.augment.scenes import letterboxed
from deepglass.data.example import Batch
from deepglass.data.readers.picture import inner
from deepglass.explain.clips import moment_of
from deepglass.explain.method import Inner, Target, answers_a_number, labels_of
from deepglass.foundation.catalogue import nearest
from deepglass.foundation.errors import UsageError
from deepglass.foundation.overlap import overlap
from deepglass.foundation.padded import Padded
from deepglass.foundation.plane import boxes_around
from deepglass.foundation.ports import Rivals, Vector
from deepglass.foundation.words import say
from deepglass.tasks.detect import STRIDES, Detect
from deepglass.tasks.embed import Embed
from deepglass.tasks.forecast import Forecast
from deepglass.tasks.multilabel import MultiLabelTask
from deepglass.tasks.read_plates import ReadPlates
from deepglass.tasks.regress import Regress
from deepglass.tasks.segment import Segment
from deepglass.tasks.suppress import boxes_of, middles
from deepglass.tasks.tag import OUTSIDE, Tag
from deepglass.tasks.tag_video import TagVideo
from deepglass.views.boxes import Mark
from deepglass.views.mask import GROUND

NUMBERED = "#"  # before the number of a box, where classes are called by numbers as well


def has_target(bundle: Bundle) -> bool:
    """Whether an answer of this network comes down to one number that can be explained."""
    if in_tiles(bundle):
        return False
    return any(isinstance(bundle.task, kind) for kind in CHOSEN) or _names_classes(bundle) or answers_a_number(bundle)


def in_tiles(bundle: Bundle) -> bool:
    """Whether its answers are put together from what it says of many parts of a picture."""
    return getattr(bundle.task, "tiles", None) is not None


def target_of(bundle: Bundle, batch: Batch, answer: Mapping[str, Any], wanted: str = "") -> Target | None:
    """The target of a presented batch of one; `wanted` is a class, or the number of a box. None where there is none."""
    task = bundle.task
    if in_tiles(bundle):
        return None
    choose = next((choose for kind, choose in CHOSEN.items() if isinstance(task, kind)), None)
    if choose:
        return choose(Asked(bundle, batch, answer, wanted))
    if _names_classes(bundle):
        shares = torch.sigmoid if isinstance(task, MultiLabelTask) else lambda logits: logits.softmax(1)
        labels = list(labels_of(bundle))
        return _class(labels, _chosen(wanted, labels) if wanted else _answered(answer, labels), shares)
    if wanted:
        raise _whole(bundle, wanted)
    return _number(task) if answers_a_number(bundle) else None


def inner_of(task: Any, batch: Batch) -> Inner | None:
    """Where in the network's frame the picture of a batch of one lies, of a task that lays it in whole."""
    if "size" not in batch or task.settings.picture.fit != "pad" or isinstance(task, ReadPlates):
        return None
    wide, tall = batch["size"][0].tolist()
    return inner((int(wide), int(tall)), (task.facts.inputs.width, task.facts.inputs.height))


def seen_of(task: Any, batch: Batch, prepared: Tensor) -> Tensor:
    """The picture of a batch of one in the network's frame, as bytes; inputs of other tasks as they were prepared."""
    if not isinstance(task, ReadPlates):
        return prepared
    facts = task.facts.inputs
    mean, std = (torch.tensor(each, device=batch["input"].device)[:, None, None] for each in (facts.mean, facts.std))
    return (255 * (batch["input"][0].float() * std + mean)).round().clamp(0, 255).to(torch.uint8)


class Asked(NamedTuple):
    """What is explained: an answer of a network, and what of it is wanted."""

    bundle: Bundle
    batch: Batch
    answer: Mapping[str, Any]
    wanted: str

    @property
    def task(self) -> Any:
        """Of the network."""
        return self.bundle.task

    def said(self) -> Any:
        """What the network gives."""
        return self.bundle.model(self.batch["input"])


def _whole(bundle: Bundle, wanted: str) -> UsageError:
    return UsageError("explain.no_target", target=wanted, task=bundle.document["task"]["name"])


def _names_classes(bundle: Bundle) -> bool:
    labels, gives = labels_of(bundle), bundle.task.asks().gives
    return bool(labels) and isinstance(gives, Vector | Rivals) and gives.size == len(labels)


def _chosen(wanted: str, labels: Sequence[str]) -> int:
    if wanted not in labels:
        hint = nearest(wanted, labels)
        raise UsageError("explain.unknown_target", target=wanted, hint=hint, known=", ".join(labels[:20]))
    return list(labels).index(wanted)


def _answered(answer: Mapping[str, Any], labels: Sequence[str]) -> int:
    """The class that is answered; of several the first, else the likeliest."""
    said = answer.get("prediction")
    names = said if isinstance(said, list) else [said]
    names = [*names, *(one["label"] for one in answer.get("top", ()))]
    return next((labels.index(name) for name in names if name in labels), 0)


def _class(labels: Sequence[str], number: int, shares: Callable[[Tensor], Tensor]) -> Target:
    name = str(labels[number])

    def share(said: Tensor) -> Tensor:
        return shares(said.float())[:, number]

    return Target("class", name, lambda said: said[:, number], share, number, figures={"class": name})


def _number(task: Any) -> Target:
    mean, std = (task.facts.mean, task.facts.std) if isinstance(task, Regress) else (0.0, 1.0)

    def value(said: Tensor) -> Tensor:
        return said[:, 0].float() * std + mean

    return Target("number", say("explain.the_answer"), value, value)


def said_by(task: Detect, said: Tensor, batch: Batch, boxes: Sequence[Any]) -> list[tuple[int, Mark]]:
    """Each box of an answer: the level whose place said it, and the box in the network's frame."""
    spoken = [_spoken(task, said, batch, *_place_of(task, said, batch, box)) for box in boxes]
    return [(one.level, one.mark) for one in spoken]


class Spoken(NamedTuple):
    """What one place of a detector says of one class."""

    place: int
    kind: int
    level: int
    mark: Mark


def _spoken(task: Detect, said: Tensor, batch: Batch, place: int, kind: int) -> Spoken:
    boxes, strides = _places(said[:1], batch["input"])
    mark = Mark(task.facts.labels[kind], boxes[0, place].tolist(), float(_sure(said)[place, kind]), kind)
    return Spoken(place, kind, STRIDES.index(int(strides[place])), mark)


def _places(said: Tensor, images: Tensor) -> tuple[Tensor, Tensor]:
    """The boxes of all places in the network's frame (B, P, 4), and their strides (P,)."""
    places, strides = middles(STRIDES, images.shape[-2], images.shape[-1], images.device)
    return boxes_of(said[..., -4:].float(), places, strides), strides


def _sure(said: Tensor) -> Tensor:
    """How sure each place of the first picture is of each class. (P, K)"""
    return said[0, :, :-4].float().sigmoid()


def _tagged(asked: Asked) -> Target:
    """The tag of the wanted word, by itself or by its number; else of the surest one whose tag says something."""
    task, answer, wanted = asked.task, asked.answer, asked.wanted
    tokens = answer["tokens"]
    words, digits = [one["token"] for one in tokens], wanted.removeprefix(NUMBERED)
    if not wanted:
        told = [place for place, one in enumerate(tokens) if one["tag"] != OUTSIDE] or list(range(len(tokens)))
        place = max(told, key=lambda place: tokens[place]["confidence"])
    elif wanted in words:
        place = words.index(wanted)
    elif digits.isdecimal() and 1 <= int(digits) <= len(words):
        place = int(digits) - 1
    else:
        raise UsageError("explain.no_such_word", word=wanted, count=len(words))
    tag, word = tokens[place]["tag"], words[place]
    number = task.facts.tags.index(tag)

    def score(said: Padded) -> Tensor:
        return said.values[:, place, number]

    def share(said: Padded) -> Tensor:
        return said.values[:, place].float().softmax(1)[:, number]

    name = say("explain.tag_of", tag=tag, word=word)
    return Target("class", name, score, share, number, figures={"token": place + 1, "word": word, "tag": tag})


def _foretold(asked: Asked) -> Target:
    """The mean over the steps that are foretold of a channel, of the first one if none is wanted."""
    task, wanted = asked.task, asked.wanted
    names = list(task.facts.targets)
    place = _chosen(wanted, names) if wanted else 0
    shape = (task.facts.horizon, len(names), len(task.quantiles))
    std = task.facts.inputs.std[task.places[place]]

    def mean(said: Tensor) -> Tensor:
        return said.float().unflatten(1, shape)[:, :, place, 1].mean(1) * std

    name = say("explain.forecast_of", name=names[place])
    return Target("number", name, mean, mean, figures={"channel": names[place]})


def _box(asked: Asked) -> Target:
    """The surest box, the surest of a class, or the box of that number in the answer's order."""
    task, batch, said, wanted = asked.task, asked.batch, asked.said(), asked.wanted
    images, labels, boxes = batch["input"], task.facts.labels, asked.answer["boxes"]
    number = _number_of_box(wanted, labels, len(boxes))
    if number is not None:
        place, kind = _place_of(task, said, batch, boxes[number])
    else:  # the surest place, whether it is an answer or not
        kinds = [_chosen(wanted, labels)] if wanted else list(range(len(labels)))
        place, kind = divmod(int(_sure(said)[:, kinds].argmax()), len(kinds))
        kind = kinds[kind]
    spoken = _spoken(task, said, batch, place, kind)
    mark, corners = spoken.mark, torch.tensor(spoken.mark.corners, device=images.device)

    def score(given: Tensor) -> Tensor:
        return given[:, place, kind]

    def best(given: Tensor) -> Tensor:
        """Also where another place says it now (D-RISE, arXiv:2006.03204)."""
        return (overlap(_places(given, images)[0], corners)[0] * given[..., kind].float().sigmoid()).amax(1)

    least = f"{100 * task.settings.confidence:g}"
    unsure = (mark.confidence or 0) < task.settings.confidence
    remark = say("explain.unsure_box", name=mark.words, least=least) if unsure else ""
    stored = [round(end, 1) for end in _stored(task, corners, batch).tolist()]
    figures = {"class": mark.label, "confidence": mark.confidence, "box": stored}
    return Target("box", mark.words, score, best, kind, (mark,), None, spoken.level, remark, figures)


def _plate(asked: Asked) -> Target:
    """The surest plate, the one of that number in the answer's order or with that text; else the surest place."""
    task, batch, said, plates = asked.task, asked.batch, asked.said(), asked.answer["plates"]
    number = _number_of_plate(asked.wanted, [plate["text"] for plate in plates])
    logits, corners, _ = task.places(said.places[:1])
    if number is None:
        kind, place = divmod(int(logits[0].argmax()), logits.shape[2])
        name, unsure = say("explain.a_plate"), say("explain.no_plate")
    else:
        plate, frame = plates[number], torch.tensor(batch["input"].shape[:1:-1], device=logits.device)
        wide = torch.tensor(plate["corners"], device=logits.device) * (frame / batch["whole"][0])
        place = int((corners[0] - wide).abs().sum((1, 2)).argmin())
        kind = list(zip(task.facts.kinds, task.facts.lines, strict=True)).index((plate["kind"], plate["lines"]))
        name, unsure = plate["text"], ""
    box = boxes_around(corners[0, place : place + 1])[0]
    sure = float(logits[0, kind, place].sigmoid())
    mark = Mark(name, box.tolist(), sure, kind, outline=corners[0, place].tolist())

    def score(given: Any) -> Tensor:
        return task.places(given.places)[0][:, kind, place]

    def best(given: Any) -> Tensor:
        chances, around, _ = task.places(given.places)
        boxes = boxes_around(around.flatten(0, 1)).unflatten(0, around.shape[:2])
        return (overlap(boxes, box)[0] * chances[:, kind].sigmoid()).amax(1)

    figures = {"plate": name, "kind": task.facts.kinds[kind], "confidence": sure}
    return Target("box", mark.words, score, best, kind, (mark,), None, 0, unsure, figures)


def _number_of_plate(wanted: str, texts: Sequence[str]) -> int | None:
    """From 0; None where the picture has no plate and none is wanted."""
    if wanted in texts:
        return list(texts).index(wanted)
    digits = wanted.removeprefix(NUMBERED)
    if digits.isdecimal() and 1 <= int(digits) <= len(texts):
        return int(digits) - 1
    if wanted:
        raise UsageError("explain.no_such_plate", plate=wanted, known=", ".join(texts) or "-")
    return 0 if texts else None


def _likeness(asked: Asked) -> Target:
    """How much of the vector is there: what is covered or taken away turns it and makes it shorter."""
    if asked.wanted:
        raise _whole(asked.bundle, asked.wanted)
    own = F.normalize(asked.said()[:1].float().detach(), dim=1)

    def reach(given: Tensor) -> Tensor:
        return (given.float() * own).sum(1)

    def cosine(given: Tensor) -> Tensor:
        return (F.normalize(given.float(), dim=1) * own).sum(1)

    return Target("likeness", say("explain.likeness"), reach, cosine)


def _place_of(task: Detect, said: Tensor, batch: Batch, box: Mapping[str, Any]) -> tuple[int, int]:
    """The place that said a box of the answer, and the box' class: of those that are as sure the one that fits."""
    kind = task.facts.labels.index(box["label"])
    unlike = (_sure(said)[:, kind] - box["confidence"]).abs()  # 0 to the last bit where it said it
    stored = _stored(task, _places(said[:1], batch["input"])[0][0], batch)
    apart = (stored - torch.tensor(box["box"], device=stored.device)).abs().sum(1)
    return int(apart.where(unlike == unlike.min(), torch.inf).argmin()), kind


def _number_of_box(wanted: str, labels: Sequence[str], count: int) -> int | None:
    """From 0; None where a class is wanted, or the surest of what is no answer."""
    digits = wanted.removeprefix(NUMBERED)
    if not digits.isdecimal() or wanted in labels:
        return 0 if not wanted and count else None
    if not 1 <= int(digits) <= count:
        raise UsageError("explain.no_such_box", number=digits, count=count)
    return int(digits) - 1


def _stored(task: Detect, boxes: Tensor, batch: Batch) -> Tensor:
    """Boxes in the network's frame as boxes in pixels of the stored picture. (..., 4) -> (..., 4)"""
    size, inputs = batch["size"][:1].float(), task.facts.inputs
    scale, offset = letterboxed(size, inputs.height, inputs.width, task.settings.picture.fit)
    corners = (boxes - offset[0].repeat(2)) / scale[0].repeat(2)
    return torch.minimum(corners.clamp(min=0), size[0].repeat(2))


def _pixels(asked: Asked) -> Target:
    """The class that covers most of the picture, the background left aside; or the one that is wanted."""
    task, batch, said, answer, wanted = asked.task, asked.batch, asked.said(), asked.answer, asked.wanted
    classes = task.facts.classes
    things = [name for name in answer["prediction"] if name != classes[0] or name.lower() not in GROUND]
    name = classes[_chosen(wanted, classes)] if wanted else (things or answer["prediction"])[0]
    number = classes.index(name)
    region = said[0].argmax(0) == number  # (h, w)
    if (lies := inner_of(task, batch)) is not None:
        left, top, wide, tall = lies
        inside = torch.zeros_like(region)
        inside[top : top + tall, left : left + wide] = True
        region &= inside
    there = bool(region.any())
    region = region if there else torch.ones_like(region)

    def mean(values: Tensor) -> Tensor:
        return values[:, number][:, region].mean(1)

    remark = "" if there else say("explain.no_such_pixels", name=name)
    figures = {"class": name, "share": answer["shares"][name]}
    shown = region.cpu().numpy() if there else None

    def share(given: Tensor) -> Tensor:
        return mean(given.float().softmax(1))

    return Target("pixels", name, mean, share, number, (), shown, None, remark, figures)


def _tag_over_time(asked: Asked) -> Target:
    labels, wanted = asked.task.facts.labels, asked.wanted
    return moment_of(asked.task, asked.batch, asked.answer, labels[_chosen(wanted, labels)] if wanted else "")


CHOSEN: dict[type, Callable[[Asked], Target]] = {
    Detect: _box,
    Segment: _pixels,
    ReadPlates: _plate,
    Embed: _likeness,
    Tag: _tagged,
    TagVideo: _tag_over_time,
    Forecast: _foretold,
}
