"""Where settings come from, as `plan` says it."""

import pytest

from deepglass.cli.plan import _long, _origin  # pyright: ignore[reportPrivateUsage]
from deepglass.foundation.words import speaking


@pytest.mark.parametrize(
    ("origin", "chinese"),
    [
        ("default", "默认值"),
        ("recipe generate", "配方 generate"),
        ("command line", "命令行"),
        ("data", "由数据决定"),
        ("weights", "由权重决定"),
        ("mine.toml", "mine.toml"),
    ],
)
def test_origins_are_told_in_the_language_in_force(origin, chinese):
    with speaking("en"):
        assert _origin(origin) == origin
    with speaking("zh-CN"):
        assert _origin(origin) == chinese


def test_a_plan_says_how_long_in_seconds_or_minutes():
    with speaking("en"):
        assert [_long(seconds) for seconds in (0.33, 1.0, 61, 99.9, 200)] == [
            "0.33 seconds",
            "1 second",
            "61 seconds",
            "99.9 seconds",
            "3.33 minutes",
        ]
    with speaking("zh-CN"):
        assert _long(7.3) == "7.3 秒" and _long(7200000) == "120,000 分钟"
