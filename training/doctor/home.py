"""The home folder: there, writable, and closed to other users."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

from engine.settings import CONFIG_NAME, CONFIG_VARIABLE
from training.doctor.finding import Deployment, Finding, broken, ok, warning


def home(deployment: Deployment) -> Iterator[Finding]:
    """Whether the home can be used, and whether others can read what is in it."""
    folder = deployment.settings.home
    if not folder.exists() and not folder.is_symlink():
        yield _missing(folder.absolute())
        return
    yield _writable(folder)
    yield from _read_by_others(_private_files(deployment), folder)


def config_file() -> Path:
    """Where the settings would be read from."""
    return Path(os.environ.get(CONFIG_VARIABLE) or Path.cwd() / CONFIG_NAME)


def _missing(folder: Path) -> Finding:
    found = f"{folder} does not exist"
    above = next(each for each in folder.parents if each.exists())
    if not above.is_dir() or not os.access(above, os.W_OK | os.X_OK):
        remedy = "Make it as a user who may and give it to this one, or set REGULARS_HOME."
        return broken("home", f"{found} and cannot be made in {above}", remedy)
    remedy = "The first `regulars ingest` makes it; if there should be one, set REGULARS_HOME."
    return warning("home", found, remedy)


def _writable(folder: Path) -> Finding:
    if not folder.is_dir():
        remedy = "Move it away or set REGULARS_HOME to a folder."
        return broken("home", f"{folder.absolute()} is no folder", remedy)
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"doctor")
            file.flush()
    except OSError as error:
        remedy = (
            "Run as the user who owns it, or give it to this one, on a disk that can be written."
        )
        found = f"{folder.absolute()} cannot be written: {error.strerror}"
        return broken("home", found, remedy)
    return ok("home", f"{folder.absolute()} is writable")


def _private_files(deployment: Deployment) -> list[Path]:
    url = deployment.settings.database
    files = [config_file()]
    if url.startswith("sqlite:///"):
        database = Path(url.removeprefix("sqlite:///"))
        files += [database, database.with_name(f"{database.name}-wal")]
    return [path for path in files if path.is_file()]


def _read_by_others(files: list[Path], folder: Path) -> Iterator[Finding]:
    exposed = [path.absolute() for path in files if _is_open(path)]
    inside = [path for path in exposed if folder.absolute() in path.parents]
    apart = [path for path in exposed if path not in inside]
    if inside:
        names = " and ".join(path.name for path in inside)
        found = f"{names} in {folder.absolute()} can be read by every user of this host"
        yield warning("permissions", found, f"Run chmod 700 {folder.absolute()}.")
    for path in apart:
        found = f"{path} can be read by every user of this host"
        yield warning("permissions", found, f"Run chmod 600 {path}.")
    if files and not exposed:
        yield ok("permissions", "neither database nor configuration can be read by other users")


def _is_open(path: Path) -> bool:
    """Whether every user may read the file, and pass through each folder on the way to it."""
    own = path.resolve()
    through = all(parent.stat().st_mode & stat.S_IXOTH for parent in own.parents)
    return through and bool(own.stat().st_mode & stat.S_IROTH)
