"""Texts: what is read, what is refused and with which sentence, and that cutting into pieces changes nothing."""

import codecs
import time
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepglass.data.readers import text as reader
from deepglass.data.readers.text import Bytes, Text, clean, read_text, text_pieces
from deepglass.data.source import Unreadable
from deepglass.foundation.words import say

CHINESE = "你好，世界。我们的中国，是一个很大的国家，人们在这里生活。\n"
TRADITIONAL = "我們的國家，是一個很大的地方，人們在這裡生活，說中文。\n"
JAPANESE = "これは日本語の文章です。とても長いので、よくわかります。\n"
KOREAN = "이것은 한국어로 쓴 글이다. 나는 학교에 가고 너는 집에 있다.\n"
RUSSIAN = "Это простой русский текст, который никто не читает.\n"
FRENCH = "Un café à Paris, où l'été fut très doux: déjà vu.\n"


def reason(content: bytes) -> str:
    with pytest.raises(Unreadable) as caught:
        read_text(content)
    return say(f"data.{caught.value.reason}", "en", **caught.value.values)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
@pytest.mark.parametrize("text", [CHINESE, FRENCH, "plain\n", "🙂 שלום\n"])
def test_unicode_that_says_what_it_is(encoding: str, text: str, tmp_path: Path):
    file = tmp_path / "名 字.txt"
    file.write_bytes(text.encode(encoding))
    assert read_text(file) == Text(text) == read_text(str(file)) == read_text(text.encode(encoding))


def test_big_endian_texts_are_read_by_their_mark():
    assert read_text(codecs.BOM_UTF16_BE + CHINESE.encode("utf-16-be")).text == CHINESE
    assert read_text(codecs.BOM_UTF32_BE + CHINESE.encode("utf-32-be")).text == CHINESE


@pytest.mark.parametrize(
    ("text", "encoding", "name"),
    [
        (CHINESE, "gb18030", "GB18030"),
        (TRADITIONAL, "big5", "Big5"),
        (JAPANESE, "shift_jis", "Shift_JIS"),
        (JAPANESE, "euc_jp", "EUC-JP"),
        (KOREAN, "euc_kr", "EUC-KR"),
        (RUSSIAN, "cp1251", "Windows-1251"),
        (FRENCH, "latin-1", "Windows-1252"),
        (CHINESE, "utf-16-le", "UTF-16"),
        (FRENCH, "utf-16-be", "UTF-16"),
    ],
)
def test_another_encoding_is_named_with_the_byte_that_shows_it(text: str, encoding: str, name: str):
    content = ("ASCII before it. " * 3).encode("utf-16-le" if name == "UTF-16" else "ascii") + text.encode(encoding)
    told = reason(content)
    assert f"It looks like {name}; save it as UTF-8." in told
    if name != "UTF-16":
        assert "the byte at 51 does not fit" in told or encoding in ("latin-1", "cp1251")


def test_the_place_of_a_wrong_byte_counts_from_the_start_of_the_file_in_any_piece():
    content = CHINESE.encode() * 30_000
    place = 2 * reader.PIECE + 7
    broken = content[:place] + b"\xff" + content[place:]
    first = next(at for at in range(place, 0, -1) if content[at] & 0xC0 != 0x80)  # of the letter that it splits
    assert f"The text is UTF-8, but the byte at {first if first < place else place} does not fit" in reason(broken)


def test_a_text_cut_inside_a_letter_is_damaged():
    assert "The text is UTF-8, but the byte at 3 does not fit: it was damaged or cut short." in reason(
        "你好".encode()[:-1]
    )
    assert "The text is UTF-16-LE, but the byte at 4" in reason("你好".encode("utf-16")[:-1])


@pytest.mark.parametrize("content", [b"", b" \n\t ", codecs.BOM_UTF8, "\u3000\n".encode(), b"\0 "])
def test_empty_texts(content: bytes):
    assert reason(content) == "The text is empty: it holds nothing but blanks."


