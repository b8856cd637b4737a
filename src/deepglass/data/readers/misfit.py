"""Where a file that should be UTF-8 is not: its first byte that does not fit, and how many lines have such.

A table may be GB18030 as well, as spreadsheets in Chinese write it: where every byte of it is, and it reads like that.
"""

import codecs
from pathlib import Path

from deepglass.data.readers.text import likely_encoding, unmarked_utf16
from deepglass.foundation.errors import DataError

LONGEST_LOOK = 1 << 16  # bytes of such lines by which an encoding is told
BLOCK = 1 << 20
UTF8, GB18030 = "utf-8-sig", "gb18030"
OFTEN = frozenset(  # what Chinese tables are mostly made of; the bytes of some others are frequent in Korean
    "的一是在不了有和人这中大为上个国我以要他时来用们生到作地于出就分对成会可主发年动同工也能下过子说产种面而方后多定"
    "行学法所民得经十三之进着等部度家电力里如水化高自二理起小物现实加量都两体制机当使点从业本去把性好应开它合还因由其"
    "些然前外天政四日那社义事平形相全表间样与关各重新线内数正心反你明看原又么利比或但质气第向道命此变条只没结解问意建"
    "月公无系军很情者最立代想已通并提直题党程展五果料象员革位入常文总次品式活设及管特件长求头基资边流路级少图山统接知"
    "较将组见计别她手角期根论运农指几九区强放决西被干做必战先回则任取据处队南给色光门即保治北造百规热领七海口东导器压"
    "志世金增争济阶油思术极交受联什认六共权收证改清美再采转更单风切打白教速花带安场身车例真务具万每目至达走积示议声报"
    "斗完类八离华名确才科张信马节话米整空元况今集温传土许步群广石记需段研界拉林律叫且究观越织装影算低持音众书布复容儿"
    "须际商非验连断深难近矿千周委素技备半办青省列习响约支般史感劳便团往酸历市克除消构称太准精值号率族维划选标写存候毛"
    "亲快效斯院查江型眼王按格养易置派层片始却专状育厂京识适属圆包火住调满县局照参红细引听该铁价严姓龄城男女否优良差负"
    "坏猫狗星评码注故障晴阴雨春夏秋冬购买卖销售款客户店餐医病诊疗药血检测词字频像编湿宽降升左右鱼鸟牛黄黑绿蓝李刘陈杨"
    "赵吴州饮食香房票船乘签址裂痕尾苹玩视屏械胜输赢辆"
)
FEWEST = 4  # of these in what is taken for Chinese: fewer come about in Korean and Japanese by chance
FIRST = 100  # different letters by which it is told
NEARBY = ("GB18030", "EUC-KR", "EUC-JP", "Shift_JIS")  # much that is one of these fits another
COUNTED = 100_000  # letters that are kept


def encoding_of(file: Path) -> str:
    """GB18030 for a file that is strictly that, reads like Chinese and is not UTF-8; UTF-8 for all others."""
    try:
        if _decoded(file, UTF8) is not None:
            return UTF8
        reason = not_utf8(file)
        likely = reason.code == "data.bytes_not_utf8" and reason.values["encoding"].startswith("GB18030")
        letters = _decoded(file, GB18030) if likely else None
    except OSError:
        return UTF8  # reading the lines will name what is wrong
    return GB18030 if letters and _chinese(letters) else UTF8


def _chinese(letters: str) -> bool:
    """Whether letters are such as Chinese is written with.

    Korean and Japanese read as GB18030 give characters of all kinds: of those that come up often, one in seven.

    >>> _chinese("结果合格不合格"), _chinese("정상불량합격".encode("cp949").decode("gb18030"))
    (True, False)
    """
    different = list(dict.fromkeys(letters))[:FIRST]
    often = sum(letter in OFTEN for letter in different)
    return often >= max(FEWEST, 2 + 0.35 * len(different))


def _fitting(content: bytes) -> str:
    """What bytes that look like GB18030 may be as well, unless they read like Chinese."""
    if _chinese("".join(letter for letter in content.decode(GB18030, errors="replace") if letter > "\x7f")):
        return NEARBY[0]
    found = [name for name in NEARBY if _fits(content, {"EUC-KR": "cp949"}.get(name, name))]
    return " / ".join(found) or NEARBY[0]


def _fits(content: bytes, encoding: str) -> bool:
    try:
        content.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _decoded(file: Path, encoding: str) -> str | None:
    """The first letters of a file that are not ASCII; None where not every byte of it fits."""
    decoder, letters = codecs.getincrementaldecoder(encoding)(), ""
    with file.open("rb") as stream:
        try:
            while block := stream.read(BLOCK):
                text = decoder.decode(block)
                if len(letters) < COUNTED and not text.isascii():
                    letters += "".join(letter for letter in text if letter > "\x7f")
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return None
    return letters[:COUNTED]


def not_utf8(file: Path) -> DataError:
    """The error of a file that cannot be decoded; a few lines are told apart from a whole file in another encoding."""
    with file.open("rb") as stream:
        start = stream.read(LONGEST_LOOK)
        stream.seek(0)
        if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or unmarked_utf16(start):
            return DataError("data.not_utf8", place=file, encoding="UTF-16")
        strange, count, lines, fitting = bytearray(), 0, 0, 0
        first: tuple[int, int, int] = (0, 0, 0)  # line, byte of it, value
        for lines, content in enumerate(stream, start=1):
            try:
                content.decode()
                fitting += not content.removeprefix(codecs.BOM_UTF8).isascii()
            except UnicodeDecodeError as error:
                first = first if count else (lines, error.start + 1, content[error.start])
                count += 1
                strange += content if len(strange) < LONGEST_LOOK else b""
    where = {"line": first[0], "byte": first[1], "value": f"0x{first[2]:02x}", "count": count, "lines": lines}
    kind = "lines_not_utf8" if fitting > count else "bytes_not_utf8"  # a few letters of others fit by chance
    likely = likely_encoding(bytes(strange))
    encoding = _fitting(bytes(strange)) if likely == NEARBY[0] else likely
    return DataError(f"data.{kind}", place=file, encoding=encoding, **where)
