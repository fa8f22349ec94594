"""The architecture, executed: imports point down, learning sees no ground truth, the tree stays as decided."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
MAY_IMPORT: dict[str, set[str]] = {
    "plan2vec_envs": set(),
    "data_collection": {"plan2vec_envs"},
    "agents": {"data_collection"},
    "evaluation": {"plan2vec_envs", "data_collection", "agents"},
}
ORDER = {
    "plan2vec_envs": "errors geometry io plugins rooms maze image_graph rope",
    "data_collection": "errors registry arrays splits pairs records storage engines collection sources",
    "agents": "errors networks graphs training metrics control base plan2vec reward sb3 baselines",
    "evaluation": "errors protocols figures runs report diagnostics rl pipeline commands cli paper",
}  # the files and folders at the top of each package, from the ground up
UPWARD = {("data_collection.records", "data_collection.sources.reading")}
"""Imports inside a function that point up: the class methods of `Dataset` that read."""
MAY_USE_TORCH = {"agents", "evaluation"}
MAX_LINES, MAX_AT_TOP, MAX_IN_FOLDER = 400, 12, 15
OPEN_FOLDERS = {  # one more file is one more thing
    *("plan2vec_envs/rooms", "data_collection/sources/formats", "agents/metrics/heads", "agents/baselines"),
    *("evaluation/commands", "evaluation/paper/experiments"),
}
TOP_LEVEL = {
    *MAY_IMPORT,
    "plan2vec.py",
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


def uses(package: str, root: Path = ROOT) -> dict[str, set[str]]:
    """The modules of a package, and those of the same package that each imports anywhere in its text."""
    paths = {".".join(path.relative_to(root).with_suffix("").parts): path for path in modules(package, root)}
    names = {name.removesuffix(".__init__"): path for name, path in paths.items()}
    found: dict[str, set[str]] = {name: set() for name in names}
    for name, path in names.items():
        folder = path.relative_to(root).parent.parts
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.ImportFrom) or not node.level:
                continue
            base = ".".join([*folder[: len(folder) - node.level + 1], *([node.module] if node.module else [])])
            for alias in node.names:
                target = f"{base}.{alias.name}" if f"{base}.{alias.name}" in names else base
                if target in names and target != name and (name, target) not in UPWARD:
                    found[name].add(target)
    return found


def disorderly_imports(package: str, order: list[str], root: Path = ROOT) -> list[str]:
    """Imports from one entry at the top of a package to a higher one."""
    floor = {entry: number for number, entry in enumerate([*order, ""])}  # the package itself is above all

    def entry(name: str) -> str:
        return ".".join(name.split(".")[1:2])

    return [
        f"{name} imports {target}"
        for name, targets in uses(package, root).items()
        for target in sorted(targets)
        if floor[entry(target)] > floor[entry(name)]
    ]


def circle(graph: dict[str, set[str]]) -> list[str]:
    """Some modules that import each other in a ring; none, if there is no ring."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_inside_a_package_imports_point_down(package):
    listed = {
        path.stem for path in (ROOT / package).iterdir() if path.suffix == ".py" or (path / "__init__.py").is_file()
    }
    assert listed - {"__init__"} == set(ORDER[package].split()), "a new entry gets a floor"
    assert disorderly_imports(package, ORDER[package].split()) == []


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_no_modules_import_each_other_in_a_circle(package):
    assert circle(uses(package)) == []


def test_a_planted_import_from_a_lower_floor_and_a_planted_circle_are_found(tmp_path):
    low, high = tmp_path / "house" / "low", tmp_path / "house" / "high"
    for folder in (low, high):
        folder.mkdir(parents=True)
        (folder / "__init__.py").write_text("")
    (tmp_path / "house" / "__init__.py").write_text("from .high.roof import tile")
    (high / "roof.py").write_text("from ..low import wall\nfrom .beam import x")
    (high / "beam.py").write_text("def later():\n    from .roof import tile")
    (low / "wall.py").write_text("from ..high.beam import x")
    assert disorderly_imports("house", ["low", "high"], tmp_path) == ["house.low.wall imports house.high.beam"]
    assert {"house.high.roof", "house.high.beam"} <= set(circle(uses("house", tmp_path)))
    (high / "beam.py").write_text("")
    assert circle(uses("house", tmp_path)) == []


