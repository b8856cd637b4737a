"""Notices when everything stood still (a paused machine): what was measured meanwhile is worth nothing."""

import threading
import time

BEAT = 0.05
STILL = 0.6  # seconds without a beat; a busy machine is late by far less


class Heartbeat:
    """A thread that notes every gap between its own beats; times as of time.time()."""

    def __init__(self) -> None:
        self.gaps: list[tuple[float, float]] = []
        threading.Thread(target=self._beat, daemon=True).start()

    def stood_still(self, began: float, ended: float) -> float:
        """Seconds of [began, ended] in which nothing ran."""
        return sum(max(0.0, min(ended, stop) - max(began, start)) for start, stop in self.gaps)

    def _beat(self) -> None:
        last = time.time()
        while True:
            time.sleep(BEAT)
            moment = time.time()
            if moment - last > STILL:
                self.gaps.append((last, moment))
            last = moment
