"""From files to explanations: chooses the method, prepares each input as the bundle does, keeps what cannot be read."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from deepglass.bundle import Bundle, unseen
from deepglass.data.example import Batch, columns_of
from deepglass.data.files import Input, open_inputs
from deepglass.data.source import Unreadable
from deepglass.explain.gates import letters_of
from deepglass.explain.method import Explanation, Method, Row, kind_of, sentences
from deepglass.explain.target import in_tiles, inner_of, seen_of, target_of
from deepglass.foundation import catalogue
from deepglass.foundation.errors import UsageError
from deepglass.foundation.words import has, say
from deepglass.tasks.task import encoder_of, watched
from deepglass.views.scatter import Scatter

ROWS_METHOD = "integrated_gradients"  # the default for rows of numbers: it says which column pushed the answer
SMALL = 2_000_000  # parameters up to which that takes no time worth speaking of


class Explained(NamedTuple):
    """One example's answer and why; or why it could not be read; or, once for all examples, the network itself."""

    answer: dict[str, Any]  # as `predict` gives it; {"id"} alone where the network is shown
    explanation: Explanation | None  # None for what could not be read, and where one of the network stands for all
    shared: bool = False  # it shows the network, and the examples that follow have no explanation of their own


def methods(bundle: Bundle, extras: bool = False) -> list[str]:
    """The methods that fit the network, the default first; those of extras only where they are asked for."""
    offered = {name: catalogue.find("explain", name) for name in catalogue.entries("explain")}
    own = [name for name, method in offered.items() if isinstance(method, Method) and (extras or not method.check)]
    return sorted((name for name in own if offered[name].fits(bundle)), key=lambda name: offered[name].rank)


def choose_method(bundle: Bundle, name: str = "", rows: bool = False) -> tuple[str, Method]:
    """The named method where it fits, else UsageError; without a name the default of this network.

    With `rows` of a table to be explained the default is what differs from row to row, if the network is small.
    """
    fitting = methods(bundle)
    method = catalogue.find("explain", name) if name else None  # an unknown name is answered with its neighbours
    if method and method.check and method.fits(bundle):
        method.check()
        return name, method
    if not fitting:
        kind = "_pictures" if hasattr(bundle.task, "paint") else ""
        raise UsageError(f"explain.none_fits{kind}", model=bundle.name)
    if in_tiles(bundle) and name not in fitting:
        raise UsageError("explain.in_tiles", model=bundle.name, fitting=", ".join(fitting))
    if name and name not in fitting:
        unfit = f"explain.unfit_{name}"
        key = unfit if has(unfit) else "explain.does_not_fit"
        raise UsageError(key, method=name, model=bundle.name, fitting=", ".join(fitting))
    if not name and rows and ROWS_METHOD in fitting and kind_of(bundle) == "vector":
        size = sum(parameter.numel() for parameter in bundle.model.parameters())
        name = ROWS_METHOD if size <= SMALL else ""
    name = name or fitting[0]
    return name, catalogue.find("explain", name)


def explain(bundle: Bundle, inputs: Any, method: str = "", target: str = "") -> Iterator[Explained]:
    """Every input explained; no input at all asks for the network itself, where the method can show that.

    `target` is what of the answer is explained: a class, or the number of a box; without it what counts most.

    What a method shows of the network is the same for every input, so several inputs share one explanation. Inputs are
    read as their turn comes, and nothing of one is kept for the next.
    """
    name, chosen = choose_method(bundle, method, rows=len(inputs) > 0)
    bundle.model.eval()
    given = _opened(bundle, inputs) if len(inputs) else iter(())
    first = list(islice(given, 2))
    if not first:
        if chosen.needs_row:
            raise UsageError("explain.needs_input", method=name)
        yield Explained({"id": bundle.name}, chosen.explain(bundle, None))
    elif len(first) > 1 and not chosen.needs_row:
        yield from _together(bundle, chosen, _handed_on(first, given))
    else:
        for item in _handed_on(first, given):
            yield _explained(bundle, chosen, item, target)


