"""Aim, kill, resume, compare: what the tests of this folder and `python -m tests.kill` share.

Every kill is aimed at something that is about to happen, by a deck of aims shuffled with a printed seed, and counted by
what it hit, read from shared memory after death.
"""

import json
import multiprocessing
import random
import signal
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from math import floor
from pathlib import Path

from deepglass.engine.checkpoint import Checkpoints
from deepglass.engine.journal import read_events
from deepglass.foundation.sealed import LEFT_ASIDE, read_sealed
from tests.kill.data import write_data
from tests.kill.families import FAMILIES
from tests.kill.lives import Now, live

SERVER = multiprocessing.get_context("forkserver")
SERVER.set_forkserver_preload(["tests.kill.lives"])
LONGEST = 300.0  # seconds of one life in which this process was awake: others may stop both of us for minutes
SAVE, CHECK, EDGE, TWICE, TRAINING, FINISH = "save", "check", "edge", "twice", "training", "finish"
BEGINNING, FIRST, LATER = "beginning", "first save", "a later save"
DECK = (
    SAVE,
    TRAINING,
    SAVE,
    FINISH,
    TRAINING,
    CHECK,
    EDGE,
    TWICE,
    SAVE,
    CHECK,
)  # from its end
MOST_BEFORE = 0.05  # share of the kills that are aimed at what lies before the first save


class Child:
    """One life, and where it is."""

    def __init__(self, folder: Path, family: str, data: Path, bug: str = ""):
        self.now = SERVER.RawValue(Now)
        self.process = SERVER.Process(target=live, args=(folder, family, data, self.now, bug))
        self.process.start()

    def until(self, true) -> bool:
        """Wait for something; False where the life ended before it came true."""
        awake, before = 0.0, time.monotonic()
        while self.process.is_alive() and awake < LONGEST:
            if true(self.now):
                return True
            time.sleep(0.001)
            moment = time.monotonic()
            awake, before = awake + min(moment - before, 0.1), moment
        return False

    def kill(self) -> bool:
        """SIGKILL; False where the run was over before."""
        self.process.kill()
        self.process.join()
        if self.process.exitcode != -signal.SIGKILL:
            assert self.process.exitcode == 0, f"a life ended by itself with exit code {self.process.exitcode}"
            return False
        return True

    def end(self) -> int:
        """Wait for the end; the exit code."""
        self.until(lambda now: False)
        assert self.process.exitcode is not None, "a life did not end"
        return self.process.exitcode


@dataclass
class Arena:
    """Data, and the run of each family that nothing interrupted."""

    folder: Path
    wholes: dict[str, Path] = field(default_factory=dict)

    @property
    def data(self) -> Path:
        if not (self.folder / "data").is_dir():
            (self.folder / "data").mkdir()
            write_data(self.folder / "data")
        return self.folder / "data"

    def whole(self, family: str) -> Path:
        """The folder of the uninterrupted run."""
        if family not in self.wholes:
            self.wholes[family] = self.folder / family / "run"
            child = self.child(self.wholes[family], family)
            assert child.end() == 0
            assert bool(child.now.graphs) == FAMILIES[family].compiled
        return self.wholes[family]

    def child(self, run: Path, family: str, bug: str = "") -> Child:
        return Child(run, family, self.data, bug)

    def epoch(self, family: str) -> float:
        """Steps of one epoch of the family's first run."""
        return epoch_of(runs(self.whole(family))[-1])


def runs(folder: Path) -> list[Path]:
    """The run's own folder and those of its folds."""
    return sorted(found.parent for found in folder.rglob("events.jsonl"))


def current(folder: Path) -> Path:
    """Where training is now: in a fold, or in the run's own folder."""
    return folder if (folder / "events.jsonl").exists() else runs(folder)[-1]


def epoch_of(run: Path) -> float:
    """Steps of one epoch."""
    return read_events(run, "start")[-1]["epoch_steps"]


