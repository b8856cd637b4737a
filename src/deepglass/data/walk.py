"""The files of a folder in one order on every machine: sorted, hidden ones left out, loops of links cut."""

import os
from collections.abc import Iterator
from pathlib import Path

from deepglass.foundation.errors import DataError

LEFT_BY_SYSTEMS = {"thumbs.db", "desktop.ini", "__macosx", "@eadir", "$recycle.bin", "system volume information"}


def hidden(name: str) -> bool:
    """Whether a file manager or an archiver left it there: .DS_Store, ._x, Thumbs.db, __MACOSX."""
    return name.startswith(".") or name.lower() in LEFT_BY_SYSTEMS


def suffix(name: str) -> str:
    """The extension in lower case with its dot, or nothing."""
    return os.path.splitext(name)[1].lower()


def listing(folder: Path | str) -> tuple[list[str], list[str]]:
    """Names of the folders and of the files in `folder`, each sorted; a link that leads nowhere counts as a file."""
    folders, files = [], []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if not hidden(entry.name):
                    (folders if _is_folder(entry) else files).append(entry.name)
    except OSError as error:
        raise DataError("data.cannot_open", place=folder, reason=error.strerror or error) from None
    return sorted(folders), sorted(files)


def walk(folder: Path | str, prefix: str = "") -> Iterator[str]:
    """Every file under `folder` as a path relative to it after `prefix`, with "/" between names."""
    above = frozenset(_identity(parent) for parent in Path(folder).absolute().parents)
    return _descend(str(folder), prefix, above)


def _descend(folder: str, prefix: str, above: frozenset[tuple[int, int]]) -> Iterator[str]:
    folders, files = listing(folder)
    yield from (prefix + name for name in files)
    above = above | {_identity(folder)}
    for name in folders:
        inner = os.path.join(folder, name)
        if _identity(inner) not in above:  # else a link back up
            yield from _descend(inner, f"{prefix}{name}/", above)


def _identity(folder: Path | str) -> tuple[int, int]:
    place = os.stat(folder)
    return place.st_dev, place.st_ino


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself
        return False
