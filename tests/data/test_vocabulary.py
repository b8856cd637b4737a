"""Vocabularies: what is learned, that what was encoded is decoded, that no order matters, that JSON keeps all."""

import builtins
import json
import random
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deepglass.data.pieces import LETTERS, bytes_of
from deepglass.data.vocabulary import Level, Vocabulary, VocabularySettings, Writer, learn_vocabulary, words
from deepglass.foundation.errors import DataError, MachineError, UsageError
from deepglass.foundation.settings import from_json, to_json

TEXTS = (
    "The quick brown fox jumps over the lazy dog. Don't!\n",
    "我们的中国，是一个很大的国家。\n",
    "שלום עולם — مرحبا بالعالم\n",
    "नमस्ते दुनिया, สวัสดีชาวโลก\n",
    "👩‍👩‍👧 🙂🏽 e\u0323\u0301 Ǆ ß 𝔘\n",
)
LEVELS: tuple[Level, ...] = ("characters", "words", "pieces")


def learned(level: Level, texts: tuple[str, ...] = TEXTS, **fields) -> Vocabulary:
    return learn_vocabulary(texts, VocabularySettings(level=level, least=1, **fields))


def restored(vocabulary: Vocabulary) -> Vocabulary:
    return from_json(Vocabulary, json.loads(json.dumps(to_json(vocabulary), ensure_ascii=False)))


@pytest.mark.parametrize("level", ["characters", "pieces"])
def test_characters_and_pieces_are_decoded_exactly(level: Level):
    vocabulary = learned(level)
    for text in (*TEXTS, "", "".join(TEXTS)):
        numbers = vocabulary.encode(text)
        assert numbers.dtype == np.int32 and numbers.min(initial=1) > 0 and numbers.max(initial=0) < len(vocabulary)
        assert vocabulary.decode(numbers) == text


@settings(max_examples=200)
@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_nothing_is_unknown_to_pieces(text: str):
    vocabulary = PIECES
    assert vocabulary.decode(vocabulary.encode(text)) == text
    assert 0 not in vocabulary.encode(text)


@given(st.lists(st.text(st.sampled_from("abcé你🙂 \n\u0301")), max_size=5))
def test_characters_of_many_texts_are_what_they_are_alone(texts: list[str]):
    vocabulary = learned("characters", ("aab你🙂 \u0301",))
    known = set(vocabulary.tokens)
    for text, numbers in zip(texts, vocabulary.encode_all(texts), strict=True):
        assert numbers.tolist() == vocabulary.encode(text).tolist() and len(numbers) == len(text)
        assert vocabulary.decode(numbers) == "".join(letter if letter in known else "\ufffd" for letter in text)


@pytest.mark.parametrize("level", LEVELS)
def test_a_text_its_utf8_and_an_array_of_it_are_the_same(level: Level):
    vocabulary = learned(level)
    for text in TEXTS:
        wanted = vocabulary.encode(text).tolist()
        assert vocabulary.encode(text.encode()).tolist() == wanted
        assert vocabulary.encode(np.frombuffer(text.encode(), dtype=np.uint8)).tolist() == wanted


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("lower", [False, True])
def test_json_keeps_all_of_it(level: Level, lower: bool):
    vocabulary = learn_vocabulary(TEXTS, VocabularySettings(level=level, least=1, lower=lower), ("begin", "end"))
    again = restored(vocabulary)
    assert again == vocabulary
    for text in TEXTS:
        assert again.encode(text).tolist() == vocabulary.encode(text).tolist()


@pytest.mark.parametrize("level", LEVELS)
def test_the_order_of_texts_and_ties_change_nothing(level: Level):
    texts = [f"{a}{b} {b}" for a in "zyxab你" for b in "mlkk的"] * 3
    wanted = learned(level, tuple(texts), size=400)
    for seed in range(3):
        random.Random(seed).shuffle(texts)
        assert learned(level, tuple(texts), size=400) == wanted
    if level != "pieces":
        assert wanted.tokens == tuple(sorted(wanted.tokens, key=lambda one: (-_count(texts, one, level), one)))


def _count(texts: list[str], token: str, level: Level) -> int:
    return sum((list(text) if level == "characters" else words(text)).count(token) for text in texts)


def test_size_and_least_are_kept():
    text = ("aaaabbbccd" * 2,)
    vocabulary = learn_vocabulary(text, VocabularySettings(level="characters", size=5, least=1), ("begin", "blank"))
    assert vocabulary.tokens == ("a", "b") and len(vocabulary) == 5
    assert (vocabulary.mark("begin"), vocabulary.mark("blank")) == (1, 2)
    assert [vocabulary.shown(number) for number in range(5)] == ["\ufffd", "[begin]", "[blank]", "a", "b"]
    assert vocabulary.encode("abc").tolist() == [3, 4, 0] and vocabulary.decode([1, 3, 4, 2, 0]) == "ab\ufffd"
    assert learn_vocabulary(text, VocabularySettings(level="characters", least=5)).tokens == ("a", "b")
    pieces = learned("pieces", size=300)
    assert len(pieces) <= 300 and len(pieces.tokens) == 256 + len(pieces.merges)


