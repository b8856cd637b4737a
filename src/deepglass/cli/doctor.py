"""Look at this machine: what deepglass finds here, what is missing, and how to get it."""

import importlib.metadata
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, NamedTuple

from deepglass.cli.options import Debug, Json, Printer
from deepglass.foundation.device import cache_folder, machine
from deepglass.foundation.words import has, say
from deepglass.views.cells import columns, pad
from deepglass.views.chart import cjk_font

COMPILERS = ("c++", "g++", "clang++")
LITTLE_DISK, LITTLE_MEMORY = 2 * 2**30, 2 * 2**30  # bytes under which a training may not end well
FOR_OURSELVES = ("all", "test")  # extras that add nothing to what deepglass can do
SIGNS = {"ok": "✓", "missing": "✗", "note": "·"}


class Line(NamedTuple):
    """One thing that was looked at; `remedy` is empty where there is nothing to do."""

    name: str
    state: Literal["ok", "missing", "note"]  # "note": not here, and nothing needs it
    value: str
    remedy: str = ""


def doctor(as_json: Json = False, debug: Debug = False) -> None:
    """Python, torch, processor, memory, GPU, compiler, extras, fonts, cache and disk: each with its remedy."""
    printer = Printer(as_json)
    lines = list(look())
    names = [_said(line.name) for line in lines]
    width = max(map(columns, names))
    for line, name in zip(lines, names, strict=True):
        printer.line(f"{SIGNS[line.state]} {pad(name, width)}  {line.value}")
        if line.remedy:
            printer.line(f"  {'':<{width}}  → {line.remedy}")
    missing = sum(line.state == "missing" for line in lines)
    printer.line("\n" + (say("doctor.some", count=missing) if missing else say("doctor.all_well")))
    printer.done([line._asdict() for line in lines])


def _said(name: str) -> str:
    """A line's name in the reader's language; JSON keeps the English one, an extra its own."""
    return say(f"doctor.name_{name}") if has(f"doctor.name_{name}") else name


def look() -> Iterator[Line]:
    """Every line, from the machine up to the disk."""
    here = machine()
    yield Line("python", "ok", f"{here['python']}, {here['system']}")
    yield Line("torch", "ok", here["torch"])
    yield Line("processor", "ok", say("doctor.cores", name=here["processor"], count=here["cores"]))
    yield Line("instructions", "ok", here["instructions"])
    yield _memory(here["memory_bytes"])
    devices = ", ".join(here["gpus"]) or ", ".join(name for name in here["devices"] if name != "cpu")
    yield Line("gpu", "ok" if devices else "note", devices or say("doctor.no_gpu"))
    compiler = next((found for name in COMPILERS if (found := shutil.which(name))), "")
    absent = "" if compiler else say("doctor.get_compiler")
    yield Line("compiler", "ok" if compiler else "missing", compiler or say("doctor.no_compiler"), absent)
    yield from _extras()
    font = cjk_font()
    yield Line(
        "font", "ok" if font else "missing", font or say("doctor.no_font"), "" if font else say("doctor.get_font")
    )
    yield _cache(cache_folder())
    yield _disk(Path.cwd())


def _memory(size: int) -> Line:
    if not size:
        return Line("memory", "note", say("doctor.unknown"))
    enough = size >= LITTLE_MEMORY
    return Line("memory", "ok" if enough else "missing", gigabytes(size), "" if enough else say("doctor.get_memory"))


def _extras() -> Iterator[Line]:
    """The optional packages, by what they let you do, as pyproject.toml names them."""
    wanted: dict[str, list[str]] = {}
    for requirement in importlib.metadata.requires("deepglass") or []:
        named = re.fullmatch(r"([\w.-]+).*;.*extra\s*==\s*['\"]([\w-]+)['\"].*", requirement)
        if named and named[2] not in FOR_OURSELVES:
            wanted.setdefault(named[2], []).append(named[1])
    for extra, packages in sorted(wanted.items()):
        absent = [package for package in packages if not installed(package)]
        use = say(f"doctor.extra_{extra}") if has(f"doctor.extra_{extra}") else ", ".join(packages)
        remedy = say("doctor.get_extra", extra=extra) if absent else ""
        yield Line(extra, "missing" if absent else "ok", use, remedy)


def installed(package: str) -> str:
    """The version of an installed package, or nothing."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return ""


def _cache(folder: Path) -> Line:
    """Where packed data lie, how much it is, and whether it can be written."""
    there = next(place for place in (folder, *folder.parents) if place.exists())
    if not _writable(there):
        return Line(
            "cache", "missing", say("doctor.cache_closed", folder=folder), say("doctor.get_cache", folder=there)
        )
    size = sum(_size(Path(base) / name) for base, _, names in os.walk(folder) for name in names)
    return Line("cache", "ok", say("doctor.cache", folder=folder, size=gigabytes(size)))


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:  # another process may just have moved it
        return 0


def _writable(folder: Path) -> bool:
    try:
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


def _disk(folder: Path) -> Line:
    free = shutil.disk_usage(folder).free
    enough = free >= LITTLE_DISK
    value = say("doctor.free", size=gigabytes(free), folder=folder)
    return Line("disk", "ok" if enough else "missing", value, "" if enough else say("doctor.get_disk"))


def gigabytes(size: float) -> str:
    """A size as people say it.

    >>> gigabytes(123), gigabytes(5 * 2**20), gigabytes(3.25 * 2**30)
    ('0 MiB', '5 MiB', '3.2 GiB')
    """
    return f"{size / 2**30:.1f} GiB" if size >= 2**30 else f"{size / 2**20:.0f} MiB"


CATALOGUE = {"doctor": doctor}
