"""An index: a collection of pictures, the bundle that looked at them, and where the vectors lie.

index = Index.build("photos/", bundle, "photos.index")     # each picture is looked at once
index.query("this.jpg", 5)                                  # [{"id": ..., "nearest": [{"id", "score"}, ...]}]
index.add("more/"); index.remove(["photos/old.jpg"])        # nothing is looked at twice; what was removed stays out
"""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from deepglass.bundle import Bundle
from deepglass.data.sources.files import is_picture
from deepglass.data.walk import walk
from deepglass.foundation.errors import DataError, UsageError
from deepglass.foundation.settings import from_json, to_json
from deepglass.index.kept import DOCUMENT, Kept, leave_out, left_out, read_index
from deepglass.index.qdrant import Qdrant
from deepglass.index.settings import SearchSettings
from deepglass.index.shelf import Entry, Shelf

AT_ONCE = 4096  # pictures that are kept together: no more can be lost
THRESHOLD = 0.98  # how near two pictures are that are told as duplicates

Watch = Callable[[int, int], None]


def _unwatched(done: int, of: int) -> None:
    pass


@dataclass
class Changed:
    """What became of pictures that were to be added: ids."""

    added: list[str] = field(default_factory=list)
    replaced: list[str] = field(default_factory=list)  # whose files had changed
    removed: list[str] = field(default_factory=list)  # whose files were gone
    unreadable: dict[str, str] = field(default_factory=dict)  # with the reasons
    unchanged: int = 0


class Index:
    """Pictures of a collection that can be asked for those most like another one."""

    def __init__(self, folder: Path, bundle: Bundle, shelf: Shelf):
        self.folder = folder
        self.bundle = bundle
        self.shelf = shelf

    @classmethod
    def build(
        cls,
        place: str | Path | Sequence[str | Path],
        bundle: Bundle,
        out: str | Path,
        settings: SearchSettings = SearchSettings(),
        watch: Watch = _unwatched,
    ) -> "Index":
        """A new index of all pictures of a place in the folder `out`."""
        index = cls.create(bundle, out, settings)
        index.add(place, watch)
        return index

    @classmethod
    def create(
        cls, bundle: Bundle, out: str | Path, settings: SearchSettings = SearchSettings(), place: str = ""
    ) -> "Index":
        """A new index that is empty; `place` is the folder whose pictures it is to follow."""
        folder = Path(out)
        if (folder / DOCUMENT).exists():
            raise UsageError("search.exists", folder=folder)
        about = {
            "bundle": {"digest": bundle.digest, "place": str(Path(str(bundle.folder)).resolve()), "model": bundle.name},
            "dimension": _dimension(bundle),
            "place": place,
            "metric": "cosine",
            "settings": to_json(settings),
        }
        if settings.qdrant:
            name = f"{folder.absolute().name}-{bundle.digest[:12]}"
            return cls(folder, bundle, Qdrant.create(folder, {**about, "collection": name}))
        return cls(folder, bundle, Kept.create(folder, about))

    @classmethod
    def open(cls, folder: str | Path, bundle: Bundle | None = None) -> "Index":
        """An index that is there; its bundle is looked for where it lay, unless it is handed in."""
        folder = Path(folder)
        document = read_index(folder)
        stated = document["bundle"]
        if bundle is None:
            if not (Path(stated["place"]) / "bundle.json").is_file():
                raise UsageError("search.bundle_moved", folder=folder, place=stated["place"])
            bundle = Bundle.load(Path(stated["place"]))
        if bundle.digest != stated["digest"]:
            raise UsageError("search.other_bundle", folder=folder, model=stated["model"], place=bundle.folder)
        settings = from_json(SearchSettings, document["settings"], str(folder / DOCUMENT))
        return cls(folder, bundle, Qdrant.open(document) if settings.qdrant else Kept(folder))

    def __len__(self) -> int:
        return len(self.shelf)

    @property
    def ids(self) -> list[str]:
        """Every picture that is in it: the file's whole path."""
        return list(self.shelf.stamps())

    def add(self, place: str | Path | Sequence[str | Path], watch: Watch = _unwatched) -> Changed:
        """Pictures of files and folders; one that is there is looked at again only where its file has changed.

        What was removed comes back where it is named itself, not with a folder above it.
        """
        places = [Path(one) for one in ([place] if isinstance(place, str | Path) else place)]
        leave_out(self.folder, (), back=[_id(one) for one in places])
        return self._add(self._wanted(places), watch)

    def update(self, place: str | Path, watch: Watch = _unwatched) -> Changed:
        """`add`, and remove the pictures of that folder whose files are gone."""
        below = _id(Path(place)) + "/"
        gone = [name for name in self.ids if name.startswith(below) and not Path(name).exists()]
        emptied = gone and Path(place).is_dir() and next(_pictures(Path(place)), None) is None
        changed = Changed() if emptied else self.add(place, watch)
        changed.removed = gone
        self.shelf.take(gone)
        return changed

    def remove(self, ids: Iterable[str | Path]) -> int:
        """Take pictures out for good, all below a folder where one is named; says how many were in."""
        wanted = {_id(Path(one)) for one in ids}
        taken = [name for name in self.ids if wanted & _above(name)]
        leave_out(self.folder, {one for name in taken for one in wanted & _above(name)})
        return self.shelf.take(taken)

    def query(self, asked: Any, count: int = 10) -> list[dict[str, Any]]:
        """The nearest to each picture: files, folders, bytes or arrays. A picture is no neighbour of itself."""
        found: list[dict[str, Any]] = []
        for name, vector, error in self.bundle.embedding(asked):
            if vector is None:
                found.append({"id": name, "error": error})
                continue
            near = self.shelf.nearest(vector[None], count + 1)[0]
            others = [one._asdict() for one in near if one.id != _id(Path(name))]
            found.append({"id": name, "nearest": others[:count]})
        return found

    def duplicates(self, threshold: float = THRESHOLD) -> list[dict[str, Any]]:
        """Groups of pictures that are as near as that, directly or over others; the nearest pair's score with each."""
        owner: dict[str, str] = {}
        best: dict[str, float] = {}
        for one, other, score in self.shelf.pairs(threshold):
            first, second = sorted((_root(owner, one), _root(owner, other)))
            owner[second] = owner[first] = first
            best[first] = max(score, best.get(first, -1.0), best.get(second, -1.0))
        groups: dict[str, list[str]] = {}
        for name in owner:
            groups.setdefault(_root(owner, name), []).append(name)
        told = [{"ids": sorted(names), "score": best[first]} for first, names in groups.items()]
        return sorted(told, key=lambda group: (-group["score"], group["ids"]))

    def about(self) -> dict[str, Any]:
        """What there is to say of it."""
        told = {"index": str(self.folder), "pictures": len(self), "model": self.bundle.name}
        return {**told, "left_out": left_out(self.folder), **self.shelf.about()}

    def _wanted(self, places: Sequence[Path]) -> dict[str, Path]:
        """The files that were named, and those of folders but for what was taken out and has not come back since."""
        found = {_id(file): (file, file == place) for place in places for file in _files(place)}
        out = set(left_out(self.folder))
        back = set(self.ids) if out else set()
        return {name: file for name, (file, named) in found.items() if named or name in back or not out & _above(name)}

    def _add(self, files: dict[str, Path], watch: Watch) -> Changed:
        known, changed = self.shelf.stamps(), Changed()
        stamps = {name: _stamp(file) for name, file in files.items()}
        wanted = {name: file for name, file in files.items() if known.get(name) != stamps[name]}
        changed.unchanged = len(files) - len(wanted)
        waiting: list[Entry] = []
        for done, (name, (_, vector, error)) in enumerate(zip(wanted, self._looked_at(wanted), strict=True), 1):
            if vector is None:
                changed.unreadable[name] = error
            else:
                (changed.replaced if name in known else changed.added).append(name)
                waiting.append(Entry(name, stamps[name], vector))
            if len(waiting) == AT_ONCE or done == len(wanted):
                self.shelf.put(waiting)
                waiting = []
            watch(done, len(wanted))
        self.shelf.ready()
        self.shelf.take(list(changed.unreadable))  # what can no longer be read is no longer what it was
        if files and not len(self) and len(changed.unreadable) == len(files):
            name, reason = next(iter(changed.unreadable.items()))
            raise DataError("search.none_usable", count=len(files), file=name, reason=reason)
        return changed

    def _looked_at(self, files: dict[str, Path]) -> Iterator[tuple[str, Any, str]]:
        return self.bundle.embedding(list(files.values())) if files else iter(())