def differences(one: Path, other: Path) -> list[str]:
    """What two finished runs do not have in common, bit by bit."""
    names = [run.relative_to(one) for run in runs(one)]
    found = [] if names == [run.relative_to(other) for run in runs(other)] else ["folders"]
    for name in [] if found else names:
        where = "" if str(name) == "." else f"{name}: "
        found += [where + what for what in _differences(one / name, other / name)]
    documents = [name for name in ("folds.json", "outcome.json") if (one / name).exists()]
    found += [name for name in documents if (one / name).read_bytes() != (other / name).read_bytes()]
    if (answers := one / "folds" / "answers").exists():
        found += ["answers"] if read_sealed(answers) != read_sealed(other / "folds" / "answers") else []
    return found + [f"left aside: {path}" for path in other.rglob(".*") if LEFT_ASIDE.fullmatch(path.name)]


def _differences(one: Path, other: Path) -> list[str]:
    (tensors, document, _), (tensors2, document2, _) = Checkpoints(one).newest(), Checkpoints(other).newest()
    found = [f"document: {key}" for key in document if document[key] != document2.get(key)]
    for group in tensors:
        assert tensors[group].keys() == tensors2[group].keys()
        found += [
            f"{group}: {name}" for name, value in tensors[group].items() if not value.equal(tensors2[group][name])
        ]
    bundles = [read_sealed(folder / "bundle") for folder in (one, other)]
    found += [f"bundle: {name}" for name in bundles[0] if bundles[0][name] != bundles[1].get(name)]
    found += ["journal"] if history(one) != history(other) else []
    return found + [
        name for name in ("plan.json", "data.json") if (one / name).read_bytes() != (other / name).read_bytes()
    ]


def history(folder: Path) -> list[dict]:
    """What the report and the studio read, without the life and the hour."""
    events = [{**event, "life": 0, "time": 0} for event in read_events(folder, "train", "check", "end", "nonfinite")]
    return sorted(events, key=lambda event: (event["step"], event["kind"], json.dumps(event)))


@dataclass
class Aim:
    """Moments to wait for, worked out of what this life will still do."""

    draw: random.Random
    epoch: float
    last: tuple[Path, int] | None = None  # the run or fold, and the step, of the last kill

    def wait(self, child: Child, at: str) -> None:
        """Until the moment has come, or the life has ended."""
        draw = self.draw
        if at == BEGINNING:
            started = child.until(lambda now: now.training and now.step >= 1)
            time.sleep(draw.uniform(0, 0.01) if started else 0)
        elif at in (SAVE, FIRST, LATER):
            chosen = {SAVE: 2 * draw.randrange(3) + 1, FIRST: 1, LATER: 2 * draw.randrange(2) + 3}[at]
            child.until(lambda now: now.saving >= chosen)
            time.sleep(draw.uniform(0, 0.03))
        elif at == CHECK:
            chosen = 2 * draw.randrange(2) + 1
            child.until(lambda now: now.checking >= chosen)
            time.sleep(draw.uniform(0, 0.016))
        elif at == FINISH:
            child.until(lambda now: now.finishing == 1)
            time.sleep(draw.uniform(0, 0.02))
        elif child.until(lambda now: now.training):
            step = self._step(child.now.first, at)
            child.until(lambda now: now.step >= step)
            time.sleep(draw.uniform(0, 0.004))

    def _step(self, first: int, at: str) -> int:
        """The next edge of an epoch, a step in the epoch of the last kill, or one a few steps ahead."""
        if at == EDGE:
            return floor((floor(first / self.epoch) + 1) * self.epoch)
        if at == TWICE and self.last:
            end = max(first + 1, floor((floor(self.last[1] / self.epoch) + 1) * self.epoch))
            return self.draw.randrange(first, end)
        return first + self.draw.randrange(1, max(2, round(1.5 * self.epoch)))


