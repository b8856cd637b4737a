"""How quickly frames come out of video files: the reader of deepglass beside OpenCV's VideoCapture loop.

    python benchmarks/video_decoding.py FILE ... [--times 5] [--opencv PYTHON]

Each file is decoded to its end as colour arrays at its own size, in turns, `--times` times. What counts is the quickest
of each, by the clock and by the processor's seconds, and the ratio of OpenCV's to ours: above 1 the reader is quicker.
`--opencv` is the Python of an environment with opencv-python-headless in it; without one, such an environment is made
in a temporary folder. Then the same for frames of 64 pixels a side at 8 a second, which is what a task asks for: there
OpenCV's loop decodes every frame, keeps one in so many and makes it smaller (cv2.INTER_AREA).
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Sequence
from pathlib import Path

from deepglass.data.readers.video import Frames, Video

SIDE, RATE = 64, 8.0
Seconds = tuple[float, float]  # by the clock, and of the processor
LOOP = """
import json, sys, time
import cv2
for line in sys.stdin:
    file, side, rate = json.loads(line)
    began, worked, count, due = time.perf_counter(), time.process_time(), 0, 0
    video = cv2.VideoCapture(file)
    each = video.get(cv2.CAP_PROP_FPS) / rate if rate else 1
    number = 0
    while True:
        there, frame = video.read()
        if not there:
            break
        if number >= due:
            due += each
            count += 1
            if side:
                frame = cv2.resize(frame, (side, side), interpolation=cv2.INTER_AREA)
            frame[0, 0].sum()
        number += 1
    print(json.dumps([time.perf_counter() - began, time.process_time() - worked, count]), flush=True)
"""


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("files", nargs="+", type=Path)
    words.add_argument("--times", type=int, default=5)
    words.add_argument("--opencv", default="", help="the Python of an environment that has OpenCV")
    asked = words.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        python = asked.opencv or made(Path(folder) / "opencv")
        heads = "file | what | frames | OpenCV, s | deepglass, s | ratio | OpenCV, CPU s | deepglass, CPU s | ratio"
        print(f"| {heads} |\n|{'---|' * 9}")
        for file in asked.files:
            for what, side, rate in (("every frame", 0, 0.0), (f"{SIDE} x {SIDE}, {RATE:g} a second", SIDE, RATE)):
                theirs, ours, count = raced(python, file, side, rate, asked.times)
                cells = [f"{a:.3f} | {b:.3f} | {a / b:.2f}" for a, b in zip(theirs, ours, strict=True)]
                print(f"| {file.name} | {what} | {count} | {' | '.join(cells)} |", flush=True)


def made(folder: Path) -> str:
    """An environment of its own with OpenCV in it."""
    venv.create(folder, with_pip=True)
    python = str(folder / "bin" / "python")
    subprocess.run([python, "-m", "pip", "install", "-q", "opencv-python-headless"], check=True, stdout=sys.stderr)
    return python


def raced(python: str, file: Path, side: int, rate: float, times: int) -> tuple[Seconds, Seconds, int]:
    """The quickest of either, in turns, and how many frames came out of ours."""
    with subprocess.Popen([python, "-c", LOOP], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdin is not None and other.stdout is not None
        theirs: list[Seconds] = []
        ours: list[Seconds] = []
        count = 0
        for _ in range(times + 1):  # the first warms the disk's cache
            print(json.dumps([str(file.resolve()), side, rate]), file=other.stdin, flush=True)
            theirs.append(tuple(json.loads(other.stdout.readline())[:2]))
            began, worked = time.perf_counter(), time.process_time()
            count = decoded(file, side, rate)
            ours.append((time.perf_counter() - began, time.process_time() - worked))
        other.stdin.close()
    return quickest(theirs[1:]), quickest(ours[1:]), count


def decoded(file: Path, side: int, rate: float) -> int:
    """All frames, looked at and let go; how many there were."""
    with Video(file, threads=0) as video:
        width, height = video.size
        form = Frames(3, side or height, side or width, "stretch", rate)
        return sum(1 for shown in video.frames(form) if shown.pixels[0, 0].sum() >= 0)


def quickest(timings: Sequence[Seconds]) -> Seconds:
    """The least disturbed of several timings, by either measure.

    >>> quickest([(0.3, 0.2), (0.2, 0.25), (0.5, 0.4)])
    (0.2, 0.2)
    """
    return min(clock for clock, _ in timings), min(worked for _, worked in timings)


if __name__ == "__main__":
    main()
