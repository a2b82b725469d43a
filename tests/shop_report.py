"""A report with something in every part, and its pieces."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.loyalty.config import LoyaltyConfig
from engine.loyalty.shop.flows import Flows, month_ends
from engine.loyalty.shop.funnel import Funnel, compare
from engine.loyalty.shop.intervals import wilson
from engine.loyalty.shop.pareto import pareto, share_of
from engine.loyalty.shop.retention import Cohorts, Kept, Survival
from engine.loyalty.shop.trend import Direction, Trend
from tests.shop_states import at
from training.report.data import (
    Calibrated,
    Comparison,
    Complaints,
    Concentration,
    Exits,
    Group,
    Judged,
    Returning,
    RfmMap,
    Risk,
    SegmentRow,
    Shop,
    ShopReport,
    Slipping,
    SlippingAway,
    Unknown,
    Visiting,
)

NOW = at("2026-03-01")
STAGES = ("awareness", "exploration", "familiarity", "loyalty", "separation")


def a_shop(**parts: Any) -> Shop:
    defaults: dict[str, Any] = {
        "as_of_ms": NOW,
        "currency": "EUR",
        "known": 1_200,
        "buyers": 1_000,
        "active": 800,
        "orders_12m": 2_500,
        "revenue_12m": 12_345_678,
        "revenue_year_before": 10_000_000,
        "first_ms": at("2024-01-01"),
        "last_ms": at("2026-02-28"),
        "version": "v7",
    }
    return Shop(**{**defaults, **parts})


def a_share(hits: float, trials: float):
    return wilson(hits, trials, confidence=0.95)


def a_trend(name: str, direction: Direction, slope: float = 1.0) -> Trend:
    low, high = {
        Direction.RISING: (slope / 2, slope * 2),
        Direction.FALLING: (slope * 2, slope / 2),
    }.get(direction, (-1.0, 1.0))
    return Trend(name, (20.0,) * 13, 20.0, slope, low, high, False, direction)


def a_report(**parts: Any) -> ShopReport:
    """A report with something in every part."""
    causes = pareto({"delivery": 30, "service": 10, "price": 5}, confidence=0.95)
    browsing, rest = Funnel("campaign may", (900, 500, 200, 80)), Funnel("rest", (900, 400, 90, 40))
    steps = compare(browsing, rest, config=LoyaltyConfig(), randomised=False)
    months = 480 + 12 * 14 + np.arange(5)
    defaults: dict[str, Any] = {
        "shop": a_shop(),
        "stages": [
            Group(name, 200, 1_000_000 * (at + 1), 0.2 * at, 1_000.0)
            for at, name in enumerate(STAGES)
        ],
        "rfm": RfmMap(np.arange(25).reshape(5, 5), np.arange(25).reshape(5, 5) * 1_000),
        "rfm_segments": [Group("cant_lose_them", 5, 70_000, 0.4, float("nan"))],
        "slipping": SlippingAway(
            1, 90_000, 45_000, (Slipping("c<1>", ("last order 80 days ago",), 90_000, 0.5, 45_000),)
        ),
        "returning": Returning(
            cohorts=Cohorts(
                months,
                np.full(5, 100),
                np.where(np.add.outer(range(5), range(5)) < 5, 100 - 10 * np.arange(5), -1),
            ),
            quarters=(Kept(646, a_share(30, 90)), Kept(649, a_share(45, 90))),
            benchmark_years=5.0,
            repurchase=a_share(300, 900),
            second=Survival(np.asarray([20.0, 60.0, 120.0]), np.asarray([0.8, 0.6, 0.5])),
            waiting_for_second=600,
        ),
        "flows": Flows(
            STAGES,
            month_ends(NOW, months=2),
            np.ones((6, 6), dtype=np.int64),
            np.asarray([[9, 9, 9, 10, 9], [9, 9, 9, 11, 9], [9, 9, 9, 15, 9]]),
        ),
        "concentration": Concentration(800, 0.6, 0.65, ((0.0, 0.0), (0.2, 0.65), (1.0, 1.0))),
        "risk": Risk(tuple(range(10)), (0.5, 0.8), 10, 18, 17),
        "calibration": [Calibrated(0.2, 0.25, 100), Calibrated(0.8, 0.7, 100)],
        "visiting": Visiting(
            Funnel("all visits", (1_800, 900, 290, 120)),
            (browsing,),
            (Comparison("campaign may", "all other visits", tuple(steps)),),
        ),
        "complaints": Complaints(
            tuple(causes), 45, 4, 40, 400, 0.1, a_share(30, 41), a_share(20, 35)
        ),
        "exits": Exits(
            tuple(causes), 40, 5, share_of(causes, "service", confidence=0.95), benchmark=0.7
        ),
        "trends": [
            a_trend("Tea", Direction.RISING),
            a_trend("Milk", Direction.FALLING, -1.0),
            a_trend("Salt", Direction.FLAT, 0.0),
        ],
        "segments": [
            SegmentRow(
                "Core",
                "Profitable.",
                Group("core", 100, 5_000_000, 0.9, 900.0),
                Judged("passed"),
                Judged("unknown"),
                Judged("failed", "100 customers; 120 are needed"),
            )
        ],
        "unknown": [Unknown("nps", 0.02, "surveys with the question nps")],
        "assumptions": ["Margins are assumed."],
    }
    return ShopReport(**{**defaults, **parts})
