"""What the kernel was asked for, in its order, and whether a save kept the law.

write < fsync(file) < fsync(manifest) < fsync(folder) < rename < fsync(parent) < read back < `latest` moved the same way
< anything taken away.
"""

import re
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

CALLS = "openat,mkdir,mkdirat,write,fsync,fdatasync,rename,renameat,renameat2,unlink,unlinkat,rmdir"
LINE = re.compile(r"^(\d+)\s+(\w+)\((.*)\)\s+= (-?\d+)")
HALF = re.compile(r"^(\d+)\s+(\w+)\((.*) <unfinished \.\.\.>$")
REST = re.compile(r"^(\d+)\s+<\.\.\. (\w+) resumed>(.*)$")
STEP = re.compile(r"step-\d{9}")


class Call(NamedTuple):
    """One system call that succeeded; `to` is where a rename leads."""

    name: str
    path: Path
    to: Path | None = None
    writes: bool = False


def strace() -> str:
    """The program; where it cannot be had, the law was not looked at, and that is a failure and no skip."""
    found = shutil.which("strace")
    assert found, "strace is not installed, so the order of a save was not looked at: apt-get install strace"
    return found


def may_trace() -> bool:
    """Whether this place lets one process watch another: not every container does."""
    return subprocess.run([strace(), "-o", "/dev/null", "true"], capture_output=True).returncode == 0


def read(log: Path) -> list[Call]:
    """The calls in the order in which they came back; those that failed asked for nothing."""
    halves: dict[str, str] = {}
    found: list[Call] = []
    for line in log.read_text(errors="replace").splitlines():
        if half := HALF.match(line):
            halves[half[1]] = f"{half[1]} {half[2]}({half[3]}"
            continue
        if rest := REST.match(line):
            line = halves.pop(rest[1], "") + rest[3]
        call = LINE.match(line)
        if call and int(call[4]) >= 0 and (one := _call(call[2], call[3])):
            found.append(one)
    return found


def _call(name: str, words: str) -> Call | None:
    quoted = [Path(text) for text in re.findall(r'"((?:[^"\\]|\\.)*)"', words)]
    opened = re.match(r"-?\w+<([^>]*)>", words)
    folder = Path(opened[1]) if opened else Path()
    if name in ("fsync", "fdatasync", "write"):
        return Call("fsync" if name != "write" else "write", folder) if opened else None
    if name == "openat" and quoted:
        writes = "O_WRONLY" in words or "O_RDWR" in words or "O_CREAT" in words
        return Call("open", folder / quoted[0], writes=writes)
    if name in ("mkdir", "mkdirat") and quoted:
        return Call("mkdir", folder / quoted[0])
    if name.startswith("rename") and len(quoted) == 2:
        return Call("rename", folder / quoted[0], folder / quoted[1])
    if name in ("unlink", "unlinkat", "rmdir") and quoted:
        return Call("remove", folder / quoted[0])
    return None


def violations(calls: list[Call], checkpoints: Path) -> tuple[int, list[str]]:
    """How many saves there were, and what each of them did out of order."""
    moves = [call for call in calls if call.name == "rename" and call.to and _step(call.to, checkpoints)]
    begins = [_first(calls, lambda call, m=move: m.path in (call.path, call.path.parent)) for move in moves]
    found = ["latest was moved before anything was saved"] if _latest(calls[: begins[0]], checkpoints) else []
    for move, begin, end in zip(moves, begins, [*begins[1:], len(calls)], strict=True):
        found += [f"{move.to}: {wrong}" for wrong in _of_save(calls[begin:end], move, checkpoints)]
    return len(moves), found + _named(calls, checkpoints) + _kept(calls, checkpoints)


def _named(calls: list[Call], checkpoints: Path) -> list[str]:
    """The folder of all saves is itself made durable before `latest` names one of them."""
    made = _first(calls, lambda call: call.name == "mkdir" and call.path == checkpoints)
    latest = _latest(calls, checkpoints)
    if made is None or not latest:
        return []
    synced = any(call.name == "fsync" and call.path == checkpoints.parent for call in calls[made : latest[0]])
    return [] if synced else ["the new folder of checkpoints was not synced into the run's"]


