"""Class folders of volumes: DIR/class/scan.nii.gz, DIR/class/scan.npz, or DIR/class/patient/*.dcm, parts above or not.

The slices of a DICOM series are one example, whatever folder they lie in; several series in one folder are several.
Scans of one patient never lie on both sides of a split: DICOM says whose they are, and else a folder between the class
and the file does. Who a patient is stays in the files: the index knows them by numbers of its own.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from deepglass.data.readers.dicom import Slice, look, series_of
from deepglass.data.readers.nifti import carries_names
from deepglass.data.readers.volume import Scan, Spacing
from deepglass.data.readers.volume_file import NIFTI, is_slice, is_volume, read_volume, size_of, spacing_of
from deepglass.data.settings import DataSettings
from deepglass.data.source import Finding, Index, Layout, Match, Unreadable
from deepglass.data.sources.columns import part
from deepglass.data.sources.files import Files, changed, nameable, strays
from deepglass.data.walk import listing, walk
from deepglass.foundation.errors import DataError

LOOKED = 200  # files of a folder by which it is told whether it holds volumes
MOST_OF = 0.5  # share of them that must be
PRIVATE = ("patient_names", "burned_in", "nifti_names")  # findings of what may tell who somebody is


class Found(NamedTuple):
    """One volume: its id, its files, and what tells its patient from others where that is known."""

    id: str
    files: tuple[Path, ...]
    patient: str = ""


class VolumeFiles(Files):
    """Volumes in files; of a DICOM series many files are one."""

    def __init__(
        self, layout: str, task: str, root: Path, index: Index, findings: list[Finding], found: Sequence[Found]
    ):
        super().__init__(layout, task, root, index, findings)
        self.files = [one.files for one in found]
        self.faults: Mapping[int, Unreadable] = {}  # rows whose annotation cannot be used
        self.judge: Callable[[int, Scan], None] | None = None  # raises Unreadable where it contradicts its volume

    def read(self, row: int, fit: object = None) -> Scan:
        """The volume; raises Unreadable."""
        if row in self.faults:
            raise self.faults[row]
        scan = read_volume(self.files[row])
        if self.judge:
            self.judge(row, scan)
        return scan

    def header(self, row: int) -> tuple[int, int, int]:
        """Width, height and depth without reading what was measured; raises Unreadable."""
        return size_of(self.files[row])

    def spacing(self, row: int) -> Spacing:
        """Millimetres from slice to slice, row to row, column to column, as a header tells; 0 is unknown."""
        return spacing_of(self.files[row])

    def told(self) -> "hashlib.blake2b":
        """Every slice counts, and which volumes cannot be used: where those are mended, others can be."""
        state = super().told()
        state.update(repr([(row, self.faults[row].reason) for row in sorted(self.faults)]).encode())
        for files in self.files:
            state.update("".join(f"{file.name} {changed(str(file))}\n" for file in files).encode())
        return state


def recognise(place: str, settings: DataSettings) -> Match | None:
    """Two folders or more that hold volumes, under folders for parts or not."""
    root = Path(place)
    if not root.is_dir() or not holds_volumes(root):
        return None
    classes = {name for _, name, _ in class_folders(root)}
    if len(classes) < 2:
        return None
    return Match(0.96, "layout_volumes", "classify", {"classes": len(classes)})


def open_volumes(place: str, settings: DataSettings) -> VolumeFiles:
    """Every volume with its class, its patient and, where it is given, its part."""
    root = Path(place)
    findings: list[Finding] = []
    rows: list[tuple[Found, str, str]] = []
    for folder, name, of_part in class_folders(root):
        found, seen = volumes_in(root, folder)
        findings += seen
        if not found:
            findings.append(Finding("empty_class", "warning", folder))
        rows += [(one, name, of_part) for one in found]
    if not rows:
        raise DataError("data.not_that_layout", place=place, layout="volumes")
    found = [one for one, _, _ in rows]
    parts = [of_part for _, _, of_part in rows]
    groups, seen = numbered(found)
    index = Index(
        [one.id for one in found], [name for _, name, _ in rows], parts if any(parts) else (), groups, kind="volume"
    )
    return VolumeFiles("volumes", "classify", root, index, [*_together(findings), *seen], found)


def class_folders(root: Path) -> list[tuple[str, str, str]]:
    """(folder, class, part) of each folder that is a class, below folders for parts where there are some."""
    folders = [name for name in listing(root)[0] if holds_volumes(root / name)]
    parts = {name: part(name) for name in folders if part(name)}
    if "train" not in parts.values():
        return [(name, name, "") for name in folders]
    return [
        (f"{above}/{name}", name, of_part)
        for above, of_part in parts.items()
        for name in listing(root / above)[0]
        if holds_volumes(root / above / name)
    ]


def holds_volumes(folder: Path) -> bool:
    """Whether most of the first files under a folder are volumes or slices of some."""
    names = list(islice(walk(folder), LOOKED))
    return bool(names) and sum(is_volume(folder, name) for name in names) > MOST_OF * len(names)


def volumes_in(root: Path, folder: str) -> tuple[list[Found], list[Finding]]:
    """The volumes under one folder, series by series, and what else is to be said of its files."""
    slices: dict[str, list[str]] = {}
    others: list[str] = []
    found: list[Found] = []
    findings: list[Finding] = []
    unnamed = 0
    for name in walk(root / folder, f"{folder}/" if folder else ""):
        if not nameable(name):
            unnamed += 1
        elif not is_volume(root, name):
            others.append(name)
        elif is_slice(name):
            slices.setdefault(name.rpartition("/")[0], []).append(name)
        else:
            found.append(Found(name, (root / name,), _patient_folder(name, folder)))
            findings += _brings_names(root, name)
    for above, names in slices.items():
        series, seen = _series(root, above, names, folder)
        found += series
        findings += seen
    if unnamed:
        findings.append(Finding("name_not_utf8", "warning", folder, {"count": unnamed}))
    return sorted(found), findings + strays(others, folder)


def volumes_at(path: Path) -> Iterator[Found]:
    """The volumes of a file or folder that is to be answered for; ids as a caller would name them."""
    if path.is_dir():
        yield from (one._replace(id=str(path / one.id) if one.id else str(path)) for one in volumes_in(path, "")[0])
    else:
        yield Found(str(path), (path,))


def numbered(found: Sequence[Found]) -> tuple[list[str], list[Finding]]:
    """Patients by numbers of their own, so that nobody's name or number goes on; none where all are of one."""
    patients = list(dict.fromkeys(one.patient for one in found if one.patient))
    if len(patients) < 2:
        one = [Finding("one_patient", "warning", "", {"count": len(found)})] if patients and len(found) > 1 else []
        return [], one
    numbers = {patient: f"patient {place}" for place, patient in enumerate(patients, start=1)}
    note = Finding("by_patient", "note", "", {"count": len(patients), "of": len(found)})
    return [numbers.get(one.patient, "") for one in found], [note]


