"""Folders that are whole or absent: written aside, sealed by a SHA-256 manifest, moved into place, read back.

Order of a write: temporary folder -> fsync each file -> manifest.json last -> fsync folder -> rename -> fsync parent
-> read back. A flipped bit, a missing file or a cut one is then always found (safetensors alone finds none of these).
Small files that stand alone carry their own SHA-256: JSON in a last key, text in a last line.
"""

import contextlib
import hashlib
import json
import os
import re
import shutil
import stat
import uuid
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from deepglass.foundation.errors import MachineError, RunFailed
from deepglass.foundation.words import say

MANIFEST = "manifest.json"
LONGEST_MANIFEST = 1 << 24  # bytes: a manifest of many thousand files
CHUNK = 1 << 20
LEFT_ASIDE = re.compile(r"\.(.+)\.(tmp|old)-[0-9a-f]{12}")
LAST_LINE = "# sha256 of this file without this line: "
UNREADABLE = (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError)  # of what should be JSON


def write_sealed(folder: Path, files: Mapping[str, bytes], beside: Mapping[str, bytes] | None = None) -> None:
    """Write `files` as one sealed folder; an older folder of that name is replaced only when the new one is whole.

    With `beside`, files that may change, the folder is open: others may lie in it that the seal says nothing of.
    """
    aside = _aside(folder, "tmp")
    try:
        _make_folder(folder.parent)
        aside.mkdir()
        for name, content in {**(beside or {}), **files}.items():
            _write_durably(aside / name, content)
        _write_durably(
            aside / MANIFEST, _manifest(files, is_open=beside is not None)
        )  # last: its existence means the files are complete
        _sync_folder(aside)
        _into_place(aside, folder)
    except OSError as error:
        raise MachineError("sealed.cannot_write", folder=folder, reason=error.strerror or error) from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def remove_sealed(folder: Path) -> None:
    """Take a sealed folder away: a kill in the middle leaves no half of it under its name."""
    aside = _aside(folder, "tmp")
    with contextlib.suppress(OSError):  # what cannot be removed now is tried again after the next save
        os.rename(folder, aside)
        shutil.rmtree(aside, ignore_errors=True)


def read_sealed(folder: Path) -> dict[str, bytes]:
    """Every file of a sealed folder, checked against its manifest; RunFailed names the first file that differs."""
    return dict(_checked(folder))


def verify(folder: Path) -> None:
    """Raise RunFailed unless every file is there and has the size and SHA-256 that the manifest states."""
    for _ in _checked(folder):
        pass


def digest_of(folder: Path) -> str:
    """One hash for all that a sealed folder's manifest states; the files themselves are not read."""
    return _digest(_stated(folder))


def file_sha256(file: Path) -> str:
    """SHA-256 of a file, read in pieces."""
    state = hashlib.sha256()
    with file.open("rb") as stream:
        while piece := stream.read(CHUNK):
            state.update(piece)
    return state.hexdigest()


def write_text(file: Path, text: str) -> None:
    """Replace a small text file in one step: a reader sees the old or the new content, never a part."""
    replace_file(file, lambda aside: _write_durably(aside, text.encode()))


def write_large(file: Path, write: Callable[[Path], None]) -> str:
    """`write_text` of what `write` puts into the file that it is handed; the SHA-256 of that."""
    found: list[str] = []

    def whole(aside: Path) -> None:
        write(aside)
        with aside.open("rb") as stream:
            os.fsync(stream.fileno())
        found.append(file_sha256(aside))

    replace_file(file, whole)
    return found[0]


def replace_file(file: Path, write: Callable[[Path], None]) -> None:
    """Put in place in one step what `write` has written durably into the file that it is handed."""
    aside = _aside(file, "tmp")
    try:
        _make_folder(file.parent)
        write(aside)
        os.replace(aside, file)
        _sync_folder(file.parent)
    except OSError as error:
        with contextlib.suppress(OSError):
            aside.unlink(missing_ok=True)
        raise MachineError("sealed.cannot_write", folder=file, reason=error.strerror or error) from error


def write_sealed_text(file: Path, text: str) -> None:
    """`write_text` with a last line that holds the text's own SHA-256, as a comment."""
    write_text(file, f"{text}{LAST_LINE}{_digest(text)}\n")


def check_sealed_text(file: Path) -> None:
    """Raise RunFailed where a text written by `write_sealed_text` is no longer as it was."""
    try:
        text, _, stated = file.read_bytes().decode().rpartition(LAST_LINE)
    except (OSError, ValueError):
        text, stated = "", ""
    if stated.strip() != _digest(text):
        raise RunFailed("sealed.changed", file=file)


