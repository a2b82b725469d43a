"""From visit to order: how far visits came, by group, and whether groups differ.

A buyer's visit ended in an order; a shopper's put something into the cart, began to check out or
viewed one item twice, or is a buyer's; a browser's viewed anything, or is a shopper's. So the
counts are nested by construction. Visits by programs are left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from engine.domain.arrays import BoolArray, IntArray, LongArray
from engine.domain.histories import DAY_MS
from engine.domain.ids import MISSING
from engine.loyalty.config import LoyaltyConfig
from engine.loyalty.features.context import Orders
from engine.loyalty.shop.intervals import Share, difference, holm, wilson
from engine.loyalty.states import (
    BOT,
    CHECKOUT,
    CLICKED,
    IN_CART,
    ORDERED,
    VIEWED,
    VIEWED_TWICE,
    Mails,
    Visits,
)

HOUR_MS = 3_600_000
LEVELS = ("visitor", "browser", "shopper", "buyer")
VISITOR, BROWSER, SHOPPER, BUYER = range(4)


class Verdict(StrEnum):
    """What can be said of one step of a funnel beside another's."""

    HIGHER = "higher"
    LOWER = "lower"
    ALIKE = "no difference shown"
    TOO_THIN = "too few to say"


@dataclass(frozen=True)
class Funnel:
    """Visits that came at least so far, V >= B >= S >= Y, and buyers who ordered again.

    `repeated` of `matured` orders were followed by another within the time that all `matured`
    have had. `browsing` is False where the shop sends orders only: then no step can be judged.
    """

    name: str
    counts: tuple[int, int, int, int]
    matured: int = 0
    repeated: int = 0
    browsing: bool = True

    def steps(self, *, confidence: float) -> dict[str, Share]:
        """Each step's rate with its interval, by name, in order."""
        visitors, browsers, shoppers, buyers = self.counts
        pairs = {
            "browsed": (browsers, visitors),
            "shopped": (shoppers, browsers),
            "bought": (buyers, shoppers),
            "visit to order": (buyers, visitors),
            "ordered again": (self.repeated, self.matured),
        }
        return {
            name: wilson(hits, trials, confidence=confidence)
            for name, (hits, trials) in pairs.items()
        }


@dataclass(frozen=True)
class StepComparison:
    """One step of a group beside the control's; `p` is adjusted over the steps (Holm).

    `descriptive`: nobody drew lots who got what, so that a difference is no effect.
    """

    step: str
    share: Share
    control: Share
    difference: float
    z: float
    p: float
    verdict: Verdict
    descriptive: bool


def levels(steps: IntArray) -> IntArray:
    """How far each visit came, VISITOR to BUYER, shape (visits,)."""
    found = np.full(steps.shape, VISITOR, dtype=np.int32)
    found[steps & VIEWED != 0] = BROWSER
    found[steps & (IN_CART | CHECKOUT | VIEWED_TWICE) != 0] = SHOPPER
    found[steps & ORDERED != 0] = BUYER
    return found


def funnels(
    visits: Visits, repeated: IntArray, *, group: IntArray, names: Sequence[str]
) -> list[Funnel]:
    """A funnel for each group; `group` is a position in `names` for each visit, MISSING for none.

    `repeated` is what `repeats` says of the visits. Visits of one customer are counted as if they
    were independent: intervals are a little too narrow where few customers visit often.
    """
    people = visits.steps & BOT == 0
    browsing = has_browsing(visits)
    reached = levels(visits.steps)
    made = []
    for position, name in enumerate(names):
        mine = people & (group == position)
        sizes = np.bincount(reached[mine], minlength=len(LEVELS))
        visitors, browsers, shoppers, buyers = np.cumsum(sizes[::-1])[::-1].tolist()
        matured = mine & (repeated >= 0)
        made.append(
            Funnel(
                name=name,
                counts=(visitors, browsers, shoppers, buyers),
                matured=int(matured.sum()),
                repeated=int((matured & (repeated == 1)).sum()),
                browsing=browsing,
            )
        )
    return made


