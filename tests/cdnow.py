"""CDNOW's 1/10 sample (Fader & Hardie) as value models see it, in weeks, as of 1997-09-30.

The data are not ours to ship; tests that need them skip where they are absent.
"""

from __future__ import annotations

import csv
import gzip
from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from engine.domain.arrays import DoubleArray
from engine.loyalty.value.health import Holdout
from engine.loyalty.value.repeats import Repeats

FOLDER = Path(__file__).parents[2] / "shared" / "data" / "cdnow"
SAMPLE = FOLDER / "CDNOW_sample.txt.gz"
SUMMARY = FOLDER / "cdnow_customers_summary_with_transactions.csv"
WEEKS_AHEAD = 39
END = date(1997, 9, 30).toordinal()

needs_cdnow = pytest.mark.skipif(
    not (SAMPLE.exists() and SUMMARY.exists()),
    reason=f"CDNOW is not in {FOLDER}; it is not ours to ship",
)


@dataclass(frozen=True)
class Cdnow:
    """Customers up to 1997-09-30 and what they did in the 39 weeks after, rows are customers."""

    repeats: Repeats
    mean_value: DoubleArray
    holdout: Holdout


def read_summary() -> Cdnow:
    """The published table, times and values rounded to hundredths; nothing of what came after."""
    with SUMMARY.open(encoding="ascii", newline="") as file:
        rows = [
            [float(row[name]) for name in ("x", "t_x", "T", "zbar")] for row in csv.DictReader(file)
        ]
    x, recency, age, mean_value = np.asarray(rows).T
    nothing = np.zeros(len(rows))
    return Cdnow(Repeats.of(x, recency, age), mean_value, Holdout(nothing, nothing, 0.0))


def read_orders() -> Cdnow:
    """Counted from the orders themselves, those of one day taken as one."""
    customers: defaultdict[str, defaultdict[int, float]] = defaultdict(lambda: defaultdict(float))
    with gzip.open(SAMPLE, "rt", encoding="ascii") as lines:
        # Columns: id in the master file, id in the sample, day, CDs, dollars.
        for line in lines:
            _, customer, day, _, dollars = line.split()
            moment = date(int(day[:4]), int(day[4:6]), int(day[6:])).toordinal()
            customers[customer][moment] += float(dollars)
    rows = [_counted(customers[each]) for each in sorted(customers)]
    x, recency, age, mean_value, orders, spend = np.asarray(rows).T
    ahead = Holdout(orders, spend, float(WEEKS_AHEAD))
    return Cdnow(Repeats.of(x, recency / 7, age / 7), mean_value, ahead)


def _counted(orders: dict[int, float]) -> tuple[float, ...]:
    known = sorted(day for day in orders if day <= END)
    later = [day for day in orders if END < day <= END + 7 * WEEKS_AHEAD]
    first, *repeats = known
    mean_value = sum(orders[day] for day in repeats) / max(len(repeats), 1)
    spent = sum(orders[day] for day in later)
    return (len(repeats), known[-1] - first, END - first, mean_value, len(later), spent)
