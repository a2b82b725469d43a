"""The machine and the home: what is installed, what there is room for, who may read what."""

from __future__ import annotations

import os
import platform
import re
import resource
import shutil
import stat
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

from engine.settings import CONFIG_NAME, CONFIG_VARIABLE, Settings
from training.doctor.finding import Finding, error, fine, warning

DISTRIBUTION = "regulars"
LEAST_PYTHON = (3, 11)
# A worker holds a file for each connection, and the server lets a thousand wait.
LEAST_FILES = 4096
LEAST_FREE_BYTES = 1_000_000_000
_BOUND = re.compile(r"([A-Za-z0-9._-]+)(?:\[[^]]*\])?>=([0-9.]+)")
_SECRET = re.compile(rb"(?:_url\s*=\s*.*://[^\s/@]*:[^\s@]+@)")


def machine(settings: Settings) -> Iterator[Finding]:
    """What there is to say of this machine and the home."""
    yield _python()
    yield _libraries()
    yield _files()
    yield _home(settings.home)
    yield _disk(settings.home)
    yield _privacy(settings.home)
    yield from _config()


def _python() -> Finding:
    found = platform.python_version()
    if sys.version_info < LEAST_PYTHON:
        return error("python", found, "run Regulars with Python 3.11 or later")
    return fine("python", f"{found} on {platform.system()} {platform.machine()}")


def _libraries() -> Finding:
    try:
        wanted = requires(DISTRIBUTION) or []
        own = version(DISTRIBUTION)
    except PackageNotFoundError:
        return warning("libraries", "regulars is not installed", "run pip install regulars")
    wrong = [told for each in wanted if "extra ==" not in each and (told := _wrong(each))]
    if wrong:
        remedy = "install it anew: pip install --upgrade regulars"
        return error("libraries", "; ".join(wrong), remedy)
    return fine("libraries", f"regulars {own} with all it needs")


def _wrong(requirement: str) -> str | None:
    """What is wrong with a library, None when nothing is."""
    bound = _BOUND.match(requirement)
    if bound is None:
        return None
    name, least = bound.groups()
    try:
        found = version(name)
    except PackageNotFoundError:
        return f"{name} is missing"
    return None if _numbers(found) >= _numbers(least) else f"{name} {found} is older than {least}"


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(each) for each in re.findall(r"\d+", text)[:4])


def _files() -> Finding:
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < LEAST_FILES:
        remedy = f"raise it to {LEAST_FILES} or more: ulimit -n, or LimitNOFILE= in the unit"
        return warning("open files", f"a process may open {soft}", remedy)
    told = "as many as it likes" if soft == resource.RLIM_INFINITY else str(soft)
    return fine("open files", f"a process may open {told}")


def _home(home: Path) -> Finding:
    there = _there(home)
    if there is None:
        return error("home", f"{home} cannot be reached", "set REGULARS_HOME to a folder of yours")
    writable = os.access(there, os.R_OK | os.W_OK | os.X_OK)
    if not writable:
        remedy = f"give it to the user that runs Regulars: chown -R {_user()} {there}"
        return error("home", f"{there} cannot be written by this user", remedy)
    if there != home.absolute():
        return fine("home", f"{home} will be made at the first use")
    return fine("home", f"{home} can be read and written")


def _disk(home: Path) -> Finding:
    there = _there(home)
    try:
        free = shutil.disk_usage(there or "/").free
    except OSError as problem:
        return warning("disk", f"cannot be asked: {problem.strerror}", "look at it yourself: df")
    told = f"{free / 1e9:.1f} GB are left for {home}"
    if free < LEAST_FREE_BYTES:
        remedy = "make room: every event is written there, and a full disk refuses all of them"
        return error("disk", told, remedy)
    return fine("disk", told)


def _privacy(home: Path) -> Finding:
    """Whether other users of the machine can read what customers did."""
    open_to_all = _mode(home) & stat.S_IXOTH
    shown = [
        path.name
        for path in (home / "regulars.db", home / "valkey.sock", home / "api-keys.json")
        if open_to_all and _mode(path) & stat.S_IROTH
    ]
    if shown:
        return warning(
            "privacy",
            f"every user of this machine can read {', '.join(shown)} in {home}",
            f"keep customers' data to its user: chmod 700 {home}",
        )
    return fine("privacy", "no other user of this machine can read the home's data")


def _config() -> Iterator[Finding]:
    path = Path(os.environ.get(CONFIG_VARIABLE) or CONFIG_NAME)
    try:
        secret = _SECRET.search(path.read_bytes()) is not None
    except OSError:
        return
    if secret and _mode(path) & stat.S_IROTH:
        remedy = f"keep its password to its user: chmod o-r {path}"
        yield error(
            "config file",
            f"{path} holds a password and every user of this machine can read it",
            remedy,
        )
    else:
        yield fine("config file", f"{path} holds no password that every user can read")


def _there(home: Path) -> Path | None:
    """The home, or the nearest folder above it that is there."""
    for each in (home.absolute(), *home.absolute().parents):
        if _can(each.exists):
            return each
    return None


def _can(ask: Callable[[], bool]) -> bool:
    try:
        return ask()
    except OSError:
        return False


def _mode(path: Path) -> int:
    try:
        return path.stat().st_mode
    except OSError:
        return 0


def _user() -> str:
    return str(os.getuid())
