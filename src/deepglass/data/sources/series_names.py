"""Which columns of a long table name the series that its lines are of: by what they are called, or by its times.

date,store,item,sold         Of the columns that are called so, the fewest with which every time comes but once in a
2024-01-01,1,ham,4           series. Where they are not enough, or none is called so and times come back all the same,
2024-01-01,1,jam,9           columns of words that repeat, and of numbers that are called somebody's, are tried as well.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from itertools import chain, combinations, islice

from deepglass.data.readers.delimited import Delimited
from deepglass.data.sources.looks import are_dates, named_group

SERIES = (
    "series series_id seriesid id case case_id sample sample_id sequence sequence_id recording recording_id"
    " trial trial_id segment segment_id window window_id 序列 序列号 样本 编号"
).split()
PLACES = (
    "shop store outlet branch item product sku article station sensor device meter machine asset site plant region"
    " state city country county district zone location customer account household symbol ticker stock"
    " 店铺 门店 商店 商品 产品 站点 传感器 设备 电表 机器 地区 省份 城市 国家 客户 股票 代码"
).split()
LOOKED = 1 << 15  # lines by which columns are told: those of one series, or of one time, may all come first
ONCE = 0.99  # share of lines with a time of their own in their series: now and then a line is there twice
MOST_TOGETHER, MOST_TRIED = 3, 6  # columns that name series together, and that are tried for it

Rows = Sequence[Sequence[str]]


def first_lines(table: Delimited) -> list[list[str]]:
    """The lines that are looked at, without those that are cut."""
    width = len(table.names)
    return [cells for _, cells in islice(table.rows(), LOOKED) if len(cells) == width]


def series_columns(table: Delimited, time: int | None, taken: Collection[int | None] = ()) -> tuple[int, ...]:
    """The columns whose cells together name the series of a line; none where the whole table is one."""
    rows = first_lines(table)
    free = [place for place in range(len(table.names)) if place not in (*taken, time)]
    known = time is None or _once(rows, time, ())  # by the time alone which line is meant
    named = [place for place in _called(table) if place in free and _names(table, place, rows, named=True)]
    if known:  # then whole numbers may be counted things, as in stock
        counted = [place for place in named if not _words(table, place, rows) and len({row[place] for row in rows}) > 1]
        named = [place for place in named if place not in counted or table.names[place].lower() in SERIES]
    if time is None or (known and not named):
        return tuple(named[:1])
    others = [place for place in free if place not in named and _may_name(table, place, rows)]
    tried = [*named, *others][:MOST_TRIED]
    return next((columns for columns in _together(named, tried) if _once(rows, time, columns)), tuple(named[:1]))


def _called(table: Delimited) -> list[int]:
    """The columns that are called what series are of."""
    lower = [name.lower() for name in table.names]
    return [lower.index(word) for word in (*SERIES, *PLACES) if word in lower]


def _together(named: Sequence[int], tried: Sequence[int]) -> Iterator[tuple[int, ...]]:
    """Columns that may name series together, the fewest first; those that are called so before others."""
    sizes = range(1, MOST_TOGETHER + 1)
    return chain.from_iterable(combinations(columns, size) for columns in (named, tried) for size in sizes)


def _once(rows: Rows, time: int, columns: Sequence[int]) -> bool:
    """Whether each time comes once in each series, but for a few lines."""
    found = {(row[time], *(row[place] for place in columns)) for row in rows}
    return len(found) >= ONCE * len(rows)


def _may_name(table: Delimited, place: int, rows: Rows) -> bool:
    called = named_group(table.names[place])
    return _names(table, place, rows, called) and not are_dates(Counter(row[place] for row in rows))


def _names(table: Delimited, place: int, rows: Rows, named: bool) -> bool:
    """Whether a column's cells repeat and are words, or, where it is called so, whole numbers."""
    texts = {row[place] for row in rows}
    if not rows or len(texts) > len(rows) / 2:
        return False
    whole = all((value := table.number(text)) is not None and value.is_integer() for text in texts)
    return _words(table, place, rows) or (named and whole)


def _words(table: Delimited, place: int, rows: Rows) -> bool:
    texts = {row[place] for row in rows}
    return sum(table.number(text) is not None for text in texts) < len(texts) / 2
