"""Parallel text in, a translator out: recognised, trained, measured with its signature, resumed, asked again."""

import contextlib
import json
import random

import pytest
import torch

import deepglass as dg
from deepglass import journey
from deepglass.bundle import Own
from deepglass.cli.main import main
from deepglass.cli.options import Printer
from deepglass.cli.outcome import tell
from deepglass.engine.journal import read_events
from deepglass.foundation.words import speaking
from tests.tasks.translators import Small, pairs

QUICK = {
    "task.text.vocabulary.level": "words",
    "task.text.vocabulary.least": 1,
    "task.beam": 2,
    "train.steps": 60,
    "train.batch": 32,
    "train.lr": 1e-2,
    "train.average": 0,
    "train.plan": "plain",
    "data.val": 0.1,
    "data.test": 0.1,
}
SIZE = 32  # the numbers of the words that both sides have, of the unknown, and of both marks


def network():
    torch.manual_seed(0)
    return Small(SIZE, SIZE, 32)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A run on 300 pairs of the made language, one of them twice, one without a translation."""
    folder = tmp_path_factory.mktemp("translate")
    rows = pairs(300)
    lines = [f"{english}\t{french}" for english, french in [*rows, rows[0], ("An orphan sentence stays here.", "")]]
    random.Random(0).shuffle(lines)
    place = folder / "pairs.tsv"
    place.write_text("\n".join(["en\tfr", *lines]), encoding="utf-8")
    with speaking("en"):
        run = dg.train(place, model=network(), out=folder / "run", settings=QUICK)
    return run, place


def test_it_translates_what_it_never_saw(finished):
    run, _ = finished
    figures = run.figures["test"]
    assert list(figures) == ["bleu", "chrf"] and figures["bleu"].value > 60 and figures["bleu"].n == 30
    (answer,) = run.predict(["The old cat sees the red dog."])
    looked = answer["alignment"]
    assert answer["prediction"].startswith("Le chat") and len(looked["weights"]) == len(looked["target"])


def test_its_signature_is_kept(finished):
    run, _ = finished
    signature = run.document()["measured_by"]["bleu"]
    assert signature.startswith("BLEU|nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:")
    report = json.loads((run.run.folder / "report.json").read_text())
    assert report["scores"]["parts"]["test"]["bleu"]["by"] == signature
    assert signature in (run.run.folder / "report.html").read_text()


def test_of_the_training_part_only_a_sample_is_translated(finished, monkeypatch, capsys):
    """For each translation is searched for; the parts that count are translated whole."""
    run, _ = finished
    own = Own(network())
    assert run.sampled == {} and run.figures["train"]["bleu"].n > 200
    monkeypatch.setattr("deepglass.material.MOST_SEARCHED", 20)
    found = dg.evaluate(run.run.folder, model=own.model)
    assert {part: figures["bleu"].n for part, figures in found.figures.items()} == {"train": 20, "val": 30, "test": 30}
    assert found.figures["test"] == run.figures["test"] and found.document()["sampled"] == {"train": 20}
    count = len(found.material.rows["train"])
    said = f"The figures of the training part are of a sample: 20 of its {count} examples."
    with speaking("en"):
        tell(found, Printer(False))
        page = journey.report(run.run.folder, own)
    assert said in capsys.readouterr().out and said in page.read_text(encoding="utf-8")


def test_checks_ask_for_the_next_token_alone(finished):
    run, _ = finished
    checks = read_events(run.run.folder, "check")
    assert [list(check["figures"]) for check in checks] == [["next_token", "perplexity"]] * len(checks)
    assert checks[-1]["figures"]["next_token"]["value"] > 0.8 > checks[0]["figures"]["next_token"]["value"] - 0.2


def test_what_is_wrong_is_named(finished):
    run, _ = finished
    kinds = {finding.kind for finding in run.material.findings}
    assert {"no_answer", "translated_from", "duplicates"} <= kinds
    assert not kinds & {"two_labels", "class_not_in_train", "duplicate_across_parts"}


def test_another_text_is_measured_by_the_same_network(finished, tmp_path):
    run, _ = finished
    other = tmp_path / "other.tsv"
    other.write_text("en\tfr\n" + "".join(f"{english}\t{french}\n" for english, french in pairs(30, seed=9)))
    found = dg.evaluate(run.run.folder, str(other), model=network()).figures["test"]["bleu"]
    assert found.n == 30 and found.value > 60


def test_a_bundle_says_the_same_after_it_is_read_again(finished):
    run, _ = finished
    loaded = dg.load(run.run.folder, model=network())
    sentences = ["The red tree hears the child.", "The book likes the old dog."]
    assert loaded.predict(sentences) == run.predict(sentences)
    assert loaded.task.facts == run.run.bundle.task.facts


def test_each_line_of_a_file_is_translated_and_one_that_is_cut_is_named(finished, tmp_path, capsys, monkeypatch):
    run, place = finished
    lines = ["The red tree hears the child.", "", "The book likes the old dog.", " ".join(["The old cat sees."] * 40)]
    (tmp_path / "ask.txt").write_bytes("\r\n".join(lines).encode("utf-8-sig"))
    answers = run.predict(tmp_path / "ask.txt")
    assert [answer["id"] for answer in answers] == ["ask.txt:1", "ask.txt:3", "ask.txt:4"]
    alone = run.predict([lines[0], lines[2]])
    assert [answer["prediction"] for answer in answers[:2]] == [answer["prediction"] for answer in alone]
    assert [answer.get("read") for answer in answers] == [None, None, 81]  # 101 tokens, a full stop after each four
    assert run.predict([" ".join(["The cat"] * 50)])[0].get("read") is None  # as long as may be, and its end
    (answer,) = run.predict([" ".join(["cat"] * 102)])
    assert answer["read"] == 101
    (folder := tmp_path / "folder").mkdir()
    (folder / "b.txt").write_text(lines[0])
    assert run.predict(folder)[0]["id"] == f"{folder / 'b.txt'}:1"
    (tmp_path / "bad.txt").write_bytes(b"caf\xe9 \xe0 Paris")
    assert "The text is not UTF-8: the byte at 3 does not fit" in run.predict(tmp_path / "bad.txt")[0]["error"]
    monkeypatch.setattr(journey, "load", lambda place, own: run.run.bundle)
    with speaking("en"), contextlib.suppress(SystemExit):
        main(["predict", "RUN", str(tmp_path / "ask.txt")])
    said = capsys.readouterr().out.splitlines()
    assert len(said) == 4 and said[3].startswith("ask.txt:4: only its first 81 words were read. Cut it into sentences")
