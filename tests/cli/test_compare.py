"""`deepglass compare` from the command line: what is varied, what is refused."""

import json

import pytest

from deepglass.cli.compare import default_data, varied
from deepglass.cli.main import main
from deepglass.foundation.errors import UsageError
from deepglass.foundation.words import choose_language


def said(capsys, *arguments):
    choose_language("en")
    try:
        main(["compare", *arguments])
        code = 0
    except SystemExit as end:
        code = end.code
    found = capsys.readouterr()
    return code, found.out, found.err


def test_values_may_hold_commas_in_brackets():
    assert varied("model.hidden=[8],[8, 8]") == ("model.hidden", ["[8]", "[8, 8]"])
    assert varied("train.lr=0.1,0.01,0.1") == ("train.lr", ["0.1", "0.01"])


@pytest.mark.parametrize("text", ["train.lr", "train.lr=0.1", "=1,2", "train.lr=0.1,0.1"])
def test_one_value_is_nothing_to_compare(text):
    with pytest.raises(UsageError, match="gives nothing to compare. Write a setting with two or more values"):
        varied(text)


def test_data_follow_from_the_network():
    assert (default_data("lenet5"), default_data("perceptron")) == ("digits", "made:xor")


def test_any_setting_may_be_varied(capsys, tmp_path):
    settings = ["made:moons", "model.hidden=[4]", "train.steps=6", "train.plan=plain", "data.cache=false"]
    code, out, err = said(capsys, "train.lr=0.1,0.001", *settings, "--out", str(tmp_path / "two"), "--json")
    document = json.loads(out)
    assert code == 0 and [variant["value"] for variant in document["variants"]] == ["0.1", "0.001"]
    assert document["page"] == str(tmp_path / "two" / "compare.html")
    assert "train.lr compared: mlp on made:moons, 6 steps each" in err
    code, _, err = said(capsys, "train.lr=0.1,0.001", *settings, "--out", str(tmp_path / "two"))
    assert code == 2 and "already holds a run" in err


def test_mistakes_are_told_before_anything_is_trained(capsys, tmp_path):
    code, _, err = said(capsys, "model.activation=relu,rellu", "made:xor", "--out", str(tmp_path / "none"))
    assert code == 2 and "model.activation=rellu is not allowed" in err
    assert not (tmp_path / "none").exists()
    code, _, err = said(capsys, "train.lr=1,2", "made:xor", "train.lr=3")
    assert code == 2 and "train.lr is what is compared, so it cannot be set as well. Leave train.lr=3 out." in err