def repeats(visits: Visits, orders: Orders, *, now_ms: int, days: float) -> IntArray:
    """For each visit: 1 ordered and again within so many days, 0 ordered and not, -1 open.

    Shape (visits,). A visit without an order, or whose days are not over, is open.
    """
    day = visits.start // DAY_MS
    # Days of all customers in one sorted column: the customer's position leads.
    scale = max(orders.day.max(initial=0), day.max(initial=0)) + 1
    placed = orders.row() * scale + orders.day
    after = np.searchsorted(placed, visits.row() * scale + day, side="right")
    owner = np.append(orders.row(), MISSING)[after]
    gap = np.append(orders.day, 0)[after] - day
    again = (owner == visits.row()) & (gap <= days)
    over = (visits.steps & ORDERED != 0) & (day + days < now_ms // DAY_MS)
    return np.where(over, again, MISSING).astype(np.int32)


def has_browsing(visits: Visits) -> bool:
    """Whether the shop sends what is done before an order; orders alone make no funnel."""
    before = VIEWED | VIEWED_TWICE | IN_CART | CHECKOUT
    return bool((visits.steps & before != 0).any())


def compare(
    funnel: Funnel, control: Funnel, *, config: LoyaltyConfig, randomised: bool
) -> list[StepComparison]:
    """Each step of a funnel beside the control's, with a verdict or the refusal of one.

    A verdict is refused where any cell of the two-by-two table is below `config.least_cell`, and
    altogether where no browsing is sent. p values are adjusted over the steps that are judged.
    """
    own = funnel.steps(confidence=config.report_confidence)
    others = control.steps(confidence=config.report_confidence)
    judged = {
        name: funnel.browsing
        and control.browsing
        and _least_cell(own[name], others[name]) >= config.least_cell
        for name in own
    }
    tests = {name: difference(own[name], others[name]) for name in own}
    adjusted = holm([tests[name].p if judged[name] else np.nan for name in own])
    return [
        StepComparison(
            step=name,
            share=own[name],
            control=others[name],
            difference=tests[name].value,
            z=tests[name].z,
            p=float(p),
            verdict=_verdict(tests[name].value, float(p), config.report_significance),
            descriptive=not randomised,
        )
        for name, p in zip(own, adjusted, strict=True)
    ]


def campaign_of(visits: Visits, mails: Mails, *, hours: float) -> IntArray:
    """The topic of the mail last clicked in the hours before each visit, or in it; or MISSING.

    Shape (visits,).
    """
    clicks = mails.where(mails.kind == CLICKED)
    if not len(clicks) or not len(visits):
        return np.full(len(visits), MISSING, dtype=np.int32)
    scale = int(max(clicks.at.max(), visits.end.max())) + 1
    clicked = clicks.row() * scale + clicks.at
    found = np.searchsorted(clicked, visits.row() * scale + visits.end, side="right") - 1
    near = (
        (found >= 0)
        & (clicks.row()[found] == visits.row())
        & (clicks.at[found] >= visits.start - hours * HOUR_MS)
    )
    return np.where(near, clicks.topic[found], MISSING).astype(np.int32)


def of_customers(values: LongArray | IntArray, visits: Visits) -> IntArray:
    """A group of customers, shape (n,), as the group of their visits, shape (visits,)."""
    return values[visits.row()].astype(np.int32)


def since(visits: Visits, *, now_ms: int, days: float) -> BoolArray:
    """Which visits began in the last so many days, shape (visits,)."""
    recent: BoolArray = (visits.start > now_ms - days * DAY_MS) & (visits.start <= now_ms)
    return recent


def _least_cell(one: Share, other: Share) -> float:
    return min(one.hits, one.trials - one.hits, other.hits, other.trials - other.hits)


def _verdict(apart: float, p: float, significance: float) -> Verdict:
    if np.isnan(p):
        return Verdict.TOO_THIN
    if p >= significance:
        return Verdict.ALIKE
    return Verdict.HIGHER if apart > 0 else Verdict.LOWER
