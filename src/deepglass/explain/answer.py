"""From files to explanations: chooses the method, prepares each input as the bundle does, keeps what cannot be read."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import torch

from deepglass.bundle import Bundle
from deepglass.data.example import Batch
from deepglass.data.files import Input, open_inputs
from deepglass.data.source import Unreadable
from deepglass.explain.method import Explanation, Method, Row, labels_of
from deepglass.foundation import catalogue
from deepglass.foundation.errors import UsageError


class Explained(NamedTuple):
    """One example's answer and why; or why it could not be read."""

    answer: dict[str, Any]  # as `predict` gives it; {"id"} alone where only the network was asked
    explanation: Explanation | None


def methods(bundle: Bundle) -> list[str]:
    """The methods that fit the network, the default first."""
    offered = {name: catalogue.find("explain", name) for name in catalogue.entries("explain")}
    fitting = [name for name, method in offered.items() if isinstance(method, Method) and method.fits(bundle)]
    return sorted(fitting, key=lambda name: offered[name].rank)


def choose_method(bundle: Bundle, name: str = "") -> tuple[str, Method]:
    """The named method where it fits, else UsageError; without a name the default of this network."""
    fitting = methods(bundle)
    if not fitting:
        raise UsageError("explain.none_fits", model=bundle.name)
    if name and name not in fitting:
        catalogue.find("explain", name)  # an unknown name is answered with its neighbours
        raise UsageError("explain.does_not_fit", method=name, model=bundle.name, fitting=", ".join(fitting))
    name = name or fitting[0]
    return name, catalogue.find("explain", name)


def explain(bundle: Bundle, inputs: Any, method: str = "") -> Iterator[Explained]:
    """Every input explained; no input at all asks for the network itself, where the method can show that."""
    name, chosen = choose_method(bundle, method)
    bundle.model.eval()
    facts = bundle.task.facts.inputs
    given = _opened(inputs, facts) if len(inputs) else []
    if not given:
        if chosen.needs_row:
            raise UsageError("explain.needs_input", method=name)
        yield Explained({"id": bundle.name}, chosen.explain(bundle, None))
    for item in given:
        if isinstance(item.raw, Unreadable):
            yield Explained({"id": item.id, "error": item.error()}, None)
        else:
            row = prepare_row(bundle, item)
            yield Explained({"id": item.id, **row.answer}, chosen.explain(bundle, row))


def _opened(inputs: Any, facts: Any) -> list[Input]:
    """The inputs in order; a row of numbers may be written as "0.2,0.9", and is then known by that."""
    if facts.kind != "vector" or not isinstance(inputs, list):
        return list(open_inputs(inputs, facts.kind, facts.columns))
    found: list[Input] = []
    for item in inputs:
        opened = open_inputs([_numbers(item) if isinstance(item, str) else item], facts.kind, facts.columns)
        found += [one._replace(id=item) if one.id == "0" and isinstance(item, str) else one for one in opened]
    return found


def _numbers(word: str) -> Any:
    try:
        return np.array([float(cell) for cell in word.split(",")], dtype=np.float32)
    except ValueError:
        return word


def prepare_row(bundle: Bundle, item: Input) -> Row:
    """One readable input as a row, with its answer."""
    device = next(bundle.model.parameters()).device
    prepared = bundle.task.prepare(item.raw).inputs["input"]
    batch = Batch((item.id,), {"input": prepared[None].to(device)})
    answer = bundle.task.answers(bundle.scores(batch))[0]
    with torch.no_grad():
        presented = bundle.task.present(batch)["input"]
    return Row(item.id, prepared, presented, answer, _explained_class(answer, list(labels_of(bundle))))


def _explained_class(answer: dict[str, Any], labels: list[str]) -> int:
    """Which output is explained: the class that is answered; of several the first, else the likeliest."""
    said = answer.get("prediction")
    names = said if isinstance(said, list) else [said]
    names = [*names, *(one["label"] for one in answer.get("top", ()))]
    return next((labels.index(name) for name in names if name in labels), 0)
