"""Pictures of a collection that are like another one, pictures that are there twice: by any network that sees them.

deepglass search photos/ --bundle runs/faces this.jpg      looks at every picture once, then at changed ones only
deepglass search photos/ --bundle runs/faces --duplicates
"""

import os
from pathlib import Path
from typing import Annotated, Any

import typer

from deepglass.cli.options import Debug, Json, Printer
from deepglass.collection import Collection, collection, document
from deepglass.foundation.errors import DataError, UsageError
from deepglass.foundation.settings import parse_assignments
from deepglass.foundation.words import say
from deepglass.index.index import THRESHOLD
from deepglass.progress import Watch
from deepglass.report.found import write_duplicates, write_found
from deepglass.views.view import number

SHOWN = 20  # groups of duplicates, files that cannot be read or were taken out, that are named
COPIES = 0.9995  # as near as copies of one picture are, whatever the network was taught to see alike


def search(
    place: Annotated[str, typer.Argument(help=say("search.place"))],
    words: Annotated[
        list[str] | None, typer.Argument(metavar="[PICTURE]... [SETTING=VALUE]...", help=say("search.words"))
    ] = None,
    bundle: Annotated[str, typer.Option("--bundle", help=say("search.bundle"))] = "",
    count: Annotated[int, typer.Option("--count", min=1, help=say("search.count"))] = 10,
    duplicates: Annotated[bool, typer.Option("--duplicates", help=say("search.duplicates"))] = False,
    threshold: Annotated[float, typer.Option("--threshold", min=-1, max=1, help=say("search.threshold"))] = THRESHOLD,
    remove: Annotated[bool, typer.Option("--remove", help=say("search.remove"))] = False,
    out: Annotated[str, typer.Option("--out", help=say("search.out"))] = "",
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Brings the index up to date, asks it, and writes a page to look at."""
    printer = Printer(as_json)
    pictures, settings = _sorted(words or [])
    if remove and (not pictures or duplicates):
        raise UsageError("search.remove_what")
    with Watch(printer.stream) as watch:
        found = collection(place, bundle, out, parse_assignments(settings), watch.read)
    told = document(found)
    _tell(printer, found)
    if remove:
        told["removed"] = found.index.remove(pictures)
        told |= found.index.about()
        values = {"left": number(len(found.index)), "index": _short(found.index.folder)}
        printer.line(say("search.taken" if told["removed"] else "search.none_taken", count=told["removed"], **values))
    elif pictures:
        told["answers"] = _ask(printer, found, pictures, count)
    if duplicates:
        told["duplicates"] = _tell_duplicates(printer, found, threshold)
    if not (pictures or duplicates):
        printer.line(say("search.next", folder=found.index.folder))
    printer.done(told)
    if pictures and not remove and any("error" in answer for answer in told["answers"]):
        raise typer.Exit(DataError.exit_code)


def _sorted(words: list[str]) -> tuple[list[str], list[str]]:
    """Pictures and settings: a file may have an equals sign in its name."""
    settings = [word for word in words if "=" in word and not Path(word).exists()]
    return [word for word in words if word not in settings], settings


def _tell(printer: Printer, found: Collection) -> None:
    """What became of the folder's pictures, and how large the index is."""
    if changed := found.changed:
        if changed.added or changed.replaced or changed.removed:
            counts = {name: number(len(getattr(changed, name))) for name in ("added", "replaced", "removed")}
            printer.line(say("search.changed", **counts))
        for name, reason in list(changed.unreadable.items())[:SHOWN]:
            printer.line(say("search.unreadable", file=_short(name), reason=reason))
        if len(changed.unreadable) > SHOWN:
            printer.line(say("search.more_unreadable", count=len(changed.unreadable) - SHOWN))
    about = found.index.about()
    said = {"kind": say(f"search.kind_{about['kind']}"), "why": say(f"search.{about['why']}")}
    printer.line(say("search.about", **{**about, **said, "pictures": number(len(found.index))}))
    if out := about["left_out"]:
        names = say("views.list_mark").join(map(_short, out[:SHOWN]))
        printer.line(say("search.left_out", count=len(out), names=names, index=_short(found.index.folder)))


def _ask(printer: Printer, found: Collection, pictures: list[str], count: int) -> list[dict[str, Any]]:
    answers = found.index.query(pictures, count)
    for answer in answers:
        if "error" in answer:
            printer.line(say("cli.unanswered", id=answer["id"], reason=answer["error"]))
            continue
        printer.line(say("search.near", id=_short(answer["id"])))
        for place, one in enumerate(answer["nearest"], 1):
            printer.line(f"  {place:>3}  {one['score']:.3f}  {_short(one['id'])}")
    if any("nearest" in answer for answer in answers):
        printer.line(say("search.page", file=_short(write_found(answers, found.index.folder))))
    return answers


def _tell_duplicates(printer: Printer, found: Collection, threshold: float) -> list[dict[str, Any]]:
    groups = found.index.duplicates(threshold)
    key = "search.groups" if groups else "search.no_groups"
    printer.line(say(key, count=number(len(groups)), threshold=f"{threshold:g}"))
    for group in groups[:SHOWN]:
        printer.line(f"  {group['score']:.3f}  {say('views.list_mark').join(map(_short, group['ids']))}")
    if len(groups) > SHOWN:
        printer.line(say("search.more_groups", count=number(len(groups) - SHOWN)))
    if groups and threshold < COPIES:
        printer.line(say("search.alike", threshold=f"{COPIES:g}"))
    if groups:
        printer.line(say("search.page", file=_short(write_duplicates(groups, found.index.folder))))
    return groups


def _short(place: Any) -> str:
    """A path as one would type it from here, where it lies below."""
    below = os.path.relpath(place) if os.path.isabs(str(place)) else str(place)
    return str(place) if below.startswith(os.pardir) else below


CATALOGUE = {"search": search}
