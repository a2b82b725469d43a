"""What a check found, how bad it is, and what to do about it."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class Severity(StrEnum):
    """How bad it is: fine, worth knowing, or in the way of a shop that relies on it."""

    OK = "ok"
    WARNING = "warning"
    ERROR = "error"


class Finding(msgspec.Struct, frozen=True):
    """One thing that was looked at; a remedy where something is to be done."""

    check: str
    severity: Severity
    found: str
    remedy: str = ""


def fine(check: str, found: str) -> Finding:
    """That all is well."""
    return Finding(check, Severity.OK, found)


def warning(check: str, found: str, remedy: str) -> Finding:
    """Something that will do for now."""
    return Finding(check, Severity.WARNING, found, remedy)


def error(check: str, found: str, remedy: str) -> Finding:
    """Something that must be put right."""
    return Finding(check, Severity.ERROR, found, remedy)
