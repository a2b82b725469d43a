"""Which categories a customer wants: what was said and what was done, in one ranking.

It serves a customer's profile and the audience of an item; it is a table, not a feature.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.domain.arrays import BoolArray, DoubleArray, IntArray, LongArray
from engine.domain.histories import DAY_MS
from engine.domain.ids import IdTable
from engine.loyalty.features.context import Context, float_sums
from engine.loyalty.features.evidence import consent, distinct
from engine.loyalty.features.personalisation import PERSONALIZATION, known_interests
from engine.loyalty.features.preferences import Shelf, categories_of, reliability, wishes
from engine.loyalty.states import Rows

# What both "dislike" and "exclude" are stored as.
EXCLUDED = -1.0


@dataclass(frozen=True)
class CategoryPreferences(Rows):
    """Categories of n customers, a customer's best first; `labels` names the positions.

    `explicit` is what was said, -1 to 1, fading with age and weighed by how reliable the customer's
    words are; `implicit` the logarithm of one more than the faded weight of what was done; both 0
    where there is nothing. `score` adds them up in the configured weights.
    """

    category: IntArray
    explicit: DoubleArray
    implicit: DoubleArray
    score: DoubleArray
    excluded: BoolArray
    labels: tuple[str, ...]


@dataclass(frozen=True)
class _Terms:
    """A weight for customers and categories, a row each, in no order; pairs may repeat."""

    row: LongArray
    category: LongArray
    weight: DoubleArray


def category_preferences(context: Context) -> CategoryPreferences:
    """Each customer's categories by preference, ties by name.

    score = w_e * e * 2^(-age / 180 d) * reliability + w_i * log1p(sum c * 2^(-age / 60 d)), with c
    by kind of act. What a customer did is left out where personal service was denied, and does not
    count for a category that the customer said not to want: what is stated wins.
    """
    labels = IdTable(sorted({*context.states.facts.categories, *_wished(context)}))
    said, done = _said(context, labels), _done(context, labels)
    size = max(len(labels), 1)
    keys = distinct(np.concatenate([each.row * size + each.category for each in (said, done)]))
    row, category = keys // size, keys % size
    explicit, weight = (_added(each, keys, size=size) for each in (said, done))
    excluded = _added(_Terms(said.row, said.category, _denials(context)), keys, size=size) > 0
    implicit, config = np.log1p(weight), context.cuts.config
    counted = np.where(excluded, 0.0, implicit)
    score = config.explicit_weight * explicit + config.implicit_weight * counted
    best = np.lexsort((category, -score, row))
    bounds = np.searchsorted(row, np.arange(len(context) + 1))
    return CategoryPreferences(
        indptr=bounds,
        category=category[best].astype(np.int32),
        explicit=explicit[best],
        implicit=implicit[best],
        score=score[best],
        excluded=excluded[best],
        labels=labels.ids,
    )


def _wished(context: Context) -> list[str]:
    words = context.states.words
    return [words[each] for each in np.unique(wishes(context).topic).tolist()]


def _said(context: Context, labels: IdTable) -> _Terms:
    config, said = context.cuts.config, wishes(context)
    row = said.row()
    trust, _ = reliability(context, context.once(Shelf.of))
    age = (context.now_ms - said.at) / DAY_MS
    weight = said.value * np.exp2(-age / config.explicit_half_life) * trust[row]
    distinct, place = np.unique(said.topic, return_inverse=True)
    category = labels.indices([context.states.words[each] for each in distinct.tolist()])
    return _Terms(row, category.astype(np.int64)[place], weight)


def _denials(context: Context) -> DoubleArray:
    return (wishes(context).value <= EXCLUDED).astype(np.float64)


def _done(context: Context, labels: IdTable) -> _Terms:
    """Purchases, carts, clicks and views by category, each fading with its age in days."""
    config, facts = context.cuts.config, context.states.facts
    goods, interests = context.goods, context.once(known_interests)
    row = np.concatenate([context.line_row, interests.row()])
    category = np.concatenate([categories_of(facts, each.item) for each in (goods, interests)])
    day = np.concatenate([context.line_day, interests.day])
    looked = (
        config.weight_cart * interests.carts
        + config.weight_click * interests.clicks
        + config.weight_view * interests.views
    )
    weight = np.concatenate([np.full(goods.lines, config.weight_buy), looked])
    weight = weight * np.exp2(-(context.today - day) / config.implicit_half_life)
    allowed = (consent(context, PERSONALIZATION) != 0)[row] & (category >= 0)
    own = labels.indices(facts.categories).astype(np.int64)
    return _Terms(row[allowed], own[category[allowed]], weight[allowed])


def _added(terms: _Terms, keys: LongArray, *, size: int) -> DoubleArray:
    place = np.searchsorted(keys, terms.row * size + terms.category)
    return float_sums(terms.weight, place, customers=len(keys))


def scores_of(preferences: CategoryPreferences, category: str) -> DoubleArray:
    """Each customer's score for one category, shape (n,); NaN where nothing is known of it."""
    scores = np.full(preferences.indptr.shape[0] - 1, np.nan)
    labels = dict(zip(preferences.labels, range(len(preferences.labels)), strict=True))
    mask = preferences.category == labels.get(category, -1)
    scores[preferences.row()[mask]] = preferences.score[mask]
    return scores
