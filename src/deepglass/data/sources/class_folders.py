"""Class folders: DIR/class/*.jpg, one folder for each class, deeper folders inside a class allowed."""

from pathlib import Path

from deepglass.data.settings import DataSettings
from deepglass.data.source import Finding, Index, Layout, Match
from deepglass.data.sources.columns import part
from deepglass.data.sources.files import PictureFiles, has_pictures, is_picture, nameable, strays
from deepglass.data.walk import listing, walk


def recognise(place: str, settings: DataSettings) -> Match | None:
    """Two folders or more that hold pictures."""
    root = Path(place)
    if not root.is_dir():
        return None
    folders, files = listing(root)
    classes = [name for name in folders if has_pictures(root / name)]
    if len(classes) < 2 or (all(map(part, classes)) and not settings.layout):  # train and test are no classes
        return None
    loose = sum(is_picture(root, name) for name in files)
    sure = 0.8 if not loose else 0.6
    return Match(sure, "layout_class_folders", "classify", {"classes": len(classes)})


def open_folders(place: str, settings: DataSettings) -> PictureFiles:
    """Every picture under DIR/class, with the class as its answer."""
    root = Path(place)
    ids: list[str] = []
    labels: list[str] = []
    folders, loose = listing(root)
    findings = strays(loose)
    for name in folders:
        found, seen = class_pictures(root, name)
        findings += seen
        ids += found
        labels += [name] * len(found)
    findings += _shared_level(root, folders)
    return PictureFiles("class_folders", "classify", root, Index(ids, labels), findings)


def class_pictures(root: Path, name: str) -> tuple[list[str], list[Finding]]:
    """Ids of the pictures under one class folder, and what else was seen there."""
    files = list(walk(root / name, f"{name}/"))
    ids = [file for file in files if is_picture(root, file) and nameable(file)]
    unnamed = sum(not nameable(file) for file in files)
    findings = strays([file for file in files if nameable(file) and not is_picture(root, file)], name)
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
