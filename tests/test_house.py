"""The house: what is installed, what imports what, and what must not stand in the package."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
import tarfile
import time
import tomllib
import zipfile
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import pytest
from packaging.requirements import Requirement

import personaopt

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "personaopt"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
HEAVY = {
    "torch",
    "transformers",
    "textgrad",
    "datasets",
    "litellm",
    "dspy",
    "sentence_transformers",
    "faiss",
    "sklearn",
}
LINKS = ("optimizers", "signatures", "evals")

# What may be imported by what: only from a lower rank, or within a room. Rooms of one rank need no order among
# themselves, except that they make no circle.
RANKS = {
    "errors": 0,
    "persona": 1,
    "fields": 1,
    "interaction": 1,
    "attachments": 1,
    "signals": 1,
    "signatures": 2,
    "memory": 3,
    "lm": 3,
    "actions": 3,
    "explanation": 4,
    "under_persona": 4,
    "program_file": 4,
    "agent": 4,
    "program": 5,
    "session": 5,
    "streaming": 5,
    "conversation": 5,
    "optimizers": 5,
    "evals": 6,
    "fleet": 6,
    "report": 6,
    "cli": 7,
}


def modules() -> dict[str, ast.Module]:
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        found[name] = ast.parse(path.read_text(encoding="utf-8"), filename=str(path))
    return found


MODULES = modules()


def statements(tree: ast.AST, *, functions: bool) -> Iterator[ast.stmt]:
    """Import statements that are run, those for type checkers left out."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) and not functions:
            continue
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield node
        yield from statements(node, functions=functions)


def imported(module: str, *, functions: bool) -> set[str]:
    """Which of our modules a module imports."""
    found = set()
    for node in statements(MODULES[module], functions=functions):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= (names & MODULES.keys()) or {node.module}
    return {name for name in found if name.split(".")[0] == "personaopt" and name != module}


def room(module: str) -> str:
    return module.split(".")[1]


