"""Every container that is read, exact times, turned and cut videos, and what must not be opened or followed."""

import builtins
import http.server
import struct
import threading
import tracemalloc
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deepglass.data.readers import video as reader
from deepglass.data.readers.sound import Sound
from deepglass.data.readers.video import Clip, Frames, Video, frames_of, header, read_clip, sound_of
from deepglass.data.source import Unreadable
from deepglass.foundation.errors import MachineError
from deepglass.foundation.words import say
from tests.data.sounds import stored, tone
from tests.data.videos import every_frame, film, shades

TENTHS = [number / 10 for number in range(10)]
SEEN = Frames(3, 24, 32, rate=4.0)


def reason(content: Path | bytes) -> str:
    """The sentence with which a content is refused."""
    with pytest.raises(Unreadable) as caught:
        read_clip(content, SEEN)
    return say(f"data.{caught.value.reason}", "en", **caught.value.values)


def told(clip: Clip) -> list[int]:
    """The numbers of the frames, as their colour tells them."""
    return np.rint(clip.frames[:, 5, 5, 0] / 5).astype(int).tolist()


@pytest.mark.parametrize(
    ("codec", "form", "exact"),
    [
        ("ffv1", "matroska", True),
        ("libx264", "mp4", False),
        ("libx264", "mov", False),
        ("libx264", "mpegts", False),
        ("libvpx", "webm", False),
        ("mpeg4", "avi", False),
        ("libx264", "flv", False),
    ],
)
def test_containers(codec: str, form: str, exact: bool, tmp_path: Path) -> None:
    file = film(tmp_path / "名 字.bin", shades(10), TENTHS, codec=codec, form=form)  # the name is no evidence
    clip = every_frame(file)
    assert clip.frames.shape == (10, 24, 32, 3) and clip.size == (32, 24) and clip.notes == ()
    assert np.allclose(clip.times, TENTHS, atol=1e-3)
    apart = np.abs(clip.frames.astype(int) - np.stack(shades(10)))
    assert apart.max() == 0 if exact else apart.mean() < 8
    assert header(file)[:3] == (32, 24, 3) == header(file.read_bytes())[:3]
    assert np.array_equal(every_frame(file.read_bytes()).frames, clip.frames)


def test_times_are_the_frames_own_however_uneven(tmp_path: Path) -> None:
    times = [0.0, 0.1, 0.25, 0.9, 1.0, 2.5]
    file = film(tmp_path / "uneven.mkv", shades(6), times)
    clip = every_frame(file)
    assert clip.times.tolist() == times and clip.notes == ("uneven",)
    seen = read_clip(file, SEEN)
    assert told(seen) == [0, 2, 2, 2, 4, 4, 4, 4, 4, 4, 5]  # at 0, 1/4, 2/4 ... the frame that is shown then
    assert seen.times.tolist() == [0, 0.25, 0.25, 0.25, 1, 1, 1, 1, 1, 1, 2.5]


@settings(max_examples=15, deadline=None)
@given(st.lists(st.integers(20, 700), min_size=1, max_size=12), st.sampled_from([1.0, 3.0, 8.0, 30.0]))
def test_the_grid_shows_what_is_shown(tmp_path_factory: pytest.TempPathFactory, gaps: list[int], rate: float) -> None:
    times = np.cumsum([0, *gaps]) / 1000
    file = film(tmp_path_factory.mktemp("grid") / "a.mkv", shades(len(times)), times.tolist())
    clip = read_clip(file, SEEN._replace(rate=rate))
    grid = np.arange(len(clip.times)) / rate
    shown = [int(np.flatnonzero(times <= at + 1e-6)[-1]) for at in grid]
    assert told(clip) == shown and grid[-1] < clip.end <= grid[-1] + 1 / rate + 1e-3


def test_only_what_is_wanted_is_decoded(tmp_path: Path) -> None:
    file = film(tmp_path / "long.mkv", shades(50), [number / 10 for number in range(50)], every=10)
    with Video(file) as video:
        shown = list(video.frames(Frames(3, 24, 32, rate=10.0), 3.25, 3.65))
        decoded = video._count
    assert [round(one.pixels[0, 0, 0] / 5) for one in shown] == [32, 33, 34, 35]
    assert decoded <= 8  # the key frame at 3.0, and those up to 3.7
    clip = read_clip(file, Frames(3, 24, 32, rate=10.0), 4.0, 4.2)
    assert told(clip) == [40, 41] and read_clip(file, SEEN._replace(longest=1.0)).frames.shape[0] == 4


