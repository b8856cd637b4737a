"""The kill test by hand: python -m tests.kill [FAMILY ...] --kills 100 --seed 1; a table in Markdown comes out."""

import argparse
import sys
import tempfile
import time
from pathlib import Path

from tests.kill.families import FAMILIES
from tests.kill.killing import Arena, Torture


def main() -> int:
    """Exit code 1 where a run ended with other bits."""
    asked = argparse.ArgumentParser(prog="python -m tests.kill")
    asked.add_argument("family", nargs="*", help=", ".join(FAMILIES))
    asked.add_argument("--kills", type=int, default=100)
    asked.add_argument("--seed", type=int, default=1)
    given = asked.parse_args()
    columns = "kills", "runs", "in a save", "of them the first", "in validation", "before the first save", "reading"
    columns += "while the bundle is written", "at an epoch's edge", "twice in one epoch", "mismatches", "seed"
    sys.stdout.write(f"| family | {' | '.join(columns)} |\n|{'---|' * (len(columns) + 1)}\n")
    wrong = 0
    with tempfile.TemporaryDirectory() as folder:
        for family in given.family or FAMILIES:
            began = time.monotonic()
            found = Torture(family, given.kills, given.seed, Arena(Path(folder))).go()
            sys.stderr.write(f"{found.says()} ({time.monotonic() - began:.0f} s)\n{''.join(found.mismatches)}\n")
            hits = found.hits
            counts = [sum(hits.values()), found.runs, found.saves, hits["first save"], found.checks, hits["before"]]
            counts += [hits["reading"], hits["finish"], found.edges, found.twice, len(found.mismatches), found.seed]
            sys.stdout.write(f"| {family}: {FAMILIES[family].says} | {' | '.join(map(str, counts))} |\n")
            sys.stdout.flush()
            wrong += len(found.mismatches)
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
