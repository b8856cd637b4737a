"""`deepglass show`: the graph of a network by name or of a run, as text, drawing and JSON."""

import json
import xml.etree.ElementTree as ElementTree

import pytest

from deepglass.cli.main import main
from deepglass.foundation.words import choose_language


def said(capsys, *arguments):
    try:
        main(list(arguments))
        code = 0
    except SystemExit as end:
        code = end.code
    finally:
        choose_language("en")
    found = capsys.readouterr()
    return code, found.out, found.err


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("show") / "run"
    settings = ["model.hidden=[4]", "train.steps=3", "train.plan=plain", "data.cache=false"]
    main(["train", "made:xor", "--size", "tiny", *settings, "--out", str(folder)])
    return folder


def test_lenet5_with_its_61706_parameters(capsys):
    choose_language("en")
    code, out, _ = said(capsys, "show", "lenet5")
    assert code == 0
    assert "lenet5: 1×32×32 in, 10 out" in out
    assert "61,706 parameters" in out


def test_json_and_drawing(capsys, tmp_path):
    code, out, err = said(capsys, "show", "resnet18", "--json", "--svg", str(tmp_path / "net.svg"))
    document = json.loads(out)
    assert code == 0 and document["cost"]["parameters"] == 11_689_512
    assert sum(node["count"] for node in document["nodes"]) == 11_689_512
    assert "Drawing:" in err
    assert ElementTree.parse(tmp_path / "net.svg").getroot().tag.endswith("svg")


def test_settings_change_the_network(capsys):
    _, out, _ = said(capsys, "show", "mlp", "model.hidden=[3]", "model.takes=[2]", "model.classes=2")
    assert "17 parameters" in out
    code, _, err = said(capsys, "show", "mlp", "model.hiden=[3]")
    assert code == 2 and "Did you mean hidden?" in err


def test_a_run_with_and_without_a_bundle(capsys, run, tmp_path):
    assert "22 parameters" in said(capsys, "show", str(run))[1]
    for name in ("run.toml", "data.json"):
        (tmp_path / name).write_text((run / name).read_text())
    assert "22 parameters" in said(capsys, "show", str(tmp_path))[1]
    code, _, err = said(capsys, "show", str(run), "model.hidden=[9]")
    assert code == 2 and "deepglass show mlp model.hidden=[9]" in err


def test_an_unknown_name_is_answered_with_the_nearest(capsys):
    code, _, err = said(capsys, "show", "resnet19")
    assert code == 2
    assert "'resnet19' is neither a network's name nor the folder of a run or a bundle. Did you mean" in err


def test_in_chinese(capsys):
    assert "61,706 个参数" in said(capsys, "--lang", "zh-CN", "show", "lenet5")[1]


def test_repeated_units_are_told_once_or_one_by_one(capsys):
    _, folded, _ = said(capsys, "show", "resnet56")
    _, whole, _ = said(capsys, "show", "resnet56", "--whole")
    assert "×" in folded and len(whole.splitlines()) > len(folded.splitlines()) + 20
