"""Explanations as files: a PNG for each view, explanation.json, explanation.npz with the arrays, and one small page.

They are taken one by one, however many there are: arrays go to the disk at once, and only what is on the page is kept.
"""

import contextlib
import json
import re
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import jinja2
import numpy as np

from deepglass.explain.answer import Explained
from deepglass.foundation.errors import MachineError
from deepglass.foundation.sealed import write_text
from deepglass.foundation.settings import to_json
from deepglass.foundation.words import language, say
from deepglass.tasks.task import said
from deepglass.views.heat import Heat
from deepglass.views.looked import Looked
from deepglass.views.picture import Gallery, data_address
from deepglass.views.timeline import clock

VERSION = 1
DRAWN = 20  # inputs that get pictures and a place on the page; every answer stands in explanation.json


def write_explanations(
    found: Iterable[Explained], method: str, model: str, folder: Path, reading: str = ""
) -> dict[str, Any]:
    """Everything into `folder`; the document of explanation.json. `reading` says how the pictures are to be read."""
    documents: list[dict[str, Any]] = []
    pictures: dict[str, bytes] = {}
    document: dict[str, Any] = {"version": VERSION, "model": model, "method": method, "explanations": documents}
    with _arrays(folder) as keep:
        for place, one in enumerate(found):
            drawn = _drawn(one, place) if one.explanation and len(documents) < DRAWN else {}
            pictures |= drawn
            if one.explanation:
                keep({f"{place + 1:03d}.{name}": values for name, values in one.explanation.arrays.items()})
            if one.shared:
                document["network"] = _entry(one, place, drawn)
            else:
                documents.append(_entry(one, place, drawn))
        _write(folder, pictures)
    write_text(folder / "explanation.json", json.dumps(document, ensure_ascii=False, indent=1) + "\n")
    write_text(folder / "explanation.html", _page(document, pictures, reading))
    return document


def more(count: int) -> str:
    """Words for inputs that get no pictures because there are too many; nothing where all do."""
    return say("explain.only_first", drawn=DRAWN, count=count) if count > DRAWN else ""


def sentence(one: Explained) -> str:
    """The answer with its confidence and the reason, in one sentence."""
    answer = one.answer
    if "error" in answer:
        return say("explain.unreadable", id=answer["id"], reason=answer["error"])
    words = one.explanation.words if one.explanation else ""
    if "prediction" not in answer:
        return say("explain.network", id=answer["id"], words=words)
    times = f" {clock(answer['start'])} – {clock(answer['end'])}" if "start" in answer else ""  # of a shot of a video
    return say("explain.answer", id=f"{answer['id']}{times}", answer=_said(answer), words=words).rstrip()


def _said(answer: Mapping[str, Any]) -> str:
    """The answer in a few words; a number with all digits that a reader may want to compare."""
    value = answer["prediction"]
    return f"{value:.6g}" if isinstance(value, float) and "unit" not in answer else said(answer)


def _entry(one: Explained, place: int, drawn: Mapping[str, bytes]) -> dict[str, Any]:
    """What explanation.json says of one."""
    entry = to_json(one.answer)
    if one.explanation:
        beneath = f"{_stem(one, place)}-input.png"
        names = [name for name in drawn if name != beneath]
        entry |= {"words": one.explanation.words, "pictures": names, "arrays": _shapes(one, place)}
        entry |= to_json(dict(one.explanation.figures))
        if beneath in drawn:
            entry["input"] = beneath
    return entry


def _drawn(one: Explained, place: int) -> dict[str, bytes]:
    """A PNG for each view, picture of a gallery and word that was looked for; and the picture that heat lies on."""
    assert one.explanation is not None
    stem = _stem(one, place)
    drawn: dict[str, bytes] = {}
    for name, view in one.explanation.views.items():
        if isinstance(view, Heat):
            drawn[f"{stem}-input.png"] = view.beneath().png()
        if isinstance(view, Gallery):
            drawn |= {f"{stem}-{name}-{_plain(each.caption)}.png": each.png() for each in view.pictures}
        elif isinstance(view, Looked):
            beneath, *words = view.overlays()
            drawn[f"{stem}-input.png"] = beneath.png()
            numbered = enumerate(words, 1)  # a word may come twice
            drawn |= {f"{stem}-{name}-{at:02d}-{_plain(each.caption)}.png": each.png() for at, each in numbered}
        else:
            drawn[f"{stem}-{name}.png"] = view.png()  # pyright: ignore
    return drawn


def _stem(one: Explained, place: int) -> str:
    return f"{place + 1:03d}-{_plain(Path(str(one.answer['id'])).stem)}"


def _shapes(one: Explained, place: int) -> dict[str, dict[str, Any]]:
    assert one.explanation is not None
    return {
        name: {"key": f"{place + 1:03d}.{name}", "shape": list(values.shape)}
        for name, values in one.explanation.arrays.items()
    }


def _plain(name: str) -> str:
    return re.sub(r"[^\w.-]+", "-", name).strip("-.")[:60] or "input"


@contextlib.contextmanager
def _arrays(folder: Path) -> Iterator[Callable[[Mapping[str, np.ndarray]], None]]:
    """What takes arrays by name for explanation.npz, which is put in place when the `with` ends well."""
    with contextlib.ExitStack() as held:
        aside: list[Any] = []  # the file, and the archive in it; neither before there is something to write

        def keep(arrays: Mapping[str, np.ndarray]) -> None:
            with _telling(folder):
                if not aside:
                    folder.mkdir(parents=True, exist_ok=True)
                    aside.append(held.enter_context(tempfile.TemporaryFile(dir=folder)))
                    aside.append(held.enter_context(zipfile.ZipFile(aside[0], "w", zipfile.ZIP_DEFLATED)))
                for name, values in arrays.items():
                    with aside[1].open(f"{name}.npy", "w", force_zip64=True) as entry:
                        np.lib.format.write_array(entry, np.asanyarray(values), allow_pickle=False)

        yield keep
        keep({})
        with _telling(folder), (folder / "explanation.npz").open("wb") as file:
            aside[1].close()
            aside[0].seek(0)
            shutil.copyfileobj(aside[0], file)


def _write(folder: Path, pictures: Mapping[str, bytes]) -> None:
    with _telling(folder):
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in pictures.items():
            (folder / name).write_bytes(content)


@contextlib.contextmanager
def _telling(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise MachineError("sealed.cannot_write", folder=folder, reason=error.strerror or error) from None


def _page(document: dict[str, Any], pictures: dict[str, bytes], reading: str) -> str:
    loader = jinja2.FileSystemLoader(Path(__file__).parent)
    house = jinja2.Environment(loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True)
    house.globals["say"] = say
    addresses = {name: data_address(content) for name, content in pictures.items()}
    captions = {name: name.rpartition("-")[2].removesuffix(".png") for name in pictures}
    entries = document["explanations"]
    answers = [_said(entry) if "prediction" in entry else "" for entry in entries[:DRAWN]]
    shown = [document["network"]] if "network" in document else []
    rest = say("explain.only_first", drawn=DRAWN, count=len(entries)) if len(entries) > DRAWN else ""
    page = house.get_template("page.html.jinja")
    values = {"method": document["method"], "model": document["model"], "reading": reading, "rest": rest}
    return page.render(
        lang=language(),
        entries=[*shown, *entries[:DRAWN]],
        answers=["" for _ in shown] + answers,
        addresses=addresses,
        captions=captions,
        **values,
    )
