"""Tables that are not UTF-8: Chinese is read as GB18030, Korean and Japanese never are, though their bytes fit it."""

from pathlib import Path

import numpy as np
import pytest

from deepglass.data.readers.misfit import GB18030, UTF8, encoding_of
from deepglass.data.recognise import recognise
from deepglass.data.settings import DataSettings
from deepglass.foundation.errors import DataError
from deepglass.foundation.words import choose_language

CHINESE = [
    "x,结果\n1,合格\n2,不合格\n",
    "长度,宽度,类别\n1,2,猫\n2,3,狗\n",
    "姓名,年龄,城市\n张伟,34,北京\n王芳,28,上海\n李娜,45,广州\n刘洋,19,深圳\n",
    "编号,温度,湿度,天气,备注\n1,20,30,晴,正常\n2,12,80,阴,设备故障\n3,11,90,雨,需要检修\n",
    "文本,情感\n这家餐厅的菜很好吃,正面\n服务态度太差了，再也不来,负面\n",
    "产品,价格,销量,质量\n苹果,3,4,优\n香蕉,4,5,良\n",
    "花萼长度,花瓣宽度,种类\n1,2,山鸢尾\n2,3,变色鸢尾\n3,4,维吉尼亚鸢尾\n",
    "面积,楼层,朝向,价格\n90,3,南,1\n70,5,北,2\n",
    "病人,诊断\n1,良性\n2,恶性\n",
    "日期,开盘价,收盘价,成交量\n1,2,3,4\n2,3,4,5\n",
]
KOREAN = [
    "장치,온도,판정\n1,2,정상\n2,3,불량\n",
    "계절,값\n봄,1\n여름,2\n겨울,3\n",
    "성별,나이\n남,3\n여,4\n",
    "이름,도시\n김철수,서울\n이영희,부산\n박민수,대구\n",
    "x,y\n1,정상\n2,불량\n",
    "x,y\n1,남\n2,여\n",
    "x,y\n1,고양이\n2,강아지\n",
    "문장,감정\n음식이 정말 맛있어요,긍정\n서비스가 너무 나빠요,부정\n",
    "x,y\n1,合格\n2,不合格\n",
]
JAPANESE = [
    "都市,値\n東京,1\n大阪,2\n",
    "性別,年齢\n男,3\n女,4\n",
    "x,y\n1,良品\n2,不良品\n",
    "x,y\n1,東京\n2,大阪\n",
    "x,y\n1,男\n2,女\n",
    "x,y\n1,イヌ\n2,ネコ\n",
    "氏名,都市\n田中太郎,東京\n鈴木一郎,大阪\n佐藤花子,名古屋\n",
    "番号,温度,湿度,判定\n1,20,30,正常\n2,12,80,異常\n",
]


def table(folder: Path, content: bytes) -> Path:
    file = folder / "t.csv"
    file.write_bytes(content)
    return file


@pytest.mark.parametrize("text", CHINESE)
def test_chinese_tables_are_read(text: str, tmp_path: Path) -> None:
    for encoding in ("gbk", "gb18030"):
        assert encoding_of(table(tmp_path, text.encode(encoding))) == GB18030


@pytest.mark.parametrize(
    ("text", "encoding"),
    [(text, "cp949") for text in KOREAN] + [(text, name) for text in JAPANESE for name in ("euc_jp", "shift_jis")],
)
def test_korean_and_japanese_tables_are_not_read_as_chinese(text: str, encoding: str, tmp_path: Path) -> None:
    assert encoding_of(table(tmp_path, text.encode(encoding))) == UTF8


def test_a_table_in_either_encoding_is_refused_with_what_to_do(tmp_path: Path) -> None:
    file = table(tmp_path, KOREAN[1].encode("cp949") * 20)
    choose_language("en")
    with pytest.raises(DataError, match="not UTF-8; it looks like GB18030 / EUC-KR / EUC-JP. Save it as UTF-8"):
        recognise(str(file), DataSettings())
    choose_language("zh-CN")
    with pytest.raises(DataError, match="看起来是 GB18030 / EUC-KR / EUC-JP。请另存为 UTF-8"):
        recognise(str(file), DataSettings())
    choose_language("en")


def test_hardly_any_korean_words_read_like_chinese(tmp_path: Path) -> None:
    """Of 2,000 tables of a few Hangul drawn from the 2,350 that EUC-KR has."""
    draw, read = np.random.default_rng(0), 0
    for _ in range(2000):
        letters = draw.integers((0xB0, 0xA1), (0xC9, 0xFF), (draw.integers(4, 30), 2), dtype=np.uint8)
        read += encoding_of(table(tmp_path, b"x,y\n1," + letters.tobytes() + b"\n")) == GB18030
    assert read <= 6
