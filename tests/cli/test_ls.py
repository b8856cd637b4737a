"""What `deepglass ls` lists: catalogues as they are, runs with their state, nearest names for the rest."""

import json

import pytest

from deepglass.cli.ls import ROOMS, find_runs, look_at
from deepglass.cli.main import main
from deepglass.engine.journal import VERSION, line_of
from deepglass.foundation import catalogue
from deepglass.foundation.words import choose_language


def said(capsys, *arguments):
    choose_language("en")
    try:
        main(["ls", *arguments])
        code = 0
    except SystemExit as end:
        code = end.code
    found = capsys.readouterr()
    return code, found.out, found.err


@pytest.fixture
def runs(tmp_path):
    """Four runs: finished, stopped, killed and never begun; and what is none."""

    def event(kind, step, life=1, **values):
        return line_of({"v": VERSION, "life": life, "step": step, "kind": kind, "time": 0.0, **values})

    def check(step, value):
        return event("check", step, figures={"accuracy": {"value": value, "better": "up"}})

    histories = {
        "finished": [event("start", 0, steps=9), check(5, 0.9), check(9, 0.7), event("end", 9)],
        "stopped": [event("start", 0, steps=9), event("stopped", 4)],
        "killed": [event("start", 0, steps=9), event("stopped", 4), event("start", 4, life=2, steps=9)],
        "new": [],
    }
    for name, events in histories.items():
        folder = tmp_path / name
        folder.mkdir()
        (folder / "run.toml").write_text('[model]\nname = "mlp"\n[data]\nplace = "made:xor"\n')
        (folder / "events.jsonl").write_text("".join(line + "\n" for line in events))
    (tmp_path / "finished" / "folds").mkdir()
    (tmp_path / "finished" / "folds" / "run.toml").write_text("")
    (tmp_path / "other").mkdir()
    return tmp_path


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_lists_its_catalogue(capsys, room):
    code, out, err = said(capsys, room, "--json")
    assert code == 0
    assert [entry["name"] for entry in json.loads(out)] == list(catalogue.entries(ROOMS[room]))
    assert all(entry["summary"] for entry in json.loads(out))
    besides = 3 if room == "weights" else 0  # a table has its heads and a rule, and a word on how to begin
    assert len(err.splitlines()) == max(1, len(json.loads(out))) + besides


def test_the_inner_name_of_a_room_serves_too(capsys):
    assert said(capsys, "data.sources") == said(capsys, "sources")


def test_no_room_lists_the_rooms(capsys):
    _, out, _ = said(capsys)
    assert all(f"  {room}" in out for room in [*ROOMS, "runs"])


def test_an_unknown_room_is_answered_with_the_nearest(capsys):
    code, _, err = said(capsys, "modles")
    assert code == 2
    assert "nothing called 'modles' to list. Did you mean models?" in err


def test_runs_and_their_states(capsys, runs):
    code, out, err = said(capsys, "runs", str(runs), "--json")
    assert code == 0
    found = {run["run"].rsplit("/", 1)[1]: run for run in json.loads(out)}
    assert {name: run["state"] for name, run in found.items()} == {
        "finished": "finished",
        "stopped": "stopped",
        "killed": "unfinished",
        "new": "new",
    }
    assert found["finished"]["figures"] == {"accuracy": 0.9}  # the best check, not the last
    assert (found["finished"]["step"], found["finished"]["steps"]) == (9, 9)
    assert found["new"]["model"] == "mlp" and found["new"]["figures"] is None
    assert "accuracy 0.9" in err and "unfinished" in err


def test_a_run_inside_a_run_is_part_of_it(runs):
    assert find_runs(runs / "finished") == [runs / "finished"]
    assert len(find_runs(runs)) == 4


def test_a_broken_run_is_listed_as_such(tmp_path):
    (tmp_path / "run.toml").write_text("not = = toml")
    assert look_at(tmp_path).state == "unreadable"


def test_no_runs_and_no_folder(capsys, tmp_path):
    assert "No run lies in" in said(capsys, "runs", str(tmp_path))[1]
    code, _, err = said(capsys, "runs", str(tmp_path / "none"))
    assert code == 2 and "There is no folder" in err


def test_in_chinese(capsys, runs):
    main(["--lang", "zh-CN", "ls", "runs", str(runs)])
    out = capsys.readouterr().out
    choose_language("en")
    assert "已完成" in out and "准确率 0.9" in out


def test_weights_say_where_they_come_from_and_what_may_be_done_with_them(capsys):
    main(["ls", "weights", "--lang", "en"])
    told = capsys.readouterr().out
    assert "https://huggingface.co/timm/resnet50.a1_in1k" in told and "773525d5821d" in told and "Apache-2.0" in told
    assert "weights.fetch=true" in told
    main(["ls", "weights", "--json"])
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    assert rows.keys() == set(catalogue.entries("weights"))
    one = rows["resnet18.a1_in1k"]
    assert len(one["sha256"]) == 64 and one["preprocessing"]["smooth"] == "bicubic" and one["licence"] == "Apache-2.0"
    assert one["source"] == "https://huggingface.co/timm/resnet18.a1_in1k" and one["model"] == "resnet18"
