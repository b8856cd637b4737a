"""The side-by-side benchmark measures what it says it measures; no peer is installed for this."""

import argparse
import json
import sys
from pathlib import Path

import numpy as np
import peers
import pytest
import venvs
from clock import LEAST_STEPS, Clock, Job
from field import DOCUMENTED, OURS, chosen, fastest, flags, framework, variants
from heartbeat import Heartbeat
from rows import LETTERS, MARKS, ROWS, examples_of, make, make_letters, standardised
from table import compiling, medians, summary, whole
from torch_nets import NETS, count


class Time:
    """A clock that goes on only when it is told to."""

    def __init__(self):
        self.moment = 1000.0

    def __call__(self):
        return self.moment


def job(tmp_path, **changed):
    about = {"row": "mlp", "data": "", "flags": [], "seconds": 5.0, "result": str(tmp_path / "r.json"), "began": 990.0}
    return Job(**about | changed)


def run(clock, time, *, step_seconds, first=1, most=10_000):
    """Steps of equal length until the clock has seen enough; how many those were."""
    for steps in range(first, most):
        time.moment += step_seconds
        if clock.tick(steps, lambda done=steps: 2.0 / done):
            return steps
    raise AssertionError("never enough")


def test_the_steady_state_leaves_the_first_epoch_and_the_start_out(tmp_path):
    time = Time()
    clock = Clock(job(tmp_path), batch=8, epoch_steps=20, now=time)
    time.moment += 30  # the first step compiles
    assert not clock.tick(1, lambda: 2.0)
    steps = run(clock, time, step_seconds=0.125, first=2)
    assert clock.begun[0] == 20 and steps == 60  # the window is [20, 60]: five seconds
    clock.write(parameters=5)
    found = json.loads((tmp_path / "r.json").read_text())
    assert found["speed"] == 64 and found["steps"] == 40 and found["first_step"] == 40
    assert found["losses"] == [2.0, round(2 / 60, 4)] and found["parameters"] == 5 and found["memory"] > 1e6


def test_slow_contestants_make_fewer_steps(tmp_path):
    time = Time()
    assert run(Clock(job(tmp_path), 8, 2, now=time), time, step_seconds=1.5) == 2 + LEAST_STEPS
    assert run(Clock(job(tmp_path), 8, 2, now=time), time, step_seconds=10.0) == 2 + 3


def test_steps_may_be_told_in_lumps(tmp_path):
    time = Time()
    clock = Clock(job(tmp_path), batch=10, epoch_steps=50, now=time)
    for steps in (1, 101, 201, 301):
        time.moment += 4
        over = clock.tick(steps, lambda: 1.0)
    assert over
    clock.write()
    assert json.loads((tmp_path / "r.json").read_text())["speed"] == 250


def test_learning_is_told_by_epochs(tmp_path):
    clock = Clock(job(tmp_path, epochs=2), batch=8, epoch_steps=2, now=Time())
    over = [clock.tick(steps, lambda loss=loss: loss) for steps, loss in enumerate((4.0, 2.0, 1.0, 0.5), 1)]
    assert over == [False, False, False, True]
    clock.write()
    assert json.loads((tmp_path / "r.json").read_text())["epoch_losses"] == [3.0, 0.75]


@pytest.mark.parametrize("name", ROWS)
def test_the_networks_are_those_of_the_rows(name):
    assert count(NETS[name]()) == ROWS[name].parameters


def test_ours_are_the_same_networks():
    from with_deepglass import about

    for name in ("mlp", "lenet5", "resnet18", "char_lm"):
        plain = NETS[name]()
        found = about(argparse.Namespace(row=name), ROWS[name], plain)
        assert found["parameters"] == ROWS[name].parameters
        assert found["macs"] > ROWS[name].parameters * 0.99  # every weight is used once at least, but for the biases


