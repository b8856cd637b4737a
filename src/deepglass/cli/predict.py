"""Answers for files, folders, tables, sentences or what comes on standard input, by a run, a bundle or the digits."""

import csv
import itertools
import json
import os
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from deepglass import journey
from deepglass.bundle import Bundle, Own
from deepglass.cli.options import Debug, Json, OwnModel, Printer, own_model, tell_unknown
from deepglass.data.readers.nifti import write_mask
from deepglass.data.source import Unreadable
from deepglass.data.writers.subtitles import Line, subtitles
from deepglass.foundation.errors import DataError, MachineError, UsageError
from deepglass.foundation.words import say
from deepglass.tasks.task import Task, said
from deepglass.views.mask import index_png, unrolled
from deepglass.views.timeline import clock

STANDARD_INPUT = "-"
COLUMNS = ("id", "prediction", "confidence", "error")
TIMED = ("id", "start", "end", "prediction", "confidence", "error")  # of shots of a video
SUBTITLES = ".srt"
ONE_FILE = (".csv", ".tsv", ".json", ".png", ".jpg", ".nii", ".gz", ".npz")  # endings of what is no folder
SETTING = re.compile(r"(task|train|data|model|weights)\.[\w.]+=|seed=\d+$")
TABLE = "answers.csv"  # beside pictures with the answers drawn in them
SMALLEST, LARGEST = 320, 1280  # pixels of the longer side of those
AT_ONCE = 1 << 16  # bytes of lines that are answered together, where so many have come


