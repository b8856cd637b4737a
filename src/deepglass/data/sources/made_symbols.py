"""Made signs for lessons, the same on every machine: the place "made:symbols".

80 signs of three to five strokes between the points of a grid, each written 12 times: turned, slanted, moved, thick or
thin, under noise. To find one again that was never seen in training, a network must look at strokes and not at names.
"""

from pathlib import Path

import numpy as np

from deepglass.data.settings import DataSettings
from deepglass.data.source import Index, Layout, Match
from deepglass.data.sources.arrays import Arrays
from deepglass.foundation.seeds import Draws, row_keys

SIDE, SIGNS, WRITTEN, MOST = 32, 80, 12, 5
GRID = 3  # points of the grid along a side


def symbols(settings: DataSettings) -> Arrays:
    """960 pictures uint8 (32, 32, 1), light ink on dark, with the number of the sign."""
    strokes = _strokes(Draws(row_keys(0, "made/symbols", 0, SIGNS)))  # (SIGNS, MOST, 2, 2)
    sign = np.arange(SIGNS * WRITTEN) // WRITTEN
    draws = Draws(row_keys(0, "made/written", 0, len(sign)))
    ends = strokes[sign] @ _turns(draws)[:, None] + draws.between("moved", -0.12, 0.12, 1, 1, 2).numpy()
    thick = draws.between("thick", 1.0, 2.0).numpy()
    noise = draws.normal("noise", SIDE, SIDE).numpy()
    pixels = np.empty((len(sign), SIDE, SIDE, 1), dtype=np.uint8)
    for row in range(len(sign)):
        ink = np.clip(thick[row] + 0.5 - _distance(ends[row]) * SIDE / 2, 0, 1)
        pixels[row, ..., 0] = (200 * ink + 25 + 12 * noise[row]).clip(0, 255).round()
    ids = [f"{number:02d}/{place % WRITTEN:02d}" for place, number in enumerate(sign.tolist())]
    index = Index(ids, [f"{number:02d}" for number in sign.tolist()])
    return Arrays("made_symbols", "classify", Path(), index, pixels)


def _strokes(draws: Draws) -> np.ndarray:
    """Where the strokes of each sign begin and end, in -0.7 .. 0.7; unused ones repeat the first. (N, MOST, 2, 2)"""
    points = draws.integers("points", 0, GRID * GRID, MOST + 1).numpy()
    count = draws.integers("count", 3, MOST + 1).numpy()
    step = draws.integers("step", 1, GRID * GRID, MOST).numpy()
    begin = points[:, :MOST]
    end = (begin + step) % (GRID * GRID)  # never where it begins
    both = np.stack([begin, end], axis=2)
    both = np.where(np.arange(MOST)[None, :, None] < count[:, None, None], both, both[:, :1])
    return np.stack([both % GRID, both // GRID], axis=3) * (1.4 / (GRID - 1)) - 0.7


def _turns(draws: Draws) -> np.ndarray:
    """How each writing is turned, slanted and sized. (N, 2, 2)"""
    angle, slant = draws.between("angle", -0.25, 0.25).numpy(), draws.between("slant", -0.25, 0.25).numpy()
    size = draws.between("size", 0.8, 1.1, 2).numpy()
    cosine, sine = np.cos(angle), np.sin(angle)
    turned = np.stack([np.stack([cosine, sine], 1), np.stack([-sine, cosine], 1)], 1)
    slanted = np.broadcast_to(np.eye(2), (len(slant), 2, 2)).copy()
    slanted[:, 1, 0] = slant
    return slanted @ turned * size[:, None, :]


def _distance(ends: np.ndarray) -> np.ndarray:
    """From each pixel to the nearest stroke, in halves of a side. (S, 2, 2) -> (SIDE, SIDE)"""
    line = (np.arange(SIDE) + 0.5) * 2 / SIDE - 1
    pixels = np.stack(np.meshgrid(line, line), axis=-1)[None]  # (1, SIDE, SIDE, 2)
    begin, way = ends[:, None, None, 0], (ends[:, 1] - ends[:, 0])[:, None, None]
    along = ((pixels - begin) * way).sum(-1) / np.maximum((way * way).sum(-1), 1e-9)
    nearest = begin + np.clip(along, 0, 1)[..., None] * way
    return np.sqrt(np.square(pixels - nearest).sum(-1)).min(0)


DRAWN = {"symbols": symbols}


def recognise(place: str, settings: DataSettings) -> Match | None:
    """The places of `DRAWN`."""
    if not place.startswith("made:") or place.removeprefix("made:") not in DRAWN:
        return None
    return Match(1.0, "layout_made_symbols", "classify", {"count": SIGNS, "each": WRITTEN})


def open_made(place: str, settings: DataSettings) -> Arrays:
    """All signs; ids are the sign and the number of the writing."""
    return DRAWN[place.removeprefix("made:")](settings)


CATALOGUE = {"made_symbols": Layout(recognise, open_made)}
