"""Fonts for made plates: those of this machine that have every character, and their glyphs as plates need them.

A plate's character fills its box, so a glyph is cut to its ink and stretched; strokes are as heavy as on a plate,
whatever the font's own are.
"""

from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from deepglass.foundation.errors import MachineError

PROVINCES = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼"
ENDS = "学警挂"  # what a serial may end with
LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"  # without I and O, which are read as 1 and 0
DIGITS = "0123456789"
EVERY = PROVINCES + ENDS + LETTERS + DIGITS

FOLDERS = (
    *("/usr/share/fonts", "/usr/local/share/fonts", "~/.local/share/fonts", "~/.fonts"),
    *("/System/Library/Fonts", "/Library/Fonts", "~/Library/Fonts", "C:/Windows/Fonts"),
)
FILES = (
    *("wqy-microhei.ttc", "wqy-zenhei.ttc", "NotoSansCJK-*.ttc", "NotoSerifCJK-*.ttc", "NotoSansCJKsc-*.otf"),
    *("NotoSerifCJKsc-*.otf", "NotoSansSC-*.?tf", "uming.ttc", "ukai.ttc", "gbsn00lp.ttf", "gkai00mp.ttf"),
    *("SourceHanSans*-*.?t?", "SourceHanSerif*-*.?t?", "PingFang.ttc", "STHeiti*.ttc", "Songti.ttc", "simhei.ttf"),
    *("simkai.ttf", "simsun.ttc", "msyh*.ttc", "Deng*.ttf"),
)
PACKAGES = "fonts-wqy-microhei, fonts-wqy-zenhei, fonts-noto-cjk, fonts-arphic-uming, fonts-arphic-ukai"
FACE = "SC"  # of a file with several faces: the one for simplified Chinese
SIZE = 160  # pixels at which glyphs are drawn before they are stretched
HEAVIEST = 9  # pixels that a stroke is made wider by on either side, at the most
SHARES = (0.44, 0.5, 0.56)  # of its box that the ink of an 8 takes, on plates of three makes
NARROW = 0.42  # width over height below which a letter keeps its proportions: 1


def find_fonts(wanted: tuple[str, ...] = (), held_back: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Files of the fonts wanted (names or files; all of FILES where none is), but for those held back.

    MachineError where one is not found, lacks characters, or none is left.
    """
    found = [_named(name) for name in wanted] if wanted else [[file] for file in _installed() if not lacking(file)]
    without = {file for name in held_back for file in _named(name)}
    files = [file for some in found for file in some if file not in without]
    for file in (*files, *without):
        if missing := lacking(file):
            raise MachineError("data.font_lacks", font=file, characters=missing[:20], packages=PACKAGES)
    if not files:
        raise MachineError("data.no_plate_font", packages=PACKAGES)
    return tuple(dict.fromkeys(files))


def _named(name: str) -> list[str]:
    """The font files of that name or path; MachineError where there are none."""
    if Path(name).expanduser().is_file():
        return [str(Path(name).expanduser())]
    found = [file for file in _installed() if name.lower() in Path(file).stem.lower()]
    if not found:
        known = ", ".join(Path(file).stem for file in _installed())
        raise MachineError("data.font_not_found", font=name, known=known or "-", packages=PACKAGES)
    return found


@lru_cache(maxsize=1)
def _installed() -> tuple[str, ...]:
    """Every font file of FILES in the usual folders, in the order of FILES."""
    folders = [Path(folder).expanduser() for folder in FOLDERS]
    there = [folder for folder in folders if folder.is_dir()]
    found = {path.name: str(path) for name in FILES for folder in there for path in sorted(folder.rglob(name))}
    return tuple(found.values())


@lru_cache(maxsize=64)
def lacking(file: str) -> str:
    """The characters of plates that a font does not have: no glyph, an empty one, or the one for what is unknown."""
    try:
        font = _font(file)
    except OSError:
        return EVERY
    nothing, unknown = _drawn(font, " ").tobytes(), _drawn(font, "\uffff").tobytes()
    glyphs = {character: _drawn(font, character).tobytes() for character in EVERY}
    return "".join(character for character, ink in glyphs.items() if ink in (nothing, unknown))


@lru_cache(maxsize=64)
def _font(file: str) -> ImageFont.FreeTypeFont:
    """The font at SIZE, with the face for simplified Chinese where it has several."""
    first = ImageFont.truetype(file, SIZE)
    for face in range(1, 8) if file.endswith(("ttc", "otc")) else ():
        try:
            other = ImageFont.truetype(file, SIZE, index=face)
        except OSError:
            break
        if FACE in str(other.getname()[0]).split():
            return other
    return first


@lru_cache(maxsize=8192)
def glyph(file: str, character: str, size: tuple[int, int], make: int) -> Image.Image:
    """The character's ink in a box of that size, with the strokes of one make of plates (0, 1, 2). Mode L."""
    width, height = size
    stroke = _strokes(file)[make]
    ink = _ink(file, character, stroke if character in LETTERS + DIGITS else stroke // 2)
    if ink.width < NARROW * ink.height and character in LETTERS + DIGITS:
        width = min(width, max(1, round(ink.width * height / ink.height)))
    box = Image.new("L", size)
    box.paste(ink.resize((width, height), Image.Resampling.HAMMING), ((size[0] - width) // 2, 0))
    return box


@lru_cache(maxsize=64)
def _strokes(file: str) -> tuple[int, ...]:
    """How much wider this font's strokes are made for each of SHARES."""
    taken = [_share(_ink(file, "8", stroke)) for stroke in range(HEAVIEST + 1)]
    return tuple(min(range(HEAVIEST + 1), key=lambda stroke: abs(taken[stroke] - share)) for share in SHARES)


def _share(ink: Image.Image) -> float:
    return float(np.asarray(ink).mean()) / 255


def _ink(file: str, character: str, stroke: int) -> Image.Image:
    """The glyph cut to its ink, its strokes wider by so many pixels on either side. Mode L."""
    canvas = _drawn(_font(file), character, stroke)
    return canvas.crop(canvas.getbbox())


def _drawn(font: ImageFont.FreeTypeFont, character: str, stroke: int = 0) -> Image.Image:
    canvas = Image.new("L", (2 * SIZE, 2 * SIZE))
    ImageDraw.Draw(canvas).text((SIZE // 2, SIZE // 4), character, fill=255, font=font, stroke_width=stroke)
    return canvas
