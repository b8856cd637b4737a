"""Sections of networks for texts, sounds and series: only where they apply, true to the predictions, in Chinese too."""

import html
import random
import re
import time

import numpy as np
import pytest
from sacrebleu import sentence_chrf

import deepglass as dg
from deepglass.explain.answer import explain
from deepglass.explain.memory import reach
from deepglass.foundation.words import speaking
from deepglass.metrics.error_rate import distance
from deepglass.report.case import Case
from deepglass.report.gates import gates
from deepglass.report.ngrams import ngrams
from deepglass.report.samples import samples
from deepglass.report.transcripts import aligned, transcripts
from deepglass.report.translations import translations
from tests.data.sounds import save, spelled
from tests.data.texts import text_table
from tests.report.conftest import trained
from tests.report.test_report import exact, section, sections, written
from tests.tasks.translators import pairs

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
    assert prompt + real in texts_there and 4 < len(prompt) <= 32
    command = re.search(r'<div class="command"><code>(.*?)</code>', shown, re.DOTALL).group(1)
    assert "\n" not in command and html.unescape(command).endswith(f"'{prompt}' temperature=0.8")
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
    (tmp_path / "play.txt").write_text("ALONSO.\nWhere is the master? Play the men.\n\n" * 300, encoding="utf-8")
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


@pytest.fixture(scope="module")
def french(tmp_path_factory):
    """A translator of a made language that has not learned all of it, and the names that its report must escape."""
    folder = tmp_path_factory.mktemp("translate")
    rows = [*pairs(199), ("The <b>cat</b> sees the dog.", "Le <b>chat</b> voit le chien.")]
    place = folder / "pairs.tsv"
    place.write_text("\n".join(["en\tfr", *("\t".join(row) for row in rows)]), encoding="utf-8")
    words = ("task.text.vocabulary.level=words", "task.text.vocabulary.least=1", "task.beam=1", "model.features=24")
    return trained(place, folder / "run", *SMALL, *words, "train.steps=60", "train.lr=0.01", "data.test=0.3")


def test_translations_are_shown_with_the_worst_first(french):
    page, document = written(french, "en")
    shown, found = section(page, "translations"), document["translations"]
    scores = [one["chrf"] for one in found["worst"]]
    assert scores and scores == sorted(scores) and scores[-1] < 100
    everything = french.run.bundle.predict([one["source"] for one in found["worst"]])
    assert [one["prediction"] for one in everything] == [one["written"] for one in found["worst"]]
    for one in [*found["worst"], *found["examples"]]:
        assert sentence_chrf(one["written"], [one["wanted"]]).score == pytest.approx(one["chrf"])
        assert html.escape(one["source"]) in shown and html.escape(one["wanted"]) in shown
    assert found["by"].startswith("chrF2|nrefs:1|") and found["by"] in section(page, "scores")
    assert shown.count("Where the network looked</title>") in (3, 4) and "each row is a token" in shown


def test_a_translators_sentences_are_grouped_by_their_length(french):
    shown = section(written(french, "en")[0], "translations")
    assert "chrF by the length of the sentence" in shown and "The shortest fifth of the sentences scores" in shown


@pytest.fixture(scope="module")
def spoken(tmp_path_factory):
    """Words spelled as tones, and a network that has only begun to hear."""
    root, chance = tmp_path_factory.mktemp("speech"), random.Random(0)
    for number in range(40):
        line = f"{chance.choice(('bad', 'cab', 'dad'))} {chance.choice(('abba', 'bee', 'fed'))}"
        save(root / "made" / f"{number:03d}.wav", spelled(line))
        (root / "made" / f"{number:03d}.txt").write_text(line)
    return trained(root / "made", root / "run", *SMALL, "train.epochs=3", "data.test=0.3")


