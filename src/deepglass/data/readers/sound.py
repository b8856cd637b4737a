"""Sounds: one file's bytes to samples, strictly. What cannot be read is named, and nothing is ever made up for it.

The format goes by the first bytes, never by the name. soundfile decodes, soxr resamples: the extra `audio`.
Letters: N samples of a channel, C channels.
"""

import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np

from deepglass.data.readers import magic
from deepglass.data.source import Unreadable
from deepglass.foundation.errors import MachineError

SUFFIXES = frozenset(".wav .wave .flac .ogg .oga .opus .mp3 .aif .aiff .aifc .au .snd".split())
FOREIGN_SUFFIXES = frozenset(".m4a .aac .wma .amr .mid .midi .caf .ape .wv".split())
MOST_BYTES = 1 << 30
MOST_SAMPLES = 200_000_000  # over all channels; more than an hour at 48 kHz
LONGEST = 7200  # seconds
MOST_CHANNELS = 64
RATES = (1000, 768_000)
BLOCK = 1 << 20  # frames decoded at a time: memory follows what is there, not what a header claims
NO_LENGTH = 1 << 40  # frames from which a header says that nobody counted them, which the decoder cannot bear
STREAMED = 0x7FFFF000  # a WAV's size from which it says the same; so does 0
EXACT = frozenset(("PCM_16", "PCM_S8", "PCM_U8", "ULAW", "ALAW"))  # samples that 16 bits hold
LOUDEST = 32767  # of int16
QUIETEST = 33  # of int16: the spread up to which a sound is silent, -60 dB of the whole range
SHORT = 0.1  # seconds below which a sound is worth a word
CLIPPED = 1e-4  # share of samples that stand at the ceiling, three in a row or more


class Sound(NamedTuple):
    """A decoded sound: samples int16, or float32 about -1 to 1, (N, C); how many a second; notes for the doctor."""

    samples: np.ndarray
    rate: int
    notes: tuple[str, ...] = ()  # e.g. "clipped": said as note_clipped in data.toml

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return len(self.samples) / self.rate


class Header(NamedTuple):
    """What a sound says of itself before it is decoded; an MP3's frames are an estimate."""

    frames: int
    channels: int
    rate: int


class Wave(NamedTuple):
    """The one rate that a task hears sounds at, as one channel; 0 seconds is all of a sound, however long."""

    rate: int
    longest: float = 0.0  # seconds from the start that are heard

    def __call__(self, raw: Sound) -> np.ndarray:
        """The mean of its channels at that rate, at least one sample. int16 (N,)"""
        samples = raw.samples[: round(self.longest * raw.rate) or None]
        mono = as_floats(samples).mean(1, dtype=np.float32)
        if raw.rate != self.rate and len(mono):
            _, soxr = _libraries()
            mono = soxr.resample(mono, raw.rate, self.rate) if len(mono) > 1 else mono
            mono = mono if len(mono) else np.zeros(1, dtype=np.float32)  # a click shorter than one sample of that rate
        return np.clip(np.rint(mono * 32768), -32768, LOUDEST).astype(np.int16)


def read_sound(file: Path | str | bytes, form: object = None) -> Sound:
    """The decoded sound; raises Unreadable with the reason.

    With a `Wave` it is noted where the sound has another rate than is wanted.
    """
    with _open(file) as sound:
        pieces = list(_pieces(sound))
        rate, claimed = int(sound.samplerate), int(sound.frames)
        samples = np.concatenate(pieces) if pieces else np.zeros((0, sound.channels), dtype=np.int16)
    if not len(samples):
        raise Unreadable("sound_no_samples")
    if len(samples) < claimed and sound.format != "MP3":
        raise Unreadable("truncated")
    if samples.dtype.kind == "f" and not np.isfinite(samples).all():
        raise Unreadable("sound_not_finite")
    notes = _notes(samples, rate)
    if isinstance(form, Wave) and form.rate != rate:
        notes.append(f"resampled:{rate} → {form.rate}")
    return Sound(samples, rate, tuple(notes))


def header(file: Path | str | bytes) -> Header:
    """Frames, channels and rate without decoding; raises Unreadable as `read_sound` does."""
    with _open(file) as sound:
        return Header(int(sound.frames), int(sound.channels), int(sound.samplerate))


def as_floats(samples: np.ndarray) -> np.ndarray:
    """Samples as float32, the whole range of int16 as -1 to 1."""
    return samples if samples.dtype.kind == "f" else samples.astype(np.float32) / 32768