def _series(root: Path, above: str, names: Sequence[str], top: str) -> tuple[list[Found], list[Finding]]:
    """The series among the slices of one folder; a file that cannot be looked at is an example that is named."""
    seen = {name: look(root / name) for name in names}
    slices = [one for one in seen.values() if one is not None]
    series = series_of(slices)
    broken = [Found(name, (root / name,)) for name, one in seen.items() if one is None]
    found = [
        Found(
            above if len(series) == 1 else f"{above}#{number}",
            tuple(one.file for one in each),
            _patient(each, above, top),
        )
        for number, each in enumerate(series, start=1)
    ]
    findings: list[Finding] = []
    if len(series) > 1:
        findings.append(Finding("series_apart", "note", above, {"count": len(series)}))
    if (count := len({one.patient for one in slices if one.patient})) > 1:
        findings.append(Finding("two_patients", "warning", above, {"count": count}))
    findings += _told(above, slices, "patient_names", [one for one in slices if one.named])
    findings += _told(above, slices, "burned_in", [one for one in slices if one.burned])
    return found + broken, findings


def _told(above: str, slices: Sequence[Slice], kind: str, those: Sequence[Slice]) -> Iterable[Finding]:
    """What holds for some slices of a folder, with the first of them."""
    if not those:
        return []
    first = f"{above}/{those[0].file.name}" if above else those[0].file.name
    return [Finding(kind, "warning", "", {"count": len(those), "of": len(slices), "first": first})]


def _brings_names(root: Path, name: str) -> list[Finding]:
    if not name.lower().endswith(NIFTI) or not carries_names(root / name):
        return []
    return [Finding("nifti_names", "warning", "", {"count": 1, "first": name})]


def _together(findings: Sequence[Finding]) -> Iterator[Finding]:
    """What may tell who somebody is, said once for all folders: a thousand warnings would hide the rest."""
    for kind in PRIVATE:
        those = [one.values for one in findings if one.kind == kind]
        if those:
            sums = {name: sum(one[name] for one in those) for name in ("count", "of") if name in those[0]}
            yield Finding(kind, "warning", "", {**sums, "first": those[0]["first"]})
    yield from (one for one in findings if one.kind not in PRIVATE)


def _patient(series: Sequence[Slice], above: str, top: str) -> str:
    """What DICOM says, where it says it; else the folder between the class and the slices."""
    return next((f"id {one.patient}" for one in series if one.patient), "") or _patient_folder(f"{above}/", top)


def _patient_folder(name: str, top: str) -> str:
    """The first folder below the class: scans that lie in it are of one patient."""
    inside = name.removeprefix(f"{top}/") if top else name
    return f"folder {inside.split('/')[0]}" if "/" in inside else ""


CATALOGUE = {"volumes": Layout(recognise, open_volumes)}
