"""Every check in turn, each for so long and no longer, and none of them able to stop the rest."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from engine.errors import EngineError
from training.doctor.cache import cache
from training.doctor.database import database
from training.doctor.finding import Check, Deployment, Finding, broken
from training.doctor.home import home
from training.doctor.machine import descriptors, disk
from training.doctor.model import model
from training.doctor.server import server
from training.doctor.versions import versions

# Every file of a model is read once: a gigabyte takes seconds.
MODEL_SECONDS = 60.0
LONGEST_SECONDS = 10.0
ALONE: Mapping[str, Check] = {"versions": versions}
CHECKS: Mapping[str, Check] = {
    "home": home,
    "disk": disk,
    "files": descriptors,
    "database": database,
    "cache": cache,
    "model": model,
    "server": server,
}
_SECONDS: Mapping[str, float] = {"model": MODEL_SECONDS}


@dataclass
class _Course:
    """A check as it runs; `findings` grows meanwhile."""

    name: str
    check: Callable[[], Iterator[Finding]]
    findings: list[Finding] = field(default_factory=list)

    def run(self) -> None:
        """Collect what the check finds, its own failure included."""
        try:
            for finding in self.check():
                self.findings.append(finding)
        except EngineError as error:
            self.findings.append(broken(self.name, str(error), "See what it names."))
        except PermissionError as error:
            remedy = "Run as the user who owns it."
            self.findings.append(broken(self.name, str(error), remedy))
        except Exception as error:  # A check that fails is a finding, whatever made it fail.
            found = f"{type(error).__name__}: {error}"
            remedy = "This check could not be carried out; the others do not depend on it."
            self.findings.append(broken(self.name, found, remedy))


def examined(checks: Mapping[str, Check], deployment: Deployment) -> Iterator[Finding]:
    """What the checks find, in their order."""
    for name, check in checks.items():
        yield from within(name, check, deployment, seconds=_SECONDS.get(name, LONGEST_SECONDS))


def within(name: str, check: Check, deployment: Deployment, *, seconds: float) -> list[Finding]:
    """What a check finds in so many seconds; that it took longer is a finding."""
    course = _Course(name, lambda: check(deployment))
    # A name that does not resolve or a mount that hangs cannot be interrupted, only left behind.
    thread = threading.Thread(target=course.run, name=f"check {name}", daemon=True)
    thread.start()
    thread.join(seconds)
    findings = list(course.findings)
    if thread.is_alive():
        found = f"no answer within {seconds:g} s"
        remedy = "Look whether what is named here is reachable: a network, a mount or a name hangs."
        findings.append(broken(name, found, remedy))
    return findings
