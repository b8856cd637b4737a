"""What lies at a place: every layout of the catalogue is asked, and the surest one opens it.

Where none fits, the error says what is there instead and what to do.
"""

import difflib
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from deepglass.data.annotation import names_of
from deepglass.data.column import Parts, tally
from deepglass.data.readers.delimited import SUFFIXES as TABLES
from deepglass.data.readers.misfit import GB18030, encoding_of
from deepglass.data.settings import DataSettings
from deepglass.data.source import Finding, Match, Source, Unreadable
from deepglass.data.sources.coco import BESIDE
from deepglass.data.sources.files import ARCHIVES, has_pictures, holds, is_picture, is_sound
from deepglass.data.sources.volumes import holds_volumes
from deepglass.data.walk import listing, suffix, walk
from deepglass.foundation import catalogue
from deepglass.foundation.errors import DataError
from deepglass.foundation.seeds import Permutation
from deepglass.foundation.words import say

ROOM = "data.sources"
TABLES_TOLD = 8  # of a folder, whose encoding is looked at for a note
PAIRS, TRANSLATES = "pairs", "image_to_image"  # the layout of pairs of pictures, and the task that learns from them
SIDES = "class_folders"  # the layout of two sides that are two folders
SPACED = 32  # volumes that are asked how far apart their places are
WITH_COLUMNS = frozenset(
    (
        *("table", "picture_table", "text_table", "series_table", "series_wide", "series_forecast", "parallel"),
        *("transcripts", "tagged", "box_table", "plate_table", "moments", "clip_table", "captions"),
    )
)

HEAPS = {  # what is said of a heap of pictures where a task asks for it, beside what is said of any other
    "turn_faces": "data.no_people",
    "semi_supervised": "data.no_labelled",
    "image_to_image": "data.no_sides",
}


class Recognised(NamedTuple):
    """The layout of a place and what it says of it."""

    layout: str
    match: Match

    def sentence(self, task: str = "") -> str:
        """For people: "class folders with 5 classes; task classify"; `task` where another one is asked for."""
        layout = say(f"data.{self.match.reason}", **self.match.values)
        return say("data.recognised", layout=layout, task=task or self.match.task)


class Survey(NamedTuple):
    """What a sample of headers tells; recipes and the pictures' size are chosen from it."""

    kind: str  # "picture" or "vector" ...
    width: int  # the median; the number of columns of a vector, of steps of a series
    height: int
    same_size: bool
    channels: tuple[int, ...]  # those seen, grey 1 before colour 3
    counts: dict[str, int]  # examples of each class over the whole source, the largest first; empty for numbers
    looked_at: int  # how many headers could be read
    examples: int  # of the whole source
    training: int = 0  # of these, the ones that the source does not put into another part
    spacing: tuple[float, ...] = ()  # of volumes: median millimetres between slices, between rows, between columns


def recognise(place: str, settings: DataSettings) -> Source:
    """The source at a place (a path, "digits", "made:xor"), by its surest layout or by `settings.layout`."""
    layout = recognised(place, settings).layout
    source = catalogue.find(ROOM, layout).open(place, settings)
    if not len(source.index):
        raise _nothing(place)
    if layout in WITH_COLUMNS:
        source.findings.extend(_in_gb18030(Path(place)))
    else:
        asked = {name: getattr(settings, name) for name in ("target", "path", "group")}
        unused = [{"setting": f"data.{name}", "value": value} for name, value in asked.items() if value]
        source.findings.extend(Finding("setting_unused", "warning", "", values) for values in unused)
    return source


def recognised(place: str, settings: DataSettings, task: str = "") -> Recognised:
    """Which layout fits, and why; DataError where none does, with what the task that is asked for would need."""
    _refuse_lone_annotations(place)
    fitting: list[Recognised] = []
    refused: list[DataError] = []
    for name in [settings.layout] if settings.layout else catalogue.entries(ROOM):
        try:
            match = catalogue.find(ROOM, name).recognise(place, settings)
            fitting += [Recognised(name, match)] if match is not None else []
        except DataError as error:
            if error.code == "data.no_such_column" and "," not in error.values["name"]:  # a list is a forecast's
                raise
            refused.append(error)  # what spoils one layout need not concern another: a broken table beside folders
    if fitting:
        return max(fitting, key=lambda found: found.match.sure)
    if refused:
        raise refused[0]
    if settings.layout and Path(place).exists():
        raise DataError("data.not_that_layout", place=place, layout=settings.layout)
    raise _nothing(place, task)


