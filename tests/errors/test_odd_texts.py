"""Texts as they come: other encodings, zeros, emoji, right to left, lines without end; in training and in predict."""

import pytest

from tests.data.texts import text_table
from tests.errors.shell import run_quietly

GOAL = "the striker scored a goal, naïve café"
LONG = b"the striker scored a goal and then " * 3_000_000  # a line of 105 MB
ANSWERED = {
    "bom.txt": b"\xef\xbb\xbf" + GOAL.encode(),
    "marked.txt": GOAL.encode("utf-16"),
    "zeros.txt": b"the striker\0 scored\0 a goal",
    "emoji.txt": "🏆⚽ 👩‍👩‍👧‍👦 🇩🇪".encode(),
    "rtl.txt": "‏سجل اللاعب هدفا، שלום‏".encode(),
    "piled.txt": ("a" + "\u0301" * 5000).encode(),
    "one.txt": b"x",
}
NAMED = {
    "empty.txt": (b"", "The text is empty"),
    "blank.txt": (b" \n\t\n", "The text is empty"),
    "latin.txt": (GOAL.encode("latin-1"), "It looks like Windows-1252; save it as UTF-8."),
    "utf16.txt": (GOAL.encode("utf-16-le"), "It looks like UTF-16; save it as UTF-8."),
    "english16.txt": (b"the striker scored".decode().encode("utf-16-be"), "It looks like UTF-16; save it as UTF-8."),
    "chinese16.txt": ("我们的球队在最后一分钟赢了比赛".encode("utf-16-le"), "It looks like UTF-16; save it as UTF-8."),
    "gb.txt": ("我们的球队在最后一分钟赢了比赛".encode("gb18030"), "It looks like GB18030; save it as UTF-8."),
    "nothing.txt": (bytes(1000), "It is no text: more than a tenth of it are control characters."),
    "picture.txt": (b"\x89PNG\r\n\x1a\n" + bytes(range(256)), "It is a PNG file, not plain text."),
}
QUICK = ("--size", "tiny", "train.plan=plain", "data.cache=false")


@pytest.fixture(scope="session")
def topics(tmp_path_factory):
    """A classifier of sentences."""
    place = tmp_path_factory.mktemp("topics")
    text_table(place / "topics.tsv", 120)
    assert run_quietly("train", place / "topics.tsv", *QUICK, "train.steps=40", "--out", place / "run") == 0
    return place


@pytest.fixture
def odd(tmp_path):
    folder = tmp_path / "odd"
    folder.mkdir()
    for name, content in ANSWERED.items():
        (folder / name).write_bytes(content)
    for name, (content, _) in NAMED.items():
        (folder / name).write_bytes(content)
    return folder


def test_predict_answers_them_or_says_why_not(shell, topics, odd):
    said = shell("predict", topics / "run", odd)
    lines = dict(line.split(": ", 1) for line in said.out.splitlines() if line.startswith(str(odd)))
    assert said.code == 3 and len(lines) == len(ANSWERED) + len(NAMED)
    for name in ANSWERED:
        assert lines[str(odd / name)].split(" ")[0] in ("sport", "money")
    for name, (_, sentence) in NAMED.items():
        assert lines[str(odd / name)].startswith("no answer. ") and sentence in lines[str(odd / name)]


def test_sentences_on_the_command_line_need_no_file(shell, topics):
    said = shell("predict", topics / "run", "", "🏆", "שלום", "\udcff", "--json")
    assert [("prediction" in answer) for answer in said.document] == [False, True, True, False]
    assert said.document[0]["error"] == "The text is empty: it holds nothing but blanks."
    assert "half of a pair (a lone surrogate)" in said.document[3]["error"]


def test_training_names_what_it_leaves_out(shell, odd, tmp_path):
    for row in range(160):
        for topic, word in (("sport", "goal"), ("money", "bank")):
            (tmp_path / "folders" / topic).mkdir(parents=True, exist_ok=True)
            (tmp_path / "folders" / topic / f"{row}.txt").write_text(f"a {word} number {row}")
    for file in odd.iterdir():
        file.rename(tmp_path / "folders" / "sport" / file.name)
    said = shell("train", tmp_path / "folders", *QUICK, "train.steps=3", "--out", shell.out, "--json")
    assert said.code == 0 and {name.rpartition("/")[2] for name in said.document["left_out"]} == set(NAMED)
    for _, sentence in NAMED.values():
        assert sentence in (shell.out / "report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("encoding", "named"), [("latin-1", "Windows-1252"), ("utf-16", "UTF-16"), ("utf-16-le", "UTF-16")]
)
def test_a_table_in_another_encoding_is_named(shell, topics, tmp_path, encoding, named):
    file = text_table(tmp_path / "t.tsv", 40)
    text = file.read_text()
    file.write_bytes((text if encoding == "utf-16-le" else text.replace("striker", "stürmer")).encode(encoding))
    says = ("t.tsv is not UTF-8", f"it looks like {named}", "Save it as UTF-8")
    shell.refused(3, "train", file, "--size", "tiny", "--out", shell.out, says=says)
    shell.refused(3, "predict", topics / "run", file, says=says)


@pytest.mark.parametrize(("encoding", "named"), [("latin-1", "Windows-1252"), ("utf-16-be", "UTF-16")])
def test_a_side_of_parallel_text_in_another_encoding_is_named(shell, tmp_path, encoding, named):
    (tmp_path / "text").mkdir()
    lines = [f"sentence number {row} is here" for row in range(40)]
    (tmp_path / "text/a.en").write_text("\n".join(lines))
    accent = "é" if encoding == "latin-1" else ""
    (tmp_path / "text/a.fr").write_bytes(
        "\n".join(f"la phrase {row} est l{accent}" for row in range(40)).encode(encoding)
    )
    says = ("a.fr is not UTF-8", f"it looks like {named}")
    shell.refused(3, "train", tmp_path / "text", "--out", shell.out, says=says)


def test_a_table_of_zeros_holds_no_rows(shell, tmp_path):
    (tmp_path / "t.tsv").write_bytes(bytes(5000))
    shell.refused(3, "train", tmp_path / "t.tsv", "--out", shell.out, says=("holds no rows",))


def test_where_nothing_can_be_used_nothing_is_offered(shell, tmp_path):
    (tmp_path / "book.txt").write_bytes(("word after word " * 500 + "café").encode("latin-1"))
    says = ("Not one of 1 example can be used. Mend them:", "looks like Windows-1252")
    assert "max_bad" not in shell.refused(3, "train", tmp_path / "book.txt", "--out", shell.out, says=says)


def test_a_line_of_100_megabytes(shell, topics, tmp_path):
    """A cell of a table to learn from, and a file to be answered."""
    file = text_table(tmp_path / "t.tsv", 80)
    with file.open("ab") as stream:
        stream.write(b"sport\t" + LONG + b"\n")
    said = shell("train", file, *QUICK, "train.steps=3", "--out", shell.out, "--json")
    assert said.code == 0 and said.document["left_out"] == []
    (tmp_path / "long.txt").write_bytes(LONG)
    said = shell("predict", topics / "run", tmp_path / "long.txt", "--json")
    assert said.document[0]["prediction"] in ("sport", "money")
