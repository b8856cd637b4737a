"""Folders that are whole or absent: written aside, sealed by a SHA-256 manifest, moved into place, read back.

Order of a write: temporary folder -> fsync each file -> manifest.json last -> fsync folder -> rename -> fsync parent
-> read back. A flipped bit, a missing file or a cut one is then always found (safetensors alone finds none of these).
"""

import contextlib
import hashlib
import json
import os
import re
import shutil
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path

from deepglass.foundation.errors import MachineError, RunFailed

MANIFEST = "manifest.json"
CHUNK = 1 << 20
LEFT_ASIDE = re.compile(r"\..+\.(tmp|old)-[0-9a-f]{12}")


def write_sealed(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write `files` as one sealed folder; an older folder of that name is replaced only when the new one is whole."""
    aside = folder.parent / f".{folder.name}.tmp-{uuid.uuid4().hex[:12]}"
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        aside.mkdir()
        for name, content in files.items():
            _write_durably(aside / name, content)
        _write_durably(aside / MANIFEST, _manifest(files))  # last: its existence means the files are complete
        _sync_folder(aside)
        verify(aside)
        _replace(aside, folder)
        _sync_folder(folder.parent)
    except OSError as error:
        raise MachineError("sealed.cannot_write", folder=folder, reason=error.strerror or error) from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def read_sealed(folder: Path) -> dict[str, bytes]:
    """Every file of a sealed folder, checked against its manifest; RunFailed names the first file that differs."""
    return dict(_checked(folder))


def verify(folder: Path) -> None:
    """Raise RunFailed unless every file is there and has the size and SHA-256 that the manifest states."""
    for _ in _checked(folder):
        pass


def digest(folder: Path) -> str:
    """The SHA-256 of a sealed folder's manifest: one name for all of its content."""
    return hashlib.sha256((folder / MANIFEST).read_bytes()).hexdigest()


def file_sha256(file: Path) -> str:
    """SHA-256 of a file, read in pieces."""
    state = hashlib.sha256()
    with file.open("rb") as stream:
        while piece := stream.read(CHUNK):
            state.update(piece)
    return state.hexdigest()


def write_text(file: Path, text: str) -> None:
    """Replace a small text file in one step: a reader sees the old or the new content, never a part."""
    aside = file.parent / f".{file.name}.tmp-{uuid.uuid4().hex[:12]}"
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        _write_durably(aside, text.encode())
        os.replace(aside, file)
        _sync_folder(file.parent)
    except OSError as error:
        with contextlib.suppress(OSError):
            aside.unlink(missing_ok=True)
        raise MachineError("sealed.cannot_write", folder=file, reason=error.strerror or error) from error


def sweep(folder: Path) -> None:
    """Take away what writes into `folder` left aside when they were killed; nothing else is touched."""
    for left in folder.glob(".*"):
        if not LEFT_ASIDE.fullmatch(left.name):
            continue
        if left.is_dir():
            shutil.rmtree(left, ignore_errors=True)
        else:
            left.unlink(missing_ok=True)


def _checked(folder: Path) -> Iterator[tuple[str, bytes]]:
    manifest = folder / MANIFEST
    try:
        document = json.loads(manifest.read_bytes())
        stated = document["files"]
        if document["digest"] != _digest(stated) or any(Path(name).name != name for name in stated):
            raise ValueError  # a name with a folder in it would be read from outside
        stated = {name: (int(size), str(sha256)) for name, (size, sha256) in stated.items()}
    except (OSError, ValueError, KeyError, TypeError):
        raise RunFailed("sealed.no_manifest", file=manifest) from None
    extra = {file.name for file in folder.iterdir()} - set(stated) - {MANIFEST}
    if extra:
        raise RunFailed("sealed.extra", file=folder / min(extra))
    for name, (size, sha256) in stated.items():
        try:
            content = (folder / name).read_bytes()
        except OSError as error:
            raise RunFailed("sealed.missing", file=folder / name, reason=error.strerror) from None
        if len(content) != size or hashlib.sha256(content).hexdigest() != sha256:
            raise RunFailed("sealed.damaged", file=folder / name)
        yield name, content


def _manifest(files: Mapping[str, bytes]) -> bytes:
    stated = {name: [len(content), hashlib.sha256(content).hexdigest()] for name, content in sorted(files.items())}
    return json.dumps({"files": stated, "digest": _digest(stated)}, indent=1).encode()


def _digest(stated: object) -> str:
    return hashlib.sha256(json.dumps(stated, sort_keys=True).encode()).hexdigest()


def _write_durably(file: Path, content: bytes) -> None:
    with file.open("wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())


def _replace(aside: Path, folder: Path) -> None:
    """Rename over an older folder: POSIX renames no folder onto a full one, so the old one steps aside first."""
    if not folder.exists():
        os.rename(aside, folder)
        return
    old = folder.parent / f".{folder.name}.old-{uuid.uuid4().hex[:12]}"
    os.rename(folder, old)
    os.rename(aside, folder)
    shutil.rmtree(old)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