def test_words_of_many_scripts():
    assert words("Don’t stop—it's 3.50€ (or 1,000)!") == [
        *("Don’t", "stop", "—", "it's", "3.50", "€", "(", "or", "1,000", ")", "!")
    ]
    assert words("我的iPhone12手机") == ["我", "的", "iPhone", "12", "手", "机"]
    assert words("नमस्ते दुनिया") == ["नमस्ते", "दुनिया"]  # vowel signs are marks, and belong to their word
    assert words("สวัส") == ["ส", "วั", "ส"]
    assert words("ひらカナ") == ["ひ", "ら", "カ", "ナ"] and words("שלום, مرحبا") == ["שלום", ",", "مرحبا"]
    assert words("snake_case a\nb") == ["snake", "_", "case", "a", "b"] and words("a\nb", True) == ["a", "\n", "b"]


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_words_leave_out_nothing_but_spaces(text: str):
    assert "".join(words(text)) == "".join(
        letter for letter in text if not letter.isspace() and letter not in "\x1c\x1d"
    )


def test_words_are_written_as_people_write_them():
    text = 'Well, "he" said (twice):我的朋友，你好。Yes!\nNo.'
    vocabulary = learned("words", (text,), lines=True)
    assert vocabulary.decode(vocabulary.encode(text)) == 'Well, " he " said (twice):我的朋友，你好。Yes!\nNo.'
    assert learned("words", ("The THE the",), lower=True).tokens == ("the",)
    assert learned("words", ("The the",), lower=True).encode("THE").tolist() == [1]


@pytest.mark.parametrize("level", LEVELS)
def test_a_writer_gives_the_whole_bit_by_bit(level: Level):
    vocabulary = learned(level)
    text = "".join(TEXTS)
    writer = Writer(vocabulary)
    parts = [writer.write(number) for number in vocabulary.encode(text).tolist()]
    assert "".join(parts) + writer.end() == vocabulary.decode(vocabulary.encode(text))
    assert not any("\ufffd" in part for part in parts)  # a letter in several pieces waits for the last of them


def test_letters_of_what_is_unknown():
    words_, letters = learned("words", ("a cat",)), learned("characters", ("a cat",))
    assert words_.unknown("a dog, a cat", words_.encode("a dog, a cat")) == 4  # dog and the comma
    assert words_.unknown(b"a cat", words_.encode("a cat")) == 0
    assert (
        letters.unknown("a dog", letters.encode("a dog")) == 3 and PIECES.unknown("a dog", PIECES.encode("a dog")) == 0
    )


def test_half_a_letter_is_written_as_unknown():
    vocabulary = learned("pieces", ("abc",))
    half = vocabulary.encode("你")[:2]
    assert vocabulary.decode(half) == "\ufffd" and vocabulary.decode([0, *vocabulary.encode("a")]) == "\ufffda"


def test_pieces_are_spelled_as_gpt2_spells_them():
    assert len(set(LETTERS)) == 256 and bytes_of(LETTERS) == bytes(range(256))
    assert "Ġthe" in learned("pieces", ("say the word, the other, the third",)).tokens
    with pytest.raises(KeyError):
        bytes_of("你")


def test_letters_without_a_space_are_learned_in_a_time_that_grows_with_them():
    """A line of base64, DNA: as one word of a million letters it would take hours."""
    start = time.perf_counter()
    vocabulary = learned("pieces", ("acgt" * 250_000, "a word"), size=300)
    assert time.perf_counter() - start < 20 and "acgtacgt" in vocabulary.tokens
    assert vocabulary.decode(vocabulary.encode("acgt" * 400)) == "acgt" * 400


def test_what_cannot_be_learned_is_said(monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(UsageError, match="needs size=257 at least, one number for every byte; size=100 is too small"):
        learned("pieces", size=100)
    with pytest.raises(DataError, match="No token of level words comes up 9 times or more"):
        learn_vocabulary(("a b c",), VocabularySettings(level="words", least=9))
    plain = builtins.__import__

    def without(name: str, *rest, **others):
        if name == "tokenizers":
            raise ImportError(name)
        return plain(name, *rest, **others)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MachineError, match=r"pip install 'deepglass\[text\]', or choose level=characters"):
        learned("pieces")


def test_documents_that_make_no_sense_are_refused():
    with pytest.raises(ValueError, match="come twice"):
        Vocabulary(level="words", tokens=("a", "a"))
    with pytest.raises(ValueError, match="several characters at level characters"):
        Vocabulary(level="characters", tokens=("ab",))
    with pytest.raises(ValueError, match="pieces and merges do not fit"):
        Vocabulary(level="pieces", tokens=("a", "b"), merges=(("a", "x"),)).encode("ab")


PIECES = learned("pieces")
