"""Show a network as a graph: every layer with its shape, parameters and cost, as text, drawing and JSON."""

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import torch
import typer
from torch import nn

from deepglass import journey
from deepglass.bundle import Own
from deepglass.cli.options import Debug, Json, ModelName, Printer, local_model, overrides
from deepglass.foundation import catalogue
from deepglass.foundation.errors import DeepglassError, UsageError
from deepglass.foundation.ports import Port
from deepglass.foundation.sealed import write_text
from deepglass.foundation.settings import Choice, Override, resolve
from deepglass.foundation.words import say
from deepglass.graph import draw
from deepglass.graph.structure import Graph
from deepglass.graph.trace import example, trace
from deepglass.networks import check_own, choose_model, network_of
from deepglass.run import Run

SAMPLE = 8  # examples that are read of a run without a bundle, to know what goes in


@dataclass(frozen=True, slots=True)
class Shown:
    """A network, what it takes, and what it is called."""

    name: str
    network: nn.Module
    takes: Port


def show(
    what: Annotated[str, typer.Argument(help=say("show.what"))],
    words: Annotated[
        list[str] | None, typer.Argument(metavar="[DATA] [SETTING=VALUE]...", help=say("show.words"))
    ] = None,
    model: ModelName = "",
    svg: Annotated[str, typer.Option("--svg", help=say("show.svg"))] = "",
    whole: Annotated[bool, typer.Option("--whole", help=say("show.whole"))] = False,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """The graph with shapes, parameters and multiply-adds."""
    data = words[0] if words and "=" not in words[0] else ""
    own = Own(local_model(what) or local_model(model))
    shown = find_network(what, overrides((words or [])[1 if data else 0 :]), data, own)
    graph = trace(shown.network, *example(shown.takes))
    printer = Printer(as_json)
    printer.line(_title(shown.name, graph))
    printer.line()
    printer.line(draw.text(graph, fold=not whole))
    document = {"name": shown.name, **draw.data(graph)}
    if svg:
        write_text(Path(svg), draw.svg(graph, title=shown.name, fold=not whole))
        printer.line(say("show.written", file=svg))
        document["svg"] = svg
    printer.done(document)


def find_network(what: str, chosen: list[Override], data: str = "", own: Own = Own()) -> Shown:
    """The network of that name, or of the run or bundle in that folder; weights are read only from a bundle.

    `own` is the network of a run of one's own, or the one that `what` stands for: `data` then say what it takes.
    """
    if ".py:" in what:
        return _of_ones_own(what, chosen, data, own)
    if data:
        raise UsageError("show.data_of_its_own", place=what, data=data)
    if what not in catalogue.entries("models"):
        return _finished(what, chosen, own)
    settings = resolve(_OneModel(choose_model(what)), chosen)[0].model.settings
    with torch.device("meta"):  # shapes without numbers: ResNet-152 in an instant
        return Shown(what, network_of(settings), settings.ports().takes)


def _of_ones_own(what: str, chosen: list[Override], data: str, own: Own) -> Shown:
    if not data:
        raise UsageError("show.own_needs_data", name=what)
    proposal = journey.propose(data, chosen, own=own)
    with TemporaryDirectory() as folder:
        run = Run(Path(folder), proposal.settings, proposal.origins, own, proposal.source)
        task = run.material(sample=SAMPLE).task
    network, asks = run.build_model(task), task.asks()
    check_own(network, asks, *example(asks.takes, device="cpu"))
    return Shown(what, network, asks.takes)


def _finished(what: str, chosen: list[Override], own: Own) -> Shown:
    """The network of a bundle, or of a run that has none yet, as its settings say."""
    try:
        bundle = journey.load(what, own)
        shown = Shown(bundle.name, bundle.model, bundle.task.asks().takes)
    except DeepglassError as missing:
        if missing.code not in ("bundle.not_found", "run.unfinished"):
            raise
        shown = _unfinished(what, own)
    if chosen:
        setting = f"{chosen[0].path}={chosen[0].value}"
        raise UsageError("show.settings_of_a_folder", place=what, setting=setting, name=shown.name)
    return shown


def _unfinished(what: str, own: Own) -> Shown:
    if not (Path(what) / "run.toml").is_file():
        raise UsageError("show.unknown", name=what, hint=catalogue.nearest(what, catalogue.entries("models")))
    run = Run.open(Path(what), own)
    task = run.material(sample=SAMPLE).task
    return Shown(run.settings.model.name, run.build_model(task), task.asks().takes)


@dataclass(frozen=True, slots=True)
class _OneModel:
    model: Choice


def _title(name: str, graph: Graph) -> str:
    first, last = graph.nodes[0], graph.nodes[graph.outputs[0]]
    return say("show.title", name=name, input=draw.shape_text(first.shape), output=draw.shape_text(last.shape))


CATALOGUE = {"show": show}
