"""Whether a segment deserves a treatment of its own: does it differ, does it pay, can it be done.

The criteria are those of the marketing literature (Kotler and Keller, Marketing Management):
differentiable, substantial, accessible and actionable. All functions are pure; what they are asked
about arrives as arrays and numbers.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from engine.domain.arrays import LongArray
from engine.segments.limits import QualityThresholds

DoubleArray: TypeAlias = NDArray[np.float64]
UNKNOWN = float("nan")
DEFAULTS = QualityThresholds()


class Outcome(StrEnum):
    """What a check found."""

    PASSED = "passed"
    FAILED = "failed"
    UNKNOWN = "unknown"


class Advice(StrEnum):
    """What profitability says of a segment."""

    OK = "ok"
    MERGE = "merge"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Check:
    """One number against its threshold; `value` is NaN when it cannot be said."""

    name: str
    value: float
    threshold: float
    outcome: Outcome
    sentence: str


@dataclass(frozen=True, slots=True)
class Costs:
    """What a treatment of one's own costs in 12 months, minor units; None: nobody said."""

    management: float | None = None
    content: float | None = None
    contact: float | None = None

    def total(self) -> float:
        """The sum, NaN when a part is not known."""
        parts = (self.management, self.content, self.contact)
        return sum(UNKNOWN if part is None else part for part in parts)


@dataclass(frozen=True, slots=True)
class Profit:
    """What is left of a segment's margin after its own costs, minor units, and the advice."""

    check: Check
    advice: Advice


def cramers_v(counts: LongArray) -> float:
    """Cramer's V of a table of counts, shape (rows, columns): 0 no relation, 1 a perfect one.

    Cramer (1946): sqrt(chi2 / (n * (min(rows, columns) - 1))), empty rows and columns left out.
    NaN when fewer than two rows or columns are left.
    """
    table = _without_empty(counts)
    smaller = min(table.shape) - 1
    if smaller < 1:
        return UNKNOWN
    chi2 = float(stats.chi2_contingency(table, correction=False).statistic)
    return float(np.sqrt(chi2 / (table.sum() * smaller)))


def eta_squared(groups: Sequence[DoubleArray]) -> float:
    """The share of the variance of the values that lies between the groups, 0 to 1.

    Fisher (1925): sum of squares between over total. NaN when the values do not vary.
    """
    values = np.concatenate(groups)
    if values.size == 0 or np.ptp(values) == 0:
        return UNKNOWN
    mean = values.mean()
    total = float(np.square(values - mean).sum())
    between = sum(group.size * (group.mean() - mean) ** 2 for group in groups if group.size)
    return float(between) / total


def category_check(counts: LongArray, thresholds: QualityThresholds = DEFAULTS) -> Check:
    """Whether the segment prefers other categories than the rest: Cramer's V.

    `counts`, shape (2, categories): customers of the segment and of all others by the category
    that they buy most, each customer once, because orders of one customer are not independent.
    """
    enough = counts.shape[0] == 2 and counts.sum(axis=1).min() >= thresholds.least_group
    value = cramers_v(counts) if enough else UNKNOWN
    return _at_least(
        "category",
        value,
        thresholds.cramers_v,
        "Cramér's V of the favourite category, segment against others, is {value:.2f}; "
        "{threshold:.2f} makes a difference",
        f"needs {thresholds.least_group} customers with a favourite category on each side, "
        "and two categories",
    )


def value_check(
    segment: DoubleArray, others: DoubleArray, thresholds: QualityThresholds = DEFAULTS
) -> Check:
    """Whether the segment is worth more or less a customer than the rest: eta squared.

    Margins in minor units, shape (customers,), NaN unknown. Compared are logarithms, so customers
    without a margin above 0 are left out.
    """
    groups = [_logarithms(segment), _logarithms(others)]
    enough = min(group.size for group in groups) >= thresholds.least_group
    return _at_least(
        "value",
        eta_squared(groups) if enough else UNKNOWN,
        thresholds.eta_squared,
        "belonging to the segment explains {value:.1%} of the differences in log margin; "
        "{threshold:.1%} makes a difference",
        f"needs {thresholds.least_group} customers with a margin above 0 on each side",
    )


def response_p_value(
    answered: tuple[int, int], asked: tuple[int, int], thresholds: QualityThresholds = DEFAULTS
) -> float:
    """The p-value of Pearson's chi-square that segment and others answer alike.

    `answered` and `asked` are customers, segment first. NaN when an expected count is too small.
    """
    if min(asked) <= 0:
        return UNKNOWN
    hits, total = np.asarray(answered), np.asarray(asked)
    table = np.stack([hits, total - hits])
    expected = table.sum(axis=1, keepdims=True) * total / total.sum()
    if expected.min() < thresholds.least_expected:
        return UNKNOWN
    return float(stats.chi2_contingency(table, correction=False).pvalue)