def test_what_is_no_text():
    assert "is a zip file, not plain text" in reason(b"PK\x03\x04" + bytes(range(256)) * 4)
    assert "is a PNG file, not plain text" in reason(b"\x89PNG\r\n\x1a\n" + bytes(range(256)))
    assert "more than a tenth of it are control characters" in reason(bytes(range(32)) * 9)
    assert "more than a tenth of it are control characters" in reason(bytes(1000))
    assert "looks like UTF-16" in reason("plain English".encode("utf-16-le"))
    assert read_text(b"BM, GIF89a and ID3 are marks, and words as well").notes == ()


def test_missing_and_large_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(Unreadable) as caught:
        read_text(tmp_path / "none.txt")
    assert caught.value.reason == "missing_file"
    with pytest.raises(Unreadable) as caught:
        read_text(tmp_path)
    assert caught.value.reason == "cannot_read"
    monkeypatch.setattr(reader, "MOST_BYTES", 3 << 20)
    assert "too large: 4 MB, at most 3 MB" in reason(b"a" * (4 << 20))


def test_line_ends_controls_and_marks_come_out_one_way():
    assert read_text(b"a\r\nb\rc\n\x0cd").text == "a\nb\nc\n\nd"
    assert clean("a\u2028b\u0085c").text == "a\nb\nc"
    assert read_text(b"a\0b\x1b[0m and some more words") == Text("ab[0m and some more words", ("controls",))
    assert clean("cafe\u0301") == Text("café")
    assert clean("e" + "\u0301\u0323" * 40).notes == ("piled_marks",)
    assert clean("\ufeffa") == Text("a")


def test_half_a_pair_is_refused():
    with pytest.raises(Unreadable) as caught:
        clean("ab\ud83d")
    assert say("data.lone_surrogate", "en", **caught.value.values).startswith("Character 2 is half of a pair")
    assert "does not fit" in reason(b"ab" + "\ud83d".encode("utf-8", "surrogatepass"))


@given(st.text())
def test_whatever_is_read_is_composed_and_reading_it_again_changes_nothing(text: str):
    try:
        found = clean(text).text
    except Unreadable as caught:
        assert caught.reason in ("empty_text", "is_binary")
        return
    assert unicodedata.is_normalized("NFC", found) and "\r" not in found and "\0" not in found
    assert clean(found) == Text(found) == read_text(found.encode())


@given(st.text(st.sampled_from("ab \r\ńé가각你🙂の゙"), max_size=60), st.integers(1, 9))
def test_pieces_give_the_whole_wherever_they_are_cut(text: str, size: int):
    before = reader.PIECE
    reader.PIECE = size
    try:
        pieces = "".join(piece.text for piece in text_pieces(text.encode()))
    finally:
        reader.PIECE = before
    assert pieces == unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n"))


@given(st.text(max_size=30), st.integers(0, 40))
def test_bytes_are_cut_at_a_letter(text: str, longest: int):
    found = Bytes(longest)(Text(text))
    whole = text.encode()
    assert found.dtype == np.uint8 and len(found) <= longest and whole.startswith(found.tobytes())
    rest = whole[len(found) :].decode()  # raises where a letter was split
    assert found.tobytes().decode() + rest == text
    assert not rest or len(found) + len(rest[0].encode()) > longest


@pytest.mark.parametrize("letter", ["a", "好", "🙂", "e\u0301\u0323"])
def test_a_line_without_end_takes_a_time_that_grows_with_its_length(letter: str):
    line = letter * (8_000_000 // len(letter.encode()))
    began = time.perf_counter()
    text = read_text(line.encode()).text
    assert time.perf_counter() - began < 10
    assert len(text) == len(unicodedata.normalize("NFC", letter)) * len(line) // len(letter)


def test_marks_without_end_take_no_time_without_end():
    began = time.perf_counter()
    assert len(read_text(("a" + "\u0301\u0323" * 500_000).encode()).text) < 40
    assert time.perf_counter() - began < 10
