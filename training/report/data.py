"""Everything the page shows, as plain values: what is None or empty is not known.

Money is minor units, times are ms since 1970 UTC, shares lie in 0 to 1 and are NaN when unknown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from engine.domain.arrays import LongArray
from engine.loyalty.config import LoyaltyConfig
from engine.loyalty.shop.flows import Flows
from engine.loyalty.shop.funnel import Funnel, StepComparison
from engine.loyalty.shop.intervals import Share
from engine.loyalty.shop.pareto import Cause
from engine.loyalty.shop.retention import Cohorts, Kept, Survival
from engine.loyalty.shop.trend import Trend


@dataclass(frozen=True)
class Shop:
    """What the page is about: how many, how much, from when to when.

    `known` counts identified customers, `buyers` those with an order, `active` those with one in
    the last 12 months. `first_ms` and `last_ms` are of orders, None without any.
    """

    as_of_ms: int
    currency: str | None
    known: int
    buyers: int
    active: int
    orders_12m: int
    revenue_12m: int
    revenue_year_before: int | None
    first_ms: int | None
    last_ms: int | None
    version: str = ""


@dataclass(frozen=True)
class Group:
    """Customers of one kind: how many, their revenue of 12 months, and what is to come.

    `again` is the mean chance of an order within 90 days, `value` the mean margin to come.
    """

    name: str
    customers: int
    revenue: int
    again: float
    value: float


@dataclass(frozen=True)
class RfmMap:
    """Customers and their revenue of 12 months by recency score (rows) and frequency score, (5, 5)
    each, the lowest score first."""

    customers: LongArray
    revenue: LongArray


@dataclass(frozen=True)
class Slipping:
    """A customer worth keeping who is late: why, what was spent in 12 months, what may be lost."""

    customer_id: str
    reasons: tuple[str, ...]
    revenue: int
    risk: float
    at_risk: int


@dataclass(frozen=True)
class SlippingAway:
    """How many are slipping away and worth it, what of their revenue may be lost, the worst."""

    customers: int
    revenue: int
    at_risk: int
    rows: tuple[Slipping, ...]


@dataclass(frozen=True)
class Concentration:
    """How unevenly revenue of 12 months is spread: Gini, the share of the top fifth, the curve.

    `curve` holds (share of customers, the best first; their share of revenue).
    """

    customers: int
    gini: float
    top_share: float
    curve: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Risk:
    """Customers by churn risk in tenths, and how many are below and above the bands' bounds."""

    customers: tuple[int, ...]
    bands: tuple[float, float]
    low: int
    medium: int
    high: int


@dataclass(frozen=True)
class Calibrated:
    """A group of customers of a backtest: the mean chance predicted and the share that ordered."""

    predicted: float
    happened: float
    customers: int


@dataclass(frozen=True)
class Comparison:
    """A group's funnel beside the control's, step by step."""

    name: str
    control: str
    steps: tuple[StepComparison, ...]


@dataclass(frozen=True)
class Visiting:
    """Visits of the last 12 months: the funnel of all, and of groups beside the rest."""

    overall: Funnel
    groups: tuple[Funnel, ...] = ()
    comparisons: tuple[Comparison, ...] = ()


@dataclass(frozen=True)
class Complaints:
    """Complaints of 12 months by topic, and how they were answered.

    `complaining` customers complained; if only a share `voiced` of the dissatisfied does, there
    are `dissatisfied`. `kept` is the share resolved within the promised hours.
    """

    causes: tuple[Cause, ...]
    cases: int
    open: int
    complaining: int
    dissatisfied: int
    voiced: float
    kept: Share
    recovered: Share


@dataclass(frozen=True)
class Exits:
    """Why customers left, by reason: how many said so and for how many it was inferred."""

    causes: tuple[Cause, ...]
    stated: int
    inferred: int
    service: Share
    benchmark: float


@dataclass(frozen=True)
class Judged:
    """What a check of a segment found: `passed`, `failed` or `unknown`, and why."""

    outcome: str
    why: str = ""


@dataclass(frozen=True)
class SegmentRow:
    """A segment: its group of customers, whether it differs, pays and can be worked with."""

    title: str
    description: str
    group: Group
    differs: Judged | None = None
    pays: Judged | None = None
    feasible: Judged | None = None


@dataclass(frozen=True)
class Unknown:
    """Something that is known of few customers or none, and what a shop must send for it."""

    what: str
    known: float
    needs: str


@dataclass(frozen=True)
class Returning:
    """Who comes back: cohorts, retention by quarter, the second order.

    `second` is of customers who came after `newcomers_from_ms`, of all when that is None.
    `whole_year`: the log reaches so far back that customers of a year can be told from older ones.
    """

    cohorts: Cohorts | None
    quarters: tuple[Kept, ...]
    benchmark_years: float
    repurchase: Share
    second: Survival
    waiting_for_second: int
    newcomers_from_ms: int | None = None
    whole_year: bool = True


@dataclass(frozen=True)
class ShopReport:
    """One report; every part but the shop may be missing.

    `config` holds the thresholds that the numbers were made with.
    """

    shop: Shop
    config: LoyaltyConfig = field(default_factory=LoyaltyConfig)
    stages: Sequence[Group] = ()
    rfm: RfmMap | None = None
    rfm_segments: Sequence[Group] = ()
    slipping: SlippingAway | None = None
    returning: Returning | None = None
    flows: Flows | None = None
    concentration: Concentration | None = None
    risk: Risk | None = None
    calibration: Sequence[Calibrated] = ()
    visiting: Visiting | None = None
    complaints: Complaints | None = None
    exits: Exits | None = None
    trends: Sequence[Trend] = ()
    segments: Sequence[SegmentRow] = ()
    unknown: Sequence[Unknown] = ()
    assumptions: Sequence[str] = ()