def write_document(file: Path, document: Mapping[str, Any]) -> None:
    """`write_text` of a JSON object whose last key is its own SHA-256."""
    whole = {**document, "sha256": _digest(document)}
    write_text(file, json.dumps(whole, indent=1, ensure_ascii=False) + "\n")


def read_document(file: Path) -> dict[str, Any]:
    """A JSON object; RunFailed where it is not what `write_document` wrote. One without SHA-256 is somebody's own.

    OSError and ValueError where it cannot be read at all.
    """
    try:
        document = dict(json.loads(file.read_bytes()))
    except (TypeError, RecursionError) as error:
        raise ValueError(str(error)) from None
    stated = document.pop("sha256", None)
    if stated is not None and stated != _digest(document):
        raise RunFailed("sealed.changed", file=file)
    return document


def sweep(folder: Path) -> None:
    """Take away what writes into `folder` left aside when they were killed; nothing else is touched.

    An old folder that had stepped aside for a new one, which then never came, gets its name back.
    """
    for left in sorted(folder.glob(".*")):
        if not (name := LEFT_ASIDE.fullmatch(left.name)):
            continue
        home = folder / name.group(1)
        with contextlib.suppress(OSError):  # a disk that may only be read
            if name.group(2) == "old" and not home.exists():
                left.rename(home)
            elif left.is_dir():
                shutil.rmtree(left, ignore_errors=True)
            else:
                left.unlink(missing_ok=True)


def _checked(folder: Path) -> Iterator[tuple[str, bytes]]:
    stated = _stated(folder)
    for name, (size, sha256) in stated.items():
        try:
            content = _read(folder / name, size)
        except OSError as error:
            raise RunFailed("sealed.missing", file=folder / name, reason=error.strerror) from None
        if len(content) != size or hashlib.sha256(content).hexdigest() != sha256:
            raise RunFailed("sealed.damaged", file=folder / name)
        yield name, content


def _stated(folder: Path) -> dict[str, tuple[int, str]]:
    """Size and SHA-256 of every file by its name, as the manifest says; the manifest itself is checked first."""
    manifest = folder / MANIFEST
    try:
        document = json.loads(_read(manifest, LONGEST_MANIFEST))
        files = document["files"]
        if document["digest"] != _digest(files) or any(Path(name).name != name or "\0" in name for name in files):
            raise ValueError  # a name with a folder in it would be read from outside
        stated = {name: (int(size), str(sha256)) for name, (size, sha256) in files.items()}
        there = {file.name for file in folder.iterdir()}
    except (*UNREADABLE, OverflowError):
        raise RunFailed("sealed.no_manifest", file=manifest) from None
    extra = there - set(stated) - {MANIFEST}
    if extra and not document.get("open"):
        raise RunFailed("sealed.extra", file=folder / min(extra))
    return stated


def _read(file: Path, size: int) -> bytes:
    """At most one byte more than `size`, and only of a regular file: no pipe that waits, no file that never ends."""
    if not stat.S_ISREG(file.stat().st_mode):
        raise OSError(0, say("sealed.not_a_file"))
    with file.open("rb") as stream:
        return stream.read(max(0, size) + 1)


def _manifest(files: Mapping[str, bytes], *, is_open: bool) -> bytes:
    stated = {name: [len(content), hashlib.sha256(content).hexdigest()] for name, content in sorted(files.items())}
    document = {"files": stated, "digest": _digest(stated)} | ({"open": True} if is_open else {})
    return json.dumps(document, indent=1).encode()


def _digest(stated: object) -> str:
    return hashlib.sha256(json.dumps(stated, sort_keys=True).encode()).hexdigest()


def _aside(path: Path, kind: str) -> Path:
    return path.parent / f".{path.name}.{kind}-{uuid.uuid4().hex[:12]}"


def _make_folder(folder: Path) -> None:
    """With all above it that is missing, each made durable: what lies in a folder is as safe as the folder's name."""
    missing = [one for one in (folder, *folder.parents) if not one.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    for one in missing:
        _sync_folder(one.parent)


def _write_durably(file: Path, content: bytes) -> None:
    with file.open("wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())


def _into_place(aside: Path, folder: Path) -> None:
    """Rename, make that durable, read back. POSIX renames no folder onto a full one: an older one steps aside first.

    Where any of this fails, all is as before.
    """
    old = _aside(folder, "old")
    if folder.exists():
        os.rename(folder, old)
    try:
        os.rename(aside, folder)
        _sync_folder(folder.parent)
        verify(folder)
    except BaseException:
        with contextlib.suppress(OSError):
            if not aside.exists():
                os.rename(folder, aside)
            if old.exists():
                os.rename(old, folder)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
