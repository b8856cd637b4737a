"""Videos: frames with their exact times, decoded only where they are wanted. What cannot be read is named.

The format goes by the first bytes, and only that one demuxer is opened, with no protocol but "file": a playlist that
calls itself a film is refused, and nothing it points to is ever touched. PyAV decodes: the extra `video`.

    frames   0      1  2            3      4          shown from their own times, however uneven
             ├──────┼──┼────────────┼──────┼────
    grid     ·    ·    ·    ·    ·    ·    ·          `rate` a second: each takes the frame that is shown then

Letters: T frames, H W height and width, C channels (1 grey, 3 colour).
"""

import contextlib
import io
import itertools
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any, Literal, NamedTuple

import numpy as np

from deepglass.data.readers import magic
from deepglass.data.readers.picture import LONGEST_SIDE, MOST_PIXELS, fit_picture
from deepglass.data.readers.sound import LONGEST, MOST_SAMPLES, Sound
from deepglass.data.source import Unreadable, unopened
from deepglass.foundation.errors import MachineError

SUFFIXES = frozenset(".mp4 .m4v .mov .qt .mkv .webm .avi .mpg .mpeg .mts .m2ts .ogv .flv .wmv .asf .3gp".split())
FOREIGN_SUFFIXES = frozenset(".m3u8 .m3u .mpd .vob .rm .rmvb .swf".split())
DEMUXERS = {
    **{"MP4": "mov", "Matroska": "matroska", "AVI": "avi", "MPEG-TS": "mpegts", "MPEG": "mpeg"},
    **{"Ogg": "ogg", "FLV": "flv", "WMV": "asf"},
}
MOST_BYTES = 2 << 30  # of the frames that one reading may hold
LOOK_RATE, LOOK_SIDE, LOOK_LONGEST = 4.0, 320, 60.0  # what is read of a video to be looked at
EARLY = 1e-6  # seconds by which a frame may come late and still be shown at a place of the grid
UNEVEN = 1.5  # times the usual gap between frames, from which they do not come evenly
MISSING = 1.0  # seconds that a video may end before its header says
DAMAGED = 0.05  # share of damaged frames from which a video is


class Clip(NamedTuple):
    """Decoded frames uint8 (T, H, W, C), and the time float64 (T,), in seconds, from which each is shown."""

    frames: np.ndarray
    times: np.ndarray
    notes: tuple[str, ...] = ()  # e.g. "uneven": said as note_uneven in data.toml
    size: tuple[int, int] = (0, 0)  # width and height of the stored video, upright
    end: float = 0.0  # seconds from which nothing of it is shown


class Header(NamedTuple):
    """What a video says of itself, turned upright."""

    width: int
    height: int
    channels: int
    seconds: float  # 0 where it does not say


class Frames(NamedTuple):
    """The one size that a task makes frames, and how many a second it sees; 0 seconds is all of a video.

    `crop` keeps the largest centred box of the wanted proportions; `stretch` forgets the proportions.
    """

    channels: int
    height: int
    width: int
    how: Literal["crop", "stretch"] = "crop"
    rate: float = 8.0
    longest: float = 0.0  # seconds from the start that are seen

    def __call__(self, raw: Clip) -> np.ndarray:
        """The frames at that size. uint8 (T, C, H, W)"""
        if raw.frames.shape[1:] == (self.height, self.width, self.channels):
            return np.ascontiguousarray(raw.frames.transpose(0, 3, 1, 2))
        size = (self.channels, self.height, self.width)
        return np.stack([fit_picture(frame, *size, self.how) for frame in raw.frames])


class Shown(NamedTuple):
    """One frame on its way out: when it is shown, and its pixels uint8 (H, W, C)."""

    time: float
    pixels: np.ndarray


def read_clip(file: Path | str | bytes, form: object = None, start: float = 0.0, stop: float | None = None) -> Clip:
    """The frames between two times as a task sees them; without its form, as they are to be looked at.

    Raises Unreadable with the reason. Decoding begins at the key frame before `start` and ends at `stop`.
    """
    with Video(file) as video:
        form = form if isinstance(form, Frames) else video.look()
        times: list[float] = []
        pixels: list[np.ndarray] = []
        held = 0
        for shown in video.frames(form, start, stop):
            times.append(shown.time)
            pixels.append(shown.pixels)
            held += shown.pixels.nbytes
            if held > MOST_BYTES:
                raise Unreadable("video_too_long", gigabytes=MOST_BYTES >> 30, minutes=round((shown.time - start) / 60))
        frames = np.stack(pixels)
        return Clip(frames, np.array(times), tuple(video.notes(frames)), video.size, video.ended)


