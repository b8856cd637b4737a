"""What a task's recorder makes of every check, kept in the run's folder: a sheet of each check, frame by frame a film.

blobs/sheet-000001200.png belongs to the check at step 1,200; a check that is done again writes the same file again, so
no frame is there twice. Where there are more than 128 only every second one stays, then every fourth.
"""

import contextlib
import io
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from deepglass.engine.journal import Journal
from deepglass.foundation.errors import MachineError
from deepglass.foundation.sealed import write_large
from deepglass.tasks.task import Look, Predictions

MOST = 128  # frames between the first and the last
NAME = re.compile(r"sheet-(\d{9})\.png")


class Recorder:
    """Called with the step of a check, its figures and predictions; gives the figures with those that it adds."""

    def __init__(self, look: Callable[[Predictions], Look], folder: Path, journal: Journal):
        self.look = look
        self.folder = folder / "blobs"
        self.journal = journal

    def __call__(self, step: int, figures: Mapping[str, Any], predictions: Predictions) -> dict[str, Any]:
        found = self.look(predictions)
        if found.sheet is not None:
            self._keep(step, found.sheet)
        if found.told:
            self.journal.write("seen", step, **found.told)
        return {**figures, **found.figures}

    def _keep(self, step: int, sheet: np.ndarray) -> None:
        file = io.BytesIO()
        Image.fromarray(sheet[..., 0] if sheet.shape[-1] == 1 else sheet).save(file, format="PNG", optimize=True)
        with contextlib.suppress(MachineError):  # a full disk is told of by the checkpoints; a film may lack a frame
            write_large(self.folder / f"sheet-{step:09d}.png", lambda aside: _write(aside, file.getvalue()))
        self._thin()

    def _thin(self) -> None:
        """The first frame, the last one, and evenly spread ones between: by their steps, whatever was killed when."""
        kept = sheets(self.folder.parent)
        if not kept:
            return
        first, last = min(kept), max(kept)
        every = first  # all checks but the last lie at its multiples
        while last // every > MOST:
            every *= 2
        for step, file in kept.items():
            if step % every and step not in (first, last):
                file.unlink(missing_ok=True)


def sheets(folder: Path) -> dict[int, Path]:
    """A run's sheets by their steps, in order."""
    paths = (folder / "blobs").glob("sheet-*")
    return {int(name.group(1)): path for path in sorted(paths) if (name := NAME.fullmatch(path.name))}


def _write(file: Path, content: bytes) -> None:
    file.write_bytes(content)