def loaded_by(code: str) -> set[str]:
    command = [sys.executable, "-c", f"import sys\n{code}\nprint(*sys.modules)"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    return set(done.stdout.split())


@pytest.mark.parametrize("module", ["personaopt", "personaopt.cli.main", "personaopt.lm.weights"])
def test_importing_loads_nothing_heavy(module: str) -> None:
    assert not HEAVY & loaded_by(f"import {module}")


@pytest.mark.parametrize(
    ("command", "seconds"),
    [
        ([sys.executable, "-c", "import personaopt"], 0.7),
        ([sys.executable, "-m", "personaopt.cli.main", "--help"], 0.8),
    ],
)
def test_the_front_door_opens_quickly(command: list[str], seconds: float) -> None:
    def once() -> float:
        start = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        return time.perf_counter() - start

    assert min(once() for _ in range(5)) <= seconds


def test_every_public_name_is_there_and_is_what_type_checkers_see() -> None:
    for name in personaopt.__all__:
        assert getattr(personaopt, name) is not None
        assert name in dir(personaopt)
    block = next(node for node in MODULES["personaopt"].body if isinstance(node, ast.If))
    seen = {(a.name, node.module) for node in block.body if isinstance(node, ast.ImportFrom) for a in node.names}
    assert seen == set(personaopt._HOMES.items())
    assert {name for name, _ in seen} | {"__version__"} == set(personaopt.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = personaopt.nothing


def test_imports_point_one_way() -> None:
    ours = MODULES.keys() - {"personaopt"}
    assert {room(module) for module in ours} <= RANKS.keys(), "give every room a rank"
    wrong = [
        f"{module} -> {target}"
        for module in ours
        for target in imported(module, functions=True) - {"personaopt"}
        if room(target) != room(module) and RANKS[room(target)] > RANKS[room(module)]
    ]
    assert not wrong


def test_nothing_imports_through_the_lazy_front() -> None:
    for module, tree in MODULES.items():
        for node in statements(tree, functions=True):
            if isinstance(node, ast.ImportFrom) and node.module == "personaopt":
                lazy = {alias.name for alias in node.names} & set(personaopt._HOMES)
                assert not lazy, f"{module} imports {lazy} from personaopt: name the module that has it"


def test_there_are_no_circles() -> None:
    edges = {module: imported(module, functions=False) & MODULES.keys() - {"personaopt"} for module in MODULES}
    # Rooms as a whole make no circle either, not even with imports inside functions.
    for module in MODULES.keys() - {"personaopt"}:
        others = {room(target) for target in imported(module, functions=True) - {"personaopt"}} - {room(module)}
        edges.setdefault(room(module), set()).update(others)

    def reachable(start: str) -> set[str]:
        seen: set[str] = set()
        todo = [start]
        while todo:
            fresh = edges.get(todo.pop(), set()) - seen
            seen |= fresh
            todo.extend(fresh)
        return seen

    assert not [module for module in edges if module in reachable(module)]


def test_the_links_lead_into_the_package() -> None:
    for link in LINKS:
        assert os.readlink(ROOT / link) == f"personaopt/{link}"
        assert (ROOT / link / "__init__.py").is_file()
    tracked = subprocess.run(["git", "ls-files", "-s", *LINKS], cwd=ROOT, capture_output=True, text=True, check=False)
    if tracked.returncode == 0:  # not so in an unpacked archive
        assert [line.split()[0] for line in tracked.stdout.splitlines()] == ["120000"] * len(LINKS)


def test_nothing_in_the_package_names_this_machine_or_a_package_host() -> None:
    forbidden = re.compile(
        r"(?<![\w.])/(work|root|tmp|opt|home)/\w|pypi\.org|pythonhosted|files\.python|https?://[^/\s]*index"
    )
    texts = [path for suffix in ("py", "json", "md") for path in PACKAGE.rglob(f"*.{suffix}")]
    houses = [
        ROOT / name for name in ("pyproject.toml", "constraints.txt", "Makefile", ".ci/run", ".ci/check_torch.py")
    ]
    found = [f"{path}: {hit[0]}" for path in texts + houses for hit in forbidden.finditer(path.read_text("utf-8"))]
    assert len(texts) > 10
    assert not found


def test_constraints_pin_every_dependency_within_its_range() -> None:
    lines = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if not line.startswith("#")]
    assert all(re.fullmatch(r"[\w.-]+==[\w.!]+", line) for line in lines)
    pinned = {re.sub(r"[-_.]+", "-", name).lower(): pin for name, pin in (line.split("==") for line in lines)}
    assert pinned["torch"] == "2.13.0"
    groups = [PROJECT["dependencies"], *PROJECT["optional-dependencies"].values()]
    for requirement in (Requirement(text) for group in groups for text in group):
        assert pinned[requirement.name.lower()] in requirement.specifier, requirement


def test_the_build_has_every_package_and_its_data(tmp_path: Path) -> None:
    """The wheel is built from the source archive, as an installer without a wheel does it."""
    copy = tmp_path / "source"
    unwanted = shutil.ignore_patterns(
        ".venv", ".git", "*.egg-info", "build", "dist", "__pycache__", ".*_cache", "tests"
    )
    shutil.copytree(ROOT, copy, symlinks=True, ignore=unwanted)
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(tmp_path / "dist"), str(copy)]
    built = subprocess.run(command, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stdout + built.stderr
    (archive,) = (tmp_path / "dist").glob("*.tar.gz")
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    assert archive.name == f"personaopt-{version('personaopt')}.tar.gz"
    wanted = {
        path.relative_to(ROOT).as_posix()
        for path in PACKAGE.rglob("*")
        if path.suffix in {".py", ".json", ".typed"} and "__pycache__" not in path.parts
    }
    with zipfile.ZipFile(wheel) as opened:
        names = opened.namelist()
        scripts = opened.read(next(name for name in names if name.endswith("entry_points.txt"))).decode()
    inside = {name for name in names if ".dist-info/" not in name}
    assert inside == wanted
    assert "personaopt = personaopt.cli.main:run" in scripts
    assert any(name.endswith("licenses/LICENSE") for name in names)
    with tarfile.open(archive) as opened_archive:
        tops = {name.split("/")[1] for name in opened_archive.getnames() if "/" in name}
    assert not tops & set(LINKS)
