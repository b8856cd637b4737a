"""What a run says while it trains: a live line on a terminal, plain lines in a pipe. It only watches the journal.

The command line and Python both show it; it writes to the stream that they hand it.
"""

import time
from typing import IO, Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from deepglass.engine.journal import Event
from deepglass.foundation.words import say
from deepglass.views.alarm import gone_back, in_words
from deepglass.views.view import number

SHOWN = 3  # figures of a check that the terminal names
TROUBLE = {"save_failed": "cli.save_failed", "passed_over": "cli.passed_over"}  # kinds of events that are told at once
PLAIN_EVERY = 10.0  # seconds between two plain lines, checks apart


class Watch:
    """Called with every event of the journal; use as a context manager so that the live line is cleared.

    Without a stream it says nothing.
    """

    def __init__(self, stream: IO[str] | None):
        live = stream is not None and stream.isatty()  # there rich breaks lines between words; a pipe keeps them whole
        # never rich's widgets: a saved notebook keeps plain lines
        self.console = Console(
            file=stream, quiet=stream is None, highlight=False, soft_wrap=not live, force_jupyter=False
        )
        self.live = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=30),
            TextColumn("{task.percentage:>3.0f} %"),
            TimeRemainingColumn(),
            console=self.console,
            disable=self.console.quiet or not self.console.is_terminal,
            transient=True,
        )
        self.steps = 0
        self.epoch_steps = 1.0
        self.last = (0, time.monotonic())
        self.speed = 0.0

    def __enter__(self) -> "Watch":
        self.live.start()
        self.bar = self.live.add_task(say("cli.preparing"), total=None)
        return self

    def __exit__(self, *_: object) -> None:
        self.live.stop()

    def read(self, done: int, of: int) -> None:
        """Examples read and checked so far."""
        if done < of:
            self.live.update(self.bar, description=say("cli.preparing"), completed=done, total=of)
        else:  # the plan may be measured next, and nobody knows how long that takes
            self.live.update(self.bar, description=say("cli.getting_ready"), completed=0, total=None)

    def __call__(self, event: Event) -> None:
        kind = event["kind"]
        shown = {
            "start": self._start,
            "train": self._train,
            "check": self._check,
            "alarm": lambda event: self.console.print(in_words(event)),
            "rollback": self._gone_back,
            "fold": self._fold,
            "end": self._end,
        }.get(kind)
        if shown:
            shown(event)
        elif kind in TROUBLE:
            self.console.print(say(TROUBLE[kind], reason=event["reason"]))

    def _fold(self, event: Event) -> None:
        self.console.print(say("cli.fold", **event["which"]) if event["which"] else say("cli.refit"))

    def _end(self, event: Event) -> None:
        self.live.update(self.bar, description=say("cli.writing_report"), completed=0, total=None)
        if not self.console.is_terminal:
            self.console.print(say("cli.writing_report"))

    def _gone_back(self, event: Event) -> None:
        self.last = (event["step"], time.monotonic())
        self.console.print(gone_back(event["setbacks"][-1], len(event["setbacks"])))

    def _start(self, event: Event) -> None:
        self.steps, self.epoch_steps = event["steps"], event["epoch_steps"]
        self.last = (event["step"], time.monotonic())
        self.live.reset(self.bar, total=self.steps, completed=event["step"], description=say("cli.getting_ready"))
        for reason in event["rejected"]:
            self.console.print(say("cli.rejected", reason=reason))
        if filled := event.get("vectors"):
            self.console.print(say("cli.vectors", **filled, share=f"{100 * filled['found'] / filled['of']:.3g}"))
        if event["differs"]:
            self.console.print(say("cli.differs", names="; ".join(event["differs"])))
        for kind in ("warning", "note"):
            self._told(kind, event[f"{kind}s"], event["place"])
        plan, name = event["plan"], event["plan_name"]
        left = event["seconds"] * (self.steps - event["step"]) / self.steps
        time_left = say("plan.about", time=_clock(left)) if left >= 1 and not event.get("finished") else ""
        origin = say(f"plan.{plan['origin']}")
        self.console.print(say("plan.chosen", steps=self.steps, time=time_left, name=name, origin=origin))
        if ahead := plan["forecast"]:
            limit = say(f"plan.limit_{ahead['limit']}")
            memory, disk = (f"{ahead[name] / 2**20:.3g}" for name in ("memory_bytes", "disk_bytes"))
            self.console.print(say("plan.ahead", memory=memory, disk=disk, limit=limit))
        self._resumed(event, event.get("again", 0))

    def _resumed(self, event: Event, again: int) -> None:
        """From where a run goes on, and how much of what a kill took away is done again: as far as it was told."""
        values = {"step": event["step"], "steps": self.steps, "place": event["place"], "again": again}
        if event.get("finished"):
            self.console.print(say("cli.resumed_at_end", **values))
        elif not event["step"]:
            if event["life"] > 1:
                self.console.print(say("cli.begun_anew", **values))
        elif again:
            self.console.print(say("cli.resumed_again", **values))
        else:
            self.console.print(say("cli.resumed", **values))

    def _told(self, kind: str, sentences: list[str], place: str) -> None:
        for sentence in sentences[:SHOWN]:
            self.console.print(say(f"cli.{kind}", sentence=sentence))
        if len(sentences) > SHOWN:
            self.console.print(say(f"cli.more_{kind}s", count=len(sentences) - SHOWN, place=place))

    def _train(self, event: Event) -> None:
        step, moment = self.last
        elapsed = time.monotonic() - moment
        if event["step"] == step or elapsed < (0.2 if self.console.is_terminal else PLAIN_EVERY):
            return
        self.speed = (event["step"] - step) / elapsed
        self.last = (event["step"], time.monotonic())
        line = say("cli.training", losses=_losses(event["losses"]), speed=f"{self.speed:.3g}")
        self.live.update(self.bar, description=line, completed=event["step"])
        if not self.console.is_terminal:
            left = (self.steps - event["step"]) / self.speed
            self.console.print(say("cli.plain", step=event["step"], steps=self.steps, line=line, left=_clock(left)))

    def _check(self, event: Event) -> None:
        figures: dict[str, Any] = event["figures"]
        known = [(name, figure["value"]) for name, figure in figures.items() if figure["value"] is not None][:SHOWN]
        shown = say("views.list_mark").join(f"{say('tasks.metric_' + name)} {plain(value)}" for name, value in known)
        self.live.update(self.bar, completed=event["step"])
        epoch = f"{event['step'] / self.epoch_steps:.3g}"
        self.console.print(say("cli.check", epoch=epoch, figures=shown, part=say(f"cli.part_{event['part']}")))


def plain(value: float) -> str:
    """Four significant digits, without powers of ten for everyday numbers."""
    return f"{value:.4g}" if abs(value) < 1000 else number(value)  # which has words for what is no number


def _losses(losses: dict[str, float]) -> str:
    return ", ".join(f"{name} {value:.4g}" for name, value in losses.items() if value is not None)


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes}:{rest:02d}"