def is_index(place: str | Path) -> bool:
    """Whether there is an index in that folder."""
    return (Path(place) / DOCUMENT).is_file()


def _dimension(bundle: Bundle) -> int:
    """How many numbers the network makes of a picture."""
    facts = bundle.task.facts.inputs
    if facts.kind != "picture":
        raise UsageError("search.not_pictures", kind=facts.kind)
    if getattr(bundle.task, "tiles", None) is not None:  # no one vector stands for all of them
        raise UsageError("bundle.no_vector", model=bundle.name)
    blank = np.zeros((facts.height, facts.width, 3)[: 2 + (facts.channels == 3)], dtype=np.uint8)
    return bundle.embed([blank]).vectors.shape[1]


def _files(place: Path) -> list[Path]:
    if not place.exists():
        raise DataError("data.no_place", place=place, hint="")
    if not place.is_dir():
        return [place]
    found = list(_pictures(place))
    if not found:
        raise DataError("data.no_pictures", place=place)
    return found


def _pictures(folder: Path) -> Iterator[Path]:
    return (folder / name for name in walk(folder) if is_picture(folder, name))


def _above(name: str) -> set[str]:
    """A file and the folders that it lies in."""
    parts = name.split("/")
    return {"/".join(parts[:count]) for count in range(1, len(parts) + 1)}


def _id(file: Path) -> str:
    """One name for a file, however the way to it was written: ../photos/a.jpg is the same from everywhere."""
    return Path(os.path.abspath(file)).as_posix()


def _stamp(file: Path) -> str:
    """What changes when the file does; nothing where there is none."""
    try:
        state = file.stat()
    except OSError:
        return ""
    return f"{state.st_size}:{state.st_mtime_ns}"


def _root(owner: dict[str, str], name: str) -> str:
    """The group's first name, by which a group is known."""
    while owner.setdefault(name, name) != name:
        owner[name] = owner[owner[name]]
        name = owner[name]
    return name
