"""Every format that is read, every way a file can be wrong, and how a picture is made one size."""

import io
import struct
import tracemalloc
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from deepglass.data.readers.mask import read_stored
from deepglass.data.readers.picture import Fit, fit_picture, header, read_picture, to_bytes
from deepglass.data.source import Unreadable
from deepglass.foundation.words import say


def colours(height: int = 24, width: int = 32) -> np.ndarray:
    """A smooth colour picture that survives JPEG."""
    y, x = np.mgrid[0:height, 0:width]
    return np.stack([x * 255 // width, y * 255 // height, np.full_like(x, 90)], axis=2).astype(np.uint8)


def stored(image: Image.Image, kind: str, **options: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def png(width: int, height: int, bits: int, colour: int, rows: bytes) -> bytes:
    """A PNG made by hand: what Pillow does not write."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    head = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b"")


def reason(content: bytes) -> str:
    """The sentence with which a content is refused, the same by `read_picture` and by `header` where both refuse."""
    with pytest.raises(Unreadable) as caught:
        read_picture(content)
    return say(f"data.{caught.value.reason}", "en", **caught.value.values)


@pytest.mark.parametrize(
    ("kind", "exact"),
    [("PNG", True), ("BMP", True), ("PPM", True), ("TIFF", True), ("WEBP", False), ("JPEG", False), ("GIF", False)],
)
def test_formats(kind: str, exact: bool, tmp_path: Path) -> None:
    original = colours()
    file = tmp_path / "名 字.BIN"  # the name is no evidence
    file.write_bytes(stored(Image.fromarray(original), kind))
    picture = read_picture(file)
    assert picture.pixels.shape == (24, 32, 3) and picture.pixels.dtype == np.uint8 and picture.notes == ()
    difference = np.abs(picture.pixels.astype(int) - original)
    assert difference.max() == 0 if exact else difference.mean() < 12
    assert header(file) == (32, 24, 3) == header(file.read_bytes())


def test_webp_lossless_and_alpha_sizes() -> None:
    image = Image.fromarray(colours(9, 13))
    assert header(stored(image, "WEBP", lossless=True)) == (13, 9, 3)
    assert header(stored(image.convert("RGBA"), "WEBP", exif=b"Exif\0\0")) == (13, 9, 3)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr"])
def test_modes(mode: str) -> None:
    kind = "TIFF" if mode in ("CMYK", "YCbCr") else "PNG"
    image = Image.fromarray(colours()).convert(mode)
    content = stored(image, kind)
    picture = read_picture(content)
    assert picture.pixels.shape == (24, 32, 1 if mode in ("1", "L", "LA") else 3)
    assert header(content) == (32, 24, picture.pixels.shape[2])
    assert ("cmyk" in picture.notes) == (mode == "CMYK")


def test_transparency_lies_on_white() -> None:
    image = Image.new("RGBA", (4, 4), (200, 0, 0, 0))
    image.putpixel((0, 0), (200, 0, 0, 255))
    picture = read_picture(stored(image, "PNG"))
    assert picture.notes == ("on_white",)
    assert picture.pixels[0, 0].tolist() == [200, 0, 0] and picture.pixels[3, 3].tolist() == [255, 255, 255]
    palette = Image.new("P", (4, 4), 1)
    palette.putpalette([0, 0, 0, 10, 20, 30])
    assert read_picture(stored(palette, "PNG", transparency=1)).pixels[0, 0].tolist() == [255, 255, 255]
    grey = Image.new("LA", (2, 2), (0, 128))
    assert read_picture(stored(grey, "PNG")).pixels[..., 0].tolist() == [[127, 127], [127, 127]]


def test_sixteen_bits() -> None:
    values = np.array([[0, 256], [32768, 65535]], dtype=np.uint16)
    for kind in ("PNG", "TIFF", "PPM"):
        picture = read_picture(stored(Image.fromarray(values), kind))
        assert picture.pixels.dtype == np.uint16 and picture.pixels[..., 0].tolist() == values.tolist()
        assert picture.notes == ("deep",)
    assert to_bytes(values).tolist() == [[0, 1], [128, 255]]


@pytest.mark.parametrize(
    ("most", "note"),
    [(4000, "dark:12"), (4095, "dark:12"), (4096, "dark:13"), (16383, "dark:14"), (16384, "deep"), (3, "dark:8")],
)
def test_sixteen_bits_that_hold_fewer_are_told_and_not_changed(most: int, note: str) -> None:
    values = np.array([[0, most]], dtype=np.uint16)
    picture = read_picture(stored(Image.fromarray(values), "PNG"))
    assert picture.notes == (note,) and picture.pixels[..., 0].tolist() == values.tolist()


def test_wide_values() -> None:
    floats = Image.fromarray(np.array([[0.0, 0.5], [1.0, 0.25]], dtype=np.float32))
    picture = read_picture(stored(floats, "TIFF"))
    assert picture.notes == ("wide",) and picture.pixels[..., 0].tolist() == [[0, 32768], [65535, 16384]]
    for most in (4095, 65535):  # whole numbers of 32 bits are no picture of 16
        whole = Image.fromarray(np.array([[0, most]], dtype=np.int32))
        picture = read_picture(stored(whole, "TIFF"))
        assert picture.notes == ("wide",) and picture.pixels[..., 0].tolist() == [[0, most]]
    beyond = Image.fromarray(np.array([[-1.0, 1e6]], dtype=np.float32))
    assert "run from -1 to 1e+06" in reason(stored(beyond, "TIFF"))
    assert "nan" in reason(stored(Image.fromarray(np.array([[np.nan]], dtype=np.float32)), "TIFF"))


def grained(seed: int = 0, mode: str = "RGB") -> Image.Image:
    """A picture with grain: its codes fill several thousand bytes."""
    generator = np.random.default_rng(seed)
    smooth = Image.fromarray(generator.integers(0, 255, (9, 12, 3), dtype=np.uint8)).resize((160, 120))
    values = np.asarray(smooth).astype(int) + generator.normal(0, 12, (120, 160, 3)).astype(int)
    return Image.fromarray(np.clip(values, 0, 255).astype(np.uint8)).convert(mode)


JPEGS = {
    "usual": {},
    "fine": {"quality": 95, "subsampling": 0},
    "progressive": {"progressive": True},
    "restarts": {"restart_marker_rows": 1},
    "short restarts": {"restart_marker_blocks": 3},
    "thumbnail": {"exif": b"Exif\0\0" + b"\xff\xd8\xff\xd9\xff\xda" * 9},
}


@pytest.mark.parametrize("kind", JPEGS)
@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
def test_sound_jpegs_are_read_whatever_follows_them(kind: str, mode: str) -> None:
    content = stored(grained(mode=mode), "JPEG", **JPEGS[kind])
    exact = np.asarray(Image.open(io.BytesIO(content)).convert("L" if mode == "L" else "RGB"))
    filled = content[:-2] + b"\0" * 30 + content[-2:]  # as some cameras do
    for one in (content, content + b"\0" * 99, content + b"a film, perhaps" * 30 + content[:900], filled):
        assert np.array_equal(read_picture(one).pixels.squeeze(), exact)
        assert read_picture(one, Fit(3, 16, 16)).pixels.shape[0] < 120


@pytest.mark.parametrize("kind", JPEGS)
def test_jpegs_damaged_in_the_middle_are_named(kind: str) -> None:
    cut_out, zeroed = [], []
    for seed in range(6):
        content = stored(grained(seed), "JPEG", **JPEGS[kind])
        place = len(content) // 2 + 100 * seed
        for found, damaged in (
            (cut_out, content[:place] + content[place + 400 :]),
            (zeroed, content[:place] + bytes(600) + content[place + 600 :]),
        ):
            try:
                read_picture(damaged)
            except Unreadable as caught:
                found.append(say(f"data.{caught.reason}", "en", **caught.values))
    assert len(cut_out) >= (2 if kind == "progressive" else 5)
    if kind != "progressive":  # of which zeros may well be codes
        assert len(zeroed) >= 5
    expected = "The picture is damaged: what the file holds is no whole JPEG picture. Copy it again from where it came."
    assert set(cut_out + zeroed) == {expected}


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    content = stored(Image.fromarray(colours()), "JPEG", exif=exif, quality=95)
    picture = read_picture(content)
    turned = orientation >= 5
    assert picture.pixels.shape[:2] == ((32, 24) if turned else (24, 32))
    assert header(content)[:2] == ((24, 32) if turned else (32, 24))
    assert picture.notes == (() if orientation == 1 else ("turned",))


@pytest.mark.parametrize("kind", ["GIF", "TIFF", "WEBP", "PNG"])
def test_first_frame_of_several(kind: str) -> None:
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    picture = read_picture(stored(frames[0], kind, save_all=True, append_images=frames[1:], lossless=True))
    assert picture.notes == ("first_frame",) and picture.pixels[4, 4].tolist() == [255, 0, 0]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "The file is empty (0 bytes)."),
        (b"hello, this is no picture\n", "It is a text file, not a picture. Leave it out."),
        ("这是文字".encode(), "It is a text file, not a picture. Leave it out."),
        (b"\0" * 600, "The file holds only zero bytes. Copy it again from where it came."),
        (b"<!DOCTYPE html><p>404", "It is a web page, not a picture: the download went wrong. Download it again."),
        (b"\0\0\0\x18ftypheic", "It is a picture in HEIC format, which is not read. Convert it to PNG or JPEG."),
        (b"\0\0\0\x18ftypavif", "It is a picture in AVIF format, which is not read. Convert it to PNG or JPEG."),
        (b"%PDF-1.7", "It is a drawing in PDF format, not pixels. Convert it to PNG."),
        (b"<?xml version='1.0'?>\n<svg>", "It is a drawing in SVG format, not pixels. Convert it to PNG."),
        (b"PK\x03\x04....", "It is an archive (zip), not a picture. Unpack it."),
        (b"RIFF....WAVEfmt ", "It is sound or film (WAV), not a picture."),
        (bytes(range(128, 256)) * 4, "It is no picture in a known format"),
    ],
)
def test_what_is_not_a_picture_is_named(content: bytes, sentence: str, tmp_path: Path) -> None:
    file = tmp_path / "a.png"
    file.write_bytes(content)
    assert sentence in reason(content)
    with pytest.raises(Unreadable):
        header(file)


def test_missing_file_and_folder(tmp_path: Path) -> None:
    with pytest.raises(Unreadable) as caught:
        read_picture(tmp_path / "nothing.png")
    assert caught.value.reason == "missing_file"
    with pytest.raises(Unreadable) as caught:
        header(tmp_path)
    assert caught.value.reason == "cannot_read"


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF", "PPM"])
def test_truncated_in_the_middle(kind: str) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    content = stored(Image.fromarray(noise), kind)
    sentence = reason(content[: len(content) // 2])
    assert "cut short" in sentence or "damaged" in sentence
    if kind in ("JPEG", "PNG"):
        assert sentence == "The file is cut short: its end is missing. Copy it again from where it came."


def test_of_damage_nothing_is_told_in_the_words_of_the_decoder() -> None:
    content = stored(Image.fromarray(colours()), "PNG")
    damaged = "The picture is damaged: what the file holds is no whole {} picture. Copy it again from where it came."
    chunk = content.index(b"IDAT")
    for spoilt in (content[:33], content[:9], content[: chunk + 2], _with(content, chunk - 4, b"\0" * 9)):
        assert reason(spoilt) == damaged.format("PNG")
    assert reason(_with(content, chunk + 10, bytes(range(60)))) == damaged.format("PNG")
    assert reason(_with(content, 20, b"\7")) == damaged.format("PNG")  # its height
    assert reason(stored(Image.fromarray(colours()), "BMP")[:10]) == damaged.format("BMP")
    assert reason(_with(stored(Image.fromarray(colours()), "BMP"), 28, b"\x83")) == (
        "The picture is of a kind of BMP that is not read, or it is damaged. Save it again as PNG or JPEG."
    )


def test_a_damaged_mask_is_told_so_too(tmp_path: Path) -> None:
    content = stored(Image.fromarray(colours()[..., 0]), "PNG")
    file = tmp_path / "mask.png"
    for spoilt in (content[:33], _with(content, content.index(b"IDAT") + 9, bytes(range(60)))):
        file.write_bytes(spoilt)
        with pytest.raises(Unreadable) as caught:
            read_stored(file)
        assert caught.value.reason == "damaged_picture"


def _with(content: bytes, place: int, other: bytes) -> bytes:
    return content[:place] + other + content[place + len(other) :]


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(["JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP"]), st.data())
def test_damage_is_always_unreadable_or_a_picture(kind: str, data: st.DataObject) -> None:
    """Whatever a file holds, reading it gives pixels or a named reason and never another error."""
    content = bytearray(stored(Image.fromarray(colours()), kind))
    for _ in range(data.draw(st.integers(1, 8))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    content = bytes(content[: data.draw(st.integers(1, len(content)))])
    try:
        assert read_picture(content).pixels.ndim == 3
    except Unreadable as caught:
        assert say(f"data.{caught.reason}", "zh-CN", **caught.values)


def test_bomb_is_refused_from_its_header() -> None:
    content = png(30_000, 30_000, 8, 0, b"")  # the header is all that may be looked at
    whole = png(12_000, 12_000, 8, 0, b"\0" * (12_001 * 1_000))
    tracemalloc.start()
    assert reason(content) == (
        "The picture is too large: 30000 x 30000 pixels. At most 50 million pixels and 20000 a side are read; "
        "make it smaller."
    )
    assert "12000 x 12000" in reason(whole)
    assert "25000 x 1" in reason(png(25_000, 1, 8, 0, b"\0" * 25_001))
    assert tracemalloc.get_traced_memory()[1] < 5_000_000
    tracemalloc.stop()


def test_webp_bomb_is_refused_before_its_decoder_opens() -> None:
    canvas = (16_000 - 1).to_bytes(3, "little")
    content = b"RIFF\x40\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0" + canvas + canvas + b"\0" * 40
    assert "16000 x 16000" in reason(content)


def test_reading_is_thread_safe(tmp_path: Path) -> None:
    contents = [stored(Image.new("RGB", (40, 40), (place, 0, 255 - place)), "PNG") for place in range(64)]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda content: fit_picture(read_picture(content).pixels, 3, 16, 16)[:, 8, 8], contents))
    assert [pixel.tolist() for pixel in found] == [[place, 0, 255 - place] for place in range(64)]


@settings(max_examples=60, deadline=None)
@given(
    st.tuples(st.integers(1, 70), st.integers(1, 70), st.sampled_from([1, 3])),
    st.tuples(st.integers(1, 50), st.integers(1, 50), st.sampled_from([1, 3])),
    st.sampled_from(["crop", "pad", "stretch"]),
    st.sampled_from([np.uint8, np.uint16]),
)
def test_fit_gives_the_asked_shape(
    shape: tuple[int, int, int], wanted: tuple[int, int, int], how: str, kind: type
) -> None:
    pixels = np.full(shape, 77 if kind is np.uint8 else 77 * 257, dtype=kind)
    height, width, channels = wanted
    result = fit_picture(pixels, channels, height, width, how)  # pyright: ignore
    assert (
        result.shape == (channels, height, width)
        and result.dtype == np.uint8
        and result.flags["C_CONTIGUOUS"]
        and result.flags["WRITEABLE"]
    )
    assert (result == 77).all()  # one colour stays that colour, rim of a pad included


def test_fit_keeps_what_it_should() -> None:
    wide = np.zeros((10, 30, 1), dtype=np.uint8)
    wide[:, 10:20] = 200
    assert (fit_picture(wide, 1, 10, 10, "crop") == 200).all()
    assert fit_picture(wide, 1, 10, 10, "crop", share=0.5).shape == (1, 10, 10)
    padded = fit_picture(wide, 1, 30, 30, "pad")
    assert (padded[0, :10] == 0).all() and padded[0, 15, 15] == 200
    assert fit_picture(wide, 3, 5, 15, "stretch")[0, 2, 7] == 200
    assert (fit_picture(wide, 1, 10, 30) == wide.transpose(2, 0, 1)).all()  # the right size already: nothing is touched


def test_shrinking_is_antialiased() -> None:
    stripes = np.tile(np.array([[0], [255]], dtype=np.uint8), (32, 64))[..., None]  # one pixel black, one white
    small = fit_picture(stripes, 1, 16, 16)
    assert np.abs(small[:, 2:-2].astype(int) - 127).max() <= 2  # the outermost rows see more of one colour


def test_header_does_not_decode() -> None:
    content = stored(Image.fromarray(colours()), "PNG")
    damaged = content.replace(b"IDAT", b"IDAT\0\0\0\0", 1)
    assert header(damaged) == (32, 24, 3)
    assert "damaged" in reason(damaged) or "cut short" in reason(damaged)
