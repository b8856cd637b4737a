"""YOLO: a .txt of boxes for each picture (images/ with labels/, or beside it), and data.yaml or classes.txt with names.

Parts are those of data.yaml, else folders named after them. An empty .txt says that nothing is in the picture; where
there is none the answer is not known.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from deepglass.data.readers.picture import SUFFIXES
from deepglass.data.readers.yolo import LISTS, YAML, Thing, Yaml, read_names, read_things, read_yaml
from deepglass.data.settings import DataSettings
from deepglass.data.source import Finding, Layout, Match, Unreadable
from deepglass.data.sources.boxed import NAMED, Marked, Pictures, gathered, size_of, unknown_ids
from deepglass.data.sources.files import LOOKED, PictureFiles
from deepglass.data.walk import listing, suffix, walk
from deepglass.foundation.errors import DataError

TRIED = 20  # label files by which the layout is told


def recognise(place: str, settings: DataSettings) -> Match | None:
    """A data.yaml that names classes, or label files that pictures belong to."""
    root, file = _found(Path(place))
    if not root.is_dir() or (file is None and not _looks(root)):
        return None
    names = file.name if file else "labels/*.txt"
    return Match(0.97, "layout_yolo", "detect", {"files": names})


def open_yolo(place: str, settings: DataSettings) -> PictureFiles:
    """Every picture with the boxes of its label file."""
    root, file = _found(Path(place))
    if not root.is_dir():
        raise DataError("data.not_that_layout", place=place, layout="yolo")
    told = _told(file)
    base = root / told.path if told.path and (root / told.path).is_dir() else root
    pictures = Pictures(base)
    labels = {id for id in walk(base) if suffix(id) == ".txt" and id.rsplit("/", 1)[-1] not in LISTS}
    findings: list[Finding] = []
    parts = _parts(told, pictures, base, findings)
    labels_of = {id: _labels_of(id, labels) for id in pictures.names.ids}
    taken = {label for found in labels_of.values() for label in found}
    things = {label: _read(base / label) for label in sorted(labels)}
    things = {label: found for label, found in things.items() if label in taken or _is_label(label, found)}
    numbers = Counter(thing.number for _, thing in _lines(things))
    names = told.names
    if not names:
        names = {number: str(number) for number in sorted(numbers)}
        findings.append(Finding("names_missing", "note", "", {"count": len(names)}))
    strange = next((f"{label}:{thing.line}" for label, thing in _lines(things) if thing.number not in names), "")
    findings += unknown_ids(numbers, list(names), file or base, strange)
    marks = _marks(_Labels(base, labels_of, things, names), parts)
    return gathered("yolo", pictures, marks, findings, [names[number] for number in sorted(names)], True)


def _found(place: Path) -> tuple[Path, Path | None]:
    """The folder, and the file that names classes: data.yaml, or a list of names in the folder or beside labels."""
    if place.is_file():
        return place.parent if suffix(place.name) in YAML and _names_classes(place) else place, place
    if not place.is_dir():
        return place, None
    folders, files = listing(place)
    for name in sorted(files, key=lambda name: name not in ("data.yaml", "data.yml")):
        if suffix(name) in YAML and _names_classes(place / name):
            return place, place / name
    near = [place, *(place / name for name in folders)]
    lists = [folder / name for folder in near for name in LISTS if (folder / name).is_file()]
    return place, next(filter(lambda _: _looks(place), lists), None)


def _names_classes(file: Path) -> bool:
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError):
        return False
    return any(line.startswith("names:") for line in lines) and any(
        line.startswith(("train:", "val:")) for line in lines
    )


def _told(file: Path | None) -> Yaml:
    if file is None:
        return Yaml({}, {}, "")
    return read_yaml(file) if suffix(file.name) in YAML else Yaml(read_names(file), {}, "")


def _looks(root: Path) -> bool:
    """Whether the first label files that belong to pictures read as such, half of them at least, and not all empty."""
    inner = [root, *(root / name for name in listing(root)[0])]
    named = [folder / "labels" for folder in inner if (folder / "labels").is_dir()]
    folders = [(folder, f"{folder.relative_to(root).as_posix()}/") for folder in named] or [(root, "")]
    held = broken = 0
    for folder, prefix in folders:
        texts = (id for id in islice(walk(folder, prefix), LOOKED) if suffix(id) == ".txt")
        for label in islice((id for id in texts if id.rsplit("/", 1)[-1] not in LISTS), TRIED):
            found = _read(root / label)
            if isinstance(found, Unreadable) and found.reason == "label_not_shares":
                held += _has_picture(root, label)  # labels all the same, in pixels; each is named when it is read
            elif isinstance(found, Unreadable):
                broken += _has_picture(root, label)
            else:
                held += bool(found) and _has_picture(root, label)
    return held > 0 and held >= broken


def _has_picture(root: Path, label: str) -> bool:
    folder, _, name = label.rpartition("/")
    pieces = folder.split("/") if folder else []
    choices = [pieces]
    if "labels" in pieces:
        place = _last(pieces, "labels")
        choices = [[*pieces[:place], "images", *pieces[place + 1 :]], pieces[:place]]
    stem = name.rpartition(".")[0]
    endings = [ending for known in SUFFIXES for ending in (known, known.upper())]
    return any(root.joinpath(*choice, f"{stem}{ending}").exists() for choice in choices for ending in endings)


def _labels_of(id: str, labels: set[str]) -> list[str]:
    """The label files of a picture: images/x.png has labels/x.txt, others have it beside them or in labels/ there."""
    folder, _, name = id.rpartition("/")
    stem = f"{name.rpartition('.')[0] or name}.txt"
    pieces = folder.split("/") if folder else []
    choices = [[*pieces, stem], [*pieces, "labels", stem]]
    if "images" in pieces:
        place = _last(pieces, "images")
        choices.insert(0, [*pieces[:place], "labels", *pieces[place + 1 :], stem])
    return [label for label in map("/".join, choices) if label in labels]


def _last(pieces: list[str], name: str) -> int:
    return len(pieces) - 1 - pieces[::-1].index(name)


def _read(file: Path) -> list[Thing] | Unreadable:
    try:
        return read_things(file)
    except Unreadable as reason:
        return reason


def _is_label(label: str, found: list[Thing] | Unreadable) -> bool:
    """Whether a text without a picture is a label file all the same, and not a list or a note."""
    return "labels" in label.split("/")[:-1] or (isinstance(found, list) and bool(found))


def _lines(things: Mapping[str, list[Thing] | Unreadable]) -> Iterator[tuple[str, Thing]]:
    return ((label, thing) for label, found in things.items() if isinstance(found, list) for thing in found)


def _parts(told: Yaml, pictures: Pictures, base: Path, findings: list[Finding]) -> dict[str, str] | None:
    """The part of each picture that data.yaml names; None where it names none."""
    if not told.parts:
        return None
    found: dict[str, set[str]] = {}
    for part, places in told.parts.items():
        found[part] = {id for place in places for id in _below(place, pictures, base)}
        if not found[part]:
            findings.append(Finding("part_missing", "warning", "", {"part": part, "place": ", ".join(places)[:80]}))
    if not any(found.values()):
        part, places = next(iter(told.parts.items()))
        raise DataError("data.part_missing", part=part, place=", ".join(places)[:80])
    if found.get("train") and found.get("train") == found.get("val"):  # one folder for both: nothing is told apart
        found = {"": found["train"], **{part: ids for part, ids in found.items() if part == "test"}}
    named = {id: part for part, ids in found.items() for id in sorted(ids)}
    if left := [id for id in pictures.names.ids if id not in named]:
        values = {"count": len(left), "examples": ", ".join(left[:NAMED])}
        findings.append(Finding("not_in_parts", "note", "", values))
    return named


def _below(place: str, pictures: Pictures, base: Path) -> Iterable[str]:
    """The pictures of a folder, or of a list of them in a .txt."""
    for tried in (place, place.removeprefix("../")):  # some exports write ../train/images for a folder that is beside
        try:
            inside = (base / tried).resolve().relative_to(base.resolve()).as_posix()
        except ValueError:
            continue
        if (base / inside).is_file():
            lines = (base / inside).read_text(encoding="utf-8", errors="replace").split("\n")
            near = [inside.rpartition("/")[0]]
            return (pictures.find(line.strip(), near)[0] for line in lines if line.strip())
        if (base / inside).is_dir():
            prefix = "" if inside == "." else f"{inside}/"
            return (id for id in pictures.names.ids if id.startswith(prefix))
    return ()


class _Labels(NamedTuple):
    """The label files of each picture, what stands in them, and the names of classes."""

    base: Path
    of: dict[str, list[str]]
    things: dict[str, list[Thing] | Unreadable]
    names: dict[int, str]

    def mark(self, id: str, label: str, part: str) -> Marked:
        """What one label file says of a picture."""
        found, size = self.things[label], size_of(self.base, id)
        if isinstance(size, Unreadable):
            return Marked(id, (), label, part, fault=size)
        if isinstance(found, Unreadable):
            return Marked(id, (), label, part, fault=found)
        boxes = [thing.box(self.names[thing.number], *size) for thing in found if thing.number in self.names]
        return Marked(id, tuple(boxes), label, part, size)


def _marks(labels: _Labels, parts: dict[str, str] | None) -> list[Marked]:
    """One for each picture that is in a part, and for each label file whose picture is not there."""
    marks: list[Marked] = []
    for id in labels.of if parts is None else parts:
        part = parts[id] if parts else ""
        if id not in labels.of:
            marks.append(Marked(id, (), "", part, fault=Unreadable("missing_file")))
        elif labels.of[id]:
            marks += [labels.mark(id, label, part) for label in labels.of[id]]
        else:
            marks.append(Marked(id, None, "", part))
    taken = {label for found in labels.of.values() for label in found}
    lost = [label for label in labels.things if label not in taken]
    return marks + [Marked(label, (), label, fault=Unreadable("picture_missing", annotation=label)) for label in lost]


CATALOGUE = {"yolo": Layout(recognise, open_yolo, "detect")}
