"""`deepglass step` from the command line: text, picture, JSON, several steps, errors."""

import json

from deepglass.cli.main import main
from deepglass.foundation.words import choose_language


def said(capsys, *arguments):
    choose_language("en")
    try:
        main(["step", *arguments])
        code = 0
    except SystemExit as end:
        code = end.code
    found = capsys.readouterr()
    return code, found.out, found.err


def test_one_step_with_its_picture(capsys, tmp_path):
    code, out, _ = said(capsys, "perceptron", "1,-1", "--out", str(tmp_path / "step.svg"))
    assert code == 0
    assert "z1 = 0·1 + 0·(−1) + 0 = 0" in out and "equals Rosenblatt's rule" in out
    assert (tmp_path / "step.svg").read_text().startswith("<svg")
    assert said(capsys, "mlp", "1,0", "--out", str(tmp_path / "new" / "step.png"))[0] == 0
    assert (tmp_path / "new" / "step.png").read_bytes().startswith(b"\x89PNG")


def test_json_on_stdout_and_words_on_stderr(capsys):
    _, out, err = said(capsys, "mlp", "1,0", "train.lr=0.25", "--json")
    document = json.loads(out)
    assert document["turns"][0]["lr"] == 0.25 and document["input"] == [[1.0, 0.0]]
    assert "FORWARD" in err


def test_settings_without_an_example_and_several_steps(capsys):
    _, out, _ = said(capsys, "perceptron", "train.lr=1", "--steps", "5", "--json")
    assert [step["step"] for step in json.loads(out)] == [0, 1, 2, 3, 4]
    assert "5 steps of Rosenblatt's rule" in said(capsys, "perceptron", "--steps", "5")[1]
    assert "step 0: loss " in said(capsys, "mlp", "--steps", "2")[1]


def test_errors(capsys):
    code, _, err = said(capsys, "mlp", "--out", "step.txt")
    assert code == 2 and "--out step.txt names no picture. End it in .svg or .png." in err
    code, _, err = said(capsys, "mlp", "1,0", "train.lrr=1")
    assert code == 2 and "Did you mean lr?" in err
    code, _, err = said(capsys, "resnet20", "1,0")
    assert code == 2 and "1,0 is neither a picture's file nor one of the digits" in err