def _of_save(calls: list[Call], move: Call, checkpoints: Path) -> list[str]:
    """One save and all that follows until the next one begins."""
    final, place = move.to or Path(), calls.index(move)
    wrong = _written(calls[:place], move.path)
    latest = _latest(calls, checkpoints)
    if len(latest) != 1 or latest[0] < place:
        return [*wrong, "latest was not moved once, after the save"]
    between = calls[place : latest[0]]
    parent = _first(between, lambda call: call.name == "fsync" and call.path == checkpoints)
    if parent is None:
        return [*wrong, "the parent was not synced between the move and latest"]
    names = {call.path.name for call in calls[:place] if call.path.parent == move.path and call.writes}
    read = {call.path.name for call in between[parent:] if call.name == "open" and call.path.parent == final}
    wrong += [f"{name} was not read back between the parent's fsync and latest" for name in sorted(names - read)]
    wrong += [
        f"{call.path.name} was written after the move" for call in between if call.writes and final in call.path.parents
    ]
    taken = _first(calls, lambda call: _takes_away(call, checkpoints))
    if taken is not None and taken < latest[0]:
        wrong.append(f"{calls[taken].path.name} was taken away before latest was moved")
    return wrong + _text(calls, latest[0], checkpoints)


def _kept(calls: list[Call], checkpoints: Path) -> list[str]:
    """At least two whole ones are left whenever one is taken away."""
    there: set[str] = set()
    wrong = []
    for call in calls:
        if _takes_away(call, checkpoints) and call.path.name in there:
            there.discard(call.path.name)
            wrong += [f"{call.path.name} was taken away and left {len(there)}"] if len(there) < 2 else []
        elif call.to and _step(call.to, checkpoints):
            there.add(call.to.name)
    return wrong


def _step(path: Path, checkpoints: Path) -> bool:
    return path.parent == checkpoints and bool(STEP.fullmatch(path.name))


def _latest(calls: list[Call], checkpoints: Path) -> list[int]:
    return [place for place, call in enumerate(calls) if call.to == checkpoints / "latest"]


def _written(calls: list[Call], aside: Path) -> list[str]:
    """Every file written, then synced; the manifest last; then the folder."""
    names = {call.path.name for call in calls if call.path.parent == aside and call.writes}
    synced = {name: _synced(calls, aside / name) for name in names}
    wrong = [f"{name} was not synced after its last byte" for name, place in synced.items() if place is None]
    if "manifest.json" not in names:
        return [*wrong, "there is no manifest"]
    seal = synced["manifest.json"]
    begun = _first(calls, lambda call: call.writes and call.path == aside / "manifest.json")
    folder = _last(calls, lambda call: call.name == "fsync" and call.path == aside)
    for name, place in synced.items():
        if name != "manifest.json" and (place is None or begun is None or place > begun):
            wrong.append(f"{name} was not synced before the manifest was written")
    if folder is None or seal is None or folder < seal:
        wrong.append("the folder was not synced between the manifest and the move")
    return wrong


def _text(calls: list[Call], moved: int, checkpoints: Path) -> list[str]:
    """`latest` itself: written aside, synced, moved, its folder synced."""
    synced = _synced(calls[:moved], calls[moved].path)
    wrong = [] if synced is not None else ["latest was not synced before it was moved"]
    after = _first(calls[moved:], lambda call: call.name == "fsync" and call.path == checkpoints)
    taken = _first(calls[moved:], lambda call: _takes_away(call, checkpoints))
    if after is None or (taken is not None and taken < after):
        wrong.append("the move of latest was not synced before anything was taken away")
    return wrong


def _synced(calls: list[Call], file: Path) -> int | None:
    """Where a file was synced after its last write."""
    write = _last(calls, lambda call: call.path == file and (call.name == "write" or call.writes))
    sync = _last(calls, lambda call: call.path == file and call.name == "fsync")
    return sync if sync is not None and write is not None and sync > write else None


def _takes_away(call: Call, checkpoints: Path) -> bool:
    """A whole checkpoint loses its name."""
    return call.name in ("remove", "rename") and _step(call.path, checkpoints)


def _first(calls: list[Call], wanted) -> int | None:
    return next((place for place, call in enumerate(calls) if wanted(call)), None)


def _last(calls: list[Call], wanted) -> int | None:
    return next((place for place in reversed(range(len(calls))) if wanted(calls[place])), None)