def test_data_are_always_the_same_and_fill_whole_batches(tmp_path):
    row = ROWS["resnet18"]
    first, second = make(row), make(row)
    assert all(np.array_equal(first[name], second[name]) for name in first)
    assert len(first["x_train"]) % row.batch == 0 and set(first["y_train"].tolist()) == set(range(10))
    np.savez(tmp_path / "data.npz", **first)
    pictures, answers = standardised(tmp_path / "data.npz", first=True)
    assert pictures.shape == (640, 3, 32, 32) and np.allclose(pictures.mean((0, 2, 3)), 0, atol=1e-3)
    assert standardised(tmp_path / "data.npz", first=False)[0].shape == (640, 32, 32, 3) and len(answers) == 640


def test_letters_are_what_comes_next_and_the_same_as_text(tmp_path):
    row = ROWS["char_lm"]
    np.savez(tmp_path / "data.npz", **make_letters(row))
    given, next_ = examples_of(row, tmp_path / "data.npz", first=True)
    assert given.shape == next_.shape == (row.examples, 250) and (given[:, 0] == MARKS - 1).all()
    assert np.array_equal(given[:, 1:], next_[:, :-1]) and next_.min() == MARKS
    with np.load(tmp_path / "data.npz") as stored:
        assert str(stored["text"])[:250] == "".join(LETTERS[number - MARKS] for number in next_[0])


def test_keras_counts_one_bias_of_the_two(fake):
    results = {"sessions": [], "trials": {}}
    bench = fake(ROWS["char_lm"].parameters)
    with pytest.raises(SystemExit, match=r"keras-jax has 3334037 parameters in char_lm, not 3329941"):
        peers.race(bench, "char_lm", asked(contestants="keras-jax"), results)


def test_contestants_are_named_by_framework_and_flags():
    assert framework("keras-jax+bf16+spe") == "keras-jax" and flags("keras-jax+bf16+spe") == ["bf16", "spe"]
    trials = {"pytorch+lean": 5.0, "pytorch+lean+bf16": 7.0, "keras-jax+bf16": 2.0}
    assert fastest(trials) == ["pytorch+lean+bf16", "keras-jax+bf16"]
    assert chosen("tuned", "mlp", trials) == [OURS, "pytorch+lean+bf16", "keras-jax+bf16"]
    assert chosen("documented,pytorch", "mlp", {}) == [OURS, *DOCUMENTED]
    for row in ROWS:
        assert all(framework(name) in venvs.PEERS for name in variants(row))


def test_rounds_alternate_and_who_fails_twice_drops_out():
    runs, order = {"a": [], "b": [], "c": []}, []
    while name := peers.waiting(runs, 3):
        order.append(name)
        runs[name].append({"failed": "no"} if name == "b" else {"speed": 1.0})
    assert order == ["a", "b", "c", "a", "b", "c", "a", "c"]


def test_after_the_first_round_the_fastest_go_on_beside_ours():
    speeds = {OURS: 1.0, "pytorch": 2.0, "lightning": 4.0, "keras-jax": 3.0}
    runs, order = {name: [] for name in speeds}, []
    while name := peers.waiting(runs, 2, best=2):
        order.append(name)
        runs[name].append({"speed": speeds[name]})
    assert order == [OURS, "pytorch", "lightning", "keras-jax", OURS, "lightning", "keras-jax"]


def ran(speed, **about):
    marks = {"built": 2.0}
    return {"speed": speed, "first_step": 9.0, "marks": marks, "memory": 2e9, "steps": 10, "seconds": 10.0, **about}


RESULTS = {
    "sessions": [
        {"row": "mlp", "date": "then", "runs": {OURS: [ran(100.0)], "pytorch": [ran(1.0)]}},
        {
            "row": "mlp",
            "date": "now",
            "runs": {
                OURS: [ran(speed, macs=10**6, plan={"precision": "bf16"}) for speed in (2800.0, 3000.0, 9000.0)],
                "pytorch": [ran(900.0), ran(1000.0), ran(1100.0)],
                "lightning": [{"failed": "no memory"}],
                "keras-jax": [],
            },
        },
        {"row": "mlp", "date": "later", "runs": {OURS: [ran(3300.0)], "keras-jax+bf16": [ran(3000.0)]}},
    ],
    "trials": {"mlp": {"keras-jax+bf16": 10.0}},
    "learned": {"mlp": {OURS: [2.0, 1.0]}},
    "peak": {"fp32": 100.0, "bf16": 200.0, "bf16 of each shape": {"64x128x32x3": 200.0}},
}


