"""The direction of imports, the size of things, and silence at import."""

from __future__ import annotations

import ast
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("engine", "api", "training")
FILES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
# Who may import whom inside the engine; everyone may use the ground floor.
GROUND = {"errors", "settings", "ports", "domain"}
FLOORS = {
    "errors": set(),
    "settings": {"errors", "recommend", "domain"},
    "domain": {"errors", "domain"},
    "ports": {"domain"},
    "list_cache": set(),
    "ports_access": {"domain"},
    "loyalty": {"errors", "domain", "loyalty"},
    "models": {"errors", "domain", "loyalty", "models"},
    "recommend": {"errors", "domain", "ports", "loyalty", "models", "recommend"},
    "rebuild": {"errors", "domain", "ports", "loyalty"},
    "segments": {"errors", "domain", "loyalty", "segments"},
    "charts": {"errors", "charts"},
    "log_lines": set(),
    "live": {"errors", "domain", "ports", "loyalty", "segments"},
    "portrait": {"errors", "domain", "ports", "loyalty", "segments", "live"},
    "segment_keeper": {"errors", "domain", "ports", "loyalty", "segments"},
    "segment_sales": {"domain", "ports", "loyalty", "models", "recommend"},
    "newcomers": {"domain", "ports", "live", "recommend", "segment_sales"},
    "feedback": {
        "errors",
        "domain",
        "ports",
        "loyalty",
        "live",
        "receipts",
        "list_cache",
        "identities",
        "foreseen",
    },
    "foreseen": {"domain", "loyalty", "live", "receipts"},
    "receipts": {"errors", "domain", "ports"},
    "intake": {"errors", "domain", "receipts"},
    "follower": {"errors"},
    "identities": {"errors", "domain", "ports", "loyalty", "live"},
    "identity_keeper": {"domain", "ports", "live", "identities"},
    # The model store writes what models are, the table of features has a column for each there is;
    # everything else in the store knows the domain only.
    "store": {
        "errors",
        "domain",
        "ports",
        "list_cache",
        "ports_access",
        "store",
        "models",
        "loyalty",
    },
}
HOMES = {
    "flask": {"api"},
    "werkzeug": {"api"},
    "jinja2": {"api", "training/report"},
    "altair": {"engine/charts"},
    "vl_convert": {"engine/charts"},
    "redis": {"engine/store"},
    "limits": {"engine/store"},
    "sqlalchemy": {"engine/store"},
    "alembic": {"engine/store"},
    "psycopg": {"engine/store"},
    "implicit": {"training"},
    "lightgbm": {"engine/models/ranker.py", "training/fitting/ranker.py"},
    "optuna": {"training/tuning"},
    "click": {"training"},
    "rich": {"training"},
    "prometheus_client": {"api/telemetry"},
    "granian": {"training"},
}
MOST_LINES = 300
LONGEST_FUNCTION = 40
MOST_PARAMETERS = 7


def module_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports_of(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            found.add(node.module or "")
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
    return found


def ours(path: Path) -> set[str]:
    modules = {module_of(each) for each in FILES}
    return {each for each in imports_of(path) if each in modules} - {module_of(path)}


@pytest.mark.parametrize("path", FILES, ids=module_of)
def test_imports_follow_the_design(path: Path) -> None:
    package, *rest = module_of(path).split(".")
    for imported in ours(path):
        other, *inner = imported.split(".")
        if package == "engine":
            assert other == "engine", f"{path} imports {imported}"
            if rest and inner:
                assert inner[0] in FLOORS[rest[0]], f"{path} imports {imported}"
        else:
            assert other in (package, "engine"), f"{path} imports {imported}"


@pytest.mark.parametrize("path", FILES, ids=module_of)
def test_libraries_stay_where_they_belong(path: Path) -> None:
    own = path.relative_to(ROOT).as_posix()
    for library in {each.split(".")[0] for each in imports_of(path)} & set(HOMES):
        homes = HOMES[library]
        assert own in homes or any(own.startswith(f"{each}/") for each in homes), (
            f"{own}: {library}"
        )


def test_nothing_imports_in_circles() -> None:
    graph = {module_of(path): ours(path) for path in FILES}

    assert list(TopologicalSorter(graph).static_order())


@pytest.mark.parametrize("path", FILES, ids=module_of)
def test_files_functions_and_parameter_lists_stay_small(path: Path) -> None:
    text = path.read_text()
    assert text.count("\n") <= MOST_LINES
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            last = node.end_lineno or 0
            docstring = ast.get_docstring(node) or ""
            body = last - node.body[0].lineno - docstring.count("\n")
            arguments = node.args
            count = len(arguments.posonlyargs + arguments.args + arguments.kwonlyargs)
            assert body <= LONGEST_FUNCTION, f"{path}: {node.name}"
            # A click command takes one parameter an option.
            assert count <= MOST_PARAMETERS or node.decorator_list, f"{path}: {node.name}"


@pytest.mark.parametrize("path", FILES, ids=module_of)
def test_imports_stand_at_the_top(path: Path) -> None:
    tree = ast.parse(path.read_text())
    for function in (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)):
        inside = [n for n in ast.walk(function) if isinstance(n, ast.Import | ast.ImportFrom)]
        assert not inside, f"{path}: {function.name} imports lazily"


@pytest.mark.parametrize("path", FILES, ids=module_of)
def test_the_engine_asks_neither_clock_nor_environment(path: Path) -> None:
    if module_of(path).split(".")[0] != "engine":
        return
    text = path.read_text()
    for forbidden in ("os.environ", "os.getenv", "datetime.now", "date.today", "time.time("):
        assert forbidden not in text, f"{path}: {forbidden}"


def test_importing_everything_has_no_effect(tmp_path) -> None:
    watch = (
        "import sys, threading\n"
        "events = []\n"
        "def hook(name, args):\n"
        "    if name in ('socket.connect', 'socket.bind', 'subprocess.Popen', 'os.mkdir'):\n"
        "        events.append((name, args))\n"
        "    if name == 'open' and isinstance(args[1], str) and set(args[1]) & set('wax+'):\n"
        "        if not str(args[0]).endswith('.pyc') and '__pycache__' not in str(args[0]):\n"
        "            events.append((name, args))\n"
        "sys.addaudithook(hook)\n"
        f"import {', '.join(module_of(path) for path in FILES if path.name != '__main__.py')}\n"
        "assert not events, events\n"
        "assert threading.active_count() == 1, threading.enumerate()\n"
    )

    done = subprocess.run(
        [sys.executable, "-B", "-c", watch],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert (done.stdout, done.stderr) == ("", "")
    assert list(tmp_path.iterdir()) == []
