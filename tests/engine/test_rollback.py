"""Going back on divergence: to the best check with a smaller rate, a bounded number of times, killed or not."""

from dataclasses import replace

import pytest
import torch

from deepglass.engine.checkpoint import Checkpoints, restore
from deepglass.engine.journal import read_events
from deepglass.engine.loop import train
from deepglass.engine.state import Setback
from deepglass.foundation.errors import RunFailed
from deepglass.tasks.task import Alarm
from tests.engine.families import figure, tensors
from tests.engine.test_loop import start, training


class Killed(BaseException):
    """The process is gone; what it was writing is on the disk."""


def low(scores):
    """Raised by the check at step 15, whose figure is 0.51; the best one is that at step 5."""
    return [Alarm("low", scores[-1].step, {"value": scores[-1].value})] if scores and scores[-1].value < 0.52 else []


def run(name, folder, steps=20, kill=None, resume=False, rows=None, alarms=low, **settings):
    folder.mkdir(exist_ok=True)
    task, state, plain, asked = start(name)
    rows, made = rows or plain, [0]

    def batch(step):
        made[0] += 1
        if made[0] == kill:
            life.checkpoints.wait()
            raise Killed
        return rows(step)

    asked = replace(asked, **({"rollback": 2, "rollback_rate": 0.5} | settings))
    if resume:
        found, document, _ = Checkpoints(folder).newest()
        restore(state, found, document)
    life = replace(training(folder, batch, asked, steps, None, state), alarms=alarms, log_every=1)
    life.check = lambda: {"accuracy": figures(state.step)}
    if resume:
        life.saved_at = (state.step, 0.0)
    life.journal.write("start", state.step)
    return train(task, state, life)


def figures(step):
    return figure(0.5 + 0.01 * (step % 7))


@pytest.mark.parametrize("name", ["classifier", "gan", "accumulated", "frozen later"])
def test_a_killed_run_goes_back_as_an_unbroken_one_does(name, tmp_path):
    whole = run(name, tmp_path / "whole")
    assert whole.setbacks == [Setback("low", 15, 5)] * 2 and whole.step == 20
    assert [score.step for score in whole.scores] == [5, 10, 15, 20]
    for kill in (2, 9, 15, 17, 26, 29, 38):
        folder = tmp_path / str(kill)
        with pytest.raises(Killed):
            run(name, folder, kill=kill)
        parts = run(name, folder, resume=True)
        assert (parts.setbacks, parts.scores) == (whole.setbacks, whole.scores)
        expected, found = tensors(whole), tensors(parts)
        assert not [key for key in expected if not torch.equal(expected[key], found[key])], kill


def test_the_journal_tells_of_every_setback_and_no_false_history(tmp_path):
    run("classifier", tmp_path)
    (back,) = read_events(tmp_path, "rollback")  # of those to the same step the last, which tells of all
    assert (back["step"], back["setbacks"]) == (5, [{"reason": "low", "at": 15, "to": 5}] * 2)
    trained = read_events(tmp_path, "train")
    assert [event["step"] for event in trained] == list(range(20))
    assert [event["step"] for event in read_events(tmp_path, "check")] == [5, 10, 15, 20]
    rates = {event["step"]: event["lr"] for event in trained}
    run("classifier", tmp_path / "plain", rollback=0)
    plain = {event["step"]: event["lr"] for event in read_events(tmp_path / "plain", "train")}
    assert rates[4] == plain[4] and all(rates[step] == plain[step] / 4 for step in range(5, 20))


def test_without_the_setting_an_alarm_is_told_and_nothing_else(tmp_path):
    state = run("classifier", tmp_path, rollback=0)
    assert state.setbacks == [] and [event["name"] for event in read_events(tmp_path, "alarm")] == ["low"]


def test_an_alarm_that_no_smaller_rate_helps_is_only_told(tmp_path):
    state = run("classifier", tmp_path, alarms=lambda scores: [one._replace(back=False) for one in low(scores)])
    assert state.setbacks == [] and len(read_events(tmp_path, "alarm")) == 1


def poisoned(rows, step, times):
    left = [times]

    def drawn(at):
        batch = rows(at)
        if at != step or not left[0]:
            return batch
        left[0] -= 1
        return batch.with_columns(input=batch["input"] * float("nan"))

    return drawn


def test_back_at_the_beginning_all_is_as_if_it_had_begun_with_the_smaller_rate(tmp_path):
    rows = start("gan")[2]
    back = run("gan", tmp_path / "back", rows=poisoned(rows, 3, 1), alarms=lambda scores: [])
    assert back.setbacks == [Setback("nonfinite", 3, 0)]
    fresh = run("gan", tmp_path / "fresh", alarms=lambda scores: [], lr=0.005)
    expected, found = tensors(fresh), tensors(back)
    assert not [key for key in expected if not torch.equal(expected[key], found[key])]


def test_what_stays_not_finite_ends_the_run_after_so_many_setbacks(tmp_path):
    rows = start("classifier")[2]
    with pytest.raises(RunFailed, match=r"not a finite number at step 12"):
        run("classifier", tmp_path, rows=poisoned(rows, 12, 99), alarms=lambda scores: [])
    _, document, _ = Checkpoints(tmp_path).newest()
    assert document["step"] == 12
    assert document["setbacks"] == [Setback("nonfinite", 12, 5)._asdict()] * 2


def test_where_the_best_is_damaged_the_next_best_serves(tmp_path):
    task, state, rows, settings = start("classifier")
    life = replace(training(tmp_path, rows, replace(settings, rollback=1), 20, None, state), alarms=low)

    def drawn(step):
        if step == 14:
            life.checkpoints.wait()
            file = tmp_path / "checkpoints" / "step-000000005" / "weights.safetensors"
            file.write_bytes(file.read_bytes()[:-1] + b"?")
        return rows(step)

    life.batch = drawn
    life.check = lambda: {"accuracy": figures(state.step)}
    assert train(task, state, life).setbacks == [Setback("low", 15, 10)]
