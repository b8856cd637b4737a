"""Sections of networks for texts, sounds and series: only where they apply, true to the predictions, in Chinese too."""

import html
import re
import time

import numpy as np
import pytest

import deepglass as dg
from deepglass.foundation.words import speaking
from deepglass.report.case import Case
from deepglass.report.ngrams import ngrams
from deepglass.report.samples import samples
from tests.report.conftest import trained
from tests.report.test_report import exact, section, sections, written

SMALL = ("train.plan=plain", "data.cache=false", "model.hidden=24")


@pytest.fixture(autouse=True)
def english():
    with speaking("en"):
        yield


@pytest.fixture(scope="module")
def numbers(tmp_path_factory):
    """A language model of numbers in words that has only begun to learn."""
    folder = tmp_path_factory.mktemp("runs") / "numbers"
    return trained("made:numbers", folder, *SMALL, "train.steps=60", "train.lr=0.02")


def case_of(made):
    return Case(made.run, made.material, made.results)


def test_a_language_model_shows_what_it_writes_beside_what_is_there(numbers):
    page, document = written(numbers, "en")
    shown, found = section(page, "samples"), document["samples"]
    assert [one["temperature"] for one in found["written"]] == [0.5, 0.8, 1.0]
    texts = [one["text"] for one in found["written"]]
    assert len(set(texts)) == 3 and all(len(text) == 280 for text in texts)
    prompt, real = found["prompt"], found["real"]
    texts_there = [numbers.material.source.read(row).text for row in numbers.material.rows["test"]]
    assert prompt + real in texts_there and 16 < len(prompt) <= 32
    for text in (real, *texts):
        assert f'<span class="given">{html.escape(prompt)}</span>{html.escape(text)}</blockquote>' in shown
    assert "Temperature 0.8: takes some chances" in shown and "What really stands there (test part)" in shown


def test_the_command_of_the_page_writes_the_text_of_the_page(numbers):
    _, document = written(numbers, "en")
    found = document["samples"]
    again = dg.load(numbers.folder).generate(found["prompt"], 280, temperature=0.8)
    assert again == found["written"][1]["text"]
    assert "deepglass generate" in section(written(numbers, "en")[0], "samples")


def test_counting_is_the_floor_of_a_language_model(numbers):
    page, document = written(numbers, "en")
    floor = document["floor"]
    assert list(floor) == ["unigram", "ngram", "network"]
    figure = numbers.results["test"][0]["bits_per_character"]
    assert floor["network"]["value"] == pytest.approx(figure.value, abs=1e-6)
    assert floor["ngram"]["value"] < 1 < 4 < floor["unigram"]["value"] < 4.6
    rows = exact(section(page, "floor"))
    assert [row[:3] for row in rows] == [[one["value"], one["low"], one["high"]] for one in floor.values()]
    words = "not worth its layers" if floor["network"]["low"] > floor["ngram"]["value"] else "less."
    assert words in section(page, "floor") and "interpolated 6-gram" in section(page, "floor")


def test_the_floor_of_counting_is_the_entropy_of_letters(numbers):
    """By frequency alone: -Σ p log2 q over the letters of the test part, q from those of the training part."""
    source, rows = numbers.material.source, numbers.material.rows
    known, asked = ("".join(source.read(row).text for row in rows[part]) for part in ("train", "test"))
    counts = {letter: known.count(letter) for letter in set(known)}
    bits = np.mean([-np.log2(counts[letter] / len(known)) for letter in asked])
    _, document = written(numbers, "en")
    assert document["floor"]["unigram"]["value"] == pytest.approx(bits, abs=0.01)


def test_samples_and_counting_take_seconds_and_no_other_run_has_them(numbers, perceptron):
    began = time.monotonic()
    assert samples(case_of(numbers)) and ngrams(case_of(numbers))
    assert time.monotonic() - began < 8
    assert samples(case_of(perceptron)) is None and ngrams(case_of(perceptron)) is None


def test_words_are_written_and_counted_as_words(tmp_path):
    (tmp_path / "play.txt").write_text("Where is the master?\nPlay the men, boatswain.\n\n" * 300, encoding="utf-8")
    words = ("model.name=word_lm", "model.features=16", "task.text.vocabulary.least=1", "data.passage=200")
    made = trained(tmp_path / "play.txt", tmp_path / "run", *SMALL, "train.steps=12", "train.batch=8", *words)
    page, document = written(made, "en")
    assert "interpolated 3-gram" in section(page, "floor")
    assert 0 < document["floor"]["ngram"]["value"] < document["floor"]["unigram"]["value"]
    assert len(document["samples"]["written"][0]["text"].split()) >= 20 and document["samples"]["real"]


def test_the_new_sections_are_in_chinese(numbers):
    page, _ = written(numbers, "zh-CN")
    assert {"samples", "floor"} <= set(sections(page))
    for name, words in (("samples", "温度 0.5：只写很可能的"), ("floor", "插值 6 元模型")):
        text = re.sub(r"<blockquote>.*?</blockquote>|<svg.*?</svg>|<[^>]*>", " ", section(page, name), flags=re.DOTALL)
        assert words in text and not re.search(r"[a-z]{3,} [a-z]{3,} [a-z]{3,} [a-z]{3,}", text.split("复制")[-1])
