"""Made sounds for the tests: tones, and files of them in every format."""

import io
from pathlib import Path

import numpy as np
import soundfile


def tone(seconds: float = 0.5, rate: int = 8000, pitch: float = 440.0, loud: float = 0.5) -> np.ndarray:
    """A sine as int16 (N,)."""
    time = np.arange(round(seconds * rate)) / rate
    return np.rint(loud * 32767 * np.sin(2 * np.pi * pitch * time)).astype(np.int16)


def stored(samples: np.ndarray, rate: int = 8000, kind: str = "WAV", subtype: str | None = None) -> bytes:
    """The bytes of a sound file."""
    stream = io.BytesIO()
    soundfile.write(stream, samples, rate, format=kind, subtype=subtype)
    return stream.getvalue()


def save(file: Path, samples: np.ndarray, rate: int = 8000) -> Path:
    """A WAV of 16 bits at this path."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(stored(samples, rate, subtype="PCM_16"))
    return file


def spelled(text: str, rate: int = 8000, each: float = 0.12) -> np.ndarray:
    """A made speech: every letter is a tone of its own pitch with a pause behind it, a space is a longer pause."""
    pieces = []
    for letter in text:
        pitch = 300 + 110 * (ord(letter) % 26)
        pieces.append(np.zeros(round(each * rate), np.int16) if letter == " " else tone(each * 0.75, rate, pitch))
        pieces.append(np.zeros(round(each * 0.25 * rate), np.int16))
    noise = np.random.default_rng(len(text)).integers(-40, 40, sum(map(len, pieces)) + 400)
    noise[200 : len(noise) - 200] += np.concatenate(pieces) if pieces else 0
    return noise.astype(np.int16)
