"""Small texts and series, made for tests."""

from pathlib import Path

import numpy as np

SUBJECTS = ("the striker", "our keeper", "a winger", "the coach")
SPORT = ("scored a late goal in the cup match", "missed the penalty after the whistle", "saved the league title")
MONEY = ("raised the interest rate of the bank", "sold shares at a loss this quarter", "paid a larger dividend")


def sentences(count: int) -> list[tuple[str, str]]:
    """Sentences on two topics, each different, with the topic."""
    found = []
    for row in range(count):
        topic, ends = (("sport", SPORT), ("money", MONEY))[row % 2]
        subject = SUBJECTS[row // 2 % len(SUBJECTS)]
        found.append((f"{subject} {ends[row // 8 % len(ends)]} number {row}", topic))
    return found


def text_table(file: Path, count: int = 120, header: bool = True) -> Path:
    """A TSV of label and text."""
    lines = ["label\ttext"] if header else []
    lines += [f"{topic}\t{text}" for text, topic in sentences(count)]
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file


def text_folders(root: Path, count: int = 60) -> Path:
    """One folder of .txt files for each topic."""
    for row, (text, topic) in enumerate(sentences(count)):
        (root / topic).mkdir(parents=True, exist_ok=True)
        (root / topic / f"{row}.txt").write_text(text, encoding="utf-8")
    return root


def ts_file(file: Path, count: int = 40, seed: int = 0) -> Path:
    """Waves of two speeds, of unequal length, with a class each."""
    random = np.random.default_rng(seed)
    lines = ["@problemName waves", "@data"]
    for row in range(count):
        steps = np.arange(20 + row % 7)
        wave = np.sin(steps * (0.3, 0.9)[row % 2] + random.uniform(0, 6)) + 0.1 * random.normal(size=len(steps))
        lines.append(",".join(f"{value:.4f}" for value in wave) + f":{('slow', 'fast')[row % 2]}")
    file.write_text("\n".join(lines) + "\n")
    return file
