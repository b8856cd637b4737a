"""Which column of a table is what: the answer, the part, the group, the file's name; by the settings, else by name."""

from collections.abc import Collection, Sequence

from deepglass.data.readers.delimited import Delimited
from deepglass.data.source import Finding
from deepglass.foundation import catalogue
from deepglass.foundation.errors import DataError

MOST_NAMED = 20  # columns that a sentence names
ANSWERS = (
    "target label labels class classes y species variety outcome category tag tags answer diagnosis 标签 类别 目标 分类"
).split()
PATHS = (
    "path file filename file_name filepath image image_path image_name img picture name id image_id"
    " 文件 文件名 路径 图片"
).split()
PART_NAMES = "split part subset set partition phase 划分 数据集".split()
PARTS = {
    **dict.fromkeys(("train", "training", "训练", "训练集"), "train"),
    **dict.fromkeys(("val", "valid", "validation", "dev", "验证", "验证集"), "val"),
    **dict.fromkeys(("test", "testing", "测试", "测试集"), "test"),
}
ROW_NUMBERS = frozenset(("id", "index", "no", "row", "unnamed: 0", "column_1", "序号", "编号"))


def chosen(setting: str, value: str, names: Sequence[str], place: object) -> int | None:
    """The column that a setting names, or None where it names none; DataError with the nearest name."""
    if not value:
        return None
    if value in names:
        return list(names).index(value)
    hint = catalogue.nearest(value, names)
    known = ", ".join(names[:20])
    raise DataError("data.no_such_column", place=place, setting=setting, name=value, hint=hint, known=known)


def by_name(wanted: Sequence[str], names: Sequence[str], taken: Collection[int | None] = ()) -> int | None:
    """The first column whose name is one of the wanted words, in the order of the words."""
    lower = [name.lower() for name in names]
    places = [lower.index(word) for word in wanted if word in lower]
    return next((place for place in places if place not in taken), None)


def unused(table: Delimited, used: Collection[int | None]) -> list[Finding]:
    """That columns are not used, where some are not."""
    names = [name for place, name in enumerate(table.names) if place not in used]
    shown = ", ".join(names[:MOST_NAMED]) + (" ..." if len(names) > MOST_NAMED else "")
    return [Finding("columns_unused", "note", table.file.name, {"names": shown, "count": len(names)})] if names else []


def part(cell: str) -> str:
    """ "train", "val" or "test" for the words that people use, else nothing."""
    return PARTS.get(cell.strip().lower(), "")
