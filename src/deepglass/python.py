"""deepglass from Python and notebooks: the command line's verbs as functions, on the same journey.

>>> import deepglass as dg
>>> run = dg.train("made:xor", size="tiny", out=tmp / "xor", settings={"train.steps": 20})
>>> run.predict([[0.9, -0.8]])[0]["prediction"] in ("0", "1")
True
"""

import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from torch import nn

from deepglass import journey, judging
from deepglass.bundle import Bundle, Own
from deepglass.collection import collection
from deepglass.engine.journal import Watcher
from deepglass.foundation.settings import Override
from deepglass.foundation.sizes import Size
from deepglass.journey import Checked, Converted, Outcome, Published
from deepglass.progress import Watch

Values = Mapping[str, Any] | None


def train(
    data: str | Path,
    *,
    model: str | nn.Module = "",
    task: Any = "",
    size: Size = "small",
    minutes: float = 0.0,
    out: str | Path = "",
    settings: Values = None,
    watchers: Iterable[Watcher] = (),
    progress: bool | None = None,
) -> Outcome:
    """Train on a folder, a table or a name; `model` and `task` are names or objects of your own.

    `settings` are the command line's: {"train.epochs": 30, "seed": 7}. `progress` is the command line's live line on
    stderr; None shows it on a terminal and in notebooks, there as plain lines.
    """
    named = {"model.name": model if isinstance(model, str) else "", "task.name": task if isinstance(task, str) else ""}
    values = {path: value for path, value in named.items() if value} | dict(settings or {})
    if minutes:
        values["train.minutes"] = minutes
    own = Own(None if isinstance(model, str) else model, None if isinstance(task, str) else task)
    with _watch(progress) as watch:
        proposal = journey.propose(str(data), _overrides(values), size, own=own)
        watch.console.print(proposal.found.sentence(proposal.settings.task.name))
        return journey.train(proposal, out=str(out), watchers=[watch, *watchers], reading=watch.read)


def resume(
    run: str | Path,
    *,
    model: nn.Module | None = None,
    task: Any = None,
    watchers: Iterable[Watcher] = (),
    progress: bool | None = None,
) -> Outcome:
    """Go on with a run; one with a model or task of your own needs it handed in again."""
    with _watch(progress) as watch:
        return journey.resume(Path(run), own=Own(model, task), watchers=[watch, *watchers], reading=watch.read)


def evaluate(
    run: str | Path, data: str = "", *, model: nn.Module | None = None, task: Any = None, settings: Values = None
) -> Outcome:
    """Exact figures of a finished run, on its own parts or on other data.

    Of made pictures also those of a judge, where `settings` name one: {"judge": RUN, "pictures": 2000, "seed": 1}.
    """
    return judging.evaluate(Path(run), data, Own(model, task), _overrides(settings or {})).outcome


def check(data: str | Path, settings: Values = None, *, task: str = "") -> Checked:
    """The data doctor alone, for the task that follows from the data or for a named one."""
    values = ({"task.name": task} if task else {}) | dict(settings or {})
    return journey.check(str(data), _overrides(values))


def convert(data: str | Path, to: str, out: str | Path, settings: Values = None) -> Converted:
    """Boxes in the form of coco, voc, yolo or a table (csv), in a new folder; pictures are linked where they can be."""
    return journey.convert(str(data), to, out, _overrides(settings or {}))


def publish(run: str | Path, out: str | Path, licence: str, *, dataset: str = "", to: str = "") -> Published:
    """A finished model as a folder that the Hugging Face hub understands; uploaded only where `to` says user/name."""
    return journey.publish(run, out, licence, dataset=dataset, to=to)


def search(
    place: str | Path,
    asked: Any,
    *,
    bundle: str | Path = "",
    count: int = 10,
    out: str | Path = "",
    settings: Values = None,
    progress: bool | None = None,
) -> list[dict[str, Any]]:
    """The nearest pictures of a collection to each that is asked: [{"id", "nearest": [{"id", "score"}, ...]}, ...].

    `place` is an index, or a folder of pictures whose index is made, or brought up to date, by `bundle`. More can be
    done with it by `dg.Index.open(folder)`.
    """
    with _watch(progress) as watch:
        found = collection(str(place), str(bundle), str(out), _overrides(settings or {}), watch.read)
        return found.index.query(asked, count)


def load(place: str | Path, *, model: nn.Module | None = None, task: Any = None) -> Bundle:
    """A finished model: of a run, a bundle's or published folder, "hub:user/name", or one of ours ("digits")."""
    return journey.load(place, Own(model, task))


def _watch(progress: bool | None) -> Watch:
    """The live line on stderr, where it is wanted or a person is looking."""
    notebook = type(sys.stderr).__module__.startswith("ipykernel")
    shown = sys.stderr.isatty() or notebook if progress is None else progress
    return Watch(sys.stderr if shown else None)


def _overrides(values: Mapping[str, Any]) -> list[Override]:
    return [Override(path, value, "python") for path, value in values.items()]