@pytest.mark.parametrize(("turned", "corner"), [(90, (-1, 0)), (180, (-1, -1)), (270, (0, -1))])
def test_a_video_is_turned_upright(turned: int, corner: tuple[int, int], tmp_path: Path) -> None:
    pixels = np.zeros((24, 48, 3), np.uint8)
    pixels[:8, :8] = 255  # bright in the upper left
    file = film(tmp_path / "turned.mp4", [pixels] * 3, TENTHS[:3], codec="libx264", turned=turned)
    clip = every_frame(file)
    shape = (48, 24) if turned in (90, 270) else (24, 48)
    assert clip.frames.shape[1:3] == shape and header(file)[:2] == shape[::-1] and "turned_video" in clip.notes
    assert np.array_equal(clip.frames[0] > 128, np.rot90(pixels, turned // 90) > 128)
    assert clip.frames[0][corner].min() > 200
    small = read_clip(file, Frames(3, shape[0] // 2, shape[1] // 2, rate=10.0))
    assert small.frames[0][corner].min() > 150


def test_frames_of_one_size(tmp_path: Path) -> None:
    file = film(tmp_path / "wide.mkv", shades(3, 24, 48), TENTHS[:3])
    for how in ("crop", "stretch"):
        form = Frames(3, 12, 12, how, 10.0)
        made = form(read_clip(file, form))
        assert made.shape == (3, 3, 12, 12) and made.dtype == np.uint8 and np.abs(made[1, 0].astype(int) - 5).max() <= 1
        given = form(Clip(np.stack(shades(3, 24, 48)), np.arange(3) / 10))
        assert np.abs(given.astype(int) - made).max() <= 1
    grey = Frames(1, 12, 12, "crop", 10.0)
    assert grey(read_clip(file, grey)).shape == (3, 1, 12, 12)
    looked = read_clip(film(tmp_path / "large.mkv", shades(2, 400, 800), [0, 1]))  # without a form: to be looked at
    assert looked.frames.shape[1:] == (160, 320, 3) and looked.size == (800, 400)


def test_the_sound_track_is_kept_when_asked(tmp_path: Path) -> None:
    file = film(tmp_path / "a.mkv", shades(10), TENTHS, sound=tone(1.0))
    sound = sound_of(file)
    assert isinstance(sound, Sound) and sound.rate == 8000 and sound.samples.shape == (8000, 1)
    assert np.abs(sound.samples[:, 0] - tone(1.0) / 32768).max() < 1e-3
    with pytest.raises(Unreadable) as caught:
        sound_of(film(tmp_path / "mute.mkv", shades(3), TENTHS[:3]))
    assert caught.value.reason == "video_no_sound"
    assert "holds sound and no picture" in reason(_only_sound(tmp_path / "sound.mkv"))


def test_a_playlist_is_never_followed(tmp_path: Path) -> None:
    """Neither by its name nor where the demuxer is asked: what it points to is not touched."""
    film(tmp_path / "secret.ts", shades(5), TENTHS[:5], codec="libx264", form="mpegts")
    asked: list[str] = []

    class Watcher(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # noqa: N802  the library's name
            asked.append(self.path)
            self.send_error(404)

        def log_message(self, *told: object) -> None: ...

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Watcher)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        for place in ("secret.ts", f"http://127.0.0.1:{server.server_port}/secret.ts"):
            text = f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:0.5,\n{place}\n#EXT-X-ENDLIST\n"
            file = tmp_path / "film.mp4"
            file.write_text(text)
            assert "a playlist that points to other files" in reason(file)
            assert "a playlist that points to other files" in reason(file.read_bytes())
            for demuxer in ("mov", "mpegts"):
                with pytest.MonkeyPatch.context() as patch:  # if its first bytes lied as well
                    patch.setattr(reader, "_judge", lambda stream, demuxer=demuxer: demuxer)
                    assert "damaged" in reason(file) or "no frames" in reason(file)
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(reader, "_judge", lambda stream: "hls")
                patch.setitem(reader.DEMUXERS, "HLS", "hls")
                if place.startswith("http"):
                    assert reason(file)  # the net is no protocol that is allowed
    finally:
        server.shutdown()
    assert asked == []
    assert "playlist" in reason(b"ffconcat version 1.0\nfile secret.ts\n")


def test_cut_and_empty_videos_are_refused_in_one_sentence(tmp_path: Path) -> None:
    whole = film(tmp_path / "a.mp4", shades(10), TENTHS, codec="libx264").read_bytes()
    for share in (0.2, 0.5, 0.9, 0.99):
        assert reason(whole[: int(share * len(whole))]) == say("data.truncated", "en")
    film(tmp_path / "a.avi", shades(10), TENTHS, codec="mpeg4")
    cut = (tmp_path / "a.avi").read_bytes()
    assert reason(cut[: len(cut) // 2]) == say("data.truncated", "en")
    for ending in ("mkv", "mp4", "avi"):
        assert reason(_without_frames(tmp_path / f"empty.{ending}")) == say("data.video_no_frames", "en")
    assert reason(_without_pixels(tmp_path / "zero.avi")) == "The video has no pixels (0 x 0)."
    assert reason(b"") == say("data.empty_file", "en")
    assert reason(b"\0" * 600) == say("data.is_zeros", "en")
    assert reason(tmp_path / "gone.mp4") == say("data.missing_file", "en")
    assert "damaged" in reason(whole[:40] + bytes(len(whole) - 40)) or "cut short" in reason(whole[:40] + bytes(900))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "a picture (PNG)"),
        (b"PK\x03\x04" + bytes(100), "an archive (zip)"),
        (b"%PDF-1.7 a document", "a document in PDF format"),
        (stored(tone()), "a sound (WAV)"),
        (b"<!doctype html><html>", "a web page"),
        (b"only words, no video", "a text file"),
        (bytes(range(1, 255)) * 3, "no video in a known format"),
        (b"\0\0\0\x18ftypheic" + bytes(100), "a picture (HEIC)"),
    ],
)
def test_other_files_are_named(content: bytes, words: str) -> None:
    assert words in reason(content)


def test_a_long_video_takes_no_more_memory_than_a_short_one(tmp_path: Path) -> None:
    """Four hours at a frame in ten seconds, read as a stream: what is held does not grow."""
    hours = film(tmp_path / "hours.mp4", shades(1440 // 48) * 48, np.arange(1440) * 10.0, codec="libx264")
    form = Frames(3, 24, 32, rate=0.5)
    with Video(hours) as video:
        assert video.seconds == pytest.approx(14_400, abs=15)
        tracemalloc.start()
        count = sum(1 for _ in video.frames(form))
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert sum(1 for _ in frames_of(hours, form)) == count
    assert count == pytest.approx(7200, abs=8) and peak < 1 << 20
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reader, "MOST_BYTES", 1 << 20)
        assert "GB of frames were read after" in reason(hours)


def test_a_missing_library_is_named() -> None:
    load = builtins.__import__

    def without(name: str, *rest: object, **more: object) -> object:
        if name.split(".")[0] == "av":
            raise ImportError(name)
        return load(name, *rest, **more)  # pyright: ignore

    with pytest.MonkeyPatch.context() as patch, pytest.raises(MachineError, match=r"deepglass\[video\]"):
        patch.setattr(builtins, "__import__", without)
        read_clip(b"\x1a\x45\xdf\xa3" + bytes(100))


def test_what_does_not_move_is_noted(tmp_path: Path) -> None:
    assert read_clip(film(tmp_path / "a.mkv", shades(1) * 5, TENTHS[:5]), SEEN).notes == ("still",)
    assert read_clip(film(tmp_path / "b.mkv", shades(1), [0.0]), SEEN).notes == ("one_frame",)


def _only_sound(file: Path) -> Path:
    with av.open(str(file), "w") as box:
        track = box.add_stream("pcm_s16le", rate=8000, layout="mono")
        wave = av.AudioFrame.from_ndarray(tone(0.5)[None], format="s16", layout="mono")
        wave.sample_rate, wave.pts = 8000, 0
        box.mux(track.encode(wave))
    return file


def _without_frames(file: Path) -> Path:
    with av.open(str(file), "w") as box:
        stream = box.add_stream("mpeg4", rate=25)
        stream.width, stream.height, stream.pix_fmt = 32, 24, "yuv420p"
        box.start_encoding()
    return file


def _without_pixels(file: Path) -> Path:
    """An AVI of raw pixels whose header says 0 x 0."""
    film(file, shades(3), TENTHS[:3], codec="mjpeg", form="avi")
    content = bytearray(file.read_bytes())
    place = content.index(b"strf") + 8
    content[place + 4 : place + 12] = struct.pack("<ii", 0, 0)
    content[place + 16 : place + 20] = bytes(4)  # raw, so that no frame tells another size
    file.write_bytes(bytes(content))
    return file


@pytest.mark.parametrize(("codec", "form"), [("libx264", "mpegts"), ("libx264", "flv"), ("libx264", "matroska")])
def test_what_is_sought_only_roughly_is_found_all_the_same(codec: str, form: str, tmp_path: Path) -> None:
    """Seeking in these lands behind the place: then from further back."""
    frames = [np.full((48, 64, 3), 5 * number, np.uint8) for number in range(50)]
    file = film(tmp_path / "a.bin", frames, [number / 25 for number in range(50)], codec=codec, form=form, every=25)
    for start in (0.2, 0.98, 1.0, 1.5, 1.94):
        (shown,) = read_clip(file, Frames(3, 48, 64, rate=1.0), start, start + 0.01).frames
        assert abs(int(shown.mean()) - 5 * int(25 * start + 1e-6)) <= 3
