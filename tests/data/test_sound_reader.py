"""Every sound format that is read, every way a file can be wrong, and how a sound gets to one rate."""

import builtins
import io
import struct
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from deepglass.data.readers.sound import Header, Sound, Wave, as_floats, header, read_sound
from deepglass.data.source import Unreadable
from deepglass.foundation.errors import MachineError
from deepglass.foundation.words import choose_language, say
from tests.data.sounds import stored, tone


def reason(content: bytes) -> str:
    """The sentence with which a content is refused."""
    with pytest.raises(Unreadable) as caught:
        read_sound(content)
    return say(f"data.{caught.value.reason}", "en", **caught.value.values)


def wav(samples: bytes, claimed: int | None = None, rate: int = 8000, channels: int = 1, before: bytes = b"") -> bytes:
    """A 16-bit WAV made by hand, whose data chunk may claim another size than it has."""
    form = struct.pack("<HHIIHH", 1, channels, rate, rate * 2 * channels, 2 * channels, 16)
    length = len(samples) if claimed is None else claimed
    body = b"WAVEfmt " + struct.pack("<I", 16) + form + before + b"data" + struct.pack("<I", length) + samples
    return b"RIFF" + struct.pack("<I", len(body)) + body


@pytest.mark.parametrize(
    ("kind", "subtype", "exact"),
    [
        ("WAV", "PCM_16", True),
        ("WAV", "PCM_U8", False),
        ("WAV", "PCM_24", True),
        ("WAV", "FLOAT", True),
        ("WAV", "ULAW", False),
        ("RF64", "PCM_16", True),
        ("FLAC", "PCM_16", True),
        ("FLAC", "PCM_24", True),
        ("AIFF", "PCM_16", True),
        ("AU", "PCM_16", True),
        ("OGG", "VORBIS", False),
        ("OGG", "OPUS", False),
        ("MP3", "MPEG_LAYER_III", False),
    ],
)
def test_formats(kind: str, subtype: str, exact: bool, tmp_path: Path) -> None:
    original = tone(1.0)
    file = tmp_path / "名 字.BIN"  # the name is no evidence
    file.write_bytes(stored(original / 32768 if subtype == "FLOAT" else original, 8000, kind, subtype))
    sound = read_sound(file)
    assert sound.samples.shape[1] == 1 and sound.rate == 8000 and sound.notes == () and sound.seconds == 1.0
    assert sound.samples.dtype == (np.int16 if subtype in ("PCM_16", "PCM_U8", "ULAW") else np.float32)
    apart = np.abs(as_floats(sound.samples)[:, 0] - original / 32768)
    assert apart.max() == 0 if exact else np.sqrt(np.square(apart).mean()) < 0.05
    assert header(file) == (8000, 1, 8000) == header(file.read_bytes())
    assert np.array_equal(read_sound(file.read_bytes()).samples, sound.samples)


def test_channels_are_kept_and_their_mean_is_heard() -> None:
    both = np.stack([tone(), tone(loud=0.1)], axis=1)
    sound = read_sound(stored(both))
    assert sound.notes == ("several_channels",) and np.array_equal(sound.samples, both)
    assert header(stored(both)) == Header(4000, 2, 8000)
    heard = Wave(8000)(sound)
    assert heard.dtype == np.int16 and np.abs(heard - both.mean(1)).max() <= 0.5


def test_a_wave_at_its_own_rate_is_the_samples_themselves() -> None:
    every = np.arange(-32768, 32768, dtype=np.int16)
    assert np.array_equal(Wave(8000)(Sound(every[:, None], 8000)), every)
    loud = np.array([[1.5], [-1.5], [0.25]], dtype=np.float32)
    assert Wave(8000)(Sound(loud, 8000)).tolist() == [32767, -32768, 8192]