def frames_of(file: Path | str | bytes, form: Frames) -> Iterator[np.ndarray]:
    """A whole video as a task sees it, one frame after the other, however long it is. uint8 (C, H, W) each"""
    with Video(file, threads=0) as video:
        for shown in video.frames(form._replace(longest=0.0)):
            yield np.ascontiguousarray(shown.pixels.transpose(2, 0, 1))


def header(file: Path | str | bytes) -> Header:
    """Size, channels and length from the header and the first frame; raises Unreadable as `read_clip` does."""
    with Video(file) as video:
        return Header(*video.size, video.channels, video.seconds)


class Video:
    """An open video, to be read once from front to back; memory holds one frame, however long it is."""

    def __init__(self, file: Path | str | bytes, threads: int = 1):
        np.empty(1 << 24, np.uint8)  # freed at once: glibc then keeps a frame's memory, whose pages are not found anew
        self._open = opened(file)
        self._scaler = _library().video.reformatter.VideoReformatter()  # set up once, not for every frame
        self._threads = threads  # that decode; 0: as many as there are cores
        self._uneven = self._last_gap = 0.0
        self._damaged = self._count = 0
        self.ended = 0.0  # where what was read so far ends

    def __enter__(self) -> "Video":
        self._container = self._open.__enter__()
        try:
            self._begin()
        except BaseException:
            self._container.close()
            raise
        return self

    def __exit__(self, *failure: Any) -> None:
        self._container.close()

    def _begin(self) -> None:
        """Find the stream and its first frame, which alone tells how it is to be turned."""
        if not self._container.streams.video:
            raise Unreadable("video_no_picture" if self._container.streams.audio else "video_no_frames")
        self._stream = self._container.streams.video[0]
        context = self._stream.codec_context
        if context is None:
            raise Unreadable("video_no_decoder")
        _check_size(context.width, context.height)
        context.thread_count = self._threads
        context.thread_type = "AUTO"
        self._base = float(self._stream.time_base or 0)
        self._first_time = float((self._stream.start_time or 0) * self._base)
        self._coming = self._packets()
        first = next(self._coming, None)
        if first is None:
            raise Unreadable("video_no_frames")
        self._coming = itertools.chain([first], self._coming)
        _check_size(first.width, first.height)
        self._turns = round(first.rotation / 90) % 4
        self.size = (first.height, first.width) if self._turns % 2 else (first.width, first.height)
        self.channels = 1 if first.format.name.startswith("gray") else 3
        known = self._stream.duration
        self.seconds = float(known * self._base) if known else (self._container.duration or 0) / 1e6
        self._promised = known is not None

    def look(self) -> Frames:
        """A form to look at it: small, a few frames a second, not all of a long one."""
        width, height = self.size
        scale = min(1.0, LOOK_SIDE / max(width, height))
        sides = (max(1, round(height * scale)), max(1, round(width * scale)))
        return Frames(self.channels, *sides, "stretch", LOOK_RATE, LOOK_LONGEST)

    def frames(self, form: Frames, start: float = 0.0, stop: float | None = None) -> Iterator[Shown]:
        """What is shown at every place of the form's grid, or with rate 0 every frame, between two times.

        At least one frame; the last that is shown before where nothing is shown from there on.
        """
        last = start + form.longest if form.longest else None
        stop = min((one for one in (stop, last) if one is not None), default=None)
        if start > 0:
            self._seek(start)
        decoded = self._timed(stop)
        chosen = _each(decoded, start, stop) if not form.rate else _on_grid(decoded, form.rate, start, stop, self)
        made: tuple[Any, np.ndarray | None] = None, None
        for time, frame in chosen:
            if made[0] is not frame or made[1] is None:
                made = frame, self._pixels(frame, form)
            yield Shown(time, made[1])
        if self._count and self._damaged > DAMAGED * self._count:
            raise Unreadable("video_damaged", damaged=self._damaged, count=self._count)

    def notes(self, frames: np.ndarray) -> list[str]:
        """What the doctor should hear of."""
        notes = ["turned_video"] if self._turns else []
        notes += ["uneven"] if self._uneven else []
        notes += ["damaged_frames"] if self._damaged else []
        still = len(frames) > 1 and (frames == frames[:1]).all()
        return [*notes, *(["one_frame"] if self._count == 1 else []), *(["still"] if still else [])]

    def _packets(self) -> Iterator[Any]:
        """Decoded frames as they come; raises Unreadable where the file is damaged."""
        library = _library()
        try:
            yield from self._container.decode(self._stream)
        except library.error.EOFError:
            return
        except (library.error.FFmpegError, ValueError, OverflowError) as error:
            raise _damage(error) from None

    def _timed(self, stop: float | None) -> Iterator[tuple[float, Any]]:
        """Frames with the times from which they are shown, up to the first at `stop`; `ended` follows them."""
        usual = float(1 / self._stream.average_rate) if self._stream.average_rate else 0.04
        before: float | None = None
        for frame in self._coming:
            time = before + usual if frame.pts is None and before is not None else self._time(frame)
            self._judge(time, before, frame)
            before = time
            self.ended = time + (frame.duration * self._base or usual)
            yield time, frame
            if stop is not None and time >= stop:
                return
        if self._promised and self.ended + MISSING < self.seconds:
            raise Unreadable("truncated")

    def _time(self, frame: Any) -> float:
        return frame.pts * self._base - self._first_time if frame.pts is not None else 0.0

    def _judge(self, time: float, before: float | None, frame: Any) -> None:
        self._count += 1
        self._damaged += bool(frame.is_corrupt)
        gap = time - before if before is not None else 0.0
        if self._last_gap and gap and not 1 / UNEVEN <= gap / self._last_gap <= UNEVEN:
            self._uneven += 1
        self._last_gap = gap or self._last_gap

    def _seek(self, start: float) -> None:
        """Go on from a key frame before `start`: from further back where a seek, as in MPEG-TS, ends behind it."""
        place, back = start + self._first_time, 0.0
        with contextlib.suppress(_library().error.FFmpegError):  # what cannot be sought goes on from where it is
            while True:
                ticks = int(max(0.0, place - back) / self._base) if self._base else 0
                self._container.seek(ticks, stream=self._stream)
                self._coming = self._packets()
                first = next(self._coming, None)
                if back > place or (first is not None and self._time(first) <= start + EARLY):
                    break
                back = 2 * back + 1.0
            self._coming = itertools.chain([first] if first is not None else [], self._coming)

    def _pixels(self, frame: Any, form: Frames) -> np.ndarray:
        """One frame upright and at the form's size: scaled by the decoder's library, which is quicker than afterwards.

        uint8 (H, W, C)
        """
        height, width = form.height, form.width
        if form.how == "crop":
            scale = max(width / self.size[0], height / self.size[1])
            width, height = max(width, round(self.size[0] * scale)), max(height, round(self.size[1] * scale))
        sides = (height, width) if self._turns % 2 else (width, height)
        how = "AREA" if sides[0] < frame.width else "BILINEAR"
        wanted = "gray" if form.channels == 1 else "rgb24"
        small = self._scaler.reformat(frame, *sides, format=wanted, interpolation=how, threads=1)
        plane, channels = small.planes[0], form.channels
        strides = (plane.line_size, channels, 1)  # the decoder's own memory, not a copy: the array keeps it
        array = np.ndarray((small.height, small.width, channels), np.uint8, plane, 0, strides)
        array = np.rot90(array, self._turns) if self._turns else array
        top, left = (height - form.height) // 2, (width - form.width) // 2
        return array[top : top + form.height, left : left + form.width]


