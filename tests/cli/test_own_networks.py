"""A network of one's own wherever a network's name can stand: `./net.py:MyNet`, run because the user named it."""

import json

import pytest

from tests.errors.shell import Shell

POINTS = """
from torch import nn

class Points(nn.Sequential):
    def __init__(self):
        super().__init__(nn.Linear(2, 5), nn.Tanh(), nn.Linear(5, 2))

class Digits(nn.Sequential):
    def __init__(self):
        super().__init__(nn.Flatten(), nn.Linear(784, 10))
"""
QUICK = ("train.steps=4", "train.plan=plain", "data.cache=false")


@pytest.fixture
def shell(tmp_path, capsys):
    return Shell(tmp_path, capsys)


@pytest.fixture
def net(tmp_path):
    (tmp_path / "net.py").write_text(POINTS)
    return f"{tmp_path / 'net.py'}:Points"


def test_show_asks_the_data_what_goes_in(shell, net):
    said = shell("show", net, "made:moons")
    assert said.code == 0 and "27 parameters" in said.out and "2 in, 2 out" in said.out
    shell.refused(2, "show", net, says=("does not say what it takes", f"deepglass show {net} DATA"))
    shell.refused(2, "show", net, "digits", says=("does not fit these data", "must give (1, 10)"))
    shell.refused(2, "show", "mlp", "made:moons", says=("one word too many",))


def test_step_takes_the_example_for_what_the_network_sees(shell, net):
    taken = shell("step", net, "1,0", "--json")
    assert taken.document["input"] == [[1.0, 0.0]] and "FORWARD" in taken.err
    seven = shell("step", net.replace("Points", "Digits"), "7", "--json")
    assert seven.code == 0 and seven.document["ids"] == ["7"]
    shell.refused(2, "step", net, says=("Give an example after it: numbers such as 1,0",))


def test_a_run_of_ones_own_network_is_shown_stepped_through_and_reported(shell, net):
    run = shell.folder / "run"
    assert shell("train", "made:moons", "--model", net, "--size", "tiny", *QUICK, "--out", run).code == 0
    assert "27 parameters" in shell("show", run, "--model", net).out
    assert shell("step", run, "--model", net, "--json").document["step"] == 3
    assert shell("report", run, "--model", net).code == 0
    assert shell("explain", run, "--model", net, "--method", "boundary").code == 0
    for verb in ("show", "step"):
        shell.refused(2, verb, run, says=("a network of your own",))


def test_variants_begin_with_the_same_weights(shell, net):
    out = shell.folder / "two"
    words = ("compare", "train.lr=0.1,0.2", "made:moons", "--model", net, *QUICK, "--out", out, "--json")
    document = shell(*words).document
    first, second = document["variants"]
    assert first["start"] == second["start"] and first["end"] != second["end"] and first["start"] != first["end"]
    events = [json.loads(line) for line in (out / "1-0.1" / "events.jsonl").read_text().splitlines()]
    assert any(event["kind"] == "end" for event in events)
    shell.refused(2, "compare", "train.lr=0.1,0.2", "--model", net, says=("Give the data after the setting",))


@pytest.mark.parametrize("verb", ["report", "evaluate", "resume", "explain", "predict", "generate"])
def test_a_verb_that_opens_a_run_refuses_the_name_of_another_network(shell, verb):
    words = (verb, "digits", "x.png") if verb == "predict" else (verb, "digits")
    shell.refused(2, *words, "--model", "lenet", says=("A run knows its network, so --model lenet has no meaning",))
