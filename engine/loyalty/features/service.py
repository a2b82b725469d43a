"""What the customer needed help with, how fast it came, and whether it was made good."""

from __future__ import annotations

import numpy as np

from engine.domain.arrays import BoolArray, LongArray
from engine.domain.histories import DAY_MS
from engine.loyalty.feature import Column, Feature, Kind
from engine.loyalty.features.columns import unknown_columns
from engine.loyalty.features.context import Columns, Context, column, counts, sums
from engine.loyalty.features.evidence import counted, last_at, shown, tells
from engine.loyalty.states import NEVER, Cases

HOUR_MS = 3_600_000
_CONTACTS = "service_contact and complaint events; some customer must have had one"
_COMPLAINTS = "complaint events; some customer must have complained"
_RESOLVED = "complaint_resolved events"

FEATURES: tuple[Feature, ...] = (
    Feature(
        "contacts_12m",
        Kind.COUNT,
        "Times the customer turned to the service in the last 12 months, complaints too.",
        _CONTACTS,
        "Contacts with the service in the last 12 months: {contacts_12m:count}.",
    ),
    Feature(
        "contacts_per_order",
        Kind.NUMBER,
        "Times the customer turned to the service for each order, over everything.",
        _CONTACTS + ", and purchases",
        "Contacts with the service for each order: {contacts_per_order:number}.",
    ),
    Feature(
        "open_complaints",
        Kind.COUNT,
        "Complaints that nobody has resolved yet.",
        _COMPLAINTS,
        "Open complaints: {open_complaints:count}, of {complaints:count} so far.",
    ),
    Feature(
        "complaints",
        Kind.COUNT,
        "Complaints so far.",
        _COMPLAINTS,
        "Complaints so far: {complaints:count}.",
    ),
    Feature(
        "first_response_hours",
        Kind.NUMBER,
        "Hours until a complaint was first answered, mean of those that were.",
        "service_contact events to the customer that name the case, or complaint_resolved events",
        "Complaints were first answered after {first_response_hours:number} hours.",
    ),
    Feature(
        "resolution_hours",
        Kind.NUMBER,
        "Hours until a complaint was resolved, mean of those that were.",
        _RESOLVED,
        "Complaints were resolved after {resolution_hours:number} hours.",
    ),
    Feature(
        "promise_kept",
        Kind.SHARE,
        "Share of complaints resolved within 48 hours; one open for longer is a promise broken.",
        "complaint and complaint_resolved events",
        "{promise_kept:share} of the complaints were resolved within 48 hours.",
    ),
    Feature(
        "recovered",
        Kind.FLAG,
        "Whether an order followed the last resolved complaint within two own cycles; unknown "
        "while there is time left.",
        _RESOLVED + " and purchases",
        sentences={
            "yes": "Ordered again in time after the last resolved complaint.",
            "no": "Did not order within two usual cycles ({cycle_days:days} each) of the last "
            "resolved complaint; last order {days_since_last:days} ago.",
        },
    ),
)
_COURSE = ("first_response_hours", "resolution_hours", "promise_kept", "recovered")
_OF_COURSE = tuple(each for each in FEATURES if each.name in _COURSE)
# Whether a shop tells of contacts and complaints shows in what its customers have.
SCALED: tuple[str, ...] = ("contacts_per_order", "complaints")


def compute(context: Context, known: Columns) -> Columns:
    """Columns of contacts, complaints and how they ended, as of now."""
    cases = context.once(cases_of)
    complaints = counted(counts(cases.indptr), told=tells(context.cuts, "complaints"))
    still = sums(cases.resolved == NEVER, cases.indptr)
    return {
        **_contacts(context),
        "open_complaints": column(still.astype(np.float64), complaints.evidence),
        "complaints": complaints,
        **_course(context, cases, known),
    }


def _course(context: Context, cases: Cases, known: Columns) -> Columns:
    """Columns of how complaints went on."""
    if not len(cases):
        return unknown_columns(_OF_COURSE, context)
    return {
        "first_response_hours": _hours(cases, cases.answered),
        "resolution_hours": _hours(cases, cases.resolved),
        "promise_kept": _promise_kept(context, cases),
        "recovered": _recovered(context, cases, known),
    }


def cases_of(context: Context) -> Cases:
    """Complaints as they stood now: what came later did not happen."""
    cases, now = context.states.cases, context.now_ms
    if not len(cases) or max(each.max() for each in _times(cases)) <= now:
        return cases
    cases = cases.where(cases.opened <= now)
    answered, resolved = (np.where(each > now, NEVER, each) for each in _times(cases)[1:])
    return Cases(cases.indptr, cases.opened, answered, resolved, cases.topic)


def _times(cases: Cases) -> tuple[LongArray, LongArray, LongArray]:
    return cases.opened, cases.answered, cases.resolved


def _contacts(context: Context) -> Columns:
    contacts, n = context.states.contacts, context.n
    ever = sums(contacts.at <= context.now_ms, contacts.indptr)
    year = sums(context.within(contacts.at, context.cuts.config.year), contacts.indptr)
    told: BoolArray = (ever > 0) | tells(context.cuts, "contacts_per_order")
    return {
        "contacts_12m": counted(year, told=told),
        "contacts_per_order": column(ever / np.maximum(n, 1), np.where(told, n, 0)),
    }


def _hours(cases: Cases, until: LongArray) -> Column:
    """Mean hours from the complaint to a moment, of the cases that came to it."""
    reached = until != NEVER
    count = sums(reached, cases.indptr)
    waited = sums(np.where(reached, until - cases.opened, 0), cases.indptr)
    return column(waited / HOUR_MS / np.maximum(count, 1), count)


def _promise_kept(context: Context, cases: Cases) -> Column:
    promised = round(context.cuts.config.promised_hours * HOUR_MS)
    resolved = cases.resolved != NEVER
    kept = resolved & (cases.resolved - cases.opened <= promised)
    broken_open = ~resolved & (context.now_ms - cases.opened > promised)
    decided = sums(resolved | broken_open, cases.indptr)
    return column(sums(kept, cases.indptr) / np.maximum(decided, 1), decided)


def _recovered(context: Context, cases: Cases, known: Columns) -> Column:
    """Whether the customer ordered in time after the last resolution (Tax & Brown 1998)."""
    done = cases.resolved != NEVER
    resolved = last_at(cases.resolved, cases, of=done)
    patience = context.cuts.config.recovery_cycles * known["cycle_days"].values * DAY_MS
    until = resolved + patience
    goods, row = context.goods, context.line_row
    # A customer who never ordered has no cycle: comparisons with NaN are false.
    back = sums((goods.at > resolved[row]) & (goods.at <= until[row]), goods.indptr) > 0
    values = np.where(back, 1.0, np.where(until < context.now_ms, 0.0, np.nan))
    return shown(values, resolved != NEVER)
