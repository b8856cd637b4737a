"""The contract of a task: losses and turns, what a model must offer, how raw things become rows and rows answers.

A task knows no model and the engine knows no task but through this file.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
from torch import Tensor, nn

from deepglass.data.example import NOTHING, Batch, Column, Cut, Encoder, Example, Form
from deepglass.foundation.ports import Ports
from deepglass.foundation.seeds import Draws
from deepglass.foundation.words import say
from deepglass.views.view import View, number

SHOWN = 4  # numbers of a vector
Predictions = dict[str, Any]  # a column for each name, Tensor or Ragged as the task knows


class Losses(NamedTuple):
    """What one shard costs: named and weighted, summed over the shard, never averaged."""

    sums: dict[str, Tensor]
    carry: Mapping[str, Tensor] = NOTHING  # what each row remembers; comes back as batch.carry


def rows(batch: Batch) -> dict[str, float]:
    """The usual count: every sum is divided by the number of rows (the empty name stands for every sum)."""
    return {"": float(len(batch))}


def unchanged(done: float) -> float:
    """The usual schedule of a turn: the run's own."""
    return 1.0


class Turn(NamedTuple):
    """One player's move in a step: whose parameters change, and the loss that changes them."""

    updates: str  # submodule whose parameters change; "" is the whole model
    loss: Callable[[nn.Module, Batch], Losses]
    counts: Callable[[Batch], dict[str, float]] = rows  # what each sum is divided by: rows, tokens, pixels, boxes
    every: int = 1  # lazy: 16 is every 16th step, the loss times 16
    rate: Callable[[float], float] = unchanged  # the player's own schedule: share of the run done -> times its rate


@dataclass(frozen=True, slots=True)
class Stream:
    """Which training rows a step draws, and how many of them for each row of the batch size."""

    wants: Callable[[Any], bool] = lambda label: label is not None
    share: float = 1.0


class Some(NamedTuple):
    """Some prepared rows of a part: a call gives their batches anew, and `labels` is what the source calls each row."""

    batches: Callable[[], Iterable[Batch]]
    labels: Sequence[Any]


class Look(NamedTuple):
    """What a recorder makes of a check: figures beside the task's, a picture of the moment, words for the journal."""

    figures: Mapping[str, Any]
    sheet: np.ndarray | None = None  # uint8 (H, W, C), kept in the run's folder
    told: Mapping[str, Any] = NOTHING


class Alarm(NamedTuple):
    """What goes wrong, seen in the checks so far: words alarms.NAME say it, and alarms.NAME_advice what to do."""

    name: str
    since: int  # the step of the first check that showed it
    values: Mapping[str, float]  # that the words name
    back: bool = True  # whether an earlier state with a smaller rate may get by


class Metric(Protocol):
    """Collects predictions by example id and says a figure, exact over the data set."""

    def update(self, ids: Sequence[str], predictions: Predictions, targets: Any) -> None: ...

    def compute(self) -> Any: ...


class Task(Protocol):
    """What is learned. An nn.Module if it remembers anything: its buffers then live in State."""

    facts: Any  # learned once from the training part: labels, vocabulary, statistics

    def asks(self) -> Ports:
        """What a model must take and give; run.py sizes the model from it."""
        ...

    def streams(self) -> dict[str, Stream]:
        """What a step draws, the main stream first."""
        ...

    def prepare(self, raw: Any, label: Any = None) -> Example:
        """One raw thing as a row: deterministic, cached; targets only where a label is given."""
        ...

    def code(self, labels: Sequence[Any]) -> Mapping[str, Column]:
        """The answers of these examples as target columns, one row each, also where there is none."""
        ...

    def preparation(self) -> Any:
        """All that `prepare` depends on, as plain values: packed copies of prepared examples are named by it."""
        ...

    def settle(self, columns: Mapping[str, Any]) -> Any:
        """The facts with the statistics of the training part's prepared columns."""
        ...

    def present(self, batch: Batch, draws: Draws | None = None) -> Batch:
        """On the device: standardise; with draws, augment as well."""
        ...

    def turns(self) -> list[Turn]:
        """The players' moves, in order."""
        ...

    def predict(self, model: nn.Module, batch: Batch) -> Predictions:
        """What the model says of a presented batch, one row each."""
        ...

    def truth(self, batch: Batch) -> Any:
        """What the metrics compare the predictions with."""
        ...

    def metrics(self) -> dict[str, Metric]:
        """Fresh metrics; the first decides which check is the best."""
        ...

    def answers(self, predictions: Predictions) -> list[dict[str, Any]]:
        """One plain answer a row, as `predict` and the server give it: {"prediction": ..., "confidence": ...}."""
        ...

    def show(self, raw: Any, answer: Mapping[str, Any]) -> list[View]:
        """Views of one raw example and its answer: the same in terminal, report, studio and serve."""
        ...


def called(metric: str) -> str:
    """What people call a figure; behind an @ stands which judge it is by, and of what."""
    name, _, judge = metric.partition("@")
    words = say(f"tasks.metric_{name}")
    return say("tasks.by_judge", metric=words, judge=judge) if judge else words