def _libraries() -> tuple[Any, Any]:
    """soundfile and soxr, which are an extra: loaded when the first sound is read."""
    try:
        import soundfile
        import soxr
    except ImportError:
        raise MachineError("data.no_audio") from None
    except OSError as error:  # the wheel for this machine carries no libsndfile, and the system has none
        raise MachineError("data.no_libsndfile", reason=error) from None
    return soundfile, soxr


def _open(file: Path | str | bytes) -> Any:
    """The file opened by its decoder, its header judged."""
    soundfile, _ = _libraries()
    try:
        with io.BytesIO(file) if isinstance(file, bytes) else open(file, "rb") as stream:
            _judge(stream)
    except FileNotFoundError:
        raise Unreadable("missing_file") from None
    except OSError as error:
        raise Unreadable("cannot_read", detail=error.strerror or error) from None
    try:
        sound = soundfile.SoundFile(io.BytesIO(file) if isinstance(file, bytes) else os.fspath(file))
    except soundfile.LibsndfileError as error:
        raise _damage(error) from None
    _check_size(sound.frames, sound.channels, sound.samplerate)
    return sound


def _judge(stream: IO[bytes]) -> None:
    """Refuse by the first bytes what is no sound, and a WAV that lacks what its header promises."""
    start = stream.read(magic.ENOUGH)
    if not start:
        raise Unreadable("empty_file")
    name = magic.sound_format(start)
    if not name:
        key, what = magic.no_sound(start)
        raise Unreadable(key, format=what)
    size = stream.seek(0, os.SEEK_END)
    if size > MOST_BYTES:
        raise Unreadable("too_many_bytes", size=size >> 20, limit=MOST_BYTES >> 20)
    if start[:4] == b"RIFF":
        _check_wav(stream, size)


def _check_wav(stream: IO[bytes], size: int) -> None:
    """Chunk by chunk to the samples: libsndfile reads a WAV that was cut short as if nothing were missing."""
    place = 12
    while place + 8 <= size:
        stream.seek(place)
        name, length = stream.read(4), int.from_bytes(stream.read(4), "little")
        if name == b"data":
            if 0 < length < STREAMED and place + 8 + length > size + 1:  # an odd length may lack its filling byte
                raise Unreadable("truncated")
            return
        place += 8 + length + length % 2
    raise Unreadable("truncated")


def _check_size(frames: int, channels: int, rate: int) -> None:
    if channels > MOST_CHANNELS or not RATES[0] <= rate <= RATES[1]:
        raise Unreadable("sound_odd", channels=channels, rate=rate)
    if frames >= NO_LENGTH:
        raise Unreadable("sound_no_length")
    if frames * channels > MOST_SAMPLES or frames > LONGEST * rate:
        raise Unreadable("sound_too_long", minutes=frames // rate // 60, limit=LONGEST // 60)


def _pieces(sound: Any) -> Iterator[np.ndarray]:
    """Block after block, so that only samples that exist take memory. (≤ BLOCK, C)"""
    soundfile, _ = _libraries()
    dtype = "int16" if sound.subtype in EXACT else "float32"
    frames = 0
    while True:
        try:
            piece = sound.read(BLOCK, dtype=dtype, always_2d=True)
        except soundfile.LibsndfileError as error:
            raise _damage(error) from None
        if not len(piece):
            return
        frames += len(piece)
        _check_size(frames, sound.channels, sound.samplerate)
        yield piece


def _notes(samples: np.ndarray, rate: int) -> list[str]:
    """What the doctor should hear of: nothing to be heard, cut at the ceiling, several channels, hardly any length."""
    notes = ["several_channels"] if samples.shape[1] > 1 else []
    if len(samples) == 1:
        return [*notes, "one_sample"]
    if len(samples) < SHORT * rate:
        notes.append("short_sound")
    ceiling = LOUDEST if samples.dtype.kind == "i" else LOUDEST / 32768
    if float(samples.max()) - float(samples.min()) <= QUIETEST * (ceiling / LOUDEST):
        return [*notes, "silent"]
    high = (samples >= ceiling) | (samples <= -ceiling)
    flat = high[2:] & high[1:-1] & high[:-2]  # the third of three in a row, and every one after it
    if flat.any() and flat.mean() >= CLIPPED:
        notes.append("clipped")
    return notes


def _damage(error: Exception) -> Unreadable:
    text = str(getattr(error, "error_string", "") or error).removeprefix("Error : ").strip().rstrip(".")
    return Unreadable("broken", detail=text)
