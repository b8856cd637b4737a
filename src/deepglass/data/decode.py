"""Rows from where they are stored to what is kept of them: decoded, glanced at and prepared, or why they cannot be.

`Here` does it in the thread that calls, `Worker` in a process of its own: a fresh interpreter that is sent names and
sends bytes back. It loads neither torch nor the caller's own script, and nothing is pickled.
"""

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from deepglass.data.example import Example, Form
from deepglass.data.glance import DIGEST, Glance, glance
from deepglass.data.readers.picture import Fit
from deepglass.data.source import Source, Unreadable
from deepglass.data.sources.files import PictureFiles


class Decoded(NamedTuple):
    """One row: its inputs as arrays, and what was seen of it."""

    inputs: dict[str, np.ndarray]
    seen: Glance


Result = Decoded | Unreadable
Decoder = Callable[[list[int]], list[Result]]


class Here:
    """Decodes in the calling thread."""

    def __init__(self, source: Source, prepare: Callable[[Any], Example], form: Form | None):
        self.source = source
        self.prepare = prepare
        self.form = form

    def __call__(self, rows: list[int]) -> list[Result]:
        return [self._one(row) for row in rows]

    def close(self) -> None:
        """Nothing is held."""

    def _one(self, row: int) -> Result:
        try:
            raw = self.source.read(row, self.form)
            if self.form is not None:
                return Decoded({"input": self.form(raw)}, glance(raw))
            inputs = self.prepare(raw).inputs
            return Decoded({name: np.asarray(values) for name, values in inputs.items()}, glance(raw))
        except Unreadable as reason:
            return reason


def fits_workers(source: Source, form: Form | None) -> bool:
    """Whether a process that knows only names and a size can do it."""
    return isinstance(source, PictureFiles) and isinstance(form, Fit)


class Worker:
    """Decodes pictures of a `PictureFiles` in a process of its own, one call at a time."""

    def __init__(self, source: Any, form: Any):
        self.source: PictureFiles = source
        self.form: Fit = form
        self.process = self._started()

    def __call__(self, rows: list[int]) -> list[Result]:
        try:
            return self._ask(rows)
        except (OSError, EOFError, ValueError):  # it died: by a picture that kills the decoder, or by the system
            self.close()
        return [self._alone(row) for row in rows]

    def close(self) -> None:
        """End the process."""
        with contextlib.suppress(OSError):
            self.process.stdin.close()  # pyright: ignore
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()  # pyright: ignore

    def _started(self) -> subprocess.Popen[bytes]:
        package = Path(__file__).parents[2]
        paths = os.pathsep.join(filter(None, [str(package), os.environ.get("PYTHONPATH", "")]))
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "deepglass.data.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": paths},
            start_new_session=True,  # Ctrl-C asks the run to stop, and the run ends its workers
        )
        _send(process, {"root": str(self.source.root), "fit": list(self.form)})
        return process

    def _alone(self, row: int) -> Result:
        """One row in a fresh process, so that only the picture that ends it is left out."""
        if self.process.poll() is not None:
            self.process = self._started()
        try:
            return self._ask([row])[0]
        except (OSError, EOFError, ValueError):
            self.close()
            return Unreadable("broken", detail="the decoder ended")

    def _ask(self, rows: list[int]) -> list[Result]:
        _send(self.process, {"names": [self.source.index.ids[row] for row in rows]})
        stream = self.process.stdout
        line = stream.readline()  # pyright: ignore
        if not line:
            raise EOFError
        results = [self._result(one) for one in json.loads(line)]
        return [self._accepted(row, result) for row, result in zip(rows, results, strict=True)]

    def _accepted(self, row: int, result: Result) -> Result:
        """What the source knows of the picture and the process does not may forbid using it."""
        try:
            self.source.accept(row, result.seen.size if isinstance(result, Decoded) else None)
        except Unreadable as reason:
            return reason
        return result

    def _result(self, told: dict[str, Any]) -> Result:
        if "reason" in told:
            return Unreadable(told["reason"], **told["values"])
        fit = self.form
        digest = self._bytes(DIGEST)
        thumb = self._bytes(told["thumb"])
        pixels = np.frombuffer(self._bytes(fit.channels * fit.height * fit.width), dtype=np.uint8)
        seen = Glance(
            digest, tuple(told["size"]), told["channels"], told["constant"], told["dhash"], thumb, tuple(told["notes"])
        )
        return Decoded({"input": pixels.reshape(fit.channels, fit.height, fit.width)}, seen)

    def _bytes(self, count: int) -> bytes:
        content = self.process.stdout.read(count)  # pyright: ignore
        if len(content) < count:
            raise EOFError
        return content


def _send(process: subprocess.Popen[bytes], document: dict[str, Any]) -> None:
    process.stdin.write(json.dumps(document).encode() + b"\n")  # pyright: ignore
    process.stdin.flush()  # pyright: ignore
