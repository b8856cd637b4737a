"""A made voice: letters as a throat and a mouth shape them, for lessons in which what is said must be known exactly.

Vowels and their like are harmonics of a pitch, each as loud as three formants let it through, one behind the other
(Klatt 1980, "Software for a cascade/parallel formant synthesizer"); consonants are hisses at a height of their own,
and stops a closed mouth with a burst behind it. Between letters everything moves.
Letters: N samples, M milliseconds, H harmonics.

>>> speak("tri", Speaker(), np.zeros(8000)).shape
(3040,)
"""

from typing import NamedTuple

import numpy as np

RATE, EACH = 8000, 8  # samples a second, and a millisecond
WIDTHS = np.array([90.0, 130.0, 200.0])  # of the formants, in hertz
MOVES = 24  # milliseconds in which the mouth goes from letter to letter
PAUSE, AROUND = 100, 50  # milliseconds between words, and before and after them


class Piece(NamedTuple):
    """What throat and mouth do for so many milliseconds."""

    length: int
    voice: float  # how loud the throat is
    formants: tuple[float, float, float]  # hertz
    hiss: float = 0.0
    height: float = 2000.0  # of the hiss, in hertz


class Speaker(NamedTuple):
    """Who speaks, and how."""

    pitch: float = 120.0  # hertz
    mouth: float = 1.0  # how many times higher the formants are: the mouth of a child is short
    pace: float = 1.0  # how many times slower


LETTERS = {
    "a": [Piece(120, 1.0, (750, 1250, 2500))],
    "e": [Piece(110, 1.0, (480, 1850, 2500))],
    "i": [Piece(110, 1.0, (300, 2250, 2950))],
    "o": [Piece(120, 1.0, (480, 850, 2400))],
    "u": [Piece(110, 1.0, (320, 700, 2250))],
    "ŭ": [Piece(70, 0.8, (300, 650, 2200))],
    "l": [Piece(80, 0.6, (350, 1050, 2800))],
    "r": [Piece(30, 0.2, (450, 1300, 1700)), Piece(40, 0.8, (450, 1300, 1700))],
    "n": [Piece(90, 0.5, (260, 1500, 2300))],
    "v": [Piece(80, 0.35, (280, 1100, 2200), 0.15, 1500)],
    "d": [Piece(60, 0.25, (220, 1700, 2600)), Piece(25, 0.6, (350, 1700, 2600), 0.3, 3000)],
    "p": [Piece(70, 0.0, (300, 800, 2200)), Piece(25, 0.1, (300, 800, 2200), 0.5, 700)],
    "t": [Piece(70, 0.0, (300, 1700, 2600)), Piece(30, 0.1, (300, 1700, 2600), 0.6, 3200)],
    "k": [Piece(70, 0.0, (300, 1900, 2300)), Piece(35, 0.1, (300, 1900, 2300), 0.6, 1800)],
    "c": [Piece(70, 0.0, (300, 1700, 2600)), Piece(80, 0.0, (300, 1700, 2600), 0.6, 3500)],
    "s": [Piece(130, 0.0, (300, 1700, 2600), 0.6, 3500)],
    " ": [Piece(PAUSE, 0.0, (500, 1500, 2500))],
}
REST = Piece(AROUND, 0.0, (500, 1500, 2500))


def speak(text: str, speaker: Speaker, noise: np.ndarray) -> np.ndarray:
    """The sound of a text, about -1 to 1; its hisses are made of the noise, as often as it takes. float64 (N,)"""
    pieces = [REST, *(piece for letter in text for piece in LETTERS[letter]), REST]
    lengths = [round(piece.length * speaker.pace) for piece in pieces]
    columns = np.array([[piece.voice, piece.hiss, piece.height, *piece.formants] for piece in pieces]).T
    voice, hiss, height, *formants = (_moved(column, lengths) for column in columns)
    throat = _voiced(voice, np.stack(formants) * speaker.mouth, speaker.pitch)
    return 0.1 * throat + 0.3 * _hissed(hiss, height, noise)


def _moved(values: np.ndarray, lengths: list[int]) -> np.ndarray:
    """A value for each millisecond, going evenly from piece to piece. (M,)"""
    steps = np.repeat(values, lengths)
    around = np.pad(steps, (MOVES // 2, MOVES - 1 - MOVES // 2), mode="edge")
    return np.convolve(around, np.full(MOVES, 1 / MOVES), mode="valid")


def _voiced(loud: np.ndarray, formants: np.ndarray, pitch: float) -> np.ndarray:
    """Σ_h loud / h · Π_F F² / √((F² - f²)² + f² w²) · sin(2π f t) with f = h · pitch, which sinks by a tenth. (N,)"""
    falling = pitch * np.linspace(1.05, 0.95, len(loud))  # (M,)
    angle = 2 * np.pi * np.cumsum(_each_sample(falling)) / RATE
    number = np.arange(1, int(RATE / 2 / (1.05 * pitch)) + 1)[:, None]  # (H, 1)
    squared, heights = (number * falling) ** 2, formants[:, None, :] ** 2  # (H, M), (3, 1, M)
    through = heights / np.sqrt((heights - squared) ** 2 + squared * WIDTHS[:, None, None] ** 2)  # (3, H, M)
    sound, before, now = np.zeros((len(loud), EACH)), np.zeros_like(angle), np.sin(angle)
    twice = 2 * np.cos(angle)
    for strength in through.prod(0) / number * loud:  # (M,)
        sound += strength[:, None] * now.reshape(sound.shape)
        before, now = now, twice * now - before  # sin (h + 1)a = 2 cos a sin ha - sin (h - 1)a
    return sound.ravel()


def _hissed(loud: np.ndarray, height: np.ndarray, noise: np.ndarray) -> np.ndarray:
    """Slow noise carried up to its height. (N,)"""
    count = len(loud) * EACH
    slow = np.convolve(np.resize(noise, count + 7), np.full(8, 8**-0.5), mode="valid")
    angle = 2 * np.pi * np.cumsum(_each_sample(height)) / RATE
    return _each_sample(loud) * slow * np.sin(angle)


def _each_sample(values: np.ndarray) -> np.ndarray:
    """A value for each sample from one for each millisecond. (M,) -> (N,)"""
    return np.repeat(values, EACH)
