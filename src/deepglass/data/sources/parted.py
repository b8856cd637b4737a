"""Files of one set whose names end in their part: NAME_TRAIN.ts with NAME_TEST.ts beside it."""

from collections.abc import Collection
from pathlib import Path

from deepglass.data.walk import listing, suffix

PARTS = {"_train": "train", "_val": "val", "_test": "test"}  # by what a file's name ends in


def parted_files(place: Path, suffixes: Collection[str]) -> list[tuple[Path, str]]:
    """The files with the parts that their names say; of a file named after a part its neighbours come along."""
    if place.is_file():
        if suffix(place.name) not in suffixes:
            return []
        stem, own = _stem(place)
        if not own:
            return [(place, "")]
        found = [place.parent / name for name in listing(place.parent)[1] if suffix(name) == suffix(place.name)]
        found = [file for file in found if _stem(file)[0] == stem and _stem(file)[1]]
    else:
        found = [place / name for name in listing(place)[1] if suffix(name) in suffixes] if place.is_dir() else []
    return [(file, _stem(file)[1]) for file in sorted(found)]


def _stem(file: Path) -> tuple[str, str]:
    """The name without its part, and the part."""
    stem = file.stem
    ending = next((ending for ending in PARTS if stem.lower().endswith(ending)), "")
    return (stem[: -len(ending)], PARTS[ending]) if ending else (stem, "")
