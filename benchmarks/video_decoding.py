"""How quickly frames come out of video files: the reader of deepglass beside OpenCV's VideoCapture loop.

    python benchmarks/video_decoding.py FILE ... [--times 9] [--threads 2] [--opencv PYTHON]

Each file is decoded to its end as colour arrays at its own size (three bytes a pixel: OpenCV's in the order BGR, ours
RGB), in turns, `--times` times, with as many threads for either. What counts is the median of each, by the clock and by
the processor's seconds, and the median of the ratios of OpenCV's to ours in a turn: above 1 the reader is quicker. Both
are processes of their own that wait for each other. `--opencv` is the Python of an environment with
opencv-python-headless in it; without one, such an environment is made in a temporary folder. Then the same for frames
of 64 pixels a side at 8 a second, which is what a task asks for: there OpenCV's loop reads every frame, keeps one in so
many and makes it smaller (cv2.INTER_AREA).
"""

import argparse
import json
import statistics
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
    file, side, rate, threads = json.loads(line)
    cv2.setNumThreads(threads)
    began, worked, count, due = time.perf_counter(), time.process_time(), 0, 0
    video = cv2.VideoCapture(file, cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, threads])
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
    words.add_argument("--times", type=int, default=9)
    words.add_argument("--threads", type=int, default=2)
    words.add_argument("--opencv", default="", help="the Python of an environment that has OpenCV")
    asked = words.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        python = asked.opencv or made(Path(folder) / "opencv")
        heads = "file | what | frames | OpenCV, s | deepglass, s | ratio | OpenCV, CPU s | deepglass, CPU s | ratio"
        print(f"| {heads} |\n|{'---|' * 9}")
        for file in asked.files:
            for what, side, rate in (("every frame", 0, 0.0), (f"{SIDE} x {SIDE}, {RATE:g} a second", SIDE, RATE)):
                theirs, ours, count = raced(python, file, (side, rate, asked.threads), asked.times)
                cells = [told([a[by] for a in theirs], [b[by] for b in ours]) for by in (0, 1)]
                print(f"| {file.name} | {what} | {count} | {' | '.join(cells)} |", flush=True)


def made(folder: Path) -> str:
    """An environment of its own with OpenCV in it."""
    venv.create(folder, with_pip=True)
    python = str(folder / "bin" / "python")
    subprocess.run([python, "-m", "pip", "install", "-q", "opencv-python-headless"], check=True, stdout=sys.stderr)
    return python


def raced(python: str, file: Path, how: tuple[int, float, int], times: int) -> tuple[list[Seconds], list[Seconds], int]:
    """The timings of both, taken in turns, and how many frames came out of ours; `how`: side, rate, threads."""
    with subprocess.Popen([python, "-c", LOOP], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdin is not None and other.stdout is not None
        theirs: list[Seconds] = []
        ours: list[Seconds] = []
        count = 0
        for _ in range(times + 1):  # the first warms the disk's cache
            print(json.dumps([str(file.resolve()), *how]), file=other.stdin, flush=True)
            theirs.append(tuple(json.loads(other.stdout.readline())[:2]))
            began, worked = time.perf_counter(), time.process_time()
            count = decoded(file, *how)
            ours.append((time.perf_counter() - began, time.process_time() - worked))
        other.stdin.close()
    return theirs[1:], ours[1:], count


def decoded(file: Path, side: int, rate: float, threads: int) -> int:
    """All frames, looked at and let go; how many there were."""
    with Video(file, threads=threads) as video:
        width, height = video.size
        form = Frames(3, side or height, side or width, "stretch", rate)
        return sum(1 for shown in video.frames(form) if shown.pixels[0, 0].sum() >= 0)


def told(theirs: Sequence[float], ours: Sequence[float]) -> str:
    """Both medians, and that of the ratios within a turn with the lowest and the highest.

    >>> told([0.3, 0.2, 0.5], [0.2, 0.2, 0.4])
    '0.300 | 0.200 | 1.25 (1.00 to 1.50)'
    """
    ratios = sorted(a / b for a, b in zip(theirs, ours, strict=True))
    medians = " | ".join(f"{statistics.median(each):.3f}" for each in (theirs, ours))
    return f"{medians} | {statistics.median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})"


if __name__ == "__main__":
    main()
