"""events.jsonl: everything the report and the studio show, append-only and versioned.

Each event carries the run's life number (how often it was started); readers take the newest life per step, so a kill
leaves no false history. Each line ends with its own CRC-32: one that a kill cut short or a disk has changed tells
nothing, instead of something false.
"""

import contextlib
import json
import os
import time
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from deepglass.foundation.settings import to_json

VERSION = 2
SUM = ', "crc": '
Event = dict[str, Any]
Watcher = Callable[[Event], None]


class Journal:
    """Appends events to a run's events.jsonl and hands each to those who watch (the terminal's progress)."""

    def __init__(self, folder: Path, watchers: Iterable[Watcher] = ()):
        self.file = folder / "events.jsonl"
        self.watchers = list(watchers)
        self.life = 1 + max((event["life"] for event in _lines(self.file)), default=0)
        self.unwritten: list[str] = []
        self._mend_last_line()

    def write(self, kind: str, step: int, **values: Any) -> None:
        """One event; times are seconds since 1970."""
        event = {"v": VERSION, "life": self.life, "step": step, "kind": kind, "time": round(time.time(), 3)}
        event |= {name: to_json(value) for name, value in values.items()}
        self.unwritten.append(line_of(event) + "\n")
        self._append()
        for watch in self.watchers:
            watch(event)

    def again(self) -> None:
        """A new life begins with the next event: the training has gone back."""
        self.life += 1

    def _append(self) -> None:
        """What could not be written (a full disk) is written later, whole lines in their order; training goes on."""
        size = self.file.stat().st_size if self.file.exists() else 0
        try:
            with self.file.open("ab", buffering=0) as stream:
                for line in list(self.unwritten):
                    content = line.encode()
                    if stream.write(content) != len(content):
                        raise OSError
                    size += len(content)
                    self.unwritten.pop(0)
        except OSError:
            with contextlib.suppress(OSError):
                os.truncate(self.file, size)

    def _mend_last_line(self) -> None:
        """A kill may have cut the last line: end it, so that the next event starts on a line of its own."""
        if self.file.exists() and self.file.stat().st_size and not self.file.read_bytes().endswith(b"\n"):
            self.unwritten.append("\n")


def reached(folder: Path) -> int:
    """The last step that the newest life tells of; 0 where there was none."""
    return max(((event["life"], event["step"]) for event in _lines(folder / "events.jsonl")), default=(0, 0))[1]


def line_of(event: Event) -> str:
    """One line of the journal: JSON whose last value is the CRC-32 of all before it."""
    text = json.dumps(event, ensure_ascii=False).removesuffix("}")
    return f"{text}{SUM}{zlib.crc32(text.encode())}}}"


def read_events(folder: Path, *kinds: str) -> list[Event]:
    """A run's history without what later lives took back: of each step and kind only the newest life's events."""
    events = list(_lines(folder / "events.jsonl"))
    starts: dict[int, int] = {}  # the step at which each life began
    for event in events:
        starts.setdefault(event["life"], event["step"])
    newest: dict[tuple[Any, ...], Event] = {}
    for event in events:
        redone = event["step"] + (event["kind"] == "train")  # a life that begins at a step trains that step anew
        if not any(life > event["life"] and start < redone for life, start in starts.items()):
            newest[event["kind"], event["step"], event.get("turn"), event.get("name")] = event
    return [event for event in newest.values() if not kinds or event["kind"] in kinds]


def _lines(file: Path) -> Iterable[Event]:
    """The events of all whole lines."""
    try:
        lines = file.read_bytes().split(b"\n")
    except FileNotFoundError:
        return
    for line in lines:
        text, _, stated = line.rpartition(SUM.encode())
        if text and stated == b"%d}" % zlib.crc32(text):
            event = json.loads(text + b"}")
            if event["v"] == VERSION:
                yield event
