"""A run's folder: chosen, made for one run alone, and taken back where the run came to nothing."""

import contextlib
import datetime
import re
import shutil
from pathlib import Path

from deepglass.foundation.errors import MachineError, UsageError

WRITTEN = (  # what a run writes beside run.toml
    *("machine.json", "data.json", "plan.json", "events.jsonl", "folds.json", "report.html", "report.json"),
    *("checkpoints", "bundle", "blobs", "folds", "generated", "tensorboard"),
)


def new_folder(out: str, place: str) -> Path:
    """Where the run writes: --out, or runs/<date>-<name>, numbered where that is taken."""
    if out:
        folder = Path(out)
        if (folder / "run.toml").exists():
            raise UsageError("run.exists", folder=folder)
        if taken := next((name for name in WRITTEN if (folder / name).exists()), ""):
            raise UsageError("run.taken", file=folder / taken)
        return folder
    name = re.sub(r"[^\w.-]+", "-", Path(place).name or str(place)).strip("-") or "run"
    base = Path("runs") / f"{datetime.date.today():%Y-%m-%d}-{name}"
    folder, number = base, 2
    while folder.exists():
        folder, number = base.with_name(f"{base.name}-{number}"), number + 1
    return folder


def make_folder(folder: Path, out: str, place: str) -> tuple[Path, bool]:
    """The folder, or the next one where another process has just made it; and whether it was not there before."""
    while True:
        try:
            folder.mkdir(parents=True)
            return folder, True
        except OSError as error:
            if out and folder.is_dir():
                return folder, False
            if isinstance(error, FileExistsError) and not out:
                folder = new_folder(out, place)
                continue
            raise MachineError("sealed.cannot_write", folder=folder, reason=error.strerror or error) from error


def forget_folder(folder: Path, fresh: bool) -> None:
    """A run that failed before its first step leaves nothing behind."""
    if any(folder.rglob("events.jsonl")):
        return
    if fresh:
        shutil.rmtree(folder, ignore_errors=True)
    for name in ("run.toml", *WRITTEN):  # none was there before: `new_folder` saw to it
        shutil.rmtree(folder / name, ignore_errors=True)
        with contextlib.suppress(OSError):
            (folder / name).unlink()