def _explained(bundle: Bundle, chosen: Method, item: Input, target: str) -> Explained:
    if isinstance(item.raw, Unreadable):
        return Explained({"id": item.id, "error": item.error()}, None)
    try:
        row = prepare_row(bundle, item, target)
    except Unreadable as reason:  # it is of another shape than the network's rows
        return Explained({"id": item.id, "error": item._replace(raw=reason).error()}, None)
    found = chosen.explain(bundle, row)
    if row.target and (row.target.remark or row.target.figures):
        words = sentences(row.target.remark, found.words)
        found = found._replace(words=words, figures={"target": row.target.figures, **found.figures})
    dated = getattr(bundle.task, "dated", None)
    answer = dated(row.answer, item.times) if item.times and dated else row.answer
    return Explained({"id": item.id, **answer}, found)


def _handed_on(first: list[Input], rest: Iterable[Input]) -> Iterator[Input]:
    """All of them, none of which is held here once it is handed on."""
    while first:
        yield first.pop(0)
    yield from rest


def _together(bundle: Bundle, chosen: Method, given: Iterable[Input]) -> Iterator[Explained]:
    """The network once, with all rows in its plane where it has one, then the answers."""
    answers: list[dict[str, Any]] = []
    points: list[np.ndarray] = []
    classes: list[int] = []
    for item in given:
        if isinstance(item.raw, Unreadable):
            answers.append({"id": item.id, "error": item.error()})
            continue
        row = prepare_row(bundle, item)
        answers.append({"id": item.id, **row.answer})
        if row.prepared.shape == (2,):
            points.append(row.prepared.cpu().numpy())
            classes.append(row.number)
    yield Explained({"id": bundle.name}, _with_points(chosen.explain(bundle, None), points, classes), shared=True)
    yield from (Explained(answer, None) for answer in answers)


def _with_points(shown: Explanation, found: Sequence[np.ndarray], numbers: Sequence[int]) -> Explanation:
    if not found:
        return shown
    points, classes = np.stack(found), np.array(numbers)
    views = {
        name: replace(view, points=points, classes=classes) if isinstance(view, Scatter) else view
        for name, view in shown.views.items()
    }
    return shown._replace(views=views)


def reading(bundle: Bundle, method: str) -> str:
    """How the method's pictures are to be read, in a sentence or two; nothing where they say it themselves."""
    key = f"explain.read_{method}_{kind_of(bundle)}"
    words = say(key) if has(key) else letters_of(bundle.model) if method == "gates" else ""
    names = {type(module).__name__.lower() for module in bundle.model.modules()}
    if method == "grad_cam" and any("tanh" in name for name in names):
        words += say("explain.between") + say("explain.read_tanh")
    return words


def _opened(bundle: Bundle, inputs: Any) -> Iterator[Input]:
    """The inputs in order; a row of numbers may be written as "0.2,0.9", and is then known by that."""
    facts = bundle.task.facts.inputs
    if facts.kind != "vector" or not isinstance(inputs, list):
        yield from bundle.inputs(inputs)
        return
    for item in inputs:
        opened = open_inputs([_numbers(item) if isinstance(item, str) else item], facts.kind, facts.columns)
        yield from (one._replace(id=item) if one.id == "0" and isinstance(item, str) else one for one in opened)


def _numbers(word: str) -> Any:
    try:
        return np.array([float(cell) for cell in word.split(",")], dtype=np.float32)
    except ValueError:
        return word


def prepare_row(bundle: Bundle, item: Input, target: str = "") -> Row:
    """One readable input as a row, with its answer."""
    inputs = bundle.task.prepare(item.raw).inputs
    row = row_of(bundle, Batch((item.id,), columns_of([inputs], encoder_of(bundle.task))), inputs["input"], target)
    return row._replace(answer=row.answer | unseen(bundle.task, inputs["input"]))


@torch.no_grad()
def row_of(bundle: Bundle, batch: Batch, prepared: Tensor, wanted: str = "") -> Row:
    """A batch of one as a row, with its answer and what of it is explained."""
    model = bundle.model.eval()
    presented = bundle.task.present(batch.to(next(model.parameters()).device))
    predictions = bundle.task.predict(model, presented)
    answer = bundle.task.answers(predictions)[0]
    inputs = watched(bundle.task, presented, predictions)
    target = target_of(bundle, presented, answer, wanted)
    lies = inner_of(bundle.task, presented)
    prepared = seen_of(bundle.task, presented, prepared)
    return Row(batch.ids[0], prepared, presented["input"], answer, inputs, target, presented, lies)
