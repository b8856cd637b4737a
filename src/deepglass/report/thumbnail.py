"""Small copies of pictures, and of clips as contact sheets, that travel inside the page."""

import base64
import io

import numpy as np
from PIL import Image

from deepglass.views.picture import as_bytes

SIDE = 144  # pixels of the longer side
ACROSS, DOWN = 4, 2  # frames of a contact sheet
TINY = 64  # pictures up to this size keep every pixel


def thumbnail(pixels: np.ndarray, side: int = SIDE) -> str:
    """A data address: PNG for tiny pictures, JPEG for larger ones, which are photographs more often than not."""
    picture = Image.fromarray(as_bytes(pixels))
    file = io.BytesIO()
    if max(picture.size) <= TINY:
        picture.save(file, format="PNG", optimize=True)
        return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()
    picture.thumbnail((side, side), Image.Resampling.LANCZOS)
    picture.save(file, format="JPEG", quality=82, optimize=True)
    return "data:image/jpeg;base64," + base64.b64encode(file.getvalue()).decode()


def contact_sheet(frames: np.ndarray) -> np.ndarray:
    """Frames at even distances beside each other, line by line. uint8 (T, C, H, W) -> (h, w, C)"""
    down = DOWN if len(frames) >= ACROSS * DOWN else 1
    chosen = frames[np.linspace(0, len(frames) - 1, ACROSS * down).round().astype(int)].transpose(0, 2, 3, 1)
    spaced = np.pad(chosen, ((0, 0), (1, 1), (1, 1), (0, 0)), constant_values=255)
    rows = [np.concatenate(list(spaced[start : start + ACROSS]), axis=1) for start in range(0, len(spaced), ACROSS)]
    return np.concatenate(rows)