def _refuse_lone_annotations(place: str) -> None:
    """Raise DataError where annotations are given without the pictures that lie beside them."""
    folder = Path(place)
    if folder.name.lower() not in BESIDE or not folder.is_dir() or has_pictures(folder):
        return
    annotations = (suffix(name) in (".json", ".xml", ".txt") for name in walk(folder))
    if next(annotations, False) and has_pictures(folder.absolute().parent):
        raise DataError("data.annotations_alone", place=place, parent=folder.absolute().parent)


def layout_for(task: str, place: str, settings: DataSettings, pairs: bool | None = None) -> str:
    """The layout that a task asks for by itself and that fits the place best; nothing where none does.

    `pairs`: whether the network that is asked for translates what it learned from pairs of pictures, or from two sides
    that nobody has paired; None for any other network.
    """
    if pairs is False:
        _refuse_pairs(task, place, settings)
    task = task or (TRANSLATES if pairs else "")
    if not task or settings.layout:
        return settings.layout
    asked = {name: replace(settings, layout=name) for name in catalogue.entries(ROOM)}
    sure = {
        name: match.sure
        for name, named in asked.items()
        if catalogue.find(ROOM, name).task == task and (match := catalogue.find(ROOM, name).recognise(place, named))
    }
    if pairs is False:
        sure.pop(PAIRS, None)  # equal names by chance: they are two sides all the same
    return PAIRS if pairs and PAIRS in sure else max(sure, key=lambda name: sure[name], default="")


def layout_elsewhere(task: str, place: str, settings: DataSettings, pairs: bool | None) -> str:
    """The layout of other data for a run that is there: what it learned from two sides takes pairs apart into sides."""
    if pairs is False and recognised(place, settings, task).layout == PAIRS:
        return SIDES
    return layout_for(task, place, settings, pairs)


def _refuse_pairs(task: str, place: str, settings: DataSettings) -> None:
    """Raise DataError where what lies at the place, or is asked for, are pairs and nothing else."""
    if settings.layout not in ("", PAIRS):
        return
    layout, match = recognised(place, settings, task)
    if layout == PAIRS:
        raise DataError("data.pairs_unwanted", place=place, **match.values)


def found_in(source: Source, settings: DataSettings) -> DataSettings:
    """The settings with what was found by looking: how long the windows of series are, where photographs lie."""
    if settings.plates.photos:  # a resume may stand elsewhere
        settings = replace(
            settings, plates=replace(settings.plates, photos=str(Path(settings.plates.photos).resolve()))
        )
    window = source.index.window
    if window is None:
        return settings
    return replace(settings, history=window.history, horizon=window.horizon, season=window.season)


def fits(place: str, settings: DataSettings) -> bool:
    """Whether a place has the layout that the settings ask for."""
    return bool(settings.layout) and catalogue.find(ROOM, settings.layout).recognise(place, settings) is not None


def survey(source: Source, seed: int, sample: int = 256) -> Survey:
    """Sizes and channels of a keyed sample, read from headers alone; what cannot be read is passed over."""
    count = len(source.index)
    rows = Permutation(count, seed, "survey")(np.arange(min(sample, count))) if count else np.zeros(0, dtype=int)
    headers = [header for row in rows.tolist() if (header := _header(source, row))]
    sizes = {header[:2] for header in headers}
    width, height = np.median([header[:2] for header in headers], axis=0) if headers else (0, 0)
    return Survey(
        kind=source.index.kind,
        width=round(float(width)),
        height=round(float(height)),
        same_size=len(sizes) == 1,
        channels=tuple(sorted({header[2] for header in headers})),
        counts=_counts(source),
        looked_at=len(headers),
        examples=count,
        training=count - _elsewhere(source),
        spacing=_spacing(source, rows[:SPACED]),
    )


