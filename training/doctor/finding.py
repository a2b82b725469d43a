"""What a check comes to: how bad it is, what was found, and the remedy."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Protocol

from engine.settings import Settings


class Severity(StrEnum):
    """Fine; worth a look; or something that does not work."""

    OK = "ok"
    WARNING = "warning"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. `remedy` is a sentence, empty where there is nothing to do."""

    about: str
    severity: Severity
    found: str
    remedy: str = ""

    def __post_init__(self) -> None:
        # Servers and drivers say what they like: a terminal is shown one line that it can print.
        object.__setattr__(self, "found", _in_one_line(self.found))


@dataclass(frozen=True, slots=True)
class Deployment:
    """What is looked at. `url` and `key` are given by the caller, None when they were not."""

    settings: Settings
    url: str | None = None
    key: str | None = field(default=None, repr=False)
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)


class Check(Protocol):
    """Looks at one part of a deployment.

    What it yields before it fails, or before its time is over, counts.
    """

    def __call__(self, deployment: Deployment, /) -> Iterator[Finding]:
        """What is found, one thing after the other."""
        ...


def ok(about: str, found: str) -> Finding:
    """A thing that is as it should be."""
    return Finding(about, Severity.OK, found)


def warning(about: str, found: str, remedy: str) -> Finding:
    """A thing that works and is worth a look."""
    return Finding(about, Severity.WARNING, found, remedy)


def broken(about: str, found: str, remedy: str) -> Finding:
    """A thing that does not work."""
    return Finding(about, Severity.BROKEN, found, remedy)


def unless(fine: bool, finding: Finding) -> Finding:
    """The finding, or that all is well where it is."""
    return ok(finding.about, finding.found) if fine else finding


def spelled(span: timedelta) -> str:
    """A span of time as one says it: in hours below two days, in days from there."""
    hours = span / timedelta(hours=1)
    if hours < 1:
        return "less than an hour"
    if hours >= 48:
        return f"{int(hours / 24)} days"
    return "1 hour" if int(hours) == 1 else f"{int(hours)} hours"


def _in_one_line(text: str) -> str:
    return "".join(each if each.isprintable() else " " for each in " ".join(text.split()))
