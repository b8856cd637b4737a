"""A folder of pictures with captions.tsv in; sentences with their looks, a report and a bundle out."""

import contextlib
import json

import numpy as np
import pytest
from PIL import Image

import deepglass as dg
from deepglass import journey
from deepglass.cli.main import main
from deepglass.explain.answer import explain, methods
from deepglass.foundation.settings import parse_assignments
from deepglass.foundation.words import speaking
from deepglass.journey import propose
from tests.data.videos import film

QUICK = {
    **{"train.steps": 90, "train.batch": 16, "train.lr": 6e-3, "train.average": 0, "train.plan": "plain"},
    **{"model.name": "caption_lstm", "model.stem": 4, "model.memory": 16, "model.features": 12, "model.hidden": 24},
    **{"model.dropout": 0, "model.height": 32, "model.width": 32, "task.vocabulary.least": 1, "task.beam": 2},
    **{"task.picture.augment.crop_pad": 0, "task.smoothing": 0, "data.cache": False},
}


def folder_of(place, count=80):
    """A bright or a dark box at the left or at the right, in one or two ways; one picture is missing, one broken."""
    place.mkdir()
    rows = ["file,caption"]
    for number in range(count):
        pixels = np.random.default_rng(number).integers(90, 130, (32, 32, 3), dtype=np.uint8)
        shade, side = ("dark", "bright")[number % 2], ("left", "right")[number // 2 % 2]
        left = 2 if side == "left" else 18
        pixels[8:22, left : left + 12] = 240 if shade == "bright" else 5
        Image.fromarray(pixels).save(place / f"{number:02d}.png")
        rows.append(f"{number:02d}.png,a {shade} box at the {side}")
        rows += [f"{number:02d}.png,at the {side} a {shade} box"] if number % 4 == 0 else []
    (place / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n and no more")
    (place / "captions.csv").write_text("\n".join([*rows, "gone.png,a box", "broken.png,a box"]) + "\n")
    return place


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("captions")
    place = folder_of(folder / "boxes")
    with speaking("en"):
        run = dg.train(place, size="tiny", out=folder / "run", settings=QUICK)
    return run, place


def test_it_tells_what_it_never_saw(finished):
    run, _ = finished
    figures = run.figures["test"]
    assert list(figures) == ["bleu", "cider", "rouge_l", "exact"]
    assert figures["rouge_l"].value > 0.6 and figures["bleu"].n == figures["exact"].n >= 15
    assert run.document()["measured_by"]["bleu"].startswith("BLEU|nrefs:2|")
    assert sorted(run.left_out) == ["broken.png", "gone.png"]


def test_an_answer_is_a_sentence_and_where_each_word_looked(finished):
    run, place = finished
    (answer,) = run.predict(place / "00.png")
    assert answer["prediction"] == " ".join(one["word"] for one in answer["words"]) and 0 < answer["confidence"] <= 1
    assert {np.array(one["looked"]).shape for one in answer["words"]} == {(2, 2)}
    batch = run.predict(place)
    said = {one["id"]: one["prediction"] for one in batch if "error" not in one}
    assert said[str(place / "00.png")] == answer["prediction"]
    again = dg.load(run.run.folder)
    assert again.predict(place / "00.png") == [answer] and again.task.facts == run.run.bundle.task.facts


def test_its_report_shows_the_worst_and_the_nearest(finished):
    run, _ = finished
    document = json.loads((run.run.folder / "report.json").read_text(encoding="utf-8"))["captions"]
    assert set(document["nearest"]) == {"bleu", "cider", "rouge_l", "exact"}
    assert len(document["best"]) >= 1 and all(len(one["captions"]) in (1, 2) for one in document["best"])
    page = (run.run.folder / "report.html").read_text(encoding="utf-8")
    assert "What it tells of pictures" in page and "ROUGE-L" in page and "Beside looking it up" in page
    with speaking("zh-CN"):
        other = journey.report(run.run.folder).read_text(encoding="utf-8")
    assert "图片描述" in other and "最近邻图片" in other


def test_other_pictures_are_measured_by_the_same_network(finished, tmp_path):
    run, _ = finished
    with speaking("en"):
        found = dg.evaluate(run.run.folder, str(folder_of(tmp_path / "other", 60)))
    assert found.figures["test"]["exact"].n == 60 and found.figures["test"]["rouge_l"].value > 0.6


def test_the_doctor_counts_what_is_wrong_and_a_plan_is_made(tmp_path):
    place = folder_of(tmp_path / "told", 40)
    with (place / "captions.csv").open("a") as table:
        table.write('01.png,""\n02.png,"  "\n')
    with speaking("en"):
        found = journey.check(str(place), [])
        reasons = {one["kind"]: one["reason"] for one in found.findings}
        lost = sorted(one["file"] for one in found.findings if one["kind"] == "unreadable")
        assert found.task == "caption" and lost == ["broken.png", "gone.png"]
        assert reasons["captions_empty"].endswith("left out: 2 (captions.csv:54, captions.csv:55).")
        small = parse_assignments([f"{name}={value}" for name, value in QUICK.items()])
        proposal = propose(str(place), [*small, *parse_assignments(["data.max_bad=0.1"])])
        cost = journey.estimate(proposal, lambda done, of: None)
    assert cost.parameters > 1000 and cost.steps == 90


def test_it_is_explained_by_its_looks_alone(finished):
    run, place = finished
    bundle = run.run.bundle
    assert methods(bundle) == ["attention"]
    with speaking("en"):
        (found,) = explain(bundle, [str(place / "01.png")])
    assert found.explanation.arrays["attention"].shape == (len(found.answer["words"]), 2, 2)
    assert f"“{found.answer['words'][0]['word']}” at the" in found.explanation.words


def test_the_command_line_tells_and_shows(finished, capsys):
    run, place = finished
    with speaking("en"), contextlib.suppress(SystemExit):
        main(["predict", str(run.run.folder), str(place / "02.png"), "--show"])
    said = capsys.readouterr().out
    assert said.startswith(f"{place / '02.png'}: ") and "Where the network looked for each word" in said


def test_every_word_gets_a_picture_of_where_it_looked(finished, tmp_path, capsys):
    run, place = finished
    with contextlib.suppress(SystemExit):
        main(["explain", str(run.run.folder), str(place / "02.png"), "--out", str(tmp_path / "why")])
    capsys.readouterr()
    (one,) = json.loads((tmp_path / "why" / "explanation.json").read_text())["explanations"]
    words = one["prediction"].split()
    assert one["input"] == "001-02-input.png"
    assert one["pictures"] == [f"001-02-attention-{at:02d}-{word}.png" for at, word in enumerate(words, 1)]
    page = (tmp_path / "why" / "explanation.html").read_text()
    assert page.count("data:image/png;base64,") == 1 + len(words)


def test_what_is_proposed_keeps_left_left(finished):
    _, place = finished
    with speaking("en"):
        settings = propose(str(place), size="small").settings
    assert settings.task.name == "caption" and not settings.task.settings.picture.augment.flip
    assert settings.model.settings.height == settings.model.settings.width == 32 and settings.recipe == "caption small"


def coded(words):
    """The exit code of the command line."""
    with pytest.raises(SystemExit) as ended:
        main(words)
        raise SystemExit(0)
    return ended.value.code or 0


def film_of(place):
    """Two shots: a bright box at the left, then a dark one at the right, on other grounds."""
    frames = []
    for shade, left, tint in ((240, 2, (20, 0, 0)), (5, 18, (0, 0, 90))):
        for number in range(15):
            pixels = np.random.default_rng(number).integers(90, 130, (32, 32, 3), dtype=np.uint8) + np.uint8(tint)
            pixels[8:22, left : left + 12] = shade
            frames.append(pixels)
    return film(place, frames, np.arange(30) / 25, codec="libx264")


def test_a_film_is_told_shot_by_shot(finished, tmp_path, capsys):
    run, place = finished
    file = film_of(tmp_path / "two.mp4")
    answers = run.predict(file)
    assert [(one["id"], one["start"], one["end"]) for one in answers] == [(str(file), 0, 0.6), (str(file), 0.6, 1.2)]
    assert all(one["prediction"] and one["words"] for one in answers)
    mixed = run.predict([place / "00.png", file])
    assert [one.get("start") for one in mixed] == [None, 0, 0.6]
    assert [one["prediction"] for one in mixed[1:]] == [one["prediction"] for one in answers]

    asked = ["predict", str(run.run.folder), str(file), "--lang", "en"]
    assert coded([*asked, "--out", str(tmp_path / "two.srt")]) == 0
    subtitles = (tmp_path / "two.srt").read_text()
    assert subtitles.startswith("1\n00:00:00,000 --> 00:00:00,600\n" + answers[0]["prediction"] + "\n\n2\n")
    assert coded([*asked, str(place / "00.png"), "--out", str(tmp_path / "two.csv")]) == 0
    lines = (tmp_path / "two.csv").read_text().splitlines()
    assert lines[0] == "id,start,end,prediction,confidence,error" and lines[2].split(",")[1:3] == ["0.6", "1.2"]
    assert lines[3].split(",")[1:3] == ["", ""]
    capsys.readouterr()
    assert coded(asked) == 0
    assert f"{file} 0:00.6 – 0:01.2: {answers[1]['prediction']} (" in capsys.readouterr().out
    assert coded([*asked, str(file), "--out", str(tmp_path / "both.srt")]) == 2
    assert "belongs to one video" in capsys.readouterr().err
    (tmp_path / "list.mp4").write_bytes(b"#EXTM3U\nhttp://example.org/a.ts\n")
    assert coded(["predict", str(run.run.folder), str(tmp_path / "list.mp4"), "--lang", "en"]) == 3
    assert "a playlist that points to other files" in capsys.readouterr().out

    first, second = explain(run.run.bundle, [str(file)], "attention")
    assert (first.answer["start"], second.answer["end"]) == (0, 1.2) and "attention" in first.explanation.views