def response_check(p_value: float, thresholds: QualityThresholds = DEFAULTS) -> Check:
    """Whether the segment answers to offers differently; of several segments adjust with `holm`."""
    return _judged(
        "response",
        p_value,
        thresholds.response_p,
        p_value < thresholds.response_p,
        "answers to offers differ from the others' with p = {value:.2g}; "
        "below {threshold:.2g} makes a difference",
        f"needs responses, with {thresholds.least_expected:g} expected in every cell",
    )


def profit(margins: DoubleArray, costs: Costs, thresholds: QualityThresholds = DEFAULTS) -> Profit:
    """Whether what a treatment brings in 12 months is more than what it costs.

    `margins`: the additional margin expected of each customer because of the treatment, minor
    units, shape (customers,); customers of NaN add nothing. Unknown when it is known of nobody,
    or a cost is not known. A segment that does not pay is to be merged with another.
    """
    known = margins[~np.isnan(margins)]
    value = float(known.sum()) - costs.total() if known.size else UNKNOWN
    check = _judged(
        "profitability",
        value,
        thresholds.least_margin,
        value > thresholds.least_margin,
        f"{known.size:,} of {margins.size:,} customers are expected to leave "
        "{value:,.0f} minor units after the segment's own costs; above {threshold:,.0f} pays",
        "needs the additional margin expected of a treatment, and all its costs",
    )
    advice = {
        Outcome.PASSED: Advice.OK,
        Outcome.FAILED: Advice.MERGE,
        Outcome.UNKNOWN: Advice.UNKNOWN,
    }
    return Profit(check, advice[check.outcome])


def size_check(size: int, thresholds: QualityThresholds = DEFAULTS) -> Check:
    """Whether the segment has customers enough."""
    told = "{value:,.0f} customers; {threshold:,.0f} are needed"
    return _at_least("size", float(size), float(thresholds.least_size), told, "")


def share_check(size: int, everyone: int, thresholds: QualityThresholds = DEFAULTS) -> Check:
    """Whether the segment is a share of all customers that is worth the trouble."""
    told = "{value:.1%} of all customers; {threshold:.1%} is needed"
    share = size / everyone if everyone else UNKNOWN
    return _at_least("share", share, thresholds.least_share, told, "needs customers")


def reachable_check(
    reachable: int | None, size: int, thresholds: QualityThresholds = DEFAULTS
) -> Check:
    """Whether enough of the customers may and can be written to; None: nobody said."""
    share = reachable / size if reachable is not None and size else UNKNOWN
    told = "{value:.0%} may be written to; {threshold:.0%} is needed"
    return _at_least("reachable", share, thresholds.least_reachable, told, "needs consents")


def stability_check(
    before: Collection[str] | None,
    now: Collection[str],
    thresholds: QualityThresholds = DEFAULTS,
) -> Check:
    """Whether enough of the members of a month ago still are; `before` None: not remembered."""
    earlier = set(before or ())
    share = len(earlier & set(now)) / len(earlier) if earlier else UNKNOWN
    told = "{value:.0%} of the members of a month ago still belong; {threshold:.0%} is needed"
    return _at_least(
        "stability", share, thresholds.least_stability, told, "needs members of a month ago"
    )


def items_check(eligible: int | None, thresholds: QualityThresholds = DEFAULTS) -> Check:
    """Whether there are items in stock to offer; None: nobody said."""
    value = UNKNOWN if eligible is None else float(eligible)
    told = "{value:.0f} items in stock to offer; {threshold:.0f} are needed"
    return _at_least("items", value, float(thresholds.least_items), told, "needs a catalogue")


def any_of(checks: Iterable[Check]) -> Outcome:
    """Differentiability: passed when one check is; unknown only when none could be made."""
    outcomes = {check.outcome for check in checks}
    for outcome in (Outcome.PASSED, Outcome.FAILED):
        if outcome in outcomes:
            return outcome
    return Outcome.UNKNOWN


def all_of(checks: Iterable[Check]) -> Outcome:
    """Feasibility: failed when one check is, passed when all are, else unknown."""
    outcomes = {check.outcome for check in checks}
    if Outcome.FAILED in outcomes:
        return Outcome.FAILED
    return Outcome.PASSED if outcomes == {Outcome.PASSED} else Outcome.UNKNOWN


def _at_least(name: str, value: float, threshold: float, told: str, needs: str) -> Check:
    return _judged(name, value, threshold, value >= threshold, told, needs)


def _judged(name: str, value: float, threshold: float, met: bool, told: str, needs: str) -> Check:
    if np.isnan(value):
        return Check(name, value, threshold, Outcome.UNKNOWN, f"not known: {needs}")
    outcome = Outcome.PASSED if met else Outcome.FAILED
    return Check(name, value, threshold, outcome, told.format(value=value, threshold=threshold))


def _logarithms(margins: DoubleArray) -> DoubleArray:
    logarithms: DoubleArray = np.log(margins[margins > 0])
    return logarithms


def _without_empty(counts: LongArray) -> LongArray:
    rows: LongArray = counts[counts.sum(axis=1) > 0]
    columns: LongArray = rows[:, rows.sum(axis=0) > 0]
    return columns