def crowded_folders(root: Path, packages: Iterable[str]) -> dict[str, int]:
    """Folders that hold more entries than one can keep in the head, and how many; open folders may."""
    folders = [folder for package in packages for folder in [root / package, *(root / package).rglob("*/")]]
    counts = {
        folder.relative_to(root).as_posix(): sum(
            entry.suffix == ".py" or (entry.is_dir() and any(entry.rglob("*.py"))) for entry in folder.iterdir()
        )
        for folder in folders
    }
    limits = {name: MAX_AT_TOP if name in packages else MAX_IN_FOLDER for name in counts}
    return {name: count for name, count in counts.items() if count > limits[name] and name not in OPEN_FOLDERS}


def test_no_folder_is_crowded():
    assert crowded_folders(ROOT, MAY_IMPORT) == {}
    assert [name for name in sorted(OPEN_FOLDERS) if not (ROOT / name).is_dir()] == []


def test_a_planted_crowd_is_found(tmp_path):
    for folder, count in (("house", MAX_AT_TOP), ("house/room", MAX_IN_FOLDER + 1), ("house/hall", MAX_IN_FOLDER)):
        (tmp_path / folder).mkdir(parents=True, exist_ok=True)
        for number in range(count):
            (tmp_path / folder / f"file{number}.py").write_text("")
    (tmp_path / "house" / "py.typed").write_text("")
    assert crowded_folders(tmp_path, ["house"]) == {"house": MAX_AT_TOP + 2, "house/room": MAX_IN_FOLDER + 1}


@pytest.mark.parametrize(
    ("package", "heavy"),
    [
        ("agents", {"cv2", "pymunk", "stable_baselines3", "matplotlib", "plan2vec_envs.maze", "plan2vec_envs.rope"}),
        ("data_collection", {"torch", "cv2", "pymunk", "stable_baselines3", "matplotlib", "plan2vec_envs.maze"}),
        ("plan2vec_envs", {"torch", "cv2", "pymunk", "matplotlib", "scipy"}),
        ("plan2vec", {"torch", "cv2", "pymunk", "matplotlib", "scipy"}),
        ("evaluation.cli", {"torch", "cv2", "pymunk", "matplotlib", "scipy", "gymnasium"}),
    ],
)
def test_importing_loads_nothing_heavy(package, heavy):
    heavy |= {"plan2vec_envs.image_graph"}
    code = f"import {package}, sys; print([name for name in sorted({heavy}) if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_learning_and_reading_load_nothing_that_simulates_or_draws():
    heavy = {"cv2", "pymunk", "stable_baselines3", "matplotlib", "plan2vec_envs.maze", "plan2vec_envs.image_graph"}
    code = (
        "import sys; from agents import Plan2Vec, Plan2VecPlaces, Plan2VecWaypoints, load_agent; "
        f"from data_collection import Dataset, load_dataset; print([n for n in sorted({heavy}) if n in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


@pytest.mark.parametrize("words", [["--help"], ["reproduce"], ["inspect", "nowhere"], ["doctor"]])
def test_commands_that_need_no_torch_load_none(words):
    """`doctor` says what it can before it asks torch."""
    code = f"""
import sys
from evaluation.cli import main
class NoTorch:
    def find_spec(self, name, path=None, target=None):
        if name == "torch":
            raise ImportError("torch was asked for")
sys.meta_path.insert(0, NoTorch())
try:
    main({words})
except SystemExit:
    pass
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    expected = {"--help": "usage: plan2vec", "reproduce": "table1", "inspect": "nowhere", "doctor": "package names"}
    assert expected[words[0]] in done.stdout + done.stderr
    assert ("torch was asked for" in done.stderr) == (words == ["doctor"])


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
