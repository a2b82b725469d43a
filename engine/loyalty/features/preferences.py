"""What customers like: favourite categories, how firm the taste is, whether it is changing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import rel_entr

from engine.domain.arrays import BoolArray, DoubleArray, IntArray, LongArray
from engine.domain.ids import MISSING
from engine.loyalty.feature import Column, Feature, Kind
from engine.loyalty.features.context import Columns, Context, column, float_sums
from engine.loyalty.features.evidence import flag, is_newer, shown, stated
from engine.loyalty.features.personalisation import TOPICS, answered_question
from engine.loyalty.states import ItemFacts, Preferences

_NEEDS = "purchases and the items' categories"

FEATURES: tuple[Feature, ...] = (
    Feature(
        "favourite_category",
        Kind.TEXT,
        "The category of which most purchase lines are; the first by name among equals.",
        _NEEDS,
        "Buys {favourite_category} most often; categories bought: {categories:count}.",
    ),
    Feature(
        "categories",
        Kind.COUNT,
        "Distinct categories bought.",
        _NEEDS,
        "Categories bought: {categories:count}, {favourite_category} most often.",
    ),
    Feature(
        "preference_stability",
        Kind.SHARE,
        "How alike the categories of the older and the newer half of the orders are: 1 less their "
        "Jensen-Shannon divergence (base 2), smoothed; from the fourth order on.",
        _NEEDS,
        "The newer half of {orders:count} orders is {preference_stability:share} like the older.",
    ),
    Feature(
        "preference_drift",
        Kind.SHARE,
        "How different the categories of the last 90 days are from those of the 270 days before: "
        "their Jensen-Shannon divergence (base 2), from five purchase lines in each.",
        _NEEDS,
        "What was bought in the last 90 days differs by {preference_drift:share} from before.",
    ),
    Feature(
        "preference_shift",
        Kind.FLAG,
        "Whether the taste is changing: a drift of more than 0.3.",
        _NEEDS,
        sentences={
            "yes": "The taste is changing: the last 90 days differ by {preference_drift:share}.",
            "no": "The taste is steady: the last 90 days differ by {preference_drift:share}.",
        },
    ),
    Feature(
        "stated_reliability",
        Kind.SHARE,
        "How far what the customer says to like can be relied on: the share of liked categories "
        "that are bought, drawn towards two thirds while few.",
        "preference events on categories, and purchases",
        "What this customer says to like is bought too: {stated_reliability:share}.",
    ),
)


@dataclass(frozen=True)
class Shelf:
    """Which customers bought in which categories, a row for each pair, sorted by both.

    `line` are the purchase lines that have a category, `pair` the row of each of them.
    """

    row: LongArray
    category: LongArray
    line: LongArray
    pair: LongArray

    @classmethod
    def of(cls, context: Context) -> Shelf:
        """The shelf of what was bought up to now."""
        facts = context.states.facts
        category = context.once(categories_of_lines)
        (line,) = (category >= 0).nonzero()
        size = max(len(facts.categories), 1)
        keys, pair = np.unique(context.line_row[line] * size + category[line], return_inverse=True)
        return cls(keys // size, keys % size, line, pair)

    def lines(self, mask: BoolArray | None = None) -> LongArray:
        """How many lines of a mask over all lines each pair has, shape (pairs,)."""
        pair = self.pair if mask is None else self.pair[mask[self.line]]
        return np.bincount(pair, minlength=len(self.row))


def compute(context: Context, known: Columns) -> Columns:
    """Columns of categories bought, and of how they compare with what is said."""
    shelf = context.once(Shelf.of)
    lines = shelf.lines()
    evidence = np.bincount(shelf.row, weights=lines, minlength=len(context)).astype(np.int64)
    categories = np.bincount(shelf.row, minlength=len(context))
    drift = _drift(context, shelf)
    shift = flag(drift.values > context.cuts.config.drift_alert, drift.values)
    return {
        "favourite_category": _favourite(context, shelf, lines, evidence),
        "categories": column(categories.astype(np.float64), evidence),
        "preference_stability": _stability(context, shelf),
        "preference_drift": drift,
        "preference_shift": column(shift, drift.evidence),
        "stated_reliability": _reliability_column(context, shelf),
    }


def categories_of(facts: ItemFacts, item: IntArray) -> IntArray:
    """The category of each item, MISSING (-1) where nobody said or the item is missing."""
    if not len(facts.items):
        return np.full(item.shape, MISSING, np.int32)
    return np.where(item >= 0, facts.category[item], MISSING)


def categories_of_lines(context: Context) -> IntArray:
    """The category of each line of the goods, MISSING (-1) for none, shape (lines,)."""
    return categories_of(context.states.facts, context.goods.item)


def divergence(
    first: DoubleArray, second: DoubleArray, row: LongArray, *, customers: int
) -> DoubleArray:
    """Jensen-Shannon divergence (base 2) of two distributions over each customer's rows, (n,).

    0 for equal ones, 1 for ones without anything in common; NaN where either is empty.
    Lin (1991). Rows of one customer stand together, weights are 0 or more.
    """
    totals = [float_sums(each, row, customers=customers) for each in (first, second)]
    both = (totals[0] > 0) & (totals[1] > 0)
    p, q = (
        each / np.where(both, total, 1.0)[row]
        for each, total in zip((first, second), totals, strict=True)
    )
    middle = (p + q) / 2
    bits = (rel_entr(p, middle) + rel_entr(q, middle)) / (2 * np.log(2))
    diverged = np.clip(float_sums(bits, row, customers=customers), 0.0, 1.0)
    return np.where(both, diverged, np.nan)


def wishes(context: Context) -> Preferences:
    """What customers said to like or not, without answers to other questions than for topics."""
    preferences, questions = stated(context), context.cuts.config.explicit_questions
    if not len(preferences):
        return preferences
    answered = answered_question(context, preferences)
    other = questions.index(TOPICS) if TOPICS in questions else MISSING
    return preferences.where(answered == other)


def reliability(context: Context, shelf: Shelf) -> tuple[DoubleArray, LongArray]:
    """How far stated likes can be relied on, shape (n,), and how many could be compared.

    The mean of a Beta prior after so many liked categories that were bought and were not. A topic
    is a category when they have the same name; one that no item has counts as never bought. Nothing
    can be compared before the first purchase.
    """
    prior = context.cuts.config.reliability_prior
    liked = wishes(context)
    if not len(liked):
        none = np.zeros(len(context), np.int64)
        return np.full(len(context), prior[0] / sum(prior)), none
    liked = liked.where(liked.value > 0)
    row, size = liked.row(), max(len(context.states.facts.categories), 1)
    category = _named(context, liked.topic)
    bought = np.isin(row * size + category, shelf.row * size + shelf.category) & (category >= 0)
    compared = np.bincount(row, minlength=len(context)) * (context.n > 0)
    agreed = np.bincount(row[bought], minlength=len(context))
    return (prior[0] + agreed) / (sum(prior) + compared), compared


def _reliability_column(context: Context, shelf: Shelf) -> Column:
    return column(*reliability(context, shelf))


def _named(context: Context, topic: IntArray) -> LongArray:
    """The category each topic is the name of, shape (len(topic),), MISSING (-1) for none."""
    if not len(topic):
        return topic.astype(np.int64)
    distinct, place = np.unique(topic, return_inverse=True)
    categories = {name: index for index, name in enumerate(context.states.facts.categories)}
    words = context.states.words
    found = [categories.get(words[each], MISSING) for each in distinct.tolist()]
    return np.asarray(found, np.int64)[place]


def _favourite(context: Context, shelf: Shelf, lines: LongArray, evidence: LongArray) -> Column:
    labels = context.states.facts.categories
    favourite = np.full(len(context), np.nan)
    # The last assignment stays: most lines last, and among equals the first category.
    best = np.lexsort((-shelf.category, lines))
    favourite[shelf.row[best]] = shelf.category[best]
    return column(favourite, evidence, labels)


def _stability(context: Context, shelf: Shelf) -> Column:
    config, orders, n = context.cuts.config, context.orders, context.n
    ends = np.append(orders.first_line[1:], context.goods.lines)
    newer = np.repeat(is_newer(orders.indptr), ends - orders.first_line)
    late, early = shelf.lines(newer), shelf.lines(~newer)
    halves = [_totals(shelf, each, context) for each in (late, early)]
    enough = (n >= config.stability_orders) & (halves[0] > 0) & (halves[1] > 0)
    if not np.count_nonzero(enough):
        return column(*context.unknown)
    # Laplace's half a line, over the customer's own categories.
    before, after = ((each + config.smoothing).astype(np.float64) for each in (early, late))
    stable = 1.0 - divergence(before, after, shelf.row, customers=len(context))
    return column(stable, np.where(enough, n, 0))


def _drift(context: Context, shelf: Shelf) -> Column:
    config = context.cuts.config
    ago = context.today - context.line_day
    recent = shelf.lines(ago < config.drift_recent)
    before = shelf.lines(
        (ago >= config.drift_recent) & (ago < config.drift_recent + config.drift_before)
    )
    counts = _totals(shelf, recent, context), _totals(shelf, before, context)
    enough = (counts[0] >= config.drift_events) & (counts[1] >= config.drift_events)
    if not np.count_nonzero(enough):
        return column(*context.unknown)
    drift = divergence(
        recent.astype(np.float64), before.astype(np.float64), shelf.row, customers=len(context)
    )
    return shown(drift, np.where(enough, counts[0] + counts[1], 0))


def _totals(shelf: Shelf, lines: LongArray, context: Context) -> LongArray:
    return np.bincount(shelf.row, weights=lines, minlength=len(context)).astype(np.int64)
