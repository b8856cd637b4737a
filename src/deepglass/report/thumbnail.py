"""Small copies of pictures that travel inside the page."""

import base64
import io

import numpy as np
from PIL import Image

from deepglass.views.picture import as_bytes

SIDE = 144  # pixels of the longer side
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
