"""The flight recorder in a real run: figures and a sheet at every check, alarms in the journal, terminal and report."""

import io
import json
import re
import shutil

import numpy as np
import pytest
import torch
from PIL import Image

import deepglass as dg
from deepglass.data.example import Batch
from deepglass.engine.journal import Journal, read_events
from deepglass.engine.recorder import Recorder, sheets
from deepglass.foundation.words import speaking
from deepglass.journey import report
from deepglass.metrics.players import standing
from deepglass.progress import Watch
from deepglass.tasks.flight import STANDING, FlightRecorder
from deepglass.tasks.task import Look, Some

SMALL = {"train.plan": "plain", "data.cache": "false", "model.hidden": 16, "model.judged": 8, "task.slope": 0}
RECORDED = {"copies", "distinct", "met", "game_real", "game_made", "told_apart", "jumps"}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A generator that is shown one picture only."""
    place = tmp_path_factory.mktemp("same")
    pixels = np.zeros((8, 8), np.uint8)
    pixels[2:6, 3:5] = 255
    for name in "ab":
        (place / name).mkdir()
        for number in range(40):
            Image.fromarray(pixels).save(place / name / f"{number}.png")
    out = place.parent / "flown"
    asked = {"train.steps": 120, "train.lr": 5e-3, "train.check_epochs": 20 / 8, "task.picture.size": 8}
    told = io.StringIO()
    with Watch(told) as watch:
        from_python = dg.train(
            place, task="generate_images", model="gan", size="tiny", out=out, settings=SMALL | asked, watchers=[watch]
        )
    return from_python, told.getvalue()


def test_every_check_has_the_recorders_figures_and_a_sheet(run):
    outcome, _ = run
    checks = read_events(outcome.run.folder, "check")
    assert len(checks) >= 5 and all(set(check["figures"]) > RECORDED for check in checks)
    kept = sheets(outcome.run.folder)
    assert list(kept) == [check["step"] for check in checks]
    pixels = np.asarray(Image.open(kept[120]))
    assert pixels.shape == (10, 80) or pixels.shape[1] == 80  # eight pictures of eight pixels, a border around each


def test_copies_of_the_one_picture_raise_an_alarm_everywhere(run):
    outcome, told = run
    alarms = read_events(outcome.run.folder, "alarm")
    assert [alarm["name"] for alarm in alarms] == ["memorising"] and alarms[0]["back"] is False
    sentence = rf"Alarm at step {alarms[0]['step']}, seen since step \d+: The generator repeats what it was shown"
    assert re.search(sentence, told)


def test_the_game_stands_as_the_verdicts_say():
    real, made = torch.tensor([[9.0], [1.0]]), torch.tensor([[-9.0], [3.0]])
    expected = [(0.99988 + 0.73106) / 2, (0.00012 + 0.95257) / 2, 0.75]
    assert standing(real, made, "non_saturating").tolist() == pytest.approx(expected, abs=1e-4)
    assert standing(real, made, "hinge").tolist() == [1, 0.5, 0.75]
    assert standing(real, made, "least_squares").tolist() == [1, 0.5, 0.75]
    assert standing(real, made, "wasserstein").tolist() == [0.5, 0.5, 0.75]  # the mean of all verdicts is 1
    assert standing(real, real, "non_saturating")[2] == 0.5


def pictures(count, seed=0, channels=1, side=8):
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (count, channels, side, side), generator=generator, dtype=torch.uint8)


def recorder(labels=(), mirrored=False, count=40, **kinds):
    def some(seed):
        shown = pictures(count, seed, **kinds)
        batch = Batch(tuple(map(str, range(count))), {"input": shown})
        return Some(lambda: iter([batch.rows(0, 30), batch.rows(30, count)]), [place % 2 for place in range(count)])

    stands = dict(zip(STANDING, (0.7, 0.3, 0.9, 0.1), strict=True))
    return FlightRecorder(some(0), some(1), labels, lambda: stands, mirrored)


def test_figures_are_those_of_the_pictures_that_were_made():
    look = recorder()
    known = look({"picture": pictures(40, 0)})
    assert known.figures["copies"].value == 1 and known.figures["told_apart"].value == 0.9
    new = look({"picture": pictures(40, 2)})
    assert new.figures["copies"].value == 0 and new.figures["distinct"].value == pytest.approx(1, abs=0.1)
    assert set(new.told["met"]) == {"0", "1"} and new.figures["met"].n == 40
    assert look({"picture": pictures(1, 2).expand(40, -1, -1, -1)}).figures["distinct"].value == 0


def test_mirror_images_of_what_was_shown_are_copies_too():
    turned = pictures(40, 0).flip(-1)
    assert recorder(mirrored=True)({"picture": turned}).figures["copies"].value == 1
    assert recorder()({"picture": turned}).figures["copies"].value == 0


def test_the_sheet_has_a_class_in_each_row_and_large_pictures_small():
    shown = torch.zeros(40, 3, 128, 100, dtype=torch.uint8) + torch.arange(40, dtype=torch.uint8)[:, None, None, None]
    look = recorder(labels=("a", "b", "c"), channels=3, side=16)
    sheet = look({"picture": shown, "label": torch.arange(40) % 2}).sheet
    assert sheet is not None and sheet.shape == (3 * 66, 8 * 52, 3)
    assert (sheet[1:65, 1:51] == 0).all() and (sheet[67:131, 1:51] == 1).all() and (sheet[67:131, 53:103] == 3).all()
    assert (sheet[132:] == 255).all()  # nothing of that class is among those that are checked


def test_frames_are_written_once_and_thinned_evenly(tmp_path, monkeypatch):
    monkeypatch.setattr("deepglass.engine.recorder.MOST", 8)
    sheet = np.full((4, 4, 1), 7, np.uint8)
    keep = Recorder(lambda predictions: Look({"more": 1}, sheet, {"met": {"a": 0.5}}), tmp_path, Journal(tmp_path))
    for step in range(10, 310, 10):
        assert keep(step, {"kid": 0}, {}) == {"kid": 0, "more": 1}
        keep(step, {"kid": 0}, {})  # a life that was killed does its last check again
        kept = list(sheets(tmp_path))
        assert len(kept) <= 10 and kept[0] == 10 and kept[-1] == step
    assert kept == [10, 40, 80, 120, 160, 200, 240, 280, 300]
    assert len(read_events(tmp_path, "seen")) == 30
    assert (np.asarray(Image.open(sheets(tmp_path)[40])) == 7).all()


def test_the_report_has_the_alarm_at_its_head_and_the_film(run):
    outcome, _ = run
    with speaking("zh-CN"):
        report(outcome.run.folder)
        page = outcome.report.read_text(encoding="utf-8")
        head, body = page.split("<main>")
        assert "步起）：生成器在照搬训练图片" in head and "训练过程影片" in body
    report(outcome.run.folder)
    page = outcome.report.read_text(encoding="utf-8")
    head, body = page.split("<main>")
    assert "The generator repeats what it was shown" in head and "task.adaptive=0.6" in head
    film = body[body.index('<section id="flight"') :].split('class="card viewer film"')[1].split("</figure>")[0]
    assert film.count("<img") == len(sheets(outcome.run.folder)) and film.count(" hidden") == film.count("<img")
    assert 'aria-label="moment of the training"' in film
    document = json.loads((outcome.run.folder / "report.json").read_text(encoding="utf-8"))["flight"]
    assert document["frames"] == film.count("<img") and set(document["classes"]) == {"a", "b"}
    assert [one["name"] for one in document["norms"]["lines"]] == ["discriminator", "generator"]


def test_of_one_check_the_report_shows_a_picture_and_nothing_to_move(run, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(run[0].run.folder, folder)
    for file in list(sheets(folder).values())[:-1]:
        file.unlink()
    page = report(folder).read_text(encoding="utf-8")
    film = page[page.index('<section id="flight"') :].split('class="card viewer film"')[1].split("</figure>")[0]
    assert film.count("<img") == 1 and "<input" not in film and " hidden" not in film
    assert "What it made at its only check" in film and "One check makes no film" in film and "handle" not in film


def test_the_generator_that_is_kept_is_the_best_one(run):
    outcome, _ = run
    checks = read_events(outcome.run.folder, "check")
    best = min(checks, key=lambda check: check["figures"]["kid_pixels"]["value"])
    assert read_events(outcome.run.folder, "end")[0]["best"] == best["step"]
    assert outcome.run.bundle.document["about"]["step"] == best["step"]
