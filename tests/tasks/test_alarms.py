"""Alarms are functions of the checks: each failure raises its own, what is well none, and words say what to do."""

import pytest

from deepglass.foundation.words import LANGUAGES, speaking
from deepglass.tasks.alarms import RULES, game_alarms
from deepglass.views.alarm import in_words

WELL = {
    "kid_pixels": 0.3,
    "variety": 0.8,
    "distinct": 0.9,
    "copies": 0.0,
    "game_real": 0.7,
    "game_made": 0.3,
    "jumps": 0.03,
}


def checks(**series):
    count = len(next(iter(series.values())))
    return [(20 * (at + 1), WELL | {name: values[at] for name, values in series.items()}) for at in range(count)]


def raised(**series):
    return [alarm.name for alarm in game_alarms(checks(**series))]


def test_a_healthy_run_raises_none_from_its_first_check_on():
    run = checks(
        kid_pixels=[3.4, 3.0, 2.5, 2.0, 1.2, 0.8, 0.5, 0.55, 0.4, 0.42],
        distinct=[0.13, 0.2, 0.25, 0.3, 0.45, 0.6, 0.8, 0.85, 0.83, 0.9],
        variety=[0.004, 0.01, 0.02, 0.1, 0.2, 0.4, 0.6, 0.8, 0.79, 0.82],
        game_made=[0.5, 0.4, 0.1, 0.04, 0.03, 0.2, 0.3, 0.3, 0.3, 0.3],
    )
    assert all(not game_alarms(run[:count]) for count in range(len(run) + 1))


@pytest.mark.parametrize(
    ("name", "series", "since"),
    [
        ("collapse", {"distinct": [0.8, 0.8, 0.1, 0.1, 0.1]}, 60),  # it fell
        ("collapse", {"distinct": [0.1, 0.13, 0.13, 0.13, 0.13], "kid_pixels": [3.4] * 5, "game_made": [0.1] * 5}, 60),
        ("collapse", {"distinct": [0.001] * 4, "kid_pixels": [3.0, 2.0, 1.0, 0.5]}, 40),  # a handful, made well
        ("collapse", {"variety": [0.6, 0.02, 0.01, 0.01]}, 40),
        ("discriminator_wins", {"game_real": [0.9, 0.99, 0.99, 1.0], "game_made": [0.02, 0.02, 0.01, 0.0]}, 40),
        ("oscillation", {"jumps": [0.05, 0.1, 0.3, 0.1]}, 40),
        ("oscillation", {"jumps": [0.2] * 7, "kid_pixels": [0.6, 0.4, 0.3, 0.3, 0.28, 0.3, 0.29]}, 100),  # it learned
        ("memorising", {"copies": [0.0, 0.2, 0.6, 0.9]}, 60),
    ],
)
def test_each_failure_raises_its_own_alarm(name, series, since):
    (alarm,) = game_alarms(checks(**series))
    assert (alarm.name, alarm.since) == (name, since)
    assert not raised(**{key: values[:-1] for key, values in series.items()})  # one check fewer is too few


def test_few_pictures_that_pass_for_real_are_given_a_thousand_steps():
    series = {"distinct": [0.1] * 52, "variety": [0.01] * 52, "kid_pixels": [0.8] * 52, "game_made": [0.5] * 52}
    assert not raised(**{name: values[:51] for name, values in series.items()})
    assert raised(**series) == ["collapse"]


def test_swings_of_a_run_that_has_come_most_of_its_way_are_no_alarm():
    there = [0.1, 0.03, 0.01, 0.004, 0.004, 0.004, -0.0004, -0.0004, -0.0004]
    assert not raised(jumps=[0.2] * 9, kid_pixels=there)
    assert raised(jumps=[0.2] * 9, kid_pixels=[0.1 + value for value in there]) == ["oscillation"]


def test_what_is_over_is_no_longer_raised():
    assert raised(copies=[0.9, 0.9]) == ["memorising"] and not raised(copies=[0.9, 0.9, 0.1])
    critic = checks(game_real=[1.0] * 4, game_made=[0.0] * 4, jumps=[0.5] * 4)
    assert len(game_alarms(critic)) == 2 and not game_alarms(critic, critic=True)
    assert not raised(copies=[float("nan")] * 3) and not raised(distinct=[float("nan")] * 4)


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("name", RULES)
def test_every_alarm_says_when_what_and_what_to_do(name, lang):
    series = {
        "collapse": {"distinct": [0.8, 0.123, 0.123, 0.123]},
        "discriminator_wins": {"game_real": [0.99] * 3, "game_made": [0.0123] * 3},
        "oscillation": {"jumps": [0.234] * 4},
        "memorising": {"copies": [0.123, 0.723, 0.723]},
    }[name]
    (alarm,) = game_alarms(checks(**series))
    step = 20 * len(next(iter(series.values())))
    with speaking(lang):
        words = in_words({"step": step, **alarm._asdict()})
    assert str(step) in words and "{" not in words
    told = {"collapse": "12.3", "discriminator_wins": "1.23", "oscillation": "23.4", "memorising": "72.3"}
    assert told[name] in words
    assert {"en": "step", "zh-CN": "步"}[lang] in words and ("task." in words or "train." in words)
