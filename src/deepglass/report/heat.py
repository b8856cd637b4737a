"""Why a picture of the report was answered as it was: Grad-CAM of a wrong box, or of the class of wrong pixels."""

import numpy as np
import torch

from deepglass.data.example import Batch
from deepglass.explain.answer import row_of
from deepglass.explain.grad_cam import explain, fits
from deepglass.foundation.words import say
from deepglass.report.case import Case
from deepglass.report.thumbnail import thumbnail
from deepglass.views.heat import Heat


def heat_card(case: Case, row: int, target: str, side: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The picture with heat for the target as `deepglass explain --target` has it, and a line; nothing where none fits.

    `row` is of the source.
    """
    bundle, store = case.run.bundle, case.material.store
    if not fits(bundle):
        return (), ()
    columns = store.gather(np.array([row]))
    prepared = columns["input"]
    assert isinstance(prepared, torch.Tensor)
    one = row_of(bundle, Batch((str(store.index.ids[row]),), columns), prepared[0], target)
    view = explain(bundle, one).views["grad_cam"]
    assert isinstance(view, Heat)
    return (thumbnail(view.overlay().pixels, side),), (say("report.heat_of", name=view.caption),)