def test_only_what_met_in_one_race_is_compared():
    line = next(line for line in summary(RESULTS).splitlines() if line.startswith("| MLP"))
    assert line.split(" | ")[1:] == [
        *("3,000 / 3,300", "pytorch 1,000", "3.00", "keras-jax+bf16 3,000", "1.10"),
        "2.00 to 2.00 GB |",
    ]


def test_the_table_tells_medians_failures_losses_and_the_share_of_the_peak():
    assert medians(RESULTS["sessions"][1])[OURS]["speed"] == 3000
    assert compiling(ran(1.0)) == 6.0  # nine seconds to the first step, two until built, one of it a step
    text = whole(RESULTS)
    assert "| pytorch | 1,000 (900 to 1,100, 3) | 2.00 | 9.0, 9.0 | 6.0 |" in text
    assert "| lightning | no memory |" in text and "| keras-jax | not run yet |" in text
    assert "- deepglass: 2.000, 1.000" in text
    assert "18 GFLOP/s in bf16, 9% of its peak" in text


FAKE = """
import json, sys
job = json.loads(sys.argv[1])
speed = {"": 10.0, "fast": 20.0}["".join(job["flags"])]
result = {"speed": speed, "first_step": 1.0, "marks": {}, "memory": 1, "steps": 10, "seconds": 1.0, "others": 0.0}
if "odd" in job["row"] + job["data"]:
    sys.exit("no")
open(job["result"], "w").write(json.dumps(result | {"parameters": PARAMETERS, "losses": [2.0, 1.0]}))
"""


@pytest.fixture
def fake(tmp_path, monkeypatch):
    """A contestant that needs no framework; it takes every peer's place and ours."""

    def made(parameters):
        script = tmp_path / "fake.py"
        script.write_text(FAKE.replace("PARAMETERS", str(parameters)))
        stand_in = venvs.Peer((), str(script))
        monkeypatch.setattr(peers, "peer", lambda name: stand_in)
        monkeypatch.setattr(peers, "python", lambda name, cache: Path(sys.executable))
        return peers.Bench(tmp_path, threads=1, seconds=0.1, limit=60.0, heart=Heartbeat())

    return made


def asked(**changed):
    return argparse.Namespace(
        **{"more": False, "best": None, "contestants": "pytorch+fast", "rounds": 2, "minutes": 9} | changed
    )


def test_a_race_goes_on_where_it_was_left(fake, tmp_path):
    bench, results = fake(ROWS["resnet18"].parameters), {"sessions": [], "trials": {}}
    peers.race(bench, "resnet18", asked(rounds=1), results)
    peers.race(bench, "resnet18", asked(more=True), results)
    (session,) = results["sessions"]
    assert {name: len(runs) for name, runs in session["runs"].items()} == {OURS: 2, "pytorch+fast": 2}
    assert medians(session)["pytorch+fast"]["speed"] == 20


def test_another_network_is_no_comparison(fake):
    with pytest.raises(SystemExit, match=r"deepglass has 7 parameters in resnet18, not 11173962"):
        peers.race(fake(7), "resnet18", asked(), {"sessions": [], "trials": {}})


def test_what_was_measured_while_others_computed_is_measured_again(fake, monkeypatch):
    bench, others = fake(1), iter((0.9, 0.4, 0.05))
    monkeypatch.setattr(peers.Bench, "_once", lambda *_: {"speed": 1.0, "others": next(others)})
    assert bench.run("mlp", "pytorch")["others"] == 0.05


def test_what_stood_still_is_measured_again(fake, monkeypatch):
    bench, windows = fake(1), iter(((10.0, 20.0), (40.0, 50.0)))
    bench.heart.gaps.append((12.0, 15.0))
    monkeypatch.setattr(peers.Bench, "_once", lambda *_: dict(zip(("began", "ended"), next(windows), strict=True)))
    assert bench.run("mlp", "pytorch")["began"] == 40.0
    assert bench.heart.stood_still(14.0, 30.0) == 1.0
