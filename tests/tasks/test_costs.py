"""Files of costs: both forms say the same, and what is wrong in one is named with its place."""

import pytest

from deepglass.foundation.errors import UsageError
from deepglass.foundation.words import speaking
from deepglass.tasks.costs import read_costs

LABELS = ("battery", "glass", "paper")
COSTS = ((0.0, 20.0, 50.0), (1.0, 0.0, 2.5), (1.0, 1.0, 0.0))
TOML = """
default = 1
[battery]
paper = 50
default = 20
[glass]
paper = 2.5
"""
CSV = """true,paper,battery,glass
glass,2.5,1,0

battery,50,0,20
paper,0,1,1
"""


@pytest.fixture(autouse=True)
def english():
    with speaking("en"):
        yield


def written(folder, name, text):
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


def test_both_forms_say_the_same_in_the_order_of_the_labels(tmp_path):
    assert read_costs(written(tmp_path, "c.toml", TOML), LABELS) == COSTS
    assert read_costs(written(tmp_path, "c.csv", CSV), LABELS) == COSTS
    assert read_costs(written(tmp_path, "bom.CSV", "\ufeff" + CSV), LABELS) == COSTS
    assert read_costs(written(tmp_path, "empty.toml", ""), ("纸", "玻璃")) == ((0.0, 1.0), (1.0, 0.0))


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("c.toml", "[batery]\npaper = 1\n", r"names 'batery', and there is no such class. Did you mean battery\?"),
        ("c.toml", "[battery]\npapr = 1\n", r"names 'papr'.*The classes are: battery, glass, paper"),
        ("c.toml", "[battery]\npaper = -1\n", r"the cost at battery.paper is '-1'. Give a number of 0 or more"),
        ("c.toml", "default = true\n", r"the cost at default is 'True'"),
        ("c.toml", "glass = 3\n", r"'glass' is no table. Write \[glass\]"),
        ("c.toml", "[battery\n", r"cannot be read: .*TOML or CSV file in UTF-8"),
        ("c.csv", CSV.replace("glass,2.5,1,0", "glass,2.5,1,inf"), r"the cost at glass, glass is 'inf'"),
        ("c.csv", CSV.replace("glass,2.5,1,0", "glass,2.5,1"), r"the line of glass has 2 costs where 3 are expected"),
        ("c.csv", CSV.replace("glass,2.5,1,0\n", ""), r"1 are missing or there twice: glass"),
        ("c.csv", CSV.replace("true,paper", "true,glass"), r"2 are missing or there twice: glass, paper"),
        ("c.csv", CSV.replace("true,paper", "true,wood"), r"names 'wood'"),
        ("c.csv", "", r"3 are missing"),
        ("c.yml", "", r"neither .toml nor .csv"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(tmp_path, name, text, said):
    with pytest.raises(UsageError, match=said):
        read_costs(written(tmp_path, name, text), LABELS)


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    with pytest.raises(UsageError, match="absent.csv cannot be read: No such file"):
        read_costs(tmp_path / "absent.csv", LABELS)
    (tmp_path / "latin.csv").write_bytes("é".encode("latin-1"))
    with pytest.raises(UsageError, match="cannot be read: UTF-8"):
        read_costs(tmp_path / "latin.csv", LABELS)