def test_the_worst_utterances_are_aligned_letter_by_letter(spoken):
    page, document = written(spoken, "en")
    shown, found = section(page, "transcripts"), document["transcripts"]
    shares = [one["wrong"] / one["of"] for one in found["worst"]]
    assert shares and shares == sorted(shares, reverse=True) and found["of"] == len(spoken.material.rows["test"])
    said = {one["id"]: one["prediction"] for one in spoken.run.predict([str(spoken.material.source.root)])}
    assert all(said[name] == one["read"] for one in found["worst"] for name in said if name.endswith(one["id"]))
    for one in found["worst"]:
        assert one["wrong"] == distance(one["true"], one["read"]) > 0
        assert html.escape(aligned(one["true"], one["read"])) in shown
    counted = found["letters"]
    total = counted["substitutions"] + counted["deletions"] + counted["insertions"]
    figure = spoken.results["test"][0]["cer"]
    assert total / (counted["right"] + counted["substitutions"] + counted["deletions"]) == pytest.approx(figure.value)
    assert "The most frequent errors, word by word" in shown and shown.count("pitch (Hz)") >= 1


def test_an_alignment_is_cut_into_lines_and_marks_each_error():
    true, read = "the cat sat on the mat " * 8, "the cat sad on a mat " * 8
    blocks = [block.split("\n") for block in aligned(true.strip(), read.strip()).split("\n\n")]
    assert len(blocks) > 2 and all(len(line) <= 72 for block in blocks for line in block)
    marks = sum(block[2].count("^") for block in blocks if len(block) == 3)
    assert marks == distance(true.strip(), read.strip())
    assert "".join(block[0][6:].ljust(66) for block in blocks).split() == "".join(true).split()
    with speaking("zh-CN"):
        assert aligned("你好", "你们好").split("\n")[0].startswith("原文  你-")


def test_no_other_run_has_translations_or_transcripts(numbers):
    assert translations(case_of(numbers)) is None and transcripts(case_of(numbers)) is None


@pytest.mark.parametrize("made", ["french", "spoken"])
def test_translators_and_listeners_are_reported_in_chinese(made, request):
    page, _ = written(request.getfixturevalue(made), "zh-CN")
    shown = section(page, "translations" if made == "french" else "transcripts")
    for words in ("参考译文", "最差的几句", "网络看向何处") if made == "french" else ("原文", "最常见的字母错误"):
        assert words in shown


def test_gates_and_memory_are_shown_of_recurrent_networks_alone(numbers, french, perceptron):
    for made, layers in ((numbers, {"lstm.l0", "lstm.l1"}), (french, {"reader.l0", "reader.l0_reverse", "writer.l0"})):
        page, document = written(made, "en")
        shown, found = section(page, "gates"), document["gates"]["memory"]
        assert set(found) == layers | {f"plain.{layer}" for layer in layers}
        assert all(0 <= one["steps"] <= one["of"] for one in found.values())
        for words in (
            "How open the gates of",
            "of the largest gradient is left",
            "the forget gate f how much of c is kept",
            "steps before the end",
        ):
            assert words in shown
    assert document["gates"]["example"] in french.material.store.index.ids
    assert gates(case_of(perceptron)) is None


def test_the_report_shows_what_explain_shows(numbers):
    _, document = written(numbers, "en")
    name = document["gates"]["example"]
    row = list(numbers.material.store.index.ids).index(name)
    text = numbers.material.source.read(row).text
    (one,) = explain(numbers.run.bundle, [text], "memory")
    for layer, found in document["gates"]["memory"].items():
        norms = one.explanation.arrays[layer]
        assert found == {"of": len(norms) - 1, "steps": reach(norms)}


def test_bags_of_words_are_the_floor_of_texts(tmp_path):
    words = ("train.epochs=2", "train.plan=plain", "data.cache=false", "data.test=0.3")
    made = trained(text_table(tmp_path / "topics.tsv", 120), tmp_path / "run", *words)
    page, document = written(made, "en")
    shown, floor = section(page, "floor"), document["floor"]
    assert list(floor) == ["majority", "centre", "bags", "network"]
    assert floor["bags"]["value"] > 0.9 > 0.7 > floor["majority"]["value"]
    assert "TF-IDF + logistic regression" in shown and "nearest mean of a class (TF-IDF)" in shown
