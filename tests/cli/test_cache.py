"""The cache is shown and cleared; nothing in it is needed."""

import json

from deepglass.cli.main import main
from deepglass.data import prepare


def test_shown_and_cleared(capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(prepare, "WORTH_KEEPING", -1.0)
    main(["check", "made:moons", "--json"])
    first = json.loads(capsys.readouterr().out)
    main(["check", "made:moons", "--json"])
    assert json.loads(capsys.readouterr().out) == first  # the findings of the pass are kept with it
    main(["cache", "--json"])
    shown = json.loads(capsys.readouterr().out)
    assert len(shown["copies"]) == 1 and shown["bytes"] > 0 and not shown["cleared"]
    main(["cache", "--clear"])
    assert "Removed." in capsys.readouterr().out
    main(["cache", "--json"])
    assert json.loads(capsys.readouterr().out)["copies"] == []
