"""List what there is: the catalogues by name and one line each, and the runs that lie here."""

import datetime
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from deepglass.cli.main import summary as verb_summary
from deepglass.cli.options import Debug, Json, Printer
from deepglass.engine.journal import Event, read_events
from deepglass.foundation import catalogue
from deepglass.foundation.errors import UsageError
from deepglass.foundation.settings import to_json
from deepglass.foundation.words import has, say
from deepglass.views.table import Table

ROOMS = {
    "models": "models",
    "tasks": "tasks",
    "recipes": "recipes",
    "sources": "data.sources",
    "demos": "demos",
    "blocks": "blocks",
    "weights": "weights",
    "verbs": "cli",
}
RUNS = "runs"
WIDE = 180  # cells of a line that holds an address
SHORT = 12  # digits of a hash that are shown


@dataclass(frozen=True, slots=True)
class FoundRun:
    """A run's folder at a glance; figures are those of its best check so far, on the validation part."""

    run: str
    date: str
    model: str
    data: str
    state: str  # "finished", "stopped", "unfinished" (running, or killed), "new", "unreadable"
    step: int = 0
    steps: int = 0
    figures: dict[str, float] | None = None


def ls(
    room: Annotated[str, typer.Argument(help=say("ls.what"))] = "",
    place: Annotated[str, typer.Argument(help=say("ls.place"))] = RUNS,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Names with one line each; of runs date, network, figures and state."""
    printer = Printer(as_json)
    names = {inner: short for short, inner in ROOMS.items()}
    room = names.get(room, room)
    if not room:
        _list_rooms(printer)
    elif room == RUNS:
        _list_runs(Path(place), printer)
    elif room == "weights":
        _list_weights(printer)
    elif room in ROOMS:
        _list_room(room, printer)
    else:
        offered = [*ROOMS, RUNS]
        hint = catalogue.nearest(room, offered)
        raise UsageError("ls.no_room", name=room, hint=hint, offered=", ".join(offered))


def _list_rooms(printer: Printer) -> None:
    rooms = [*ROOMS, RUNS]
    printer.line(say("ls.rooms"))
    width = max(map(len, rooms))
    for room in rooms:
        printer.line(f"  {room:<{width}}  {say(f'ls.room_{room}')}")
    printer.done(rooms)


def _list_room(room: str, printer: Printer) -> None:
    entries = catalogue.entries(ROOMS[room])
    summaries = {name: _summary(room, entry) for name, entry in entries.items()}
    width = max(map(len, entries), default=0)
    for name, summary in summaries.items():
        printer.line(f"{name:<{width}}  {summary}")
    if not entries:
        printer.line(say("ls.empty", room=room))
    printer.done([{"name": name, "summary": summary} for name, summary in summaries.items()])


def _list_weights(printer: Printer) -> None:
    """Where each file lies and how it is known, what may be done with it, and how pictures are prepared for it."""
    offered = catalogue.entries("weights")
    entries = {name: catalogue.find("weights", name) for name in offered}
    heads = [say(f"ls.column_{name}") for name in ("name", "trained_on", "licence", "pictures", "source", "sha256")]
    rows: list[list[str]] = []
    documents: list[dict[str, Any]] = []
    for name, entry in entries.items():
        ways = entry.preprocessing
        seen = f"{ways.channels} x {ways.height} x {ways.width}, {ways.smooth}"
        source = f"https://huggingface.co/{entry.repo}" if entry.repo else entry.file
        rows.append([name, entry.trained_on, entry.licence, seen, source, entry.sha256[:SHORT] or "–"])
        documents.append({"name": name, "summary": offered[name].summary, "source": source, **to_json(entry)})
    printer.line(Table(heads, rows).terminal(width=WIDE))
    printer.line(say("ls.weights_how"))
    printer.done(documents)


def _summary(room: str, entry: catalogue.Entry) -> str:
    return verb_summary(entry.name) if room == "verbs" else entry.summary


def _list_runs(place: Path, printer: Printer) -> None:
    if not place.is_dir() and str(place) != RUNS:
        raise UsageError("ls.no_place", place=place)
    runs = sorted(map(look_at, find_runs(place)), key=lambda run: run.date)
    columns = [say(f"ls.column_{name}") for name in ("run", "date", "model", "data", "state", "steps", "figure")]
    rows = [
        [run.run, run.date, run.model, run.data, say(f"ls.state_{run.state}"), f"{run.step}/{run.steps}", _figure(run)]
        for run in runs
    ]
    printer.line(Table(columns, rows).terminal(width=140) if runs else say("ls.no_runs", place=place))
    printer.done(runs)


def find_runs(place: Path) -> list[Path]:
    """Every folder with a run.toml at or below `place`; what lies inside a run (the folds of one) is part of it."""
    if (place / "run.toml").is_file():
        return [place]
    inner = sorted(path for path in place.iterdir() if path.is_dir()) if place.is_dir() else []
    return [found for folder in inner if not folder.is_symlink() for found in find_runs(folder)]


def look_at(folder: Path) -> FoundRun:
    """What run.toml and events.jsonl say, without opening data or weights."""
    file = folder / "run.toml"
    date = f"{datetime.datetime.fromtimestamp(file.stat().st_mtime):%Y-%m-%d %H:%M}"
    try:
        settings = tomllib.loads(file.read_text(encoding="utf-8"))
        events = read_events(folder)
    except (ValueError, OSError):
        return FoundRun(str(folder), date, "–", "–", "unreadable")
    checks = [event for event in events if event["kind"] == "check"]
    return FoundRun(
        run=str(folder),
        date=date,
        model=str(_part(settings, "model", "name")),
        data=str(_part(settings, "data", "place")),
        state=_state(events),
        step=max((event["step"] for event in events), default=0),
        steps=max((event["steps"] for event in events if event["kind"] == "start"), default=0),
        figures=_best(checks) if checks else None,
    )


def _part(settings: dict[str, Any], section: str, name: str) -> Any:
    return settings.get(section, {}).get(name, "–")


def _state(events: list[Event]) -> str:
    """By the newest life alone: a run that was stopped and goes on is unfinished again."""
    if not events:
        return "new"
    life = max(event["life"] for event in events)
    kinds = {event["kind"] for event in events if event["life"] == life}
    return "finished" if "end" in kinds else "stopped" if "stopped" in kinds else "unfinished"


def _best(checks: list[Event]) -> dict[str, float]:
    """The figures of the check whose first metric is best."""

    def score(event: Event) -> float:
        first = next(iter(event["figures"].values()))
        value = first["value"]
        return float("-inf") if value is None else value if first["better"] == "up" else -value

    return {name: figure["value"] for name, figure in max(checks, key=score)["figures"].items()}


def _figure(run: FoundRun) -> str:
    if not run.figures:
        return "–"
    name, value = next(iter(run.figures.items()))
    said = say(f"tasks.metric_{name}") if has(f"tasks.metric_{name}") else name
    return f"{said} {value:.4g}" if value is not None else "–"


CATALOGUE = {"ls": ls}
