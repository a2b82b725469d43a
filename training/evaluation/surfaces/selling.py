"""Lists of what sells: in a category, in a segment, and to whoever comes for the first time."""

from __future__ import annotations

import numpy as np

from engine.domain.arrays import IntArray, LongArray
from engine.domain.histories import Histories, histories_of
from engine.domain.ids import MISSING
from engine.recommend.answer import Request
from engine.recommend.surfaces import popular, popular_among, selling_of
from training.evaluate import FINAL, POPULAR
from training.evaluation.surfaces.field import Field, top
from training.evaluation.surfaces.judged import Asked, judged, of_lists, wanted
from training.evaluation.surfaces.results import Surface

CATEGORY = Asked(
    "Popular in a category",
    "A customer bought something of a category: is it among what is popular there?",
    "customer",
)
STAGE = Asked(
    "Popular in a segment: lifecycle stage",
    "Is what a customer bought among what is popular with customers in the same stage?",
    "customer",
)
FAVOURITE = Asked(
    "Popular in a segment: favourite category",
    "Is what a customer bought among what is popular with customers who buy most from the same "
    "category?",
    "customer",
)
NEWCOMERS = Asked(
    "First-time customers",
    "Is what somebody bought in their first order in the list that is shown to strangers?",
    "customer",
)
ALWAYS = "best sellers of all time"
ANYTHING = "any items, by lot"
FIRST_ORDERS = "popular in first orders"
# A segment of fewer says little that the whole shop does not.
FEWEST_MEMBERS = 30


def in_category(field: Field) -> Surface | None:
    """A category by lot of those a customer bought from, and what they bought of it."""
    rng, limit = field.rng(CATEGORY.name), field.extent.limit
    if not field.has_categories:
        return None
    category = field.model.assortment.category
    cases = []
    for truth in field.target.truths:
        bought = np.concatenate([truth.repeat, truth.explore])
        told = np.unique(category[bought])
        told = told[told != MISSING]
        if len(told):
            own = int(rng.choice(told))
            cases.append((own, wanted(bought[category[bought] == own])))
    tried = [cases[at] for at in field.drawn(rng, len(cases)).tolist()]
    asked = sorted({own for own, _ in tried})
    shown = {own: _of_category(field, own) for own in asked}
    ever = np.argsort(-field.orders, kind="stable")
    always = {own: top(ever[category[ever] == own], limit=limit) for own in asked}
    lists = {
        FINAL: [shown[own] for own, _ in tried],
        ALWAYS: [always[own] for own, _ in tried],
        "popular in the whole shop": [top(field.sellers, limit=limit)] * len(tried),
    }
    values = of_lists(lists, [truth for _, truth in tried], items=field.items, limit=limit)
    return judged(CATEGORY, values, drawn_from=len(cases), rng=rng) if tried else None


def in_stage(field: Field) -> Surface | None:
    """Segments by lifecycle stage as the window began."""
    stages = sorted({each for each in field.stages if each is not None})
    numbers = {stage: at for at, stage in enumerate(stages)}
    group = np.asarray([numbers.get(each or "", MISSING) for each in field.stages], np.int32)
    return _in_groups(field, STAGE, group) if stages else None


def in_favourite(field: Field) -> Surface | None:
    """Segments by the category that most of a customer's lines were of."""
    if not field.has_categories:
        return None
    return _in_groups(field, FAVOURITE, _favourites(field))


def newcomers(field: Field) -> Surface | None:
    """The first orders of customers who had never bought before the window."""
    rng, limit = field.rng(NEWCOMERS.name), field.extent.limit
    first = field.first_at()
    firsts = [
        each
        for each in field.placed
        if each.row >= 0 and first[each.row] == each.at_ms and len(each.items)
    ]
    tried = [firsts[at] for at in field.drawn(rng, len(firsts)).tolist()]
    (answer,) = field.recommender.recommend(
        histories_of([("", ())], items=field.model.items),
        Request(limit=limit),
        view=field.view,
        now_ms=field.start_ms,
    )
    of_firsts = _shares(field, _first_orders(field))
    count = len(tried)
    lists = {
        FINAL: [field.positions(answer)] * count,
        FIRST_ORDERS: [of_firsts] * count,
        ALWAYS: [top(np.argsort(-field.orders, kind="stable"), limit=limit)] * count,
        ANYTHING: [rng.choice(field.items, size=limit, replace=False) for _ in tried],
    }
    truths = [wanted(each.items, unseen=each.unseen) for each in tried]
    values = of_lists(lists, truths, items=field.items, limit=limit)
    return judged(NEWCOMERS, values, drawn_from=len(firsts), rng=rng) if tried else None


def _of_category(field: Field, category: int) -> LongArray:
    name = field.model.assortment.categories[category]
    request = Request(limit=field.extent.limit, category=name, strict_filtering=True)
    return field.positions(popular(field.recommender, request, view=field.view))


def _in_groups(field: Field, asked: Asked, group: IntArray) -> Surface | None:
    """What sells in each group of customers; `group` (past customers,), MISSING for none."""
    rng, limit = field.rng(asked.name), field.extent.limit
    row = {customer: at for at, customer in enumerate(field.past.customers)}
    own = group[[row[customer] for customer in field.target.histories.customers]]
    sizes = np.bincount(group[group != MISSING])
    told = np.flatnonzero(np.where(own == MISSING, 0, sizes[own]) >= FEWEST_MEMBERS)
    tried = told[field.drawn(rng, len(told))]
    if not len(tried):
        return None
    shown = {
        each: _shares(field, field.past.take(np.flatnonzero(group == each)))
        for each in np.unique(own[tried]).tolist()
    }
    lists = {
        FINAL: [shown[each] for each in own[tried].tolist()],
        POPULAR: [top(field.sellers, limit=limit)] * len(tried),
    }
    truths = [field.target.truths[at] for at in tried.tolist()]
    values = of_lists(lists, truths, items=field.items, limit=limit)
    groups = f"{len(shown)} segments of at least {FEWEST_MEMBERS} customers."
    noted = Asked(asked.name, asked.question, asked.unit, (f"{asked.name}: {groups}",))
    return judged(noted, values, drawn_from=len(told), rng=rng)


def _shares(field: Field, members: Histories) -> LongArray:
    """The list of what is popular with some customers."""
    shares = popular_among(field.model, members)
    request = Request(limit=field.extent.limit)
    answer = popular(field.recommender, request, view=field.view, selling=selling_of(shares))
    return field.positions(answer)


def _favourites(field: Field) -> IntArray:
    """The category most of each past customer's lines are of, MISSING for none, ties by name."""
    past, assortment = field.past, field.model.assortment
    categories = len(assortment.categories)
    known = past.item >= 0
    category = assortment.category[past.item[known]]
    row = past.row()[known][category != MISSING]
    keys = row * categories + category[category != MISSING]
    counts = np.bincount(keys, minlength=len(past) * categories).reshape(-1, categories)
    none = counts.sum(axis=1) == 0
    return np.where(none, MISSING, counts.argmax(axis=1)).astype(np.int32)


def _first_orders(field: Field) -> Histories:
    """The first order of each past customer."""
    past = field.past
    first = past.order[past.indptr[:-1]]
    return past.where(past.order == first[past.row()])