def said(answer: Mapping[str, Any]) -> str:
    """An answer in a few words, and what is decided where that is something else."""
    if answer.get("by") == "discriminator":
        return say(f"tasks.verdict_{answer['prediction']}", share=f"{100 * answer['confidence']:.1f}")
    words, decision = _answered(answer), answer.get("decision")
    if decision in ("ask", "none"):
        return say(f"tasks.decision_{decision}", answer=words)
    return words if decision in (None, answer["prediction"]) else say("tasks.decision_as", answer=words, label=decision)


def _answered(answer: Mapping[str, Any]) -> str:
    """The class and how sure it is, each label with its own probability, numbers."""
    prediction = answer["prediction"]
    if isinstance(prediction, float):
        return f"{number(prediction)} {answer['unit']}" if "unit" in answer else number(prediction)
    if isinstance(prediction, Mapping):
        series = [f"{name} {', '.join(map(number, values))}" for name, values in prediction.items()]
        return "; ".join(series)
    if "shares" in answer:
        return ", ".join(f"{name} {100 * share:.1f} %" for name, share in answer["shares"].items() if share)
    if "plates" in answer:
        read = [f"{one['text']} ({100 * one['confidence']:.1f} %)" for one in answer["plates"]]
        return ", ".join(read) or say("tasks.no_plate")
    if "balls" in answer:
        return "; ".join(map(_ball, answer["balls"])) or say("tasks.no_thing")
    if isinstance(prediction, list) and any(isinstance(one, float) for one in prediction):
        shown = ", ".join(f"{one:.2f}" for one in prediction[:SHOWN])
        return say("tasks.vector", count=len(prediction), shown=shown)
    if isinstance(prediction, list):
        sure = {one["label"]: one["confidence"] for one in answer.get("top", ())}
        named = ", ".join(f"{label} ({100 * sure[label]:.1f} %)" if label in sure else label for label in prediction)
        return named or say("tasks.no_thing" if "boxes" in answer else "tasks.no_label")
    sure = f" ({100 * answer['confidence']:.1f} %)" if "confidence" in answer else ""
    silent = "words" in answer and not prediction.strip()
    return f"{say('tasks.nothing_said') if silent else prediction}{sure}"


def _ball(one: Mapping[str, Any]) -> str:
    """A thing in a volume: what, where in millimetres of the body, how large, how sure."""
    place = ", ".join(f"{value:.1f}" for value in one["middle"])
    return say(
        "tasks.ball", label=one["label"], place=place, size=f"{one['size']:.1f}", share=f"{100 * one['confidence']:.1f}"
    )


def encoder_of(task: Task) -> Encoder | None:
    """What makes rows of prepared ones by what was learned since, a vocabulary; None where they are rows already.

    Prepared rows are kept on the disk and shared between folds, so they must not depend on what is learned.
    """
    encoder = getattr(task, "encoder", None)
    return encoder() if encoder else None


def fed(task: Task, batch: Batch) -> tuple[Any, ...]:
    """What the network is called with: the presented batch's columns that `Task.feeds` names, "input" alone if none."""
    return tuple(batch[name] for name in getattr(task, "feeds", ("input",)))


def watched(task: Task, batch: Batch, predictions: Predictions) -> tuple[Any, ...]:
    """What the network is called with to be watched at its own answer: a task that writes puts that in (`retold`)."""
    retold = getattr(task, "retold", None)
    return fed(task, retold(batch, predictions) if retold else batch)


def checking(task: Task) -> Task:
    """What the checks of a training ask: the task itself, or the quicker question that it names in `checks`."""
    return getattr(task, "checks", lambda: task)()


def recorder_of(task: Task, known: Callable[[], Some], held: Callable[[], Some]) -> Callable[[Predictions], Look]:
    """What looks at every check beside the metrics, with rows of training and of the part that is checked."""
    recorder = getattr(task, "recorder", None)
    return recorder(known(), held()) if recorder else lambda predictions: Look({})


def alarms_of(task: Task, checks: Sequence[tuple[int, Mapping[str, float]]]) -> list[Alarm]:
    """What goes wrong at the last of these checks, by the step and figures of each; most tasks know of nothing."""
    alarms = getattr(task, "alarms", None)
    return alarms(checks) if alarms else []


def searching(task: Task) -> bool:
    """Whether the task searches for its answers step by step, which takes many passes over each row."""
    return getattr(task, "searches", False)


def form_of(task: Task) -> Form | None:
    """How one raw input becomes one array; None for a task that does more, which `prepare` alone knows."""
    form = getattr(task, "form", None)  # a task of the user's own need not say
    return form() if form else None


def recodes(task: Task) -> bool:
    """Whether answers are coded by what was learned from the training part, as words of a vocabulary are."""
    return encoder_of(task) is not None or getattr(task, "recodes", False)


def crops_of(task: Task) -> Cut | None:
    """What makes a training row out of a larger one that is kept; None where rows are taken as they are."""
    crops = getattr(task, "crops", None)
    return crops() if crops else None


def means(losses: Losses, counts: Mapping[str, float]) -> dict[str, Tensor]:
    """One shard's part of each mean over the full batch: its sum over the count of all shards."""
    return {name: value / counts.get(name, counts.get("", 1.0)) for name, value in losses.sums.items()}


def summed(parts: Mapping[str, Tensor]) -> Tensor:
    """All parts of a loss together."""
    first, *others = parts.values()
    return sum(others, first)


def total(losses: Losses, counts: Mapping[str, float]) -> Tensor:
    """The loss of one shard as its part of the full batch."""
    return summed(means(losses, counts))
