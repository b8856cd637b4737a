"""Pictures: one file's bytes to an array, strictly. What cannot be read is named, and nothing is ever made up for it.

The format goes by the first bytes, never by the name. Size is refused from the header, before anything is decoded.
Letters: H W height and width, C channels (1 grey, 3 colour).
"""

import io
import math
import os
import re
import struct
import warnings
from pathlib import Path
from typing import IO, Literal, NamedTuple

import numpy as np
from PIL import ExifTags, Image, ImageFile, ImageOps
from PIL.BmpImagePlugin import BmpImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.PpmImagePlugin import PpmImageFile
from PIL.TiffImagePlugin import TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile

from deepglass.data.readers import jpeg, magic
from deepglass.data.source import Picture, Unreadable, unopened

MOST_PIXELS = 50_000_000
LONGEST_SIDE = 20_000
MOST_BYTES = 1 << 30
# Opened by class and not by Image.open: no other format can be tried, and our own, stricter limit is the only one.
OPENERS: dict[str, type[ImageFile.ImageFile]] = {
    "JPEG": JpegImageFile,
    "PNG": PngImageFile,
    "GIF": GifImageFile,
    "WEBP": WebPImageFile,
    "BMP": BmpImageFile,
    "TIFF": TiffImageFile,
    "PPM": PpmImageFile,
}
SUFFIXES = frozenset(".jpg .jpeg .jpe .jfif .png .webp .bmp .dib .ppm .pgm .pbm .pnm .gif .tif .tiff".split())
FOREIGN_SUFFIXES = frozenset(".heic .heif .avif .svg .jp2 .jxl .psd .ico .exr .hdr .dds .dcm .eps".split())
GREY = frozenset(("1", "L", "LA", "La", "I", "F", "I;16", "I;16B", "I;16L", "I;16N"))
WIDENED = ("PPM", "PNG")  # formats of 16 bits at most, which Pillow may hand out as 32
FEWER_BITS = 14  # values of so many bits or fewer in a 16-bit picture: a camera of 12 bits, mostly
TURNED = (5, 6, 7, 8)  # EXIF orientations that swap width and height
UNKNOWN_FORM = re.compile(r"(?i)unsupported |cannot handle |unknown (pixel mode|data organization|compression)")
GAP = 2.0  # a JPEG is decoded at no less than so many times the size it is wanted at; the rest is antialiased

# Pillow warns of odd metadata without naming the file; what keeps a picture from being read is raised, and named.
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\..*")


class Header(NamedTuple):
    """What a picture says of itself before it is decoded, turned as its EXIF orientation asks."""

    width: int
    height: int
    channels: int


class Fit(NamedTuple):
    """The one size that a task makes pictures, and how; `fit_picture` says what the words mean."""

    channels: int
    height: int
    width: int
    how: Literal["crop", "pad", "stretch"] = "crop"
    smooth: Literal["bilinear", "bicubic"] = "bilinear"

    def __call__(self, raw: Picture) -> np.ndarray:
        """The picture at that size. uint8 (C, H, W)"""
        return fit_picture(raw.pixels, *self)


def read_picture(file: Path | str | bytes, fit: object = None) -> Picture:
    """The decoded picture, turned as EXIF asks, transparency laid on white; raises Unreadable with the reason.

    With a `Fit`, a JPEG many times larger than wanted is decoded at a half, a quarter or an eighth of its size (its
    coefficients are scaled before they become pixels). Who prepares for one network must always name the same fit.
    """
    content = file if isinstance(file, bytes) else _content(file)
    codes = jpeg.codes(content)
    image, size, notes = _sound(content, codes, fit) if codes else _decoded(io.BytesIO(content), fit)
    turned = _turn(image, notes)
    pixels = _pixels(turned, notes)
    return Picture(np.ascontiguousarray(pixels), tuple(notes), size)


