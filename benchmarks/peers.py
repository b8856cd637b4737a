"""deepglass beside the frameworks that people use: the same networks, data and optimizer, alternating in one run.

python benchmarks/peers.py install --cache DIR              each peer in an environment of its own
python benchmarks/peers.py try --cache DIR --out FILE       every variant tuned by hand, once
python benchmarks/peers.py race --cache DIR --out FILE --contestants documented     or tuned, or names; --rounds 3
python benchmarks/peers.py learn --cache DIR --out FILE     epochs' mean losses and numbers of parameters
python benchmarks/peers.py peak --cache DIR --out FILE      this machine's convolution peak
python benchmarks/peers.py table --out FILE                 Markdown

deepglass trains end to end through dg.train. Every contestant runs in a process of its own; a round runs each once.
What one race measured is a session; parts add up in FILE, and only what stands in one session is compared.
"""

import argparse
import datetime
import json
import math
import os
import shutil
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent / "contestants"
sys.path.insert(0, str(HERE))

from clock import Job  # noqa: E402
from field import OURS, chosen, flags, framework, variants  # noqa: E402
from heartbeat import Heartbeat  # noqa: E402
from rows import ROWS, data_file  # noqa: E402
from table import Results, medians, whole  # noqa: E402
from venvs import PEERS, install, peer, python  # noqa: E402

ATTEMPTS = 3  # where the machine stood still in the middle of a measurement, or others computed on it
CALM = 0.15  # cores that others may use meanwhile


@dataclass(frozen=True)
class Bench:
    """How contestants are run: where, on how many cores, for how long."""

    cache: Path
    threads: int
    seconds: float
    limit: float
    heart: Heartbeat

    def run(self, row: str, contestant: str, epochs: int = 0) -> dict[str, Any]:
        """One process; measured again where the machine was not its own, and the calmest of all attempts is kept."""
        found: dict[str, Any] = {"failed": "the machine stood still"}
        for _ in range(ATTEMPTS):
            began = time.time()
            one = self._once(row, contestant, epochs)
            if self.heart.stood_still(one.get("began", began), one.get("ended", time.time())):
                continue
            if one.get("others", 0.0) <= found.get("others", math.inf):
                found = one
            if found.get("others", 0.0) <= CALM:
                break
        shown = found.get("speed") or found.get("epoch_losses") or found.get("failed")
        print(f"{row:9} {contestant:32} {shown} (others {found.get('others', 0.0)})", flush=True)
        return found

    def peak(self) -> dict[str, Any]:
        """The convolution peak."""
        command = self._pinned([sys.executable, str(HERE / "peak.py"), str(self.seconds / 5)])
        return json.loads(subprocess.run(command, env=self._variables("peak"), capture_output=True, check=True).stdout)

    def forget(self, contestants: list[str], row: str) -> None:
        """Nothing compiled or planned is kept from earlier races, so that the first start is a first start."""
        for contestant in contestants:
            shutil.rmtree(self._kept(row, contestant), ignore_errors=True)

    def _once(self, row: str, contestant: str, epochs: int) -> dict[str, Any]:
        name, result = framework(contestant), self.cache / "results" / f"{row}-{contestant}.json"
        result.parent.mkdir(parents=True, exist_ok=True)
        result.unlink(missing_ok=True)
        data = data_file(row, self.cache / "data")
        job = Job(row, str(data), flags(contestant), self.seconds, str(result), time.time(), epochs)
        command = [str(python(name, self.cache)), str(HERE / peer(name).script), json.dumps(asdict(job))]
        variables = self._variables(self._kept(row, contestant)) | dict(peer(name).variables)
        log = result.with_suffix(".log")
        with log.open("w") as stream:
            process = subprocess.Popen(self._pinned(command), env=variables, stdout=stream, stderr=stream)
            while process.poll() is None:
                time.sleep(0.1)
                if time.time() - job.began - self.heart.stood_still(job.began, time.time()) > self.limit:
                    process.kill()
                    process.wait()
                    return {"failed": f"not done in {self.limit:.0f} s"}
        if process.returncode or not result.exists():
            return {"failed": (log.read_text().strip().splitlines() or ["no output"])[-1][:300]}
        return json.loads(result.read_text())

    def _kept(self, row: str, contestant: str) -> Path:
        return self.cache / "kept" / row / contestant

    def _variables(self, kept: Path | str) -> dict[str, str]:
        """Every framework gets as many threads; what it compiles and remembers lies in a folder of its own."""
        own = {"TORCHINDUCTOR_CACHE_DIR": f"{kept}/inductor", "XDG_CACHE_HOME": f"{kept}/cache"}
        return os.environ | own | {"OMP_NUM_THREADS": str(self.threads)}

    def _pinned(self, command: list[str]) -> list[str]:
        if not shutil.which("taskset"):
            return command
        cores = sorted(os.sched_getaffinity(0))[: self.threads]
        return ["taskset", "-c", ",".join(map(str, cores)), *command]


