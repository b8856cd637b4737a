"""What can happen to files: a bit flips, an end is cut, a page is zero; files change places, go, come, or are older."""

import random
import shutil
from pathlib import Path

PAGE = 4096
KINDS = ("flip", "cut", "page", "swap", "delete", "empty", "mixed", "extra")


def mutate(kind: str, folder: Path, other: Path, draw: random.Random) -> str:
    """Do it to a file of the folder, and say what was done; "" where that would change nothing.

    `other` is an older folder of the same kind, for files of two ages under one manifest.
    """
    files = sorted(path for path in folder.iterdir() if path.is_file())
    file = draw.choice(files)
    content = file.read_bytes()
    if kind == "swap":
        second = draw.choice([path for path in files if path != file])
        if (changed := second.read_bytes()) != content:
            second.write_bytes(content)
        said = f"{file.name} and {second.name} changed places"
    elif kind == "mixed":
        taken = other / file.name
        changed = taken.read_bytes() if taken.is_file() else content
        said = f"{file.name} is that of {other.name}"
    elif kind == "extra":
        name = draw.choice(["stranger", ".hidden", f"{file.name}.bak", "model-00002.safetensors"])
        shutil.copy(file, folder / name)
        return f"{name} was added"
    elif kind == "delete":
        file.unlink()
        return f"{file.name} was deleted"
    else:
        changed, said = damaged(kind, content, draw)
        said = f"{file.name}: {said}"
    if changed == content:
        return ""
    file.write_bytes(changed)
    return said


def damaged(kind: str, content: bytes, draw: random.Random) -> tuple[bytes, str]:
    """The content of one file with one bit flipped, cut, with a page of zeros, or gone."""
    if kind == "empty" or not content:
        return b"", "emptied"
    if kind == "cut":
        length = draw.randrange(len(content))
        return content[:length], f"cut to {length} of {len(content)} bytes"
    changed = bytearray(content)
    if kind == "flip":
        place, bit = draw.randrange(len(content)), draw.randrange(8)
        changed[place] ^= 1 << bit
        return bytes(changed), f"bit {bit} of byte {place} flipped"
    start = draw.randrange(0, len(content), PAGE)
    end = min(start + PAGE, len(content))
    changed[start:end] = bytes(end - start)
    return bytes(changed), f"bytes {start} to {end} zeroed"


def restore_folder(folder: Path, kept: dict[str, bytes]) -> None:
    """All files as they were."""
    for path in folder.iterdir():
        if path.name not in kept:
            path.unlink()
    for name, content in kept.items():
        if not (folder / name).is_file() or (folder / name).read_bytes() != content:
            (folder / name).write_bytes(content)


def contents(folder: Path) -> dict[str, bytes]:
    """Every file's bytes by its name."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}
