"""Where to search: an index, or a folder of pictures whose index is made, or brought up to date, on the way."""

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deepglass import journey
from deepglass.foundation.errors import UsageError
from deepglass.foundation.settings import Override, from_json, resolve
from deepglass.index.index import Changed, Index, Watch, is_index
from deepglass.index.kept import read_index
from deepglass.index.settings import SearchSettings


@dataclass(frozen=True)
class Collection:
    """An index, and what became of the pictures of the folder that was named."""

    index: Index
    changed: Changed | None = None


def collection(
    place: str, bundle: str = "", out: str = "", settings: Iterable[Override] = (), watch: Watch = lambda done, of: None
) -> Collection:
    """The index at `place`; or that of the pictures there, in `out`, looked at by a bundle."""
    settings = list(settings)
    asked, _ = resolve(SearchSettings(), settings)
    if is_index(place):
        if out:
            raise UsageError("search.out_of_an_index", folder=place)
        return Collection(_opened(Path(place), bundle, settings))
    if not Path(place).exists():
        raise UsageError("search.nothing_there", place=place)
    if not bundle and not (out and is_index(out)):
        raise UsageError("search.which_bundle", place=place)
    folder = Path(out) if out else default_folder(place, bundle)
    if is_index(folder):
        index = _opened(folder, bundle, settings)
        if not out and (stated := read_index(folder)["place"]) != _whole(place):
            raise UsageError("search.other_place", folder=folder, place=stated)
    else:
        index = Index.create(journey.load(bundle), folder, asked, _whole(place))
    return Collection(index, index.update(place, watch))


def default_folder(place: str, bundle: str) -> Path:
    """Inside the run that looks at the pictures; beside where one stands for a bundle alone, which is sealed."""
    above = Path(bundle) if (Path(bundle) / "run.toml").is_file() else Path()
    return above / "search" / (re.sub(r"[^\w.-]+", "-", Path(_whole(place)).name).strip("-.") or "pictures")


def document(found: Collection) -> dict[str, Any]:
    """What `deepglass search --json` says of the index."""
    changed = found.changed
    if changed is None:
        return found.index.about()
    told = {name: len(getattr(changed, name)) for name in ("added", "replaced", "removed")}
    return {**found.index.about(), **told, "unchanged": changed.unchanged, "unreadable": changed.unreadable}


def _opened(folder: Path, bundle: str, settings: list[Override]) -> Index:
    """An index that is there; UsageError where settings are asked for that it was not made with."""
    made = from_json(SearchSettings, read_index(folder)["settings"], str(folder))
    asked, origins = resolve(made, settings)
    if asked != made:
        differ = {name: getattr(made, name) for name in origins if getattr(asked, name) != getattr(made, name)}
        said = ", ".join(f"{name}={value or '-'}" for name, value in differ.items())
        raise UsageError("search.settled", folder=folder, made=said)
    return Index.open(folder, journey.load(bundle) if bundle else None)


def _whole(place: str) -> str:
    return Path(os.path.abspath(place)).as_posix()
