"""Made videos for the tests: frames with times of their own, in any container, turned, cut or empty."""

from collections.abc import Iterable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from deepglass.data.readers.video import Clip, Frames, header, read_clip

TICKS = 1000  # a second


def film(
    file: Path,
    frames: Iterable[np.ndarray],
    times: Sequence[float],
    *,
    codec: str = "ffv1",
    form: str = "",
    turned: int = 0,
    sound: np.ndarray | None = None,
    every: int = 12,
) -> Path:
    """A video of these frames uint8 (H, W, 3), each shown from its time; `every` frames one can be sought."""
    file.parent.mkdir(parents=True, exist_ok=True)
    frames = list(frames)
    with av.open(str(file), "w", format=form or None) as box:
        stream = box.add_stream(codec, rate=25)
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = "bgr0" if codec == "ffv1" else "yuvj420p" if codec == "mjpeg" else "yuv420p"
        stream.codec_context.time_base = Fraction(1, TICKS)
        stream.codec_context.gop_size = every
        if turned:
            stream.set_display_rotation(turned)
        track = box.add_stream("pcm_s16le", rate=8000, layout="mono") if sound is not None else None
        for pixels, time in zip(frames, times, strict=True):
            picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24")
            picture.pts, picture.time_base = round(time * TICKS), Fraction(1, TICKS)
            box.mux(stream.encode(picture))
        box.mux(stream.encode())
        if track is not None and sound is not None:
            wave = av.AudioFrame.from_ndarray(sound[None], format="s16", layout="mono")
            wave.sample_rate, wave.pts = 8000, 0
            box.mux(track.encode(wave))
            box.mux(track.encode())
    return file


def every_frame(file: Path | bytes) -> Clip:
    """All frames at their own size and times, none twice."""
    found = header(file)
    return read_clip(file, Frames(found.channels, found.height, found.width, rate=0.0))


def shades(count: int, height: int = 24, width: int = 32) -> list[np.ndarray]:
    """Frames of one colour each that tell their number: the first channel is 5 times it, the second is dark."""
    return [np.full((height, width, 3), (5 * number, 10, 200), np.uint8) for number in range(count)]


def moving(
    count: int, side: int = 24, way: tuple[int, int] = (1, 0), start: tuple[int, int] = (4, 8)
) -> list[np.ndarray]:
    """Frames in which a bright square goes its way over a dark ground, so many pixels a frame."""
    frames = []
    for number in range(count):
        pixels = np.full((side, side, 3), 30, np.uint8)
        left, top = (np.array(start) + number * np.array(way)) % (side - 6)
        pixels[top : top + 6, left : left + 6] = (230, 200, 60)
        frames.append(pixels)
    return frames