def header(file: Path | str | bytes) -> Header:
    """Width, height and channels without decoding; raises Unreadable as `read_picture` does."""
    if isinstance(file, bytes):
        return _header(io.BytesIO(file))
    try:
        with open(file, "rb") as stream:
            return _header(stream)
    except OSError as error:
        raise unopened(error) from None


def fit_picture(
    pixels: np.ndarray,
    channels: int,
    height: int,
    width: int,
    how: Literal["crop", "pad", "stretch"] = "crop",
    smooth: Literal["bilinear", "bicubic"] = "bilinear",
    share: float = 1.0,
) -> np.ndarray:
    """The picture at the size that a network takes, antialiased. uint8 or uint16 (H, W, C) -> uint8 (C, H, W)

    `crop` keeps the largest centred box of the wanted proportions, `share` of it where a recipe cuts the rim (224 of
    256 is 0.875); `pad` keeps all and fills up with the median colour of the rim; `stretch` forgets the proportions.
    """
    pixels = to_bytes(pixels)
    if pixels.shape == (height, width, channels) and share == 1.0:
        return pixels.transpose(2, 0, 1).copy()  # fits already: most of the time of small pictures
    image = _image(pixels, channels)
    resample = Image.Resampling.BICUBIC if smooth == "bicubic" else Image.Resampling.BILINEAR
    if how == "pad":
        image = _padded(image, height, width, resample)
    elif image.size != (width, height) or share != 1.0:
        box = centre(image.size, (width, height) if how == "crop" else image.size, share)
        image = image.resize((width, height), resample, box=box, reducing_gap=3.0)
    array = np.array(image)  # a copy: what Pillow hands out may not be written to
    return np.ascontiguousarray(array[None] if array.ndim == 2 else array.transpose(2, 0, 1))


def inner(size: tuple[int, int], shape: tuple[int, int]) -> tuple[int, int, int, int]:
    """Where the whole of a picture lies in a frame, in the frame's pixels: left, top, width, height."""
    scale = min(shape[0] / size[0], shape[1] / size[1])
    wide, tall = max(1, round(size[0] * scale)), max(1, round(size[1] * scale))
    return (shape[0] - wide) // 2, (shape[1] - tall) // 2, wide, tall


Loaded = tuple[ImageFile.ImageFile, tuple[int, int], list[str]]  # its own size is turned as EXIF asks


def _decoded(stream: IO[bytes], fit: object) -> Loaded:
    """The picture with its pixels, smaller where the fit allows, its own size, and what is to be said of it."""
    image = _open(stream)
    width, height = image.size
    size = (height, width) if _orientation(image) in TURNED else (width, height)
    if isinstance(fit, Fit) and isinstance(image, JpegImageFile):
        _draft(image, fit, turned=size != image.size)
    notes = ["first_frame"] if _has_frames(image) else []
    load(image)
    return image, size, notes


def _sound(content: bytes, codes: jpeg.Codes, fit: object) -> Loaded:
    """A JPEG decoded as `_decoded` does; raises Unreadable where codes are missing or too many."""
    damaged = Unreadable("damaged_picture", format="JPEG")
    if not codes.ordered:
        raise damaged
    if not codes.whole:
        loaded = _decoded(io.BytesIO(content), fit)
        other = _decoded(io.BytesIO(jpeg.filled(content, codes)), fit)
        if not np.array_equal(np.asarray(loaded[0]), np.asarray(other[0])):
            raise damaged
        return loaded
    stream = jpeg.Watched(content, codes.stretches[0])
    try:
        loaded = _decoded(stream, fit)
    except Unreadable as reason:
        raise damaged if reason.reason == "truncated" else reason from None
    if not stream.asked:
        raise damaged
    return loaded


def open_picture(file: Path | str) -> ImageFile.ImageFile:
    """A picture file whose pixels are not decoded yet and are not to be changed; raises Unreadable."""
    return _open(io.BytesIO(_content(file)))