def _in_gb18030(path: Path) -> list[Finding]:
    """Which tables are read in another encoding than the usual one: of a folder the first few, of a made set none."""
    files = [path / name for name in listing(path)[1]] if path.is_dir() else [path] if path.is_file() else []
    tables = [file for file in files if suffix(file.name) in TABLES][:TABLES_TOLD]
    found = [file.name for file in tables if encoding_of(file) == GB18030]
    return [Finding("table_gb18030", "note", "", {"names": ", ".join(found)})] if found else []


def _header(source: Source, row: int) -> tuple[int, int, int] | None:
    try:
        return source.header(row)
    except Unreadable:
        return None


def _spacing(source: Source, rows: np.ndarray) -> tuple[float, ...]:
    """What volumes tell of the distance of their places; nothing where they do not."""
    if not hasattr(source, "spacing"):
        return ()
    found = np.array([source.spacing(row) for row in rows.tolist()]).reshape(-1, 3)  # pyright: ignore
    known = found[(found > 0).all(1)]
    return tuple(np.median(known, axis=0).tolist()) if len(known) else ()


def _elsewhere(source: Source) -> int:
    """How many examples the source itself puts into the validation or the test part."""
    parts = Parts.of(source.index.parts)
    return sum(int((parts == name).sum()) for name in ("val", "test")) if len(parts) else 0


def _counts(source: Source) -> dict[str, int]:
    if source.task == "regress":
        return {}
    counts: Counter[Any] = Counter()
    for label, count in tally(source.index.labels).items():
        for name in names_of(label):
            counts[name] += count
    return {str(name): count for name, count in counts.most_common()}


def _nothing(place: str, task: str = "") -> DataError:
    """Why no layout fits, in one sentence with a remedy."""
    path = Path(place)
    if not path.exists():
        return DataError("data.no_place", place=place, hint=nearest_place(path))
    if path.is_file():
        key = "data.archive" if suffix(place) in ARCHIVES else "data.unknown_file"
        return DataError(key, place=place)
    folders, files = listing(path)
    if not any(True for _ in walk(path)):
        return DataError("data.empty_folder", place=place)
    if not folders and all(suffix(name) in ARCHIVES for name in files):
        return DataError("data.only_archives", place=place, file=files[0])
    return _not_classes(path, folders, files, task)


def _not_classes(path: Path, folders: list[str], files: list[str], task: str) -> DataError:
    holding = [name for name in folders if has_pictures(path / name)]
    if len(holding) == 1:
        better = _level_below(path / holding[0])
        if better and holds_volumes(better):  # folders of patients look like folders of classes
            return DataError("data.one_folder_of_volumes", place=path, name=holding[0], better=better)
        if better:
            return DataError("data.wrong_level", place=path, better=better)
        return DataError("data.one_class_folder", place=path, name=holding[0])
    if not holding and (
        any(is_sound(path, name) for name in files) or any(holds(path / name, "sound") for name in folders)
    ):
        return DataError("data.no_transcripts", place=path)
    if holding or any(is_picture(path, name) for name in files):
        return DataError(HEAPS.get(task, "data.no_classes"), place=path)
    tables = [name for name in files if suffix(name) in TABLES]
    if len(tables) > 1:
        return DataError("data.several_tables", place=path, names=", ".join(tables[:5]), first=path / tables[0])
    return DataError("data.nothing_known", place=path, examples=", ".join([*files, *folders][:3]))


def _level_below(folder: Path) -> Path | None:
    """The folder under a lone one that would be recognised, if there is one."""
    folders = [name for name in listing(folder)[0] if has_pictures(folder / name)]
    if len(folders) >= 2:
        return folder
    return _level_below(folder / folders[0]) if len(folders) == 1 else None


def nearest_place(path: Path) -> str:
    """A "did you mean" clause: the nearest name in the deepest folder of the path that does exist."""
    parent = path.parent
    if path.exists() or not parent.is_dir():
        return ""
    folders, files = listing(parent)
    close = difflib.get_close_matches(path.name, [*folders, *files], n=2, cutoff=0.6)
    return say("settings.meant", names=", ".join(str(parent / name) for name in close)) if close else ""
