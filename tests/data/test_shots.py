"""Shots: cuts at exact times, however frames come; what dissolves; what moves, flashes or stands still is no cut."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from deepglass.data.films import films_of, open_told
from deepglass.data.readers.shots import Shot, Trace, apart, cuts, histograms, seen_in, shots_of
from deepglass.data.source import Picture, Unreadable
from deepglass.foundation.words import say
from tests.data.videos import TICKS, film

TALL, WIDE = 36, 48
COLOURS = [(200, 40, 40), (30, 160, 60), (40, 60, 210), (220, 210, 60), (130, 40, 150), (240, 240, 235)]


def scene(number: int, count: int, speed: int = 1) -> list[np.ndarray]:
    """A ground of one colour with a little grain, and a square that moves over it."""
    grain = np.random.default_rng(number).integers(-12, 13, (TALL, WIDE, 3))
    ground = (np.array(COLOURS[number % len(COLOURS)]) + grain).clip(0, 255).astype(np.uint8)
    frames = []
    for place in range(count):
        pixels = ground.copy()
        left = (4 + speed * place) % (WIDE - 10)
        pixels[12:22, left : left + 10] = COLOURS[(number + 2) % len(COLOURS)]
        frames.append(pixels)
    return frames


def even(count: int, rate: float = 25.0) -> list[float]:
    return (np.arange(count) / rate).tolist()


def ground_of(picture: Picture) -> int:
    """Which scene a frame is of, by its median colour."""
    middle = np.median(picture.pixels.reshape(-1, 3).astype(float), axis=0)
    return int(np.abs(np.array(COLOURS) - middle).sum(1).argmin())


@pytest.mark.parametrize(("codec", "form"), [("ffv1", "matroska"), ("libx264", "mp4"), ("libx264", "mpegts")])
def test_cuts_have_the_times_of_their_frames(codec: str, form: str, tmp_path: Path) -> None:
    lengths = (20, 33, 12, 25)
    frames = [frame for number, count in enumerate(lengths) for frame in scene(number, count, 2)]
    file = film(tmp_path / "a.film", frames, even(len(frames)), codec=codec, form=form)
    shots = shots_of(file)
    edges = np.cumsum((0, *lengths)) / 25
    assert np.allclose([shot.start for shot in shots], edges[:-1], atol=2e-3)
    assert np.allclose([shot.end for shot in shots], edges[1:], atol=2e-3)
    assert [ground_of(picture) for picture in seen_in(file, shots)] == [0, 1, 2, 3]
    assert shots_of(file.read_bytes()) == shots


@settings(max_examples=12, deadline=None)
@given(st.lists(st.lists(st.integers(15, 90), min_size=12, max_size=20), min_size=1, max_size=4))
def test_uneven_frames(tmp_path_factory: pytest.TempPathFactory, gaps: list[list[int]]) -> None:
    """A shot lasts at least 0.6 s here, and its frames come when they like."""
    gaps = [[*own, max(20, 600 - sum(own))] for own in gaps]
    times = np.cumsum([0, *(gap for own in gaps for gap in own)])[:-1] / TICKS
    frames = [frame for number, own in enumerate(gaps) for frame in scene(number, len(own))]
    file = film(tmp_path_factory.mktemp("uneven") / "a.mkv", frames, times.tolist())
    starts = np.cumsum([0, *map(sum, gaps[:-1])]) / TICKS
    assert np.allclose([shot.start for shot in shots_of(file)], starts, atol=1e-6)


def test_single_frames_that_stay_are_shots(tmp_path: Path) -> None:
    frames = [scene(number, 1)[0] for number in range(4)]
    file = film(tmp_path / "slides.mkv", [*frames, frames[-1]], [0.0, 1.5, 4.0, 4.7, 6.0])
    shots = shots_of(file)
    assert [shot.start for shot in shots] == [0.0, 1.5, 4.0, 4.7] and shots[-1].end >= 6.0
    assert [ground_of(picture) for picture in seen_in(file, shots)] == [0, 1, 2, 3]


@pytest.mark.parametrize("turned", [90, 180, 270])
def test_a_turned_video_is_seen_upright(turned: int, tmp_path: Path) -> None:
    frames = [*scene(0, 20), *scene(1, 20)]
    for pixels in frames:
        pixels[:6, :12] = 0 if pixels[30, 2, 0] > 100 else 255
    file = film(tmp_path / "turned.mp4", frames, even(40), codec="libx264", turned=turned)
    shots = shots_of(file)
    assert [shot.start for shot in shots] == [0.0, 0.8]
    for picture, dark in zip(seen_in(file, shots), (True, False), strict=True):
        upright = np.rot90(frames[10 if dark else 30], turned // 90)
        assert picture.pixels.shape == upright.shape and picture.size == upright.shape[1::-1]
        assert np.abs(picture.pixels.astype(int) - upright).mean() < 30


def test_a_dissolve_is_cut_in_its_middle(tmp_path: Path) -> None:
    before, behind = scene(0, 70), scene(2, 70)
    share = np.linspace(0, 1, 20)[:, None, None, None]
    mixed = ((1 - share) * np.stack(before[50:]) + share * np.stack(behind[:20])).astype(np.uint8)
    frames = [*before[:50], *mixed, *behind[20:]]
    (first, second) = shots_of(film(tmp_path / "soft.mkv", frames, even(len(frames))))
    assert first.end == second.start == pytest.approx(60 / 25, abs=0.16)


def test_what_moves_or_flashes_is_no_cut(tmp_path: Path) -> None:
    quick = scene(0, 50, speed=7)
    light = scene(1, 50)
    light[20] = light[21] = np.full_like(light[0], 255)
    wide = np.concatenate([scene(number, 1)[0] for number in (0, 3, 1, 2)], axis=1)
    pan = [wide[:, place : place + WIDE] for place in range(0, wide.shape[1] - WIDE, 2)]
    still = scene(4, 1) * 40
    for name, frames in (("quick", quick), ("light", light), ("pan", pan), ("still", still), ("one", still[:1])):
        (shot,) = shots_of(film(tmp_path / f"{name}.mkv", frames, even(len(frames))))
        assert shot.start == 0 and shot.end >= len(frames) / 25 - 1e-6, name


def test_two_cuts_that_are_too_near_leave_the_stronger() -> None:
    times = np.arange(60) / 20
    steps = np.full(60, 0.02)
    steps[[20, 26, 57]] = 0.4, 0.6, 0.9  # at 1.0 and 1.3 s, and too near the end
    trace = Trace(times, steps, np.zeros(60), 3.0)
    assert cuts(trace) == [1.3]
    assert cuts(trace._replace(steps=np.where(steps > 0.5, 0.02, steps))) == [1.0]


def test_a_little_more_light_is_no_other_picture() -> None:
    grey = np.full((36, 48, 3), 127, np.uint8)
    one, brighter, other = histograms(grey), histograms(grey + 2), histograms(grey // 4)
    assert one.shape == (4, 3, 8) and np.allclose(one.sum(-1), 1)
    assert apart(one, one) == 0 and apart(one, brighter) < 0.1 and apart(one, other) == pytest.approx(1)
    halves = np.concatenate([grey[:, :24], grey[:, :24] // 4], axis=1)
    assert apart(histograms(halves), histograms(halves[:, ::-1])) == pytest.approx(1)  # quarters know where
    assert histograms(grey[..., :1]).shape == (4, 1, 8)


def test_inputs_of_films_and_pictures(tmp_path: Path) -> None:
    frames = [*scene(0, 20), *scene(1, 20)]
    file = film(tmp_path / "films" / "a.mkv", frames, even(40))
    Image.fromarray(frames[0]).save(tmp_path / "films" / "b.png")
    (tmp_path / "films" / "c.mp4").write_bytes(b"#EXTM3U\nhttp://example.org/a.ts\n")
    found = list(open_told([tmp_path / "films", file.read_bytes(), frames[0], tmp_path / "gone.mp4"], "picture", (), 3))
    names = [Path(one.id).name for one in found]
    assert names == ["b.png", "a.mkv", "a.mkv", "c.mp4", "1", "1", "2", "gone.mp4"]
    assert [one.times for one in found[:3]] == [None, Shot(0.0, 0.8), Shot(0.8, 1.6)]
    assert "a playlist that points to other files" in found[3].error() and found[7].error()
    assert isinstance(found[7].raw, Unreadable) and [ground_of(found[place].raw) for place in (1, 2)] == [0, 1]
    assert films_of((tmp_path / "films" / "b.png").read_bytes()) == [] == films_of(frames[0])
    assert [one.id for one in open_told(np.stack(frames[:3]), "picture", (), 3)] == ["0", "1", "2"]
    (cut,) = open_told(film(tmp_path / "cut.mp4", frames, even(40), codec="libx264").read_bytes()[:-400], "picture", ())
    assert cut.error() == say("data.truncated")
