"""Who may import whom: the ladder of the house, held by walking the whole syntax tree of every file."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2] / "src" / "deepglass"

LADDER: dict[str, set[str]] = {
    "foundation": set(),
    "graph": {"foundation"},
    "data": {"foundation"},
    "losses": {"foundation"},
    "metrics": {"foundation"},
    "weights": {"foundation"},
    "views": {"foundation"},
    "blocks": {"foundation", "graph.shape"},
    "models": {"foundation", "graph", "blocks", "models.contract"},
    "tasks": {"foundation", "views", "data", "losses", "metrics", "tasks.task", "tasks.inputs"},
    "engine": {"foundation", "graph.cost", "graph.trace", "graph.probe", "data.example", "data.loader", "tasks.task"},
    "networks": {"foundation", "models"},
    "bundle_folder": {"foundation"},
    "bundle": {"foundation", "data", "models", "tasks", "weights", "networks", "bundle_folder"},
    "index": {"foundation", "data", "bundle"},
    "material": {"foundation", "data", "tasks", "engine.evaluate"},
    "generated": {"foundation", "data", "bundle", "weights.hub"},
    "learned": {"foundation", "engine.checkpoint"},
    "run": {
        *("foundation", "data", "models", "tasks", "engine", "weights", "networks", "bundle", "material", "generated"),
        *("bundle_folder", "learned"),
    },
    "folds": {"foundation", "data", "engine.journal", "tasks.task", "material", "run"},
    "recipes": {"foundation", "data", "models", "tasks", "engine", "weights", "networks", "bundle", "material", "run"},
    "explain": {
        *("foundation", "views", "graph", "data", "tasks", "engine.loop", "networks", "bundle", "material", "run"),
    },
    "report": {
        *("foundation", "views", "data", "metrics", "tasks", "graph", "engine.journal", "engine.evaluate"),
        "engine.recorder",
        *("networks", "bundle", "material", "run", "explain"),
    },
    "export": {"foundation", "graph", "data", "tasks", "metrics", "run", "bundle", "bundle_folder", "weights.hub"},
    "journey": {
        *(
            "foundation",
            "data",
            "tasks.task",
            "engine.journal",
            "engine.rates",
            "engine.measure",
            "recipes",
            "networks",
            "bundle",
            "material",
            "generated",
        ),
        *("run", "folds", "explain", "report", "export", "weights.hub"),
    },
    "judging": {
        *("foundation", "data.example", "tasks", "metrics", "weights", "networks", "bundle", "material", "journey"),
        "report.judged",
    },
    "collection": {"foundation", "index", "journey"},
    "progress": {"foundation", "views", "engine.journal"},
    "python": {
        *("foundation", "engine.journal", "recipes", "bundle", "run", "journey", "judging", "collection", "progress"),
    },
    "demos": {"foundation"},
    "cli": {
        *(
            "foundation",
            "views",
            "data",
            "graph",
            "tasks.task",
            "engine.journal",
            "recipes",
            "networks",
            "bundle",
            "run",
        ),
        *("explain", "report", "export", "journey", "judging", "progress", "index", "collection"),
    },
}
OWN_ROOM = {"models"}  # rooms whose files may not import each other, but for those named above

DOORS = {"__init__.py", "__main__.py"}  # of the package: they lead to every room
FILES = sorted(path for path in ROOT.rglob("*.py") if path.name not in DOORS or path.parent != ROOT)


def room_of(module: str) -> str:
    return module.split(".")[0]


def imports(path: Path) -> list[tuple[str, int, bool]]:
    """Every import of ours in the file: module below deepglass, line, and whether it hides in a function."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    inside = {
        id(node) for function in ast.walk(tree) if isinstance(function, ast.FunctionDef) for node in ast.walk(function)
    }
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            base = node.module or ""
            assert node.level == 0, f"{path}:{node.lineno}: relative import"
            if base == "deepglass" or base.startswith("deepglass."):
                below = base.removeprefix("deepglass").removeprefix(".")
                for alias in node.names:
                    whole = f"{below}.{alias.name}".removeprefix(".")
                    is_module = ROOT.joinpath(*whole.split(".")).with_suffix(".py").is_file()
                    found.append((whole if is_module or not below else below, node.lineno, id(node) in inside))
        elif isinstance(node, ast.Import):
            found += [
                (alias.name.removeprefix("deepglass."), node.lineno, id(node) in inside)
                for alias in node.names
                if alias.name.startswith("deepglass.")
            ]
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_go_one_way(path):
    module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
    room = room_of(module)
    assert room in LADDER, f"{room} has no step on the ladder; DESIGN says who may import it"
    allowed = LADDER[room]
    for target, line, _ in imports(path):
        other = room_of(target)
        own = other == room and room not in OWN_ROOM
        fits = any(target == step or target.startswith(step + ".") for step in allowed)
        assert own or fits, f"{path}:{line}: {room} may not import {target}"


LAZY = {"__init__.py", "cli/main.py", "foundation/catalogue.py"}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_import_hides_in_a_function(path):
    """Imports are lazy in three places only; anywhere else they stand at the top."""
    if str(path.relative_to(ROOT)) in LAZY:
        return
    hidden = [f"{path}:{line}" for _, line, inside in imports(path) if inside]
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef) and not adapts_an_extra(path):
            hidden += [f"{path}:{n.lineno}" for n in ast.walk(function) if isinstance(n, ast.Import | ast.ImportFrom)]
    assert not hidden


def adapts_an_extra(path: Path) -> bool:
    """The one file that adapts an optional package may import it when it is used."""
    return str(path.relative_to(ROOT)) in {
        "data/pieces.py",
        "data/readers/dicom.py",
        "data/readers/nifti.py",
        "data/readers/sound.py",
        "data/readers/video.py",
        "engine/tensorboard.py",
        "index/approximate.py",
        "index/qdrant.py",
        "explain/by_captum.py",
        "metrics/average_precision.py",
        "metrics/sacre.py",
        "weights/hub.py",
    }


def test_only_parallel_knows_torch_distributed():
    guilty = [path for path in FILES if "torch.distributed" in path.read_text() and path.name != "parallel.py"]
    assert not guilty


def test_no_pickle_no_yaml_no_eval():
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import | ast.ImportFrom) else []
            names += [str(node.module)] if isinstance(node, ast.ImportFrom) else []
            assert not {"pickle", "yaml", "dill", "joblib", "cloudpickle"} & set(names), path
            if isinstance(node, ast.Call):
                called = ast.unparse(node.func)
                assert called not in ("eval", "exec", "torch.save"), f"{path}:{node.lineno}: {called}"
                if called == "torch.load":
                    assert path.parent.name == "weights", f"{path}:{node.lineno}: torch.load outside weights/"
                if called in ("np.load", "numpy.load"):
                    assert "allow_pickle=False" in ast.unparse(node), f"{path}:{node.lineno}"
