"""What a run learned of its data in its first life, kept in its folder: data.json (fingerprint, rows, facts)."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from deepglass.engine.checkpoint import Checkpoints
from deepglass.foundation.errors import RunFailed
from deepglass.foundation.sealed import read_document, write_document
from deepglass.foundation.settings import to_json

FILE = "data.json"


def learned_of(folder: Path, place: str) -> dict[str, Any] | None:
    """What the first life wrote down; None where there was none, RunFailed where it cannot be read."""
    file = folder / FILE
    if not file.is_file() and not Checkpoints(folder).begun():
        return None
    try:
        document = read_document(file)
        return {name: document[name] for name in ("fingerprint", "facts")} | {"rows": document.get("rows")}
    except (OSError, ValueError, KeyError) as error:
        raise RunFailed("run.bad_file", file=file, reason=error, place=place) from None


def keep_learned(
    folder: Path, fingerprint: str, rows: Mapping[str, int], facts: Any, origin: Mapping[str, Any]
) -> None:
    """Write it down for every later life."""
    write_document(folder / FILE, {"fingerprint": fingerprint, "rows": rows, "facts": to_json(facts), **origin})
