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
        remedy = "The first `regulars ingest` makes it; if there should be one, set REGULARS_HOME."
        yield warning("home", f"{folder.absolute()} does not exist", remedy)
        return
    yield _writable(folder)
    yield from _read_by_others(_private_files(deployment), folder)


def config_file() -> Path:
    """Where the settings would be read from."""
    return Path(os.environ.get(CONFIG_VARIABLE) or Path.cwd() / CONFIG_NAME)


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
    for path in files:
        if _is_open(path):
            inside = folder.absolute() in path.absolute().parents
            remedy = f"Run chmod 700 {folder.absolute()}." if inside else f"Run chmod 600 {path}."
            yield warning("permissions", f"{path} can be read by every user of this host", remedy)
    if files and not any(map(_is_open, files)):
        yield ok("permissions", "neither database nor configuration can be read by other users")


def _is_open(path: Path) -> bool:
    """Whether every user may read the file, and pass through each folder on the way to it."""
    own = path.resolve()
    through = all(parent.stat().st_mode & stat.S_IXOTH for parent in own.parents)
    return through and bool(own.stat().st_mode & stat.S_IROTH)
