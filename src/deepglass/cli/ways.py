"""Ways through what a generator makes: from seed to seed, styles mixed, directions of change, a real picture found."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from annotated_types import Ge, Le
from safetensors.torch import save

from deepglass.bundle import Bundle
from deepglass.cli.options import Printer
from deepglass.foundation.errors import UsageError
from deepglass.foundation.words import say
from deepglass.views.picture import Gallery, Picture
from deepglass.views.table import Table

GAP, WIDE = 2, 1280  # white pixels between pictures of a sheet; tiny sheets are enlarged to fit into so many
WAYS = ("walk", "mix", "directions", "project")
ACROSS = {"walk": 8, "directions": 5}  # pictures of a row, where --count does not say


@dataclass(frozen=True, kw_only=True, slots=True)
class PaintingSettings:
    """Which pictures are made, and how: at most one of walk, mix, directions and project."""

    seed: Annotated[int, Ge(0)] = 0
    walk: str = ""  # from the picture of a seed to that of the next: 0,1,2
    mix: str = ""  # coarse styles of these seeds with fine ones of those: 0,1:2,3,4
    layer: Annotated[int, Ge(0)] = 0  # at which the fine ones begin; 0: in the middle
    directions: Annotated[int, Ge(0), Le(1000)] = 0  # so many, the strongest first
    project: str = ""  # a picture to be looked for
    steps: Annotated[int, Ge(1), Le(100_000)] = 300  # in which it is

    @property
    def way(self) -> str:
        """The one that is asked for, or nothing."""
        asked = [name for name in WAYS if getattr(self, name)]
        if len(asked) > 1:
            raise UsageError("cli.one_way", names=", ".join(asked))
        return asked[0] if asked else ""


IDLE: dict[str, set[str]] = {  # what changes nothing, by way
    "": {"layer", "steps"},
    "walk": {"seed", "layer", "steps"},
    "mix": {"seed", "steps", "--count"},
    "directions": {"layer", "steps"},
    "project": {"layer", "--count", "--truncation"},
}
NAMES = [field.name for field in fields(PaintingSettings)]


@dataclass(frozen=True)
class Asked:
    """Which pictures are to be made, beside the settings."""

    label: str
    count: int | None  # None: as many as are usual
    truncation: float


def fits(given: Mapping[str, str], way: str, asked: Asked) -> None:
    """Nothing that was given is passed over in silence."""
    if not way and (empty := next((name for name in WAYS if name in given), "")):
        raise UsageError("cli.no_way", name=empty, value=given[empty])
    options = {"--count": asked.count is not None, "--truncation": asked.truncation > 0}
    said = {*given, *(name for name, is_given in options.items() if is_given)}
    if idle := sorted(said & IDLE[way]):
        raise UsageError("cli.idle", names=", ".join(idle))


def go(printer: Printer, bundle: Bundle, asked: Asked, chosen: PaintingSettings, folder: Path) -> None:
    """Write what lies on the way into the folder, and say it."""
    made = {"walk": _walk, "mix": _mix, "directions": _directions, "project": _project}[chosen.way]
    told = made(printer, bundle, asked, chosen, folder)
    files, sheet = len(told.get("pictures", ())), Path(told.get("sheet", "")).name
    said = "cli.painted" if not sheet else "cli.painted_and_sheet" if files else "cli.sheet_alone"
    printer.line(say(said, count=files, folder=folder, sheet=sheet))
    printer.done({"way": chosen.way, "label": asked.label, **told})


def _walk(printer: Printer, bundle: Bundle, asked: Asked, chosen: PaintingSettings, folder: Path) -> dict[str, Any]:
    """Every picture of the walk by itself, and all on one sheet, a row from each seed to the next."""
    seeds = seeds_of(chosen.walk)
    rows = bundle.latents.walk(seeds, asked.count or ACROSS["walk"], asked.label, asked.truncation)
    named = {
        f"walk-{start}-to-{end}-{place:0{len(str(len(row)))}d}.png": pixels
        for start, end, row in zip(seeds, seeds[1:], rows, strict=False)
        for place, pixels in enumerate(row, 1)
    }
    _tell(printer, rows)
    name = f"walk-{'-'.join(map(str, seeds))}.png"
    about = {"seeds": seeds, "truncation": asked.truncation}
    return {**about, "pictures": written(folder, named), "sheet": written_sheet(folder, name, rows)}


def _mix(printer: Printer, bundle: Bundle, asked: Asked, chosen: PaintingSettings, folder: Path) -> dict[str, Any]:
    """One sheet: what gives the coarse at the left, what gives the fine above, what both make between."""
    down, across = (seeds_of(part) for part in chosen.mix.partition(":")[::2])
    found = bundle.latents.mixed(down, across, chosen.layer, asked.label, asked.truncation)
    corner = np.full_like(found.rows[0], 255)
    rows = [[corner, *found.columns], *([head, *row] for head, row in zip(found.rows, found.between, strict=True))]
    _tell(printer, rows)
    name = f"mix-{'-'.join(map(str, down))}-by-{'-'.join(map(str, across))}.png"
    about = {"rows": down, "columns": across, "truncation": asked.truncation}
    return {**about, "pictures": [], "sheet": written_sheet(folder, name, rows)}


def _directions(
    printer: Printer, bundle: Bundle, asked: Asked, chosen: PaintingSettings, folder: Path
) -> dict[str, Any]:
    """One sheet, a row for each direction: the seed's picture in the middle, changed to both sides."""
    latents = bundle.latents
    found = latents.directions(chosen.directions, asked.label)
    rows = latents.strips(found, chosen.seed, asked.count or ACROSS["directions"], asked.label, asked.truncation)
    _tell(printer, rows)
    shares = found.shares.tolist()
    heads = [say("cli.direction"), say("cli.share_of_change")]
    lines: list[list[str | float]] = [[str(place), f"{100 * share:.1f} %"] for place, share in enumerate(shares, 1)]
    printer.line(Table(heads, lines).terminal())
    name = f"directions-{chosen.seed}.png"
    about = {"seed": chosen.seed, "shares": shares, "truncation": asked.truncation}
    return {**about, "pictures": [], "sheet": written_sheet(folder, name, rows)}


