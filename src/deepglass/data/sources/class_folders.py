"""Class folders: DIR/class/*.jpg, *.wav or *.txt, one folder for each class, deeper folders inside a class allowed.

What lies in a folder named unlabelled has no class; of pictures it is learned from all the same (semi_supervised).
"""

from collections.abc import Iterable
from pathlib import Path

from deepglass.data.settings import DataSettings
from deepglass.data.source import Finding, Index, Layout, Match
from deepglass.data.sources.columns import part
from deepglass.data.sources.files import MEANT, OPENED, Files, class_of, holds, kind_held, nameable, strays
from deepglass.data.walk import listing, walk


def recognise(place: str, settings: DataSettings) -> Match | None:
    """Two folders or more that hold files of one kind."""
    root = Path(place)
    kind = kind_held(root) if root.is_dir() else ""
    if not kind:
        return None
    folders, files = listing(root)
    held = [name for name in folders if holds(root / name, kind)]
    classes = [name for name in held if class_of(name)]
    if len(classes) < 2 or (all(map(part, classes)) and not settings.layout):  # train and test are no classes
        return None
    loose = sum(MEANT[kind](root, name) for name in files)
    sure = 0.8 if not loose else 0.6
    if task_of(held, kind) == "semi_supervised":
        return Match(sure, "layout_part_labelled", "semi_supervised", {"classes": len(classes)})
    return Match(sure, "layout_class_folders", "classify", {"classes": len(classes)})


def open_folders(place: str, settings: DataSettings) -> Files:
    """Every file under DIR/class, with the class as its answer."""
    root = Path(place)
    kind = kind_held(root)
    ids: list[str] = []
    labels: list[str | None] = []
    folders, loose = listing(root)
    findings = strays(loose)
    for name in folders:
        found, seen = class_files(root, name, kind)
        findings += seen
        ids += found
        labels += [class_of(name)] * len(found)
    findings += _shared_level(root, folders)
    task = task_of(folders if None in labels else (), kind)
    return OPENED[kind]("class_folders", task, root, Index(ids, labels, kind=kind), findings)


def task_of(folders: Iterable[str], kind: str) -> str:
    """What follows from the folders: pictures that have no class are learned from beside those that have one."""
    return "semi_supervised" if kind == "picture" and not all(map(class_of, folders)) else "classify"


def class_files(root: Path, name: str, kind: str) -> tuple[list[str], list[Finding]]:
    """Ids of the files of this kind under one class folder, and what else was seen there."""
    meant = MEANT[kind]
    ids: list[str] = []
    others: list[str] = []
    unnamed = 0
    for file in walk(root / name, f"{name}/"):
        if nameable(file):
            (ids if meant(root, file) else others).append(file)
        else:
            unnamed += 1
    findings = strays(others, name)
    if unnamed:
        findings.append(Finding("name_not_utf8", "warning", name, {"count": unnamed}))
    if not ids:
        findings.append(Finding("empty_class", "warning", name))
    return ids, findings


def _shared_level(root: Path, folders: list[str]) -> list[Finding]:
    """Folders that all hold the same folders may be sets and not classes: worth a word."""
    inner = [tuple(listing(root / name)[0]) for name in folders]
    if len(inner) < 2 or len(inner[0]) < 2 or any(names != inner[0] for names in inner):
        return []
    values = {"outer": ", ".join(folders[:3]), "inner": ", ".join(inner[0][:3])}
    return [Finding("same_folders_inside", "warning", "", values)]


CATALOGUE = {"class_folders": Layout(recognise, open_folders)}
