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


def walk(folder: Path | str, prefix: str = "", above: frozenset[tuple[int, int]] = frozenset()) -> Iterator[str]:
    """Every file under `folder` as a path relative to it, with "/" between names."""
    folders, files = listing(folder)
    yield from (prefix + name for name in files)
    here = os.stat(folder)
    above = above | {(here.st_dev, here.st_ino)}
    for name in folders:
        inner = os.path.join(folder, name)
        place = os.stat(inner)
        if (place.st_dev, place.st_ino) not in above:
            yield from walk(inner, f"{prefix}{name}/", above)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself
        return False