def _project(printer: Printer, bundle: Bundle, asked: Asked, chosen: PaintingSettings, folder: Path) -> dict[str, Any]:
    """The picture as the network would have seen it, the likest that it can make, and what that one is made of."""
    place = Path(chosen.project)
    if not place.is_file():
        raise UsageError("cli.no_picture", file=place)
    (item,) = bundle.inputs(str(place))
    found = bundle.latents.project(item.raw, chosen.steps, chosen.seed, asked.label)
    _tell(printer, [[found.real, found.found]])
    distances = {name: f"{100 * value:.1f} %" for name, value in (("far", found.distance), ("begun", found.begun))}
    printer.line(say("cli.projected", **distances))
    files = written(folder, {f"{place.stem}-real.png": found.real, f"{place.stem}-found.png": found.found})
    code = folder / f"{place.stem}-code.safetensors"
    columns = {"code": found.code} | ({"noise": found.noise} if found.noise is not None else {})
    code.write_bytes(save(columns, metadata={"label": found.label}))
    about = {"made_as": found.label, "distance": found.distance, "nearest_drawn": found.begun}
    return {"seed": chosen.seed, "steps": chosen.steps, **about, "code": str(code), "pictures": files}


def seeds_of(text: str) -> list[int]:
    """Numbers with commas between.

    >>> seeds_of("0,1, 12")
    [0, 1, 12]
    """
    parts = [part.strip() for part in text.split(",")]
    if not all(re.fullmatch(r"\d{1,18}", part) for part in parts):
        raise UsageError("cli.seeds", value=text)
    return list(map(int, parts))


def sheet_of(rows: list[list[np.ndarray]]) -> np.ndarray:
    """Rows of pictures of one size on white, with little between them. uint8 (H, W, C)"""
    high, wide, channels = rows[0][0].shape
    down, across = len(rows), len(rows[0])
    sheet = np.full((down * (high + GAP) - GAP, across * (wide + GAP) - GAP, channels), 255, np.uint8)
    for place, row in enumerate(rows):
        for beside, pixels in enumerate(row):
            top, left = place * (high + GAP), beside * (wide + GAP)
            sheet[top : top + high, left : left + wide] = pixels
    return sheet


def written(folder: Path, named: dict[str, np.ndarray]) -> list[str]:
    """PNG files by their names, each as it is."""
    for name, pixels in named.items():
        (folder / name).write_bytes(Picture(pixels).png(max(pixels.shape)))
    return [str(folder / name) for name in named]


def written_sheet(folder: Path, name: str, rows: list[list[np.ndarray]]) -> str:
    """All rows as one PNG file, enlarged in whole steps where it is tiny."""
    pixels = sheet_of(rows)
    (folder / name).write_bytes(Picture(pixels).png(max(*pixels.shape, WIDE)))
    return str(folder / name)


def _tell(printer: Printer, rows: list[list[np.ndarray]]) -> None:
    """The first rows on the terminal."""
    few = [Picture(pixels) for row in rows[:3] for pixels in row]
    printer.line(Gallery(few, across=len(rows[0])).terminal())
