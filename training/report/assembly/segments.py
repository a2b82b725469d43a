"""Segments with their customers, and whether each deserves a treatment of its own."""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType

import numpy as np

from engine.domain.arrays import BoolArray, LongArray
from engine.segments.quality import (
    Check,
    Costs,
    Outcome,
    all_of,
    any_of,
    category_check,
    profit,
    reachable_check,
    share_check,
    size_check,
    stability_check,
    value_check,
)
from training.report.assembly.sources import Sources
from training.report.data import Judged, SegmentRow

# What is not known where a check finds nothing to go by.
_ASKS = MappingProxyType(
    {
        "size": "how large it is",
        "share": "how large it is",
        "reachable": "who may be written to",
        "stability": "how stable it is",
    }
)


def segment_rows(sources: Sources) -> list[SegmentRow]:
    """The segments with members, the most revenue first."""
    rows = [
        SegmentRow(
            title=segment.title,
            description=segment.description,
            group=sources.group(segment.name, sources.members[segment.name]),
            differs=_differs(sources, sources.members[segment.name]),
            pays=_pays(sources, sources.members[segment.name]),
            feasible=_feasible(sources, segment.name),
        )
        for segment in sources.segments
        if sources.members[segment.name].any()
    ]
    return sorted(rows, key=lambda row: (-row.group.revenue, row.title))


def _differs(sources: Sources, members: BoolArray) -> Judged:
    margin = sources.values("margin_12m")
    checks = [
        value_check(margin[members], margin[~members]),
        category_check(_categories(sources, members)),
    ]
    outcome = any_of(checks)
    return Judged(outcome.value, "much like the rest" if outcome is Outcome.FAILED else "")


def _pays(sources: Sources, members: BoolArray) -> Judged:
    # What a treatment adds is measured with a control group; nobody has told costs either.
    unknown = np.full(int(members.sum()), np.nan)
    check = profit(unknown, Costs()).check
    return Judged(check.outcome.value, check.sentence)


def _feasible(sources: Sources, name: str) -> Judged:
    members = sources.members[name]
    size = int(members.sum())
    consent, labels = sources.choices("consent_email")
    said = consent >= 0
    granted = labels.index("granted") if "granted" in labels else -2
    reachable = int((members & (consent == granted)).sum()) if said.any() else None
    checks = [
        size_check(size),
        share_check(size, len(members)),
        reachable_check(reachable, size),
        stability_check(*_then_and_now(sources, name)),
    ]
    return Judged(all_of(checks).value, _why(checks))


def _then_and_now(sources: Sources, name: str) -> tuple[frozenset[str] | None, list[str]]:
    """Members of a month ago, None when that is not known, and those of now."""
    customers, members = sources.features.customers, sources.members[name]
    now = [customers[row] for row in np.flatnonzero(members).tolist()]
    return sources.members_before.get(name), now


def _categories(sources: Sources, members: BoolArray) -> LongArray:
    """Customers by favourite category, members first, shape (2, categories)."""
    favourite, labels = sources.choices("favourite_category")
    known = favourite >= 0
    return np.stack(
        [
            np.bincount(favourite[known & half], minlength=max(len(labels), 1))
            for half in (members, ~members)
        ]
    ).astype(np.int64)


def _why(checks: Sequence[Check]) -> str:
    """What speaks against a segment, else what is not known of it."""
    failed = [each.sentence for each in checks if each.outcome is Outcome.FAILED]
    unknown = [_ASKS[each.name] for each in checks if each.outcome is Outcome.UNKNOWN]
    return failed[0] if failed else ", ".join(unknown)
