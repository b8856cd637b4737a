"""One process at a time in a run's folder; the system takes the lock back however the process ends."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from deepglass.foundation.errors import RunFailed

try:
    import fcntl
except ImportError:  # not on Windows; there a second process is not noticed
    fcntl = None


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the folder's lock inside the `with`; RunFailed where another process holds it."""
    folder.mkdir(parents=True, exist_ok=True)
    if fcntl is None:
        yield
        return
    handle = os.open(folder, os.O_RDONLY)  # the folder itself is locked: no file is left behind
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise RunFailed("run.locked", folder=folder) from None
    finally:
        os.close(handle)
