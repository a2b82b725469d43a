"""Room on the disks, and how many files a process may have open."""

from __future__ import annotations

import resource
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from training.commands.size import spoken
from training.doctor.finding import Deployment, Finding, unless, warning
from training.serving.standing import standings

LEAST_FREE, LEAST_SHARE = 1_000_000_000, 0.05
# A connection takes one, and so do each array of the model and each connection of a thread.
LEAST_FILES = 1024
GOOD_FILES = 65_536


def disk(deployment: Deployment) -> Iterator[Finding]:
    """What is free on each disk that this machine writes to."""
    settings = deployment.settings
    wanted = [settings.home, settings.models_folder]
    if settings.database.startswith("sqlite:///"):
        wanted.append(Path(settings.database.removeprefix("sqlite:///")).parent)
    places = {path.stat().st_dev: path for path in map(_that_exists, reversed(wanted))}
    for path in places.values():
        total, _, free = shutil.disk_usage(path)
        share = free / total if total else 1.0
        found = f"{spoken(free)} of {spoken(total)} free ({share:.0%}) at {path}"
        remedy = "Make room, or remove old folders of the models: a full disk refuses events."
        enough = free >= LEAST_FREE and share >= LEAST_SHARE
        yield unless(enough, warning("disk", found, remedy))


def descriptors(deployment: Deployment) -> Iterator[Finding]:
    """The limit of a process of this user, or of the servers that run."""
    running = {
        f"of the server at port {path.stem}": standing.pid
        for path, standing in standings(deployment.settings.home).items()
    }
    for whose, pid in running.items() or {"of a process started here": 0}.items():
        # Another user's server does not tell.
        with suppress(PermissionError, ProcessLookupError):
            yield _limit(resource.prlimit(pid, resource.RLIMIT_NOFILE)[0], whose)


def _limit(limit: int, whose: str) -> Finding:
    enough = limit == resource.RLIM_INFINITY or limit >= LEAST_FILES
    shown = "unlimited" if limit == resource.RLIM_INFINITY else f"{limit:,}"
    remedy = f"Run ulimit -n {GOOD_FILES} before `regulars serve`, or set LimitNOFILE in its unit."
    return unless(enough, warning("open files", f"{shown} is the limit {whose}", remedy))


def _that_exists(path: Path) -> Path:
    """The path, or the nearest folder above it that is there."""
    path = path.absolute()
    return path if path.exists() else _that_exists(path.parent)
