"""What complaints are about and why customers left, the most frequent first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from engine.loyalty.shop.intervals import Share, wilson


@dataclass(frozen=True)
class Cause:
    """A cause, its share of all with an interval, and the share of all up to and with it."""

    name: str
    share: Share
    running: float


def pareto(counts: Mapping[str, float], *, confidence: float) -> list[Cause]:
    """Causes by falling count, then by name; causes that never occurred are left out."""
    total = sum(counts.values())
    causes: list[Cause] = []
    running = 0.0
    for name, count in sorted(counts.items(), key=lambda each: (-each[1], each[0])):
        if count:
            running += count
            causes.append(Cause(name, wilson(count, total, confidence=confidence), running / total))
    return causes


def share_of(causes: list[Cause], name: str, *, confidence: float) -> Share:
    """The share of one cause, 0 with its interval where it never occurred."""
    total = causes[0].share.trials if causes else 0
    for cause in causes:
        if cause.name == name:
            return cause.share
    return wilson(0, total, confidence=confidence)


def dissatisfied(complaining: int, *, customers: int, voiced: float) -> int:
    """How many are likely dissatisfied when only a share `voiced` of them complains.

    Best & Andreasen (1977) and TARP (1986) found that most say nothing; never more than there are.
    """
    return min(customers, round(complaining / voiced))