def hit(child: Child, run: Path) -> str:
    """What a kill hit, by what the child left in shared memory and whether anything was saved before."""
    now, nothing = child.now, not any(run.rglob("step-*"))
    if now.saving % 2:
        return FIRST if nothing else SAVE
    if nothing:
        return "before"
    if now.checking % 2:
        return "check"
    if now.finishing:
        return "finish"
    return "training" if now.training else "reading"


@dataclass
class Torture:
    """So many kills of one family over as many runs as it takes, each run compared with the uninterrupted one."""

    family: str
    kills: int
    seed: int
    arena: Arena
    hits: Counter[str] = field(default_factory=Counter)  # what every kill hit: these add up
    checks: int = 0  # kills inside a check, those among them while a save was still being written
    edges: int = 0  # of them in the first or last step of an epoch
    twice: int = 0  # of them in the epoch of the kill before
    runs: int = 0
    mismatches: list[str] = field(default_factory=list)

    def go(self) -> "Torture":
        """All kills; mismatches are collected, not raised."""
        draw = random.Random(self.seed)
        self.arena.whole(self.family)
        aim, deck = Aim(draw, self.arena.epoch(self.family)), list(DECK)
        while sum(self.hits.values()) < self.kills:
            self.runs += 1
            with tempfile.TemporaryDirectory(dir=self.arena.folder) as folder:
                run = Path(folder) / "run"
                self._one(run, aim, deck)
                wrong = differences(self.arena.whole(self.family), run)
            self.mismatches += [f"run {self.runs}: {', '.join(wrong[:5])}"] if wrong else []
        return self

    def _one(self, run: Path, aim: Aim, deck: list[str]) -> None:
        aim.last, lives = None, 0
        while sum(self.hits.values()) < self.kills:
            if not deck:
                deck += aim.draw.sample(DECK, len(DECK))
            at = self._beginning() if not lives else deck.pop() if any(run.rglob("step-*")) else LATER
            child, lives = self.arena.child(run, self.family), lives + 1
            aim.wait(child, at)
            if not child.kill():
                deck += [at] if at in DECK else []
                return
            self._count(child, run, aim)
        assert self.arena.child(run, self.family).end() == 0

    def _beginning(self) -> str:
        if self.kills < len(DECK):
            return LATER  # where there are few, each has something to resume from
        early = self.hits["before"] < MOST_BEFORE * sum(self.hits.values()) or not self.hits
        return BEGINNING if early else FIRST

    def _count(self, child: Child, run: Path, aim: Aim) -> None:
        what = hit(child, run)
        self.hits[what] += 1
        self.checks += child.now.checking % 2
        if not child.now.training:
            return
        fold, step = current(run), child.now.step
        aim.epoch = epoch_of(fold)
        place = step / aim.epoch
        self.edges += step > 0 and (floor(place) != floor((step + 1) / aim.epoch) or place % 1 < 1 / aim.epoch)
        self.twice += aim.last is not None and (aim.last[0], floor(aim.last[1] / aim.epoch)) == (fold, floor(place))
        aim.last = (fold, step)

    @property
    def saves(self) -> int:
        """Kills inside a save, the first one included."""
        return self.hits[SAVE] + self.hits[FIRST]

    @property
    def early(self) -> int:
        """Kills that cost nothing but a beginning: before anything was saved, or while data were read again."""
        return self.hits["before"] + self.hits["reading"]

    def says(self) -> str:
        """One line, and the command that does it again."""
        counts = ", ".join(f"{count} {what}" for what, count in sorted(self.hits.items()))
        places = f"{self.checks} inside a check, {self.edges} at an epoch's edge, {self.twice} twice in one epoch"
        return (
            f"{self.family}: {sum(self.hits.values())} kills in {self.runs} runs ({counts}; {places}),"
            f" {len(self.mismatches)} mismatches. Again: {self.command()}"
        )

    def command(self) -> str:
        return f"python -m tests.kill {self.family} --kills {self.kills} --seed {self.seed}"
