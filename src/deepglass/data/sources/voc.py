"""VOC: an XML for each picture (Annotations/ with JPEGImages/, or beside it), parts in ImageSets/Main.

Where a list of training pictures is given, what stands in no list is left out. A picture whose XML names no object
holds nothing; of one without XML the answer is not known.
"""

from itertools import islice
from pathlib import Path

from deepglass.data.annotation import UNKNOWN
from deepglass.data.readers.picture import SUFFIXES
from deepglass.data.readers.voc import Page, looks_voc, read_voc
from deepglass.data.settings import DataSettings
from deepglass.data.source import Finding, Layout, Match, Unreadable
from deepglass.data.sources.boxed import NAMED, Marked, Pictures, gathered
from deepglass.data.sources.files import LOOKED, PictureFiles
from deepglass.data.walk import suffix, walk
from deepglass.foundation.errors import DataError

ANNOTATIONS = "annotations"  # the folder of XML files, in any case of letters
BESIDE = ("JPEGImages", "images")  # folders of pictures beside it
LISTS = {"trainval": "train", "train": "train", "val": "val", "test": "test"}  # what two name is of the later
TRIED = 5


def recognise(place: str, settings: DataSettings) -> Match | None:
    """A folder whose first XML files are annotations of pictures."""
    root = Path(place)
    if not root.is_dir():
        return None
    first = list(islice((id for id in islice(walk(_where(root)), LOOKED) if suffix(id) == ".xml"), TRIED))
    if not any(looks_voc(_where(root) / id) for id in first):
        return None
    return Match(0.98, "layout_voc", "detect", {"files": f"{first[0]} ..."})


def open_voc(place: str, settings: DataSettings) -> PictureFiles:
    """Every picture with the boxes of its XML."""
    root = Path(place)
    if not root.is_dir():
        raise DataError("data.not_that_layout", place=place, layout="voc")
    pictures = Pictures(root)
    pages = [id for id in walk(root) if suffix(id) == ".xml"]
    parts = _parts(root)
    marks = [_mark(root, page, pictures, parts) for page in pages]
    marks += _unannotated(pictures, {_key(page) for page in pages}, parts)
    findings: list[Finding] = []
    chosen = "train" in parts.values()
    if chosen and (left := [mark.id for mark in marks if not mark.part]):
        values = {"count": len(left), "examples": ", ".join(left[:NAMED])}
        findings.append(Finding("not_in_parts", "note", "", values))
        marks = [mark for mark in marks if mark.part]
    return gathered("voc", pictures, marks, findings, alone=chosen)


def _where(root: Path) -> Path:
    """The folder of annotations, or the place itself."""
    return next((root / name for name in (ANNOTATIONS.title(), ANNOTATIONS) if (root / name).is_dir()), root)


def _parts(root: Path) -> dict[str, str]:
    """The part of each picture that a list names, by its path without folder of pictures and extension."""
    found: dict[str, str] = {}
    for name, part in LISTS.items():
        file = root / "ImageSets" / "Main" / f"{name}.txt"
        lines = file.read_text(encoding="utf-8", errors="replace").split("\n") if file.is_file() else []
        for line in filter(None, map(str.strip, lines)):
            found[line.removesuffix(Path(line).suffix) if suffix(line) in SUFFIXES else line] = part
    return found


def _key(id: str) -> str:
    """The path of an annotation or a picture below its folder, without its extension."""
    pieces = id.rsplit(".", 1)[0].split("/")
    folders = [piece.lower() for piece in pieces[:-1]]
    places = [place for place, name in enumerate(folders) if name in (ANNOTATIONS, *map(str.lower, BESIDE))]
    return "/".join(pieces[places[-1] + 1 :] if places else pieces)


def _near(page: str) -> list[str]:
    """Folders in which the picture of an annotation may lie, the likeliest first."""
    pieces = page.split("/")[:-1]
    places = [place for place, name in enumerate(pieces) if name.lower() == ANNOTATIONS]
    if not places:
        return ["/".join(pieces)]
    last = places[-1]
    return ["/".join([*pieces[:last], folder, *pieces[last + 1 :]]) for folder in (*BESIDE, pieces[last])]


def _mark(root: Path, page: str, pictures: Pictures, parts: dict[str, str]) -> Marked:
    """What one XML says of the picture that is called as it is, or else of the one that it names."""
    key, near = _key(page), _near(page)
    name = page.rsplit("/", 1)[-1].rsplit(".", 1)[0]
    fault: Unreadable | None = None
    try:
        said = read_voc(root / page)
    except Unreadable as reason:
        said, fault = Page("", UNKNOWN, ()), reason
    id, missing = pictures.beside(name, near), None
    if id is None:
        id, missing = pictures.find(said.filename or page, near)
    return Marked(id, said.boxes, page, parts.get(key, ""), said.size, fault or missing)


def _unannotated(pictures: Pictures, known: set[str], parts: dict[str, str]) -> list[Marked]:
    """Pictures that a list names and that have no XML."""
    wanted = {key: part for key, part in parts.items() if key not in known}
    ids = {_key(id): id for id in reversed(pictures.names.ids) if _key(id) in wanted}
    return [
        Marked(ids.get(key, key), None, "", part, fault=None if key in ids else Unreadable("missing_file"))
        for key, part in wanted.items()
    ]


CATALOGUE = {"voc": Layout(recognise, open_voc, "detect")}