def load(image: ImageFile.ImageFile) -> None:
    """Decode its pixels; raises Unreadable."""
    try:
        image.load()
    except Exception as error:  # Pillow's decoders raise a dozen types for damaged files
        raise _damage(error, str(image.format)) from None


def to_bytes(pixels: np.ndarray) -> np.ndarray:
    """Pixels as uint8: 16-bit ones are scaled by their whole range, 0 to 65535."""
    if pixels.dtype == np.uint8:
        return pixels
    return ((pixels.astype(np.uint32) * 255 + 32767) // 65535).astype(np.uint8)


def _content(file: Path | str) -> bytes:
    try:
        with open(file, "rb") as stream:
            size = os.fstat(stream.fileno()).st_size
            if size > MOST_BYTES:
                raise Unreadable("too_many_bytes", size=size >> 20, limit=MOST_BYTES >> 20)
            return stream.read()
    except OSError as error:
        raise unopened(error) from None


def _header(stream: IO[bytes]) -> Header:
    image = _open(stream)
    width, height = image.size
    if _orientation(image) in TURNED:
        width, height = height, width
    return Header(width, height, 1 if image.mode in GREY else 3)


def _open(stream: IO[bytes]) -> ImageFile.ImageFile:
    start = stream.read(magic.ENOUGH)
    if not start:
        raise Unreadable("empty_file")
    name = magic.picture_format(start)
    if not name:
        key, what = magic.foreign(start)
        raise Unreadable(key, format=what)
    if name == "WEBP":
        _check_size(*_webp_size(start))  # its decoder takes the memory for all pixels when it opens
    stream.seek(0)
    try:
        image = OPENERS[name](stream)
    except Exception as error:  # Pillow's parsers raise a dozen types for damaged files
        raise _damage(error, name) from None
    _check_size(*image.size)
    return image


def _draft(image: JpegImageFile, fit: Fit, turned: bool) -> None:
    """Have the decoder scale by the largest power of two that leaves GAP times the wanted size."""
    height, width = (fit.width, fit.height) if turned else (fit.height, fit.width)
    image.draft(None, (math.ceil(GAP * width), math.ceil(GAP * height)))


def _check_size(width: int, height: int) -> None:
    if width < 1 or height < 1:
        raise Unreadable("no_pixels", width=width, height=height)
    if max(width, height) > LONGEST_SIDE or width * height > MOST_PIXELS:
        raise Unreadable("too_large", width=width, height=height, pixels=MOST_PIXELS // 1_000_000, side=LONGEST_SIDE)


def _webp_size(start: bytes) -> tuple[int, int]:
    kind, body = start[12:16], start[20:]
    if len(body) < 10:
        raise Unreadable("truncated")
    if kind == b"VP8X":
        return 1 + int.from_bytes(body[4:7], "little"), 1 + int.from_bytes(body[7:10], "little")
    if kind == b"VP8L":
        bits = int.from_bytes(body[1:5], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    width, height = struct.unpack("<HH", body[6:10])
    return width & 0x3FFF, height & 0x3FFF


def _has_frames(image: ImageFile.ImageFile) -> bool:
    try:
        return bool(getattr(image, "is_animated", False))
    except Exception:  # a damaged second frame; the first is what is read
        return True


def _orientation(image: Image.Image) -> int:
    if isinstance(image, PngImageFile) and "exif" not in image.info:
        return 1  # to look further, Pillow would decode the pixels
    try:
        return int(image.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:  # damaged EXIF says nothing, and the pixels may be sound
        return 1


def _turn(image: Image.Image, notes: list[str]) -> Image.Image:
    if _orientation(image) not in range(2, 9):
        return image
    notes.append("turned")
    return ImageOps.exif_transpose(image)


def _pixels(image: Image.Image, notes: list[str]) -> np.ndarray:
    """(H, W, C), uint8, or uint16 where the file has more than 8 bits of grey"""
    if image.mode.startswith("I;16") or (image.mode == "I" and image.format in WIDENED):
        return _deep(np.asarray(image).astype(np.uint16), notes)[..., None]
    if image.mode in ("I", "F"):
        return _wide(np.asarray(image), notes)[..., None]
    if image.mode in ("LA", "La", "PA", "RGBA", "RGBa") or "transparency" in image.info:
        image = _on_white(image, notes)
    elif image.mode == "CMYK":
        notes.append("cmyk")
    mode = "L" if image.mode in GREY else "RGB"
    array = np.asarray(image if image.mode == mode else image.convert(mode))  # convert copies even what fits
    return array[..., None] if array.ndim == 2 else array


def _deep(values: np.ndarray, notes: list[str]) -> np.ndarray:
    """16-bit grey as it is; where its values would fit 14 bits or fewer, what they look like is said, and how many."""
    bits = int(values.max()).bit_length()
    notes.append(f"dark:{max(bits, 8)}" if bits <= FEWER_BITS else "deep")
    return values


def _wide(values: np.ndarray, notes: list[str]) -> np.ndarray:
    """32-bit grey as uint16: floats from 0 to 1 are spread over the range, whole numbers must fit it."""
    low, high = float(values.min()), float(values.max())
    if not np.isfinite(low + high) or low < 0 or high > 65535:
        raise Unreadable("out_of_range", low=f"{low:g}", high=f"{high:g}")
    notes.append("wide")
    if values.dtype.kind != "f":
        return values.astype(np.uint16)
    if high <= 1:
        values = values * 65535
    elif high <= 255:
        values = values * 257
    return np.rint(values).astype(np.uint16)


def on_white(pixels: np.ndarray) -> np.ndarray:
    """An array with transparency as a picture without: what shows through is white. uint8 (H, W, 4) -> (H, W, 3)"""
    return np.asarray(_on_white(Image.fromarray(pixels), []))


def _on_white(image: Image.Image, notes: list[str]) -> Image.Image:
    mode = "L" if image.mode in GREY else "RGB"
    image = image.convert("RGBA")
    alpha = image.getchannel("A")
    if alpha.getextrema() != (255, 255):
        notes.append("on_white")
    white = Image.new("RGB", image.size, "white")
    white.paste(image, mask=alpha)
    return white.convert(mode)


def _damage(error: Exception, name: str) -> Unreadable:
    """Why a file of this format gives no pixels, in our words: what Pillow says is for those who wrote it."""
    if "truncated" in str(error).lower() or isinstance(error, EOFError):
        return Unreadable("truncated")
    return Unreadable("odd_picture" if UNKNOWN_FORM.match(str(error)) else "damaged_picture", format=name)


def _image(pixels: np.ndarray, channels: int) -> Image.Image:
    image = Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)
    wanted = {1: "L", 3: "RGB"}[channels]
    return image if image.mode == wanted else image.convert(wanted)


def centre(size: tuple[int, int], shape: tuple[int, int], share: float) -> tuple[float, float, float, float]:
    """The largest centred box of the proportions of `shape`, `share` of it on each axis: left, top, right, bottom."""
    width, height = size
    scale = min(width / shape[0], height / shape[1])
    box_width, box_height = share * shape[0] * scale, share * shape[1] * scale
    left, top = (width - box_width) / 2, (height - box_height) / 2
    return max(left, 0.0), max(top, 0.0), min(left + box_width, width), min(top + box_height, height)


def _padded(image: Image.Image, height: int, width: int, resample: Image.Resampling) -> Image.Image:
    left, top, wide, tall = inner(image.size, (width, height))
    array = np.asarray(image)
    rim = np.concatenate([array[0], array[-1], array[:, 0], array[:, -1]])
    colour = np.median(rim, axis=0).round().astype(int)
    small = image if (wide, tall) == image.size else image.resize((wide, tall), resample, reducing_gap=3.0)
    whole = Image.new(image.mode, (width, height), int(colour) if colour.ndim == 0 else tuple(colour.tolist()))
    whole.paste(small, (left, top))
    return whole
