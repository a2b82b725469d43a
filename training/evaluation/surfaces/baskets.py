"""Lists that begin with a basket: what goes with it, for a known customer and for a stranger."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from engine.domain.arrays import LongArray
from engine.domain.histories import Histories
from engine.models.query import Query
from engine.recommend.answer import Request
from engine.recommend.basket import Hand
from engine.recommend.recommender import Recommender, without
from engine.recommend.surfaces import bought_together
from training.contest import alone
from training.evaluate import BASELINE, FINAL, POPULAR, SINGLES
from training.evaluation.metrics import Truth
from training.evaluation.surfaces.field import Field, Order, top
from training.evaluation.surfaces.judged import Asked, judged, of_lists, wanted
from training.evaluation.surfaces.results import Surface

KNOWN = Asked(
    "Complete the basket",
    "Half of a known customer's order lies in the basket: is the other half in the list?",
    "order",
)
STRANGER = Asked(
    "Complete a stranger's basket",
    "Half of an order lies in the basket, and nobody knows whose it is: is the other half in the "
    "list?",
    "order",
)
BASKET_ALONE = "the basket alone"
CUSTOMER_ALONE = "the customer alone"
WITH_LAST = "bought with the last item"


@dataclass(frozen=True)
class _Case:
    """An order, what of it lies in the basket, the newest last, and what is still to come."""

    order: Order
    held: LongArray
    truth: Truth


def baskets(field: Field) -> Surface | None:
    """Orders of customers who had bought something before, were it earlier in the window."""
    first = field.first_at()
    known = [each for each in field.placed if each.row >= 0 and first[each.row] < each.at_ms]
    cases, many = _halved(field, known, KNOWN)
    past = [field.before(each.order) for each in cases]
    pairs = list(zip(cases, past, strict=True))
    frequent = Recommender(alone(field.model, SINGLES[BASELINE]), cooldown=field.cooldown)
    lists = {
        FINAL: [_with_basket(field, each, own) for each, own in pairs],
        BASKET_ALONE: [_with_basket(field, each) for each in cases],
        CUSTOMER_ALONE: [_usual(field, field.recommender, each, own) for each, own in pairs],
        BASELINE: [_usual(field, frequent, each, own) for each, own in pairs],
        **_plain(field, cases),
    }
    return _judged(field, KNOWN, cases, lists, many)


def strangers_baskets(field: Field) -> Surface | None:
    """Orders of guests, and of customers of whom nothing is told."""
    cases, many = _halved(field, field.placed, STRANGER)
    lists = {FINAL: [_with_basket(field, each) for each in cases], **_plain(field, cases)}
    return _judged(field, STRANGER, cases, lists, many)


def _judged(
    field: Field,
    asked: Asked,
    cases: Sequence[_Case],
    lists: dict[str, list[LongArray]],
    many: int,
) -> Surface | None:
    truths = [each.truth for each in cases]
    values = of_lists(lists, truths, items=field.items, limit=field.extent.limit)
    return judged(asked, values, drawn_from=many, rng=field.rng(asked.name))


def _halved(field: Field, orders: Sequence[Order], asked: Asked) -> tuple[list[_Case], int]:
    """Orders with at least two items, cut in half by lot; how many there are of them."""
    rng = field.rng(asked.name)
    several = [each for each in orders if len(each.items) > 1]
    cases = []
    for at in field.drawn(rng, len(several)).tolist():
        order = several[at]
        mixed = rng.permutation(order.items)
        half = len(mixed) // 2
        cases.append(_Case(order, mixed[:half], wanted(mixed[half:], unseen=order.unseen)))
    return cases, len(several)


def _with_basket(field: Field, case: _Case, customer: Histories | None = None) -> LongArray:
    return field.in_hand(Hand(field.named(case.held)), at_ms=case.order.at_ms, customer=customer)


def _usual(field: Field, recommender: Recommender, case: _Case, own: Histories) -> LongArray:
    """What the customer is shown whatever lies in the basket, but for that."""
    names = field.named(case.held)
    request = without(Request(limit=field.extent.limit), *names)
    query = Query(own, case.order.at_ms)
    ranked = recommender.ranked(query, request, view=field.view, goal=request.goal)
    return ranked.items(0)


def _plain(field: Field, cases: Sequence[_Case]) -> dict[str, list[LongArray]]:
    limit = field.extent.limit
    return {
        WITH_LAST: [_with_last(field, each) for each in cases],
        POPULAR: [top(field.sellers, limit=limit, without=each.held) for each in cases],
    }


def _with_last(field: Field, case: _Case) -> LongArray:
    """The page of the item that was put into the basket last, but for what lies there."""
    names = field.named(case.held)
    request = without(Request(limit=field.extent.limit), *names)
    answer = bought_together(field.recommender, names[-1], request, view=field.view)
    return field.positions(answer)
