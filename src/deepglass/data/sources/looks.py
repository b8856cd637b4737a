"""What a column looks like beyond numbers and categories: dates, names of rows, groups that give the answer away."""

import re
from collections import Counter
from collections.abc import Hashable, Sequence

DATES = 0.9  # a column with at least this share of dates is one of dates
FEWEST_TEXTS = 30  # rows from which texts that all differ are names
FEWEST_WHOLE = 50  # rows from which shuffled whole numbers without a gap are names
FEWEST_GROUPS = 10  # values of a column below which it is a category
DECIDED = 0.95  # share of rows whose answer a group gives away
FEWEST_STEPS = 50  # columns named by counting, from which they may be the steps of a series
BY_CHANCE = 0.5  # share of rows that a column may decide by chance and still be named

_DAY = r"\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.](?:\d{4}|\d{2})|\d{4}年\d{1,2}月(?:\d{1,2}日)?"
_MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?"
_WORDS = rf"\d{{1,2}}[ -]{_MONTH}[ -]\d{{2,4}}|{_MONTH} \d{{1,2}},? \d{{4}}"
_TIME = r"\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?\s*(?:[ap]m)?\s*(?:z|utc|[+-]\d{2}:?\d{2})?"
_DATE = re.compile(rf"(?:{_DAY}|{_WORDS})(?:[t ,]\s*{_TIME})?", re.IGNORECASE)
_ID_WORD = re.compile(r"(?:^|[\W_])(?:id|uuid|guid|key|nr|no)$", re.IGNORECASE)
_ID_END = re.compile(r"(?:[a-z](?:ID|Id|UUID|Uuid)|uuid|编号|序号|单号|学号|工号|卡号|证号)$")
_NUMBERED = re.compile(r"(.*?)(\d{1,9})")
_GROUP = re.compile(
    r"patient|subject|participant|person|donor|speaker|user|customer|scene|session|video|batch"
    r"|患者|病人|病例|受试者|用户|客户|场景|批次",
    re.IGNORECASE,
)


def is_date(cell: str) -> bool:
    """Whether a cell is a date, with or without a time.

    >>> [is_date(cell) for cell in ("2024-02-29", "1.3.24 08:15", "02/29/2024", "5 Mar 2021", "1.25", "10.0.0.1")]
    [True, True, True, True, False, False]
    """
    return _DATE.fullmatch(cell) is not None


def named_id(name: str) -> bool:
    """Whether a column is called the number or name of something.

    >>> [named_id(name) for name in ("customer_id", "customerId", "ID", "客户编号", "acid", "humid", "paid")]
    [True, True, True, True, False, False, False]
    """
    return bool(_ID_WORD.search(name) or _ID_END.search(name))


def named_group(name: str) -> bool:
    """Whether a column is called what examples come in groups of, so that its numbers may be names too."""
    return named_id(name) or _GROUP.search(name) is not None


def counting(names: Sequence[str]) -> list[str]:
    """The columns that are named by counting, where there are so many that they may be the steps of a series.

    >>> counting([*(f"t{step}" for step in range(60)), "age"])[-1], counting(["x1", "x2", "x3"])
    ('t59', [])
    """
    groups: dict[str, list[tuple[int, str]]] = {}
    for name in names:
        if number := _NUMBERED.fullmatch(name):
            groups.setdefault(number[1], []).append((int(number[2]), name))
    longest = max(groups.values(), key=len, default=[])
    gapless = all(later[0] == earlier[0] + 1 for earlier, later in zip(longest, longest[1:], strict=False))
    return [name for _, name in longest] if len(longest) >= FEWEST_STEPS and gapless else []


def are_dates(texts: Counter[str]) -> bool:
    """Whether nearly all cells of a column are dates."""
    return sum(count for text, count in texts.items() if is_date(text)) >= DATES * sum(texts.values()) > 0


def decided(cells: Sequence[str], labels: Sequence[Hashable]) -> int:
    """How many rows have the answer of every other row with their value, if that is nearly all of them; else 0.

    Values that occur once decide nothing, and what a column decides by chance is not held against it.

    >>> cells = [f"p{row // 4}" for row in range(80)]
    >>> decided(cells, [int(cell[1:]) % 2 for cell in cells]), decided(cells, [row % 2 for row in range(80)])
    (80, 0)
    """
    answers: dict[str, Counter[Hashable]] = {}
    for cell, label in zip(cells, labels, strict=True):
        answers.setdefault(cell, Counter())[label] += 1
    kinds = Counter(labels)
    if not FEWEST_GROUPS <= len(answers) <= len(cells) // 2 or len(answers) < min(2 * len(kinds), len(cells) // 4):
        return 0
    sizes = Counter(counts.total() for counts in answers.values() if counts.total() > 1)
    shares = [count / len(cells) for count in kinds.values()]
    chance = sum(many * size * sum(share**size for share in shares) for size, many in sizes.items())
    rows = sum(counts.total() for counts in answers.values() if len(counts) == 1 and counts.total() > 1)
    return rows if rows >= DECIDED * len(cells) and chance <= BY_CHANCE * len(cells) else 0