@pytest.mark.parametrize("rate", [8000, 11025, 22050, 44100, 48000])
def test_resampling_keeps_a_tone_and_is_the_same_every_time(rate: int) -> None:
    sound = Sound(tone(1.0, rate)[:, None], rate)
    heard = Wave(16000)(sound)
    assert abs(len(heard) - 16000) <= 1 and np.array_equal(heard, Wave(16000)(sound))
    middle = slice(2000, 14000)
    assert np.abs(heard[middle].astype(int) - tone(1.0, 16000)[: len(heard)][middle]).max() < 60
    strongest = np.abs(np.fft.rfft(heard)).argmax() * 16000 / len(heard)
    assert strongest == pytest.approx(440, abs=2)


def test_only_so_many_seconds_are_heard() -> None:
    sound = Sound(tone(2.0)[:, None], 8000)
    assert np.array_equal(Wave(8000, 0.5)(sound), tone(2.0)[:4000]) and len(Wave(8000, 9)(sound)) == 16000
    assert len(Wave(8000)(sound)) == 16000 and len(Wave(16000, 1.5)(sound)) == 24000


def test_what_is_above_the_new_rates_half_is_gone() -> None:
    heard = Wave(8000)(Sound(tone(1.0, 48000, 6000)[:, None], 48000))
    assert np.abs(heard[400:-400]).max() < 40


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 50), st.sampled_from([1000, 8000, 16000, 44100, 192000]), st.integers(1, 3))
def test_the_shortest_sounds_give_at_least_one_sample(frames: int, rate: int, channels: int) -> None:
    heard = Wave(8000)(Sound(np.full((frames, channels), 1000, dtype=np.int16), rate))
    assert len(heard) >= 1 and heard.dtype == np.int16


def test_notes() -> None:
    flat = np.clip(tone(loud=0.9).astype(int) * 3, -32768, 32767).astype(np.int16)
    assert read_sound(stored(flat)).notes == ("clipped",)
    assert read_sound(stored(flat / 32768, subtype="FLOAT")).notes == ("clipped",)
    peak = tone(loud=1.0)
    assert read_sound(stored(peak)).notes == ()  # normalised: it touches the ceiling and is not cut
    assert read_sound(stored(np.zeros(4000, dtype=np.int16))).notes == ("silent",)
    assert read_sound(stored(np.full(4000, 900, dtype=np.int16))).notes == ("silent",)  # a constant is no sound
    assert read_sound(stored(tone(loud=0.01))).notes == ()
    assert read_sound(stored(tone(0.05))).notes == ("short_sound",)
    assert read_sound(stored(tone(0.5)[3:4])).notes == ("one_sample",)
    assert read_sound(stored(tone(rate=16000), 16000), Wave(8000)).notes == ("resampled:16000 → 8000",)
    assert read_sound(stored(tone()), Wave(8000)).notes == ()


def picture() -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (4, 4)).save(stream, "PNG")
    return stream.getvalue()


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "The file is empty (0 bytes)."),
        (b"\0" * 100, "The file holds only zero bytes. Copy it again from where it came."),
        (picture(), "It is a picture (PNG), not a sound. Leave it out."),
        (b"\0\0\0\x20ftypheic", "It is a picture (HEIC), not a sound. Leave it out."),
        (b"%PDF-1.4 etc", "It is a document in PDF format, not a sound. Leave it out."),
        (b"PK\x03\x04 etc", "It is an archive (zip), not a sound. Unpack it."),
        (b"\0\0\0\x20ftypM4A ", "It is a sound in M4A format, which is not read. Convert it to WAV or FLAC."),
        (b"\0\0\0\x20ftypisom", "It is a film (MP4), not a sound. Save its sound as WAV or FLAC."),
        (b"<!DOCTYPE html><p>", "It is a web page, not a sound: the download went wrong. Download it again."),
        ("你好, hello".encode(), "It is a text file, not a sound. Leave it out."),
        (b"\xff\xfeh\0i\0" * 9, "It is no sound in a known format (WAV, FLAC, Ogg, MP3, AIFF, AU). Convert it to WAV."),
    ],
)
def test_what_is_no_sound_is_named(content: bytes, sentence: str) -> None:
    assert reason(content) == sentence
    with pytest.raises(Unreadable):
        header(content)


