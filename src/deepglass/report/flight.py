"""The flight recorder: a film of the same pictures over training, how the game stood, and what went wrong when."""

from collections import defaultdict

import numpy as np
from PIL import Image

from deepglass.engine.journal import Event, read_events
from deepglass.engine.recorder import sheets
from deepglass.foundation.words import say
from deepglass.report.case import Case
from deepglass.report.curves import averaged, line
from deepglass.report.section import Exhibit, Section, Viewer
from deepglass.report.thumbnail import thumbnail
from deepglass.views.curve import Curve, Line
from deepglass.views.table import Table
from deepglass.views.view import number

FRAMES = 24  # of the film in the page
SIDE = 528  # pixels of a frame's longer side
GAME = ("game_real", "game_made", "told_apart")
PICTURES = ("distinct", "met", "copies")


def flight(case: Case) -> Section | None:
    """Drawn from events.jsonl and the sheets in blobs/; of tasks whose checks are recorded."""
    folder = case.run.folder
    events = read_events(folder, "start", "train", "check", "seen")
    checks = [event for event in events if event["kind"] == "check"]
    if not checks or not sheets(folder):
        return None
    epoch = next(event["epoch_steps"] for event in reversed(events) if event["kind"] == "start")
    recorded = [names for names in (GAME, PICTURES) if set(names) <= checks[-1]["figures"].keys()]
    exhibits = [_figures(checks, epoch, names) for names in recorded]
    if norms := _norms([event for event in events if event["kind"] == "train"], epoch):
        exhibits.append(norms)
    names = [*("game", "pictures")[: len(recorded)], "norms"]
    found = {name: exhibit.view.json() for name, exhibit in zip(names, exhibits, strict=False)}
    classes = [event["met"] for event in events if event["kind"] == "seen" and "met" in event]
    tables = [_classes(classes[-1])] if classes else []
    film = _film(case, epoch)
    figures = found | {"frames": len(sheets(folder)), "classes": classes[-1] if classes else {}}
    lead = say("report.lead_flight" if recorded else "report.lead_film")
    return Section("flight", lead, exhibits, viewers=film, folded=tables, figures=figures)


def _figures(checks: list[Event], epoch: float, names: tuple[str, ...]) -> Exhibit:
    lines = [line(checks, name, say(f"report.line_{name}"), epoch) for name in names]
    key = "game" if names is GAME else "recorded"
    words = say(f"report.words_{key}")
    return Exhibit(Curve(lines, say(f"report.curve_{key}"), say("report.epoch"), say("report.share_of")), words)


def _norms(trained: list[Event], epoch: float) -> Exhibit | None:
    """How long the gradient of each player was."""
    found: dict[str, list[tuple[int, float]]] = defaultdict(list)
    for event in trained:
        if event["norm"] is not None:
            found[event["turn"]].append((event["step"], event["norm"]))
    lines = [Line(name or say("report.whole_network"), *averaged(points, epoch)) for name, points in found.items()]
    if not lines:
        return None
    curve = Curve(lines, say("report.norms"), say("report.epoch"), say("report.norms"))
    return Exhibit(curve, say("report.words_norms"))


def _film(case: Case, epoch: float) -> list[Viewer]:
    """The sheets as frames to be moved through, the last one seen first; of one check there is nothing to move."""
    kept = list(sheets(case.run.folder).items())
    places = np.unique(np.linspace(0, len(kept) - 1, min(len(kept), FRAMES)).round().astype(int)).tolist()
    frames = tuple(thumbnail(_pixels(kept[place][1]), SIDE) for place in places)
    ends = {"first": number(kept[0][0] / epoch), "last": number(kept[-1][0] / epoch)}
    alone = len(frames) == 1
    title = say("report.film_alone") if alone else say("report.film", count=len(frames))
    words = say("report.film_alone_words" if alone else "report.film_words", **ends)
    return [Viewer(frames, len(frames) - 1, words, title, (words,), moves=say("report.film_moves"), width=SIDE)]


def _pixels(file: object) -> np.ndarray:
    """uint8 (H, W, C)"""
    pixels = np.asarray(Image.open(file))  # pyright: ignore
    return pixels if pixels.ndim == 3 else pixels[..., None]


def _classes(met: dict[str, float]) -> Table:
    head = [say("report.of_class"), say("report.line_met")]
    return Table(head, [[label, share] for label, share in met.items()], title=say("report.met_by_class"))
