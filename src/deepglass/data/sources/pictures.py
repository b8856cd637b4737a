"""A heap of pictures that nothing says anything of: DIR/*.png, deeper folders allowed, perhaps DIR/train and DIR/test.

They all have one answer, the name of the heap, or of the one folder in it where all of them lie. It is taken where
pictures like them are asked for (generate_images): a classifier's pictures without classes are a mistake, and class
folders stay class folders whatever is asked of them.
"""

from pathlib import Path, PurePosixPath

from deepglass.data.settings import DataSettings
from deepglass.data.source import Index, Layout, Match
from deepglass.data.sources import class_folders, part_folders
from deepglass.data.sources.columns import part
from deepglass.data.sources.files import PictureFiles, is_picture, kind_held, nameable, strays
from deepglass.data.walk import listing, walk


def recognise(place: str, settings: DataSettings) -> Match | None:
    """Pictures that lie in no class folders, where this layout is named."""
    root = Path(place)
    if settings.layout != "pictures" or not root.is_dir() or kind_held(root) != "picture":
        return None
    unnamed = DataSettings()
    inside = [str(root / name) for name in listing(root)[0]]
    if part_folders.recognise(place, unnamed) or any(class_folders.recognise(one, unnamed) for one in (place, *inside)):
        return None
    return Match(0.5, "layout_pictures", "generate_images")


def open_pictures(place: str, settings: DataSettings) -> PictureFiles:
    """Every picture below DIR, with the part that its outermost folder is named for."""
    root = Path(place)
    ids: list[str] = []
    others: list[str] = []
    for file in walk(root):
        if nameable(file):
            (ids if is_picture(root, file) else others).append(file)
    parts = [part(file.partition("/")[0]) if "/" in file else "" for file in ids]
    index = Index(ids, [_name(root, ids)] * len(ids), parts if "train" in parts else ())
    return PictureFiles("pictures", "generate_images", root, index, strays(others))


def _name(root: Path, ids: list[str]) -> str:
    """What they are called: as the one folder in which all lie, else as the heap."""
    parents = {_inside(PurePosixPath(name).parent) for name in ids}
    lone = parents.pop().name if len(parents) == 1 else ""
    return lone if lone and not part(lone) else root.resolve().name


def _inside(folder: PurePosixPath) -> PurePosixPath:
    """A folder without the part in front: train/x and test/x are one."""
    return PurePosixPath(*folder.parts[1:]) if folder.parts and part(folder.parts[0]) else folder


CATALOGUE = {"pictures": Layout(recognise, open_pictures, task="generate_images")}
