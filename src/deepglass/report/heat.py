"""Why a picture or clip of the report was answered as it was: Grad-CAM of a wrong box, class, moment or pixels."""

import numpy as np
import torch

from deepglass.data.example import Batch, Ragged
from deepglass.explain.answer import row_of
from deepglass.explain.grad_cam import explain, fits
from deepglass.foundation.words import say
from deepglass.report.case import Case
from deepglass.report.thumbnail import ACROSS, DOWN, contact_sheet, thumbnail
from deepglass.views.heat import Heat
from deepglass.views.moving import Moving
from deepglass.views.picture import as_bytes


def heat_card(case: Case, row: int, target: str, side: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The picture, or frames of the clip, with heat for the target, and a line; nothing where none fits.

    `row` is of the source, the target that of `deepglass explain --target`.
    """
    bundle, store = case.run.bundle, case.material.store
    if not fits(bundle):
        return (), ()
    columns = store.gather(np.array([row]))
    prepared = columns["input"]
    assert isinstance(prepared, torch.Tensor | Ragged)
    first = prepared.each()[0] if isinstance(prepared, Ragged) else prepared[0]
    one = row_of(bundle, Batch((str(store.index.ids[row]),), columns), first, target)
    view = explain(bundle, one).views["grad_cam"]
    assert isinstance(view, Heat | Moving)
    pixels = view.overlay().pixels if isinstance(view, Heat) else contact_sheet(_frames(view))
    return (thumbnail(pixels, side),), (say("report.heat_of", name=view.caption),)


def _frames(view: Moving) -> np.ndarray:
    """Some frames with their heat. uint8 (T, C, H, W)"""
    return np.stack([as_bytes(view.frame_of(place)).transpose(2, 0, 1) for place in view.places(ACROSS * DOWN)])
