"""TensorBoard's event files, for those who look there: the one file that adapts the optional package."""

from pathlib import Path
from typing import Any

from deepglass.engine.journal import Event
from deepglass.foundation.errors import MachineError


class TensorBoard:
    """A watcher of the journal that repeats its figures under RUN/tensorboard."""

    def __init__(self, folder: Path):
        try:
            from torch.utils.tensorboard.writer import SummaryWriter
        except ImportError:
            raise MachineError("train.no_tensorboard") from None
        self.writer: Any = SummaryWriter(str(folder / "tensorboard"))

    def __call__(self, event: Event) -> None:
        step = event["step"]
        if event["kind"] == "train":
            for name, value in event["losses"].items():
                if value is not None:
                    self.writer.add_scalar(f"train/{name}", value, step)
            self.writer.add_scalar("train/lr", event["lr"], step)
        elif event["kind"] == "check":
            for name, figure in event["figures"].items():
                if figure["value"] is not None:
                    self.writer.add_scalar(f"val/{name}", figure["value"], step)
        elif event["kind"] in ("end", "stopped"):
            self.writer.close()