@contextlib.contextmanager
def opened(file: Path | str | bytes) -> Iterator[Any]:
    """The container, opened by the one demuxer that its first bytes name and by no protocol but "file"."""
    library = _library()
    try:
        with io.BytesIO(file) if isinstance(file, bytes) else open(file, "rb") as stream:
            demuxer = _judge(stream)
    except OSError as error:
        raise unopened(error) from None
    options = {"protocol_whitelist": "file", "format_whitelist": demuxer}
    place = io.BytesIO(file) if isinstance(file, bytes) else f"file:{os.path.abspath(file)}"
    try:
        container = library.open(place, format=demuxer, container_options=options)
    except (library.error.FFmpegError, ValueError) as error:
        raise _damage(error) from None
    with container:
        yield container


def sound_of(file: Path | str | bytes) -> Sound:
    """The first sound track of a video, whole: samples as float32 (N, C); raises Unreadable."""
    library = _library()
    with opened(file) as container:
        if not container.streams.audio:
            raise Unreadable("video_no_sound")
        stream = container.streams.audio[0]
        resampler = library.AudioResampler(format="fltp")  # planes of floats, at its own rate and channels
        pieces: list[np.ndarray] = []
        held = 0
        try:
            for frame in itertools.chain(container.decode(stream), [None]):
                pieces += (found := [one.to_ndarray() for one in resampler.resample(frame)])
                held += sum(piece.size for piece in found)
                if held > MOST_SAMPLES:
                    minutes = held // stream.rate // len(pieces[0]) // 60
                    raise Unreadable("sound_too_long", minutes=minutes, limit=LONGEST // 60)
        except library.error.FFmpegError as error:
            raise _damage(error) from None
        if not pieces:
            raise Unreadable("sound_no_samples")
        return Sound(np.concatenate(pieces, axis=1).T.copy(), int(stream.rate))


def _each(decoded: Iterable[tuple[float, Any]], start: float, stop: float | None) -> Iterator[tuple[float, Any]]:
    last = float("inf") if stop is None else stop
    return ((time, frame) for time, frame in decoded if start - EARLY <= time < last)


def _on_grid(
    decoded: Iterable[tuple[float, Any]], rate: float, start: float, stop: float | None, video: Video
) -> Iterator[tuple[float, Any]]:
    """At every place of the grid the frame that is shown then, with its own time; the first where none is yet."""
    count, held = 0, None
    for time, frame in decoded:
        while held is not None and (place := start + count / rate) + EARLY < time:
            if stop is not None and place >= stop - EARLY:
                return
            yield held
            count += 1
        held = time, frame
    end = min(video.ended, stop) if stop is not None else video.ended
    while held is not None and (not count or start + count / rate < end - EARLY):
        yield held
        count += 1


def _library() -> Any:
    """PyAV, which is an extra: loaded when the first video is read."""
    try:
        import av
        import av.error
    except ImportError:
        raise MachineError("data.no_video") from None
    av.logging.set_level(None)  # pyright: ignore
    return av


def _judge(stream: IO[bytes]) -> str:
    """Which demuxer reads it; refused by the first bytes where it is no video, or where its end is missing."""
    start = stream.read(magic.ENOUGH)
    if not start:
        raise Unreadable("empty_file")
    name = magic.video_format(start)
    if not name:
        key, what = magic.no_video(start)
        raise Unreadable(key, format=what)
    size = stream.seek(0, os.SEEK_END)
    if name == "MP4":
        _check_boxes(stream, size)
    if name == "AVI" and int.from_bytes(start[4:8], "little") + 8 > size + 1:
        raise Unreadable("truncated")
    return DEMUXERS[name]


def _check_boxes(stream: IO[bytes], size: int) -> None:
    """Box by box to the end: a demuxer reads an MP4 that was cut short as far as it goes."""
    place = 0
    while place + 8 <= size:
        stream.seek(place)
        length = int.from_bytes(stream.read(4), "big")
        stream.read(4)
        if length == 1:
            length = int.from_bytes(stream.read(8), "big")
        if length == 0:
            return  # to the end of the file
        if length < 8 or place + length > size:
            raise Unreadable("truncated")
        place += length


def _check_size(width: int, height: int) -> None:
    if width < 1 or height < 1:
        raise Unreadable("video_no_pixels", width=width, height=height)
    if max(width, height) > LONGEST_SIDE or width * height > MOST_PIXELS:
        raise Unreadable("too_large", width=width, height=height, pixels=MOST_PIXELS // 1_000_000, side=LONGEST_SIDE)


def _damage(error: Exception) -> Unreadable:
    """What the libraries say of a damaged file, in our words."""
    if isinstance(error, EOFError):  # it ends behind its header
        return Unreadable("video_no_frames")
    text = str(getattr(error, "strerror", "") or error).strip().rstrip(".")
    return Unreadable("broken", detail=text)
