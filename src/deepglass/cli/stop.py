"""Ctrl-C and SIGTERM finish the step and save; a second one ends at once."""

import signal
from types import FrameType


class StopSignals:
    """Inside the `with`, the first signal only sets a flag that the loop looks at between two steps."""

    def __init__(self) -> None:
        self.asked = False
        self._before: dict[int, object] = {}

    def __enter__(self) -> "StopSignals":
        for number in (signal.SIGINT, signal.SIGTERM):
            self._before[number] = signal.signal(number, self._on_signal)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # pyright: ignore

    def __call__(self) -> bool:
        return self.asked

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self.asked = True
        self.__exit__()  # the second one finds the handlers that were there before
