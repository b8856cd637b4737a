"""Tagged sentences at size tiny, from a file to answers: as a user takes them."""

from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
import pytest
import torch

import deepglass as dg
from deepglass import journey
from deepglass.data.example import ragged
from deepglass.data.recognise import recognise
from deepglass.data.settings import DataSettings
from deepglass.explain.answer import methods
from deepglass.foundation.errors import DataError
from deepglass.foundation.settings import parse_assignments
from deepglass.metrics.spans import SpanF1

QUICK = ["data.cache=false", "train.plan=plain", "seed=3"]


def train(place, out, *words):
    return journey.train(journey.propose(str(place), parse_assignments([*QUICK, *words]), "tiny"), out=str(out))


def conll(file: Path, count: int) -> Path:
    """The first made sentences as a file, with a cell between token and tag."""
    source = recognise("made:tagged", DataSettings())
    lines: list[str] = []
    for row in range(count):
        pairs = zip(source.read(row).text.split(), source.index.labels[row].split(), strict=True)
        lines += [*(f"{token} _ {tag}" for token, tag in pairs), ""]
    file.write_text("\n".join(lines), encoding="utf-8")
    return file


@pytest.fixture(scope="module")
def tagged(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tagged")
    return train(conll(folder / "a.conll", 500), folder / "run", "train.epochs=12", "data.test=0.3")


def by_word_alone(run) -> float:
    """Span F1 of the likeliest tag of each word by itself."""
    material = run.material()
    tags = run.bundle.task.facts.tags
    rows = {part: material.rows[part] for part in ("train", "test")}
    texts = {part: [material.source.read(row).text.split() for row in own] for part, own in rows.items()}
    answers = {part: [material.source.index.labels[row].split() for row in own] for part, own in rows.items()}
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for words, told in zip(texts["train"], answers["train"], strict=True):
        for word, tag in zip(words, told, strict=True):
            counts[word][tag] += 1

    def numbers(rows):
        return ragged([torch.tensor([tags.index(tag) for tag in row]) for row in rows])

    said = [[counts[word].most_common(1)[0][0] if counts[word] else "O" for word in words] for words in texts["test"]]
    metric = SpanF1(tags)
    metric.update([str(row) for row in range(len(said))], {"tags": numbers(said)}, numbers(answers["test"]))
    return metric.compute().value


def test_it_learns_what_words_are_by_their_neighbours(tagged):
    f1 = tagged.figures["test"]["span_f1"]
    assert f1.value > 0.95 and f1.n == 150 and f1.low <= f1.value <= f1.high
    assert by_word_alone(tagged.run) < 0.75
    assert tagged.figures["test"]["token_accuracy"].value > 0.97
    assert dg.load(tagged.run.folder).name == "tagger_lstm"


def test_a_sentence_and_a_file_are_answered(tagged, tmp_path):
    told = tagged.predict(["On 3 May 2021 May March paid Mark 30 marks."])
    assert told[0]["prediction"] == "On [DATE 3 May 2021] [PER May March] paid [PER Mark] [MONEY 30 marks] ."
    file = conll(tmp_path / "asked.conll", 4)
    answers = tagged.predict(str(file))
    assert [answer["id"] for answer in answers][:2] == [
        "asked.conll:1",
        "asked.conll:" + answers[1]["id"].split(":")[1],
    ]
    assert len(answers) == 4 and all(answer["spans"] for answer in answers)
    assert [
        ("prediction" in one) for one in tagged.predict(["🏆", "مرحبا بالعالم", "二进一球", "x" * 100_000, " "])
    ] == [*(True, True, True, True, False)]


def test_answers_are_those_of_the_evaluation_whatever_the_batch(tagged):
    bundle = dg.load(tagged.run.folder)
    material = tagged.run.material()
    _, predictions = tagged.run.evaluate("test", material)
    asked = [material.source.read(row).text.split() for row in material.rows["test"][:20]]
    sentences = [" ".join(words) for words in asked]
    for batch in (1, 7, 64):
        answers = bundle.predict(sentences, batch=batch)
        for answer, words, sure in zip(answers, asked, predictions["sure"].each(), strict=False):
            assert [one["token"] for one in answer["tokens"]] == words
            assert np.allclose([one["confidence"] for one in answer["tokens"]], sure, atol=1e-5)


def test_words_explain_its_surest_tag_and_gates_the_rest(tagged):
    assert methods(tagged.run.bundle)[0] == "words" and "gates" in methods(tagged.run.bundle)


def test_the_report_has_a_row_for_each_type(tagged):
    page = tagged.report.read_text(encoding="utf-8")
    assert all(kind in page for kind in ("PER", "DATE", "MONEY")) and "span F1" in page


def test_too_many_lines_without_a_tag_stop_the_run(tmp_path):
    file = conll(tmp_path / "a.conll", 30)
    broken = file.read_text().replace(" paid _ O", "paid").replace("paid _ O", "paid")
    file.write_text(broken)
    says = r"(?s)a\.conll:\d+: Line \d+, 'paid', should have 3 cells as the others do, and has 1"
    with pytest.raises(DataError, match=says):
        train(file, tmp_path / "run", "train.steps=2")
    assert not (tmp_path / "run").exists()
