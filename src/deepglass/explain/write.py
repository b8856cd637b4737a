"""Explanations as files: a PNG for each view, explanation.json, explanation.npz with the arrays, and one small page."""

import io
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jinja2
import numpy as np

from deepglass.explain.answer import Explained
from deepglass.foundation.errors import MachineError
from deepglass.foundation.sealed import write_text
from deepglass.foundation.settings import to_json
from deepglass.foundation.words import language, say
from deepglass.views.picture import data_address

VERSION = 1


def write_explanations(found: Sequence[Explained], method: str, model: str, folder: Path) -> dict[str, Any]:
    """Everything into `folder`; the document of explanation.json."""
    documents: list[dict[str, Any]] = []
    arrays: dict[str, np.ndarray] = {}
    pictures: dict[str, bytes] = {}
    for place, one in enumerate(found):
        entry = to_json(one.answer)
        if one.explanation:
            stem = f"{place + 1:03d}-{_plain(Path(str(one.answer['id'])).stem)}"
            views = one.explanation.views.items()
            drawn = {f"{stem}-{name}.png": _png(view) for name, view in views if hasattr(view, "png")}
            pictures |= drawn
            arrays |= {f"{place + 1:03d}.{name}": values for name, values in one.explanation.arrays.items()}
            entry |= {"words": one.explanation.words, "pictures": list(drawn), "arrays": _shapes(one, place)}
        documents.append(entry)
    document = {"version": VERSION, "model": model, "method": method, "explanations": documents}
    _write(folder, pictures, arrays)
    write_text(folder / "explanation.json", json.dumps(document, ensure_ascii=False, indent=1) + "\n")
    write_text(folder / "explanation.html", _page(documents, method, model, pictures))
    return document


def sentence(one: Explained) -> str:
    """The answer with its confidence and the reason, in one sentence."""
    answer = one.answer
    if "error" in answer:
        return say("explain.unreadable", id=answer["id"], reason=answer["error"])
    assert one.explanation is not None
    if "confidence" not in answer:
        return say("explain.network", id=answer["id"], words=one.explanation.words)
    share = f"{100 * answer['confidence']:.3g}"
    values = {"id": answer["id"], "prediction": answer["prediction"], "confidence": share}
    return say("explain.answer", words=one.explanation.words, **values)


def _png(view: Any) -> bytes:
    return view.png()


def _shapes(one: Explained, place: int) -> dict[str, dict[str, Any]]:
    assert one.explanation is not None
    return {
        name: {"key": f"{place + 1:03d}.{name}", "shape": list(values.shape)}
        for name, values in one.explanation.arrays.items()
    }


def _plain(name: str) -> str:
    return re.sub(r"[^\w.-]+", "-", name).strip("-.")[:60] or "input"


def _write(folder: Path, pictures: dict[str, bytes], arrays: dict[str, np.ndarray]) -> None:
    packed = io.BytesIO()
    np.savez_compressed(packed, **arrays)  # pyright: ignore
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in {**pictures, "explanation.npz": packed.getvalue()}.items():
            (folder / name).write_bytes(content)
    except OSError as error:
        raise MachineError("sealed.cannot_write", folder=folder, reason=error.strerror or error) from None


def _page(documents: list[dict[str, Any]], method: str, model: str, pictures: dict[str, bytes]) -> str:
    loader = jinja2.FileSystemLoader(Path(__file__).parent)
    house = jinja2.Environment(loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True)
    house.globals["say"] = say
    addresses = {name: data_address(content) for name, content in pictures.items()}
    page = house.get_template("page.html.jinja")
    return page.render(lang=language(), entries=documents, method=method, model=model, addresses=addresses)
