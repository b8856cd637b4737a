"""Part folders: DIR/train/class/*, DIR/val/class/* (or valid, validation), DIR/test/class/*: the split is given."""

from pathlib import Path

from deepglass.data.settings import DataSettings
from deepglass.data.source import Finding, Index, Layout, Match
from deepglass.data.sources.class_folders import class_files, task_of
from deepglass.data.sources.columns import part
from deepglass.data.sources.files import OPENED, Files, class_of, holds, kind_held, strays
from deepglass.data.walk import listing


def recognise(place: str, settings: DataSettings) -> Match | None:
    """A folder named train that holds folders, and perhaps val and test beside it."""
    root = Path(place)
    kind = kind_held(root) if root.is_dir() else ""
    if not kind:
        return None
    parts = {part(name): name for name in listing(root)[0] if part(name) and holds(root / name, kind)}
    if "train" not in parts or len(parts) < 2:
        return None
    classes = listing(root / parts["train"])[0]
    if not classes:
        return None
    values = {"parts": ", ".join(parts.values()), "classes": sum(map(bool, map(class_of, classes)))}
    return Match(0.95, "layout_part_folders", task_of(classes, kind), values)


def open_folders(place: str, settings: DataSettings) -> Files:
    """Every file under DIR/part/class, with class and part."""
    root = Path(place)
    kind = kind_held(root)
    folders, loose = listing(root)
    findings = strays(loose)
    ids: list[str] = []
    labels: list[str | None] = []
    parts: list[str] = []
    task = "classify"
    for folder in folders:
        if not part(folder):
            findings.append(Finding("not_a_part", "warning", folder))
            continue
        classes, inside = listing(root / folder)
        findings += strays([f"{folder}/{name}" for name in inside], folder)
        task = task_of(classes, kind) if part(folder) == "train" else task
        for name in classes:
            found, seen = class_files(root, f"{folder}/{name}", kind)
            findings += seen
            ids += found
            labels += [class_of(name)] * len(found)
            parts += [part(folder)] * len(found)
    return OPENED[kind]("part_folders", task, root, Index(ids, labels, parts, kind=kind), findings)


CATALOGUE = {"part_folders": Layout(recognise, open_folders)}
