"""The architecture, executed: imports point down, learning sees no ground truth, the tree stays as decided."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
MAY_IMPORT: dict[str, set[str]] = {
    "plan2vec_envs": set(),
    "data_collection": {"plan2vec_envs"},
    "agents": {"data_collection"},
    "evaluation": {"plan2vec_envs", "data_collection", "agents"},
}
MAY_USE_TORCH = {"agents", "evaluation"}
MAX_LINES = 400
TOP_LEVEL = {
    *MAY_IMPORT,
    *("tests", "docs", ".ci"),
    *("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "CITATION.cff"),
    *("Makefile", "constraints.txt", "pyproject.toml", ".gitignore"),
}


def modules(package: str, root: Path = ROOT) -> list[Path]:
    return sorted((root / package).rglob("*.py"))


def imported(path: Path, root: Path = ROOT) -> Iterator[tuple[int, str]]:
    """(line, absolute dotted name) of every import in a file, relative ones and importlib calls resolved."""
    package = path.relative_to(root).parent.parts
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            # One dot is the module's own package; each further dot climbs one folder, even past the top.
            climbed = node.level - 1
            base = package[: len(package) - climbed] if node.level and climbed <= len(package) else ()
            names = [node.module] if node.module else [alias.name for alias in node.names]
            yield from ((node.lineno, ".".join([*base, name])) for name in names)
        elif isinstance(node, ast.Call) and re.search(r"\b(import_module|__import__)$", ast.unparse(node.func)):
            named = [a.value for a in node.args if isinstance(a, ast.Constant) and isinstance(a.value, str)]
            yield from ((node.lineno, name) for name in named if not name.startswith("."))


def upward_imports(package: str, root: Path = ROOT) -> list[str]:
    forbidden = set(MAY_IMPORT) - MAY_IMPORT[package] - {package}
    return [
        f"{path.relative_to(root)}:{line} imports {name}"
        for path in modules(package, root)
        for line, name in imported(path, root)
        if name.split(".")[0] in forbidden
    ]


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_imports_point_down(package):
    assert upward_imports(package) == []


@pytest.mark.parametrize(
    "statement",
    [
        "import evaluation",
        "import evaluation.cli as cli",
        "from plan2vec_envs.geometry import STEP",
        "from ...evaluation import cli",
        "from ... import evaluation",
        "def later():\n    import plan2vec_envs",
        "import importlib\nimportlib.import_module('evaluation.cli')",
    ],
)
def test_a_planted_upward_import_is_found(tmp_path, statement):
    planted = tmp_path / "agents" / "heads" / "planted.py"
    planted.parent.mkdir(parents=True)
    planted.write_text(statement)
    assert len(upward_imports("agents", tmp_path)) == 1


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_packages_import_themselves_relatively(package):
    """The folder names belong to other distributions too; a relative import cannot reach those."""
    assert [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in modules(package)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if (isinstance(node, ast.ImportFrom) and not node.level and (node.module or "").split(".")[0] == package)
        or (isinstance(node, ast.Import) and any(a.name.split(".")[0] == package for a in node.names))
    ] == []


def test_agents_know_no_environment():
    """Offline learning is a fact of the import graph, not a promise; only adapters are handed environments."""
    worlds = {"gymnasium", "plan2vec_envs", "pymunk"}
    known = {(path, name) for path in modules("agents") for _, name in imported(path) if name.split(".")[0] in worlds}
    adapters = {path for folder in ("agents/reward", "agents/sb3") for path in modules(folder)}
    assert sorted((path, name) for path, name in known if path not in adapters) == []
    assert {name.split(".")[0] for _, name in known} == {"gymnasium"}


def test_adapters_wrap_environments_and_make_none():
    made = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in modules("agents")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and re.search(r"\b(make|make_vec|register|register_envs)$", ast.unparse(node.func))
    ]
    assert made == []


def test_ground_truth_is_not_named_in_agents():
    assert [p for p in modules("agents") if "oracle" in p.read_text(encoding="utf-8").lower()] == []


@pytest.mark.parametrize("package", sorted(set(MAY_IMPORT) - MAY_USE_TORCH))
def test_torch_stays_out_of(package):
    heavy = {"torch", "stable_baselines3"}
    assert [p for p in modules(package) for _, name in imported(p) if name.split(".")[0] in heavy] == []


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_packages_are_typed_and_importable(package):
    assert (ROOT / package / "__init__.py").is_file()
    assert (ROOT / package / "py.typed").is_file()


def test_files_stay_small():
    """A file is one idea; the limit is where it has certainly become two."""
    lengths = {path: len(path.read_text(encoding="utf-8").splitlines()) for pkg in MAY_IMPORT for path in modules(pkg)}
    assert {p: n for p, n in lengths.items() if n > MAX_LINES} == {}


def test_top_level_is_as_decided():
    """A user's own untracked files are nobody's business; outside a git checkout there are no tracked ones."""
    listing = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False).stdout
    tracked = {line.split("/")[0] for line in listing.splitlines()}
    assert sorted(tracked - TOP_LEVEL) == []
    assert [name for name in sorted(TOP_LEVEL) if not (ROOT / name).exists()] == []