CUT = "The file is cut short: its end is missing. Copy it again from where it came."


def test_what_is_cut_short_is_refused() -> None:
    whole = tone(1.0).tobytes()
    for kind, sentence in (("WAV", CUT), ("FLAC", "The file is damaged: flac decoder lost sync. Copy it again")):
        content = stored(tone(3.0), kind=kind)
        assert reason(content[: len(content) // 2]).startswith(sentence)
    for length in (12, 20, 40):
        assert reason(wav(whole)[:length]) == CUT
    assert reason(wav(whole, claimed=100_000)) == CUT
    assert len(read_sound(wav(whole, before=b"LIST\x05\0\0\0INFO.\0")).samples) == 8000  # chunks before are passed over
    for claimed in (0xFFFFFFFF, 0x7FFFFFFF):  # written while it was recorded: nobody counted
        assert len(read_sound(wav(whole, claimed)).samples) == 8000


def test_what_has_no_samples_or_impossible_ones_is_refused() -> None:
    assert reason(wav(b"")) == "The sound has a header but no samples. Record or copy it again."
    holes = stored(np.array([0.1, np.nan, 0.2], dtype=np.float32), subtype="FLOAT")
    assert reason(holes).startswith("Some of its samples are not finite numbers.")
    assert reason(wav(b"\0" * 400, rate=3)).startswith("It has 1 channel at 3 samples a second.")
    assert reason(wav(b"\0" * 400, channels=100)).startswith("It has 100 channels at 8000 samples a second.")
    assert reason(b"fLaC" + bytes(range(200))).startswith("The file is damaged: ")
    assert reason(b"OggS" + bytes(range(200))).startswith("The file is damaged: ")


def flac_that_claims(frames: int) -> bytes:
    """A second of sound whose header claims any number of frames: 36 bits of its STREAMINFO block."""
    content = bytearray(stored(tone(1.0), kind="FLAC"))
    content[21] = content[21] & 0xF0 | frames >> 32
    content[22:26] = (frames & 0xFFFFFFFF).to_bytes(4, "big")
    return bytes(content)


def test_a_header_that_claims_hours_takes_no_memory() -> None:
    assert len(read_sound(flac_that_claims(8000)).samples) == 8000
    tracemalloc.start()
    try:
        assert reason(flac_that_claims(1 << 35)).startswith(
            "The sound is too long: 71582 minutes by its header. At most"
        )
        assert reason(flac_that_claims(8000 * 3600)).startswith("The file is ")  # an hour may be, and is not there
        assert tracemalloc.get_traced_memory()[1] < 20_000_000
    finally:
        tracemalloc.stop()


def test_a_length_that_nobody_wrote_down_is_named() -> None:
    assert reason(flac_that_claims(0)).startswith("Its header does not say how long it is: it was written as a stream.")


def test_ten_minutes_work(tmp_path: Path) -> None:
    file = tmp_path / "long.wav"
    file.write_bytes(stored(np.tile(tone(1.0, 16000), 600), 16000))
    sound = read_sound(file)
    assert sound.seconds == 600 and len(Wave(8000)(sound)) == 4_800_000


def test_a_missing_file_and_a_folder_are_named(tmp_path: Path) -> None:
    for place, code in ((tmp_path / "none.wav", "missing_file"), (tmp_path, "cannot_read")):
        with pytest.raises(Unreadable) as caught:
            read_sound(place)
        assert caught.value.reason == code


def test_without_the_extra_the_error_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    choose_language("en")
    plain = builtins.__import__

    def without(name: str, *rest: object) -> object:
        if name == "soundfile":
            raise ImportError(name)
        return plain(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MachineError, match=r"needs the packages soundfile and soxr. Install them: pip install 'deepgl"):
        read_sound(stored(tone()))
