"""What is said while a run trains: the same words from the command line and from Python, and nothing unasked."""

import io
import re
import sys
import time

import pytest

import deepglass as dg
from deepglass.cli.main import main
from deepglass.foundation.words import speaking
from deepglass.progress import Watch
from deepglass.views.cells import columns


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture(autouse=True)
def in_english():
    with speaking("en"):
        yield


def trained(tmp_path, name, **more):
    settings = {"train.steps": 6, "train.plan": "plain", "data.cache": False}
    return dg.train("made:moons", size="tiny", out=tmp_path / name, settings=settings, **more)


def test_python_is_silent_in_a_program_and_speaks_when_asked(tmp_path, capsys):
    trained(tmp_path, "silent")
    assert capsys.readouterr() == ("", "")
    run = trained(tmp_path, "asked", progress=True)
    out, err = capsys.readouterr()
    assert out == "" and "accuracy" in err and "(validation)" in err and "6 steps" in err
    assert "\x1b" not in err, "no control characters in a pipe"
    dg.resume(run.run.folder)
    assert capsys.readouterr() == ("", "")


def test_python_shows_the_live_line_on_a_terminal_unless_told_not_to(tmp_path, monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    for progress, shown in ((None, True), (False, False)):
        stream = Terminal()
        monkeypatch.setattr(sys, "stderr", stream)
        trained(tmp_path, str(progress), progress=progress)
        assert ("\x1b[2K" in stream.getvalue()) == shown


def test_a_notebook_has_plain_lines(tmp_path, monkeypatch):
    stream = type("OutStream", (io.StringIO,), {"__module__": "ipykernel.iostream"})()
    monkeypatch.setattr(sys, "stderr", stream)
    trained(tmp_path, "notebook")
    assert "(validation)" in stream.getvalue() and "\x1b" not in stream.getvalue()


def test_a_watch_without_a_stream_says_nothing(capsys):
    with Watch(None) as watch:
        watch.read(1, 2)
        watch.console.print("words")
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("language", ["en", "zh-CN"])
def test_a_finished_run_is_told_in_lines_that_fit_a_narrow_terminal(tmp_path, capsys, language):
    run = trained(tmp_path, "run").run.folder
    main(["--lang", language, "evaluate", str(run)])
    lines = capsys.readouterr().out.splitlines()
    places = [line for line in lines if str(run) in line]  # these are as long as the folder's name
    assert len(places) == 3 and max(columns(line) for line in lines if line not in places) <= 60
    (accuracy,) = [line.split() for line in lines if line.startswith(("accuracy", "准确率"))]
    figure = dg.evaluate(run).figures["test"]["accuracy"]
    assert [float(accuracy[place]) for place in (1, 2, 4)] == pytest.approx(figure[:3], rel=1e-3)


@pytest.mark.parametrize(("language", "note"), [("en", "note: "), ("zh-CN", "提示：")])
def test_what_is_not_seen_as_it_is_is_said_before_it_begins(tmp_path, capsys, language, note):
    rows = [f"{row % 5},{row * 7 % 11},{row},,2024-01-{1 + row % 28:02d},{'ab'[row % 2]}" for row in range(60)]
    (tmp_path / "t.csv").write_text("x,y,id,nothing,day,label\n" + "\n".join(rows))
    words = ["--size", "tiny", "train.steps=2", "train.plan=plain", "data.cache=false", "--out", str(tmp_path / "run")]
    main(["--lang", language, "train", str(tmp_path / "t.csv"), *words])
    told = [line for line in capsys.readouterr().out.splitlines() if line.startswith(note)]
    assert [name in line for name, line in zip(("id", "nothing", "day"), told, strict=True)] == [True] * 3
    assert all("t.csv: " in line for line in told)  # which answer was taken is no surprise, and not among them


def test_a_resume_says_where_it_goes_on_and_what_is_done_again(tmp_path, capsys):
    run = trained(tmp_path, "cut").run.folder
    main(["resume", str(run)])
    said = capsys.readouterr().out
    assert "This run is finished after 6 steps: nothing is trained" in said and "Going on from" not in said
    assert said.count(str(run / "report.html")) == 1
    saved = []

    def killed(event):
        saved.extend([event["step"]] * (event["kind"] == "save" and event["step"] > 0))
        if event["kind"] == "train" and saved and event["step"] == saved[0] + 3:
            there, until = tmp_path / "killed" / "checkpoints" / f"step-{saved[0]:09d}", time.monotonic() + 60
            while not there.is_dir() and time.monotonic() < until:
                time.sleep(0.01)
            raise KeyboardInterrupt

    settings = {"train.steps": 60, "train.plan": "plain", "data.cache": False}
    with pytest.raises(KeyboardInterrupt):
        dg.train("made:moons", size="tiny", out=tmp_path / "killed", settings=settings, watchers=[killed])
    main(["resume", str(tmp_path / "killed")])
    said = capsys.readouterr().out
    assert "This run is finished" not in said
    assert f"Going on from step {saved[0]} of 60, on made:moons; the last checkpoint was there, so at least 3" in said


def test_a_resume_of_a_run_that_stopped_early_says_only_that_it_is_finished(tmp_path, capsys):
    settings = {"train.steps": 3000, "train.plan": "plain", "data.cache": False, "train.patience": 1}
    settings |= {"train.lr": 1e-9}
    run = dg.train("made:moons", size="tiny", out=tmp_path / "early", settings=settings).run.folder
    capsys.readouterr()
    main(["resume", str(run)])
    said = capsys.readouterr().out
    (told,) = re.findall(r"This run is finished after (\d+) steps: nothing is trained", said)
    assert 0 < int(told) < 3000 and "Going on from" not in said and "anew, 3000" not in said


def test_a_resume_of_what_was_never_saved_says_that_it_begins_anew(tmp_path, capsys):
    def killed(event):
        if event["kind"] == "train" and event["step"] == 3:
            raise KeyboardInterrupt

    settings = {"train.steps": 60, "train.plan": "plain", "data.cache": False, "train.rollback": 0}
    with pytest.raises(KeyboardInterrupt):
        dg.train("made:moons", size="tiny", out=tmp_path / "killed", settings=settings, watchers=[killed])
    assert not [*(tmp_path / "killed").glob("checkpoints/step-*")]
    main(["resume", str(tmp_path / "killed")])
    said = capsys.readouterr().out
    assert "after step 0: it begins anew, 60 steps on made:moons." in said and "done again" not in said
    trained(tmp_path, "fresh", progress=True)
    assert "anew" not in capsys.readouterr().err
