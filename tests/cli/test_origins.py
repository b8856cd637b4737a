"""Where settings come from, as `plan` says it."""

import pytest

from deepglass.cli.plan import _origin  # pyright: ignore[reportPrivateUsage]
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