def predict(
    run: Annotated[str, typer.Argument(help=say("cli.run_or_bundle"))],
    files: Annotated[list[str], typer.Argument(help=say("cli.files"))],
    model: OwnModel = "",
    out: Annotated[str, typer.Option("--out", help=say("cli.csv"))] = "",
    to: Annotated[str, typer.Option("--to", help=say("cli.to_side"))] = "",
    live: Annotated[bool, typer.Option("--live", help=say("cli.live"))] = False,
    show: Annotated[bool, typer.Option("--show", help=say("cli.show"))] = False,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """The same answers as in evaluation: raw files pass through the bundle's own preprocessing."""
    printer = Printer(as_json)
    if out:
        _spare(files, [Path(out)])
    bundle = journey.load(run, Own(own_model(model)))
    bundle = bundle.towards(to) if to else bundle
    if Path(out).suffix.lower() == SUBTITLES:
        _check_subtitles(bundle, files)
    if out:
        (_check_folder if getattr(bundle.task, "tells_masks", False) else _check_table)(bundle, Path(out))
    if bundle.task.facts.inputs.kind != "text":
        _check_settings(files)
    if live:
        return _watch(bundle, files, printer)
    drawn = _drawn(Path(out), bundle.task) if out else None
    answers = _answered(bundle, files, printer, show=show, brief=bool(out), drawn=drawn)
    tell_unknown(printer, answers)
    if out:
        told = _found_again(answers) if drawn else answers
        _writer(Path(out), answers)(drawn / TABLE if drawn else Path(out), told, bundle.task)
        failed = sum("error" in answer for answer in answers)
        printer.line(say("cli.written", file=out, count=len(answers) - failed, failed=failed))
    _tell_unkept(bundle.task, printer, kept=bool(out) or show)
    _tell_empty(answers, bundle.task, printer)
    printer.done(answers)
    if any("error" in answer for answer in answers):
        raise typer.Exit(DataError.exit_code)


def _answered(
    bundle: Bundle, files: list[str], printer: Printer, *, show: bool, brief: bool, drawn: Path | None
) -> list[dict[str, Any]]:
    """All answers, each told as soon as it is there, and drawn into its picture where a folder is given."""
    answers: list[dict[str, Any]] = []
    for given in _given(files, bundle):
        raws = bundle.inputs(given) if show or drawn else itertools.repeat(None)
        for answer, raw in zip(bundle.predict(given), raws, strict=False):
            answers.append(answer if given == files else answer | {"id": f"{STANDARD_INPUT}:{len(answers) + 1}"})
            for line in _said(answers[-1], brief):
                printer.line(line)
            views = bundle.task.show(raw.raw, answer) if raw and "error" not in answer else []
            for view in views if show else ():
                printer.line(view.terminal())
            if drawn and views:
                longest = max(views[0].pixels.shape[:2])  # pyright: ignore
                exactly = bundle.task.draws == "exactly"  # pyright: ignore
                side = longest if exactly else min(LARGEST, max(SMALLEST, longest))
                _draw(drawn, len(answers), answer["id"], views[0].png(side))  # pyright: ignore
    return answers


def _tell_unkept(task: Any, printer: Printer, *, kept: bool) -> None:
    """Where the answers are pictures, that they are lost with the command; a JSON document holds them."""
    if getattr(task, "draws", "") == "exactly" and not (kept or printer.as_json):
        printer.line(say("cli.nothing_kept"))


def _tell_empty(answers: list[dict[str, Any]], task: Any, printer: Printer) -> None:
    """In how many pictures no box was sure enough: an empty row of a table says so only to those who expect it."""
    empty = sum(answer.get("boxes") == [] for answer in answers)
    if empty and hasattr(task.settings, "confidence"):
        share = f"{100 * task.settings.confidence:.3g}"
        printer.line(say("cli.boxes_none", empty=empty, count=sum("boxes" in one for one in answers), share=share))


def _watch(bundle: Bundle, files: list[str], printer: Printer) -> None:
    """What begins and ends in videos, as it is found; a video that cannot be read, or not to its end, is told of."""
    delay = getattr(bundle.task, "delay", None)
    if delay is not None:
        printer.line(say("cli.live_delay", delay=f"{delay:.3g}"))
    failed = 0
    for file in files:
        try:
            for found in bundle.live(file):
                _tell(printer, {"id": file, **found})
        except Unreadable as reason:
            failed += 1
            _tell(printer, {"id": file, "error": say(f"data.{reason.reason}", **reason.values)})
    if failed:
        raise typer.Exit(DataError.exit_code)


def _tell(printer: Printer, found: dict[str, Any]) -> None:
    if printer.as_json:
        print(json.dumps(found, ensure_ascii=False), flush=True)
    elif "error" in found:
        printer.line(say("cli.unanswered", id=found["id"], reason=found["error"]))
    elif "end" in found:
        printer.line(_ends(found))
    else:
        printer.line(say("cli.begins", start=clock(found["start"]), label=found["label"]))


def _ends(moment: dict[str, Any]) -> str:
    """A moment in one line: from when to when, what, and how sure."""
    values = {"start": clock(moment["start"]), "end": clock(moment["end"]), "label": moment["label"]}
    return say("cli.ends", share=f"{100 * moment['confidence']:.0f}", **values)


def _given(files: list[str], bundle: Bundle) -> Iterator[list[Any]]:
    """What was named, all together; of standard input the one file it is, or its lines of text as they come."""
    if STANDARD_INPUT not in files:
        yield files
        return
    kind = bundle.task.facts.inputs.kind
    if len(files) > 1 or kind not in ("text", "picture", "sound"):
        raise UsageError("cli.standard_input")
    if kind == "text":
        yield from _lines(sys.stdin.fileno())
    else:
        yield [sys.stdin.buffer.read()]


def _lines(descriptor: int) -> Iterator[list[bytes]]:
    """Whole lines, as many as have come; one without an end is the last."""
    left = b""
    while block := os.read(descriptor, AT_ONCE):
        *lines, left = (left + block).split(b"\n")
        if lines:
            yield [line.removesuffix(b"\r") for line in lines]
    if left:
        yield [left]


def _said(answer: dict[str, Any], brief: bool) -> list[str]:
    """The answer, and that of a long text not all was read; in brief only what is missing."""
    if "error" in answer:
        return [say("cli.unanswered", id=answer["id"], reason=answer["error"])]
    key = "cli.answered" if answer.get("known", 1) else "cli.answered_blindly"
    times = {name: clock(answer[name]) for name in ("start", "end") if name in answer}
    key = "cli.answered_of_shot" if times else key
    told = [] if brief else [say(key, id=answer["id"], answer=said(answer), **times)]
    told += [] if brief else [f"  {_ends(one)}" for one in answer.get("moments", ())]
    return told + ([say("cli.read_in_part", id=answer["id"], words=answer["read"])] if "read" in answer else [])


def _check_subtitles(bundle: Bundle, files: list[str]) -> None:
    """Raise where a file of subtitles cannot be written: of more than one video, or where answers have no times."""
    if not (getattr(bundle.task, "tells_films", False) or hasattr(bundle.task, "live")):
        raise UsageError("cli.no_times", task=bundle.document["task"]["name"])
    if len(files) > 1 or any(Path(file).is_dir() for file in files):
        raise UsageError("cli.one_video")


def _check_table(bundle: Bundle, file: Path) -> None:
    """Earlier answers are written over, but no other table: it may be what the network learned from.

    Nor are subtitles of any origin: nothing in them tells an answer from what somebody wrote by hand.
    """
    if not file.is_file():
        return
    if file.suffix.lower() == SUBTITLES:
        raise UsageError("cli.file_exists", file=file)
    with file.open("rb") as stream:
        first = stream.readline().strip().decode("utf-8", "replace")
    if first not in {",".join(columns) for columns in (COLUMNS, TIMED, getattr(bundle.task, "columns", COLUMNS))}:
        raise UsageError("cli.file_exists", file=file)


def _check_folder(bundle: Bundle, out: Path) -> None:
    """Raise where one file is named for masks, of which each input has its own."""
    if out.suffix.lower() in ONE_FILE and not out.is_dir():
        raise UsageError("cli.masks_folder", task=bundle.document["task"]["name"], out=out)


def _check_settings(files: list[str]) -> None:
    """Raise where a setting stands among the files, as other verbs take them."""
    if word := next((file for file in files if SETTING.match(file) and not Path(file).exists()), ""):
        raise UsageError("cli.no_settings_here", word=word)


def _writer(out: Path, answers: list[dict[str, Any]]) -> Callable[[Path, list[dict[str, Any]], Any], None]:
    """What writes the answers where they are to go."""
    if out.suffix.lower() == SUBTITLES:
        return _write_subtitles
    return _write_masks if any("mask" in answer for answer in answers) else _write


def _write_subtitles(file: Path, answers: list[dict[str, Any]], task: Any) -> None:
    """What is told of each shot, or which tag holds, at its time."""
    lines = [Line(one["start"], one["end"], one["prediction"]) for one in answers if "start" in one]
    lines += [Line(one["start"], one["end"], one["label"]) for each in answers for one in each.get("moments", ())]
    try:
        file.write_text(subtitles(lines), encoding="utf-8")
    except OSError as error:
        raise MachineError("sealed.cannot_write", folder=file, reason=error.strerror) from None


def _drawn(out: Path, task: Any) -> Path | None:
    """A new folder for pictures with the answers drawn in them, where the task has such and no table is asked for."""
    if not getattr(task, "draws", False) or out.suffix.lower() in (".csv", SUBTITLES):
        return None
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise MachineError("sealed.cannot_write", folder=out, reason=error.strerror) from None
    return out


def _draw(folder: Path, number: int, name: str, png: bytes) -> None:
    """One picture under its own name; what already has that name keeps it."""
    file = folder / f"{Path(name).stem}.png"
    file = folder / f"{Path(name).stem}_{number}.png" if file.exists() else file
    try:
        file.write_bytes(png)
    except OSError as error:
        raise MachineError("sealed.cannot_write", folder=folder, reason=error.strerror) from None


def _found_again(answers: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The answers with whole paths: beside the table lie drawn pictures that are called as those asked about."""
    return [
        answer | {"id": os.path.abspath(answer["id"])} if os.path.isfile(answer["id"]) else answer for answer in answers
    ]


def _write_masks(folder: Path, answers: list[dict[str, Any]], task: Any) -> None:
    """A PNG of class numbers with a palette for each picture, a NIfTI for each volume, and what they stand for."""
    classes = task.facts.classes
    names = _names([Path(answer["id"]) for answer in answers])
    endings = ["nii.gz" if "affine" in answer else "png" for answer in answers]
    written = [folder / f"{name}.{ending}" for name, ending in zip(names, endings, strict=True)]
    _spare([answer["id"] for answer in answers], written)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "classes.txt").write_text("\n".join(classes) + "\n", encoding="utf-8")
        for answer, file in zip(answers, written, strict=True):
            if "mask" in answer and "affine" in answer:
                write_mask(unrolled(answer["mask"]), answer["affine"], file)
            elif "mask" in answer:
                file.write_bytes(index_png(unrolled(answer["mask"]), classes))
    except OSError as error:
        raise MachineError("sealed.cannot_write", folder=folder, reason=error.strerror) from None


def _spare(asked: Sequence[str], written: Sequence[Path]) -> None:
    """UsageError where an answer would be written over a file that was asked about."""
    known = {os.path.realpath(one) for one in asked}
    if over := next((file for file in written if file.is_file() and os.path.realpath(file) in known), None):
        raise UsageError("cli.out_is_asked", file=over)


def _names(places: Sequence[Path]) -> list[str]:
    """A name for what is written of each file: its own; where two have one, with its folders' in front, or a number."""
    stems = Counter(map(_stem, places))
    found: dict[str, None] = {}
    for place in places:
        folders = [part for part in place.parts[:-1] if part not in (place.anchor, "..")]
        first, number = "_".join([*folders[: len(folders) if stems[_stem(place)] > 1 else 0], _stem(place)]), 1
        name = first
        while name in found:
            number += 1
            name = f"{first}_{number}"
        found[name] = None
    return list(found)


def _stem(place: Path) -> str:
    """A file's name without what says its form."""
    return place.name[: -len(".nii.gz")] if place.name.endswith(".nii.gz") else place.stem


def _write(file: Path, answers: list[dict[str, Any]], task: Task) -> None:
    """id, prediction, confidence, error: one line an answer, or those that a task makes of it; for any spreadsheet.

    Of a video's shots start and end as well.
    """
    plain = TIMED if any("start" in answer for answer in answers) else COLUMNS
    columns, rows = getattr(task, "columns", plain), getattr(task, "rows", lambda answer: [answer])
    try:
        with file.open("w", newline="", encoding="utf-8") as stream:
            writer = csv.writer(stream)
            writer.writerow(columns)
            for answer in answers:
                for row in [answer] if "error" in answer else rows(answer):
                    writer.writerow([_cell(row.get(name, "")) for name in columns])
    except OSError as error:
        raise MachineError("sealed.cannot_write", folder=file, reason=error.strerror) from None


def _cell(value: Any) -> Any:
    """Several labels with ; between them, as tables of pictures have them."""
    return ";".join(value) if isinstance(value, list) and all(isinstance(one, str) for one in value) else value


CATALOGUE = {"predict": predict}