def race(bench: Bench, row: str, asked: argparse.Namespace, results: Results) -> None:
    """Every contestant once a round; the first round starts with nothing compiled or remembered.

    With --more the row's last race goes on where it was left, with the contestants that it has.
    """
    began = time.time()
    mine = [one for one in results["sessions"] if one["row"] == row]
    if not (asked.more and mine):
        contestants = chosen(asked.contestants, row, results["trials"].get(row, {}))
        bench.forget(contestants, row)
        date = f"{datetime.datetime.now():%Y-%m-%d %H:%M}"
        about = {"row": row, "date": date, "seconds": bench.seconds, "threads": bench.threads}
        mine = [{**about, "runs": {name: [] for name in contestants}}]
        results["sessions"] += mine
    runs: dict[str, list[dict[str, Any]]] = mine[-1]["runs"]
    while name := waiting(runs, asked.rounds, asked.best):
        if time.time() - began > asked.minutes * 60:
            print(f"{row}: time is up; go on with --more")
            break
        runs[name].append(bench.run(row, name))
    check(row, runs)
    for name, one in sorted(medians(mine[-1]).items(), key=lambda item: -item[1]["speed"]):
        print(f"{name:32} {one['speed']:12,.1f} examples/s")


def waiting(runs: dict[str, list[dict[str, Any]]], rounds: int, best: int | None = None) -> str:
    """Whose turn it is: the first of those with the fewest runs; who failed twice is not asked again.

    After the first round only ours and the `best` others go on.
    """
    open_ = [name for name, found in runs.items() if sum("failed" in run for run in found) < 2]
    if best and all(runs[name] for name in open_):
        speed = {name: max(run.get("speed", 0.0) for run in runs[name][:1]) for name in open_}
        others = sorted((name for name in open_ if name != OURS), key=lambda one: -speed[one])
        open_ = [name for name in open_ if name == OURS or name in others[:best]]
    name = min(open_, key=lambda one: len(runs[one]), default="")
    return name if name and len(runs[name]) < rounds else ""


def check(row: str, runs: dict[str, list[dict[str, Any]]]) -> None:
    """The same network for all, and one that learns."""
    for name, found in runs.items():
        for run in found:
            if "failed" in run:
                continue
            expected = ROWS[row].parameters - (ROWS[row].second_biases if framework(name).startswith("keras") else 0)
            if run["parameters"] != expected:
                raise SystemExit(f"{name} has {run['parameters']} parameters in {row}, not {expected}")
            if not run["losses"][-1] < run["losses"][0]:
                print(f"warning: the loss of {name} in {row} did not fall: {run['losses']}")


def try_all(bench: Bench, row: str, results: Results) -> None:
    """One run of each variant not tried yet; the fastest of each framework takes part in "tuned"."""
    tried = results["trials"].setdefault(row, {})
    for name in variants(row):
        if name not in tried:
            if speed := bench.run(row, name).get("speed"):  # what failed is tried again the next time
                tried[name] = speed


def learn(bench: Bench, row: str, asked: argparse.Namespace, results: Results) -> None:
    """Mean loss of each epoch, so that the same learning can be seen in all."""
    found = results["learned"].setdefault(row, {})
    for name in chosen(asked.contestants, row, results["trials"].get(row, {})):
        found[name] = bench.run(row, name, asked.epochs).get("epoch_losses", [])


def main() -> None:
    asked = words().parse_args()
    cache, out = Path(asked.cache).resolve(), Path(asked.out)
    if asked.what == "install":
        for name in PEERS:
            install(name, cache)
        return
    results: Results = {"sessions": [], "trials": {}, "learned": {}, "peak": {}}
    if out.exists():
        results |= json.loads(out.read_text())
    bench = Bench(cache, asked.threads, asked.seconds, asked.limit, Heartbeat())
    if asked.what == "table":
        print(whole(results))
        return
    try:
        measure(bench, asked, results)
    finally:  # what was measured before an interruption stays measured
        out.write_text(json.dumps(results, indent=1))


def measure(bench: Bench, asked: argparse.Namespace, results: Results) -> None:
    """What was asked for, row by row."""
    if asked.what == "peak":
        results["peak"] = bench.peak()
        return
    for row in asked.rows.split(","):
        if asked.what == "try":
            try_all(bench, row, results)
        elif asked.what == "learn":
            learn(bench, row, asked, results)
        else:
            race(bench, row, asked, results)


def words() -> argparse.ArgumentParser:
    """The command line."""
    found = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    found.add_argument("what", choices=("install", "try", "race", "learn", "peak", "table"))
    found.add_argument("--cache", default="peers-cache", help="environments, data and what is compiled; outside git")
    found.add_argument("--rows", default=",".join(ROWS), help=f"some of {', '.join(ROWS)}")
    found.add_argument("--contestants", default="documented", help=f"documented, tuned, or names; {OURS} always runs")
    found.add_argument("--rounds", type=int, default=3)
    found.add_argument("--best", type=int, help="after the first round only so many go on beside ours")
    found.add_argument("--more", action="store_true", help="go on with the row's last race, up to so many rounds")
    found.add_argument("--minutes", type=float, default=1e6, help="start no further contestant of a race after these")
    found.add_argument("--seconds", type=float, default=5.0, help="of steady state, in each round")
    found.add_argument("--epochs", type=int, default=3, help="of learn")
    found.add_argument("--threads", type=int, default=2)
    found.add_argument("--limit", type=float, default=300.0, help="seconds after which a contestant is stopped")
    found.add_argument("--out", default="peers.json")
    return found


if __name__ == "__main__":
    main()
