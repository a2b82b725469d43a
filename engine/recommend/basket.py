"""Lists that begin with items in hand: a basket, or what an anonymous visitor looked at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from engine.domain.arrays import BoolArray, FloatArray, LongArray
from engine.domain.histories import Histories, NetLine, histories_of
from engine.models.goals import Goal
from engine.models.model import Model
from engine.models.pairs import Pairs
from engine.models.popularity import Popularity
from engine.models.query import Query
from engine.models.scores import Scores
from engine.recommend.answer import Answer, CatalogView, Dropped, Reason, ReasonCode, Request
from engine.recommend.blend import Blended
from engine.recommend.candidates import union
from engine.recommend.eligibility import Rules, barred_pairs, rules_of
from engine.recommend.explain import Explained, explain, sources_of
from engine.recommend.features.said import highest_of, ranks
from engine.recommend.recommender import Ranked, Recommender, without
from engine.recommend.scoring import Scored, ask, score
from engine.recommend.surfaces import popular

UNKNOWN_BASKET = "unknown_basket"
# How much a customer's habits count beside the basket, which counts 1: so much after one order,
# and growing with their number to this power. Whoever has ordered a hundred times is a habit.
HABIT, HABIT_GROWTH = 0.3, 0.35
# The newest items in hand that a reason is looked for among.
MOST_HEARD = 12


@dataclass(frozen=True)
class Hand:
    """Items in hand, the newest last: put into a basket, or only looked at (`viewed`)."""

    item_ids: tuple[str, ...]
    viewed: bool = False


@dataclass(frozen=True)
class Fused:
    """What goes with the items in hand, what the customer usually wants, and both in one.

    All over the same pairs; `goes` and `usual` are the parts of `both`. Without a customer of
    whom something is known there is no `usual`.
    """

    goes: Scored
    usual: Scored | None
    both: Scored
    goes_part: FloatArray
    usual_part: FloatArray


def for_hand(
    recommender: Recommender,
    hand: Hand,
    request: Request,
    *,
    view: CatalogView,
    now_ms: int,
    customer: Histories | None = None,
) -> Answer:
    """What goes with the items in hand; none of them comes back.

    For a `customer` who bought something before, it is mixed with their own list. Without an
    item that the model knows it is their own list or popular items, labelled `unknown_basket`.
    """
    known = customer if customer is not None and (customer.item >= 0).any() else None
    found = ranked_for_hand(recommender, hand, request, view=view, now_ms=now_ms, customer=known)
    if found is None:
        return _plainer(recommender, hand, request, view=view, now_ms=now_ms, customer=known)
    told = _told(recommender.model, *found, hand, goal=request.goal)
    places = (recommender.place(found[1], 0, at, why) for at, why in enumerate(told))
    name = customer.customers[0] if customer is not None else ""
    return Answer(name, request.limit, tuple(places), found[1].dropped[0])


def ranked_for_hand(
    recommender: Recommender,
    hand: Hand,
    request: Request,
    *,
    view: CatalogView,
    now_ms: int,
    customer: Histories | None,
) -> tuple[Fused, Ranked] | None:
    """The list of `for_hand`, for a customer with a known purchase or for none, before it is told.

    None where the model knows nothing that is in hand.
    """
    model = recommender.model
    held = _order_of(hand, model, now_ms=now_ms)
    if not (held.item >= 0).any():
        return None
    rules = rules_of(request, recommender.masks_of(view))
    basket = Query(held, now_ms, baskets=held)
    both = _Both.of(recommender, basket, customer, request, rules)
    whose = Query(_no_lines(model) if customer is None else customer, now_ms, baskets=held)
    barred = _barred(recommender, whose, both.pairs, request, rules=rules, hand=hand)
    fused = _fused(model, both, barred, request)
    return fused, recommender.arranged(fused.both, rules, barred, request)


def _plainer(
    recommender: Recommender,
    hand: Hand,
    request: Request,
    *,
    view: CatalogView,
    now_ms: int,
    customer: Histories | None,
) -> Answer:
    others = without(request, *hand.item_ids)
    if customer is None:
        answer = popular(recommender, others, view=view)
    else:
        (answer,) = recommender.recommend(customer, others, view=view, now_ms=now_ms)
    return replace(answer, fallback_reason=UNKNOWN_BASKET)


def _order_of(hand: Hand, model: Model, *, now_ms: int) -> Histories:
    """The items in hand as one order of now, each once, at its latest place."""
    newest = list(dict.fromkeys(reversed(hand.item_ids)))[::-1]
    lines = [NetLine("hand", now_ms, each, 1, 0) for each in newest]
    return histories_of([("", lines)], items=model.items)


def _no_lines(model: Model) -> Histories:
    return histories_of([("", ())], items=model.items)


def _barred(
    recommender: Recommender,
    whose: Query,
    pairs: Pairs,
    request: Request,
    *,
    rules: Rules,
    hand: Hand,
) -> Mapping[Dropped, BoolArray]:
    """What is kept out: what is in hand too, and for a customer what was just bought."""
    items, cooldown = len(recommender.model.items), recommender.cooldown
    barred = barred_pairs(whose, pairs, request, rules=rules, cooldown=cooldown, items=items)
    if hand.viewed:
        barred[Dropped.VIEWED] = barred.pop(Dropped.IN_BASKET)
    return barred


@dataclass(frozen=True)
class _Both:
    """The candidates of the items in hand and of the customer, and what scorers say of each."""

    basket: Query
    said: Mapping[str, Scores]
    own: Query | None
    own_said: Mapping[str, Scores]
    pairs: Pairs

    @classmethod
    def of(
        cls,
        recommender: Recommender,
        basket: Query,
        customer: Histories | None,
        request: Request,
        rules: Rules,
    ) -> _Both:
        """The candidates that either names; without a customer those of the items in hand."""
        said = ask(recommender.model, basket)
        pairs = recommender.candidates(basket, said, request, rules)
        if customer is None:
            return cls(basket, said, None, {}, pairs)
        own = Query(customer, basket.now_ms)
        own_said = ask(recommender.model, own)
        more = recommender.candidates(own, own_said, request, rules)
        return cls(basket, said, own, own_said, union([pairs, more], customers=1))


def _fused(
    model: Model, both: _Both, barred: Mapping[Dropped, BoolArray], request: Request
) -> Fused:
    pairs = both.pairs
    goes = score(model, both.basket, pairs, both.said, goal=Goal.BASKET)
    if both.own is None:
        return Fused(goes, None, goes, goes.total, np.zeros_like(goes.total))
    usual = score(model, both.own, pairs, both.own_said, goal=request.goal)
    free = np.ones(len(pairs), dtype=np.bool_)
    for mask in barred.values():
        free &= ~mask
    basket = basket_part(both.own.histories)
    goes_part = _part(goes, free) * basket
    usual_part = _part(usual, free) * (1 - basket)
    total = goes_part + usual_part
    fused = Scored(both.own, pairs, {}, Blended(total, {}), total)
    return Fused(goes, usual, fused, goes_part, usual_part)


def basket_part(customer: Histories) -> np.float32:
    """How much of a list is for the basket, the less the more the customer ordered before; 0 to 1.

    Chosen on halved baskets of two grocers and a wholesaler of gifts, before their test windows.
    """
    orders = len(np.unique(customer.order))
    return np.float32(1 / (1 + HABIT * orders**HABIT_GROWTH))


def _part(scored: Scored, free: BoolArray) -> FloatArray:
    """Scores of at least 0, of which the highest of a `free` pair (pairs,) is 1.

    Trees' scores have neither a zero nor a unit: their order is kept, and each takes the score
    that the blend has at its rank.
    """
    part = np.maximum(scored.blended.total, 0)
    levels = -np.sort(-part[free])
    rank = ranks(np.where(free, scored.total, np.float32(np.nan)), scored.pairs)
    ranked = ~np.isnan(rank)
    part[ranked] = levels[rank[ranked].astype(np.int64)]
    highest = levels.max(initial=0)
    return part / highest if highest > 0 else part


def _told(model: Model, fused: Fused, ranked: Ranked, hand: Hand, *, goal: Goal) -> list[Explained]:
    """Why each place's item is there: by the part that gives it more of its score."""
    item = ranked.items(0)
    listed = Pairs.of(np.zeros_like(item), item, customers=1)
    order = np.searchsorted(listed.item, item)
    sources = sources_of(fused.goes, listed, items=len(model.items))
    because = _because(model, fused.goes, item)
    code = ReasonCode.BECAUSE_YOU_VIEWED if hand.viewed else ReasonCode.BOUGHT_TOGETHER
    told = [
        Explained(sources[at], Reason(code, why) if why else Reason(ReasonCode.POPULAR))
        for at, why in zip(order.tolist(), because, strict=True)
    ]
    if fused.usual is None:
        return told
    (own,) = explain(model, fused.usual, ranked.lists.item, goal=goal)
    place = np.searchsorted(fused.both.pairs.item, item)
    usual = fused.usual_part[place] > fused.goes_part[place]
    return [mine if by else goes for mine, goes, by in zip(own, told, usual.tolist(), strict=True)]


def _because(model: Model, goes: Scored, item: LongArray) -> list[str | None]:
    """For each listed item the one in hand without which it would fall furthest.

    By the blend as it is scaled with everything in hand: scaled anew, its first item would not
    fall as long as it stayed the first. Where several speak for an item and none is missed, it is
    the one that alone speaks most; None where nothing in hand speaks for it.
    """
    held = goes.query.histories
    heard = held.item[held.item >= 0][-MOST_HEARD:]
    copies = held.take(np.zeros(len(heard), dtype=np.int64))
    own = copies.item == heard[copies.row()]
    listed = np.searchsorted(goes.pairs.item, item)
    everything = _spoken(model, goes, held)[:, listed]
    falls = everything - _spoken(model, goes, copies.where(~own))[:, listed]
    alone = _spoken(model, goes, copies.where(own))[:, listed]
    missed = falls.max(axis=0) > 0
    best = np.where(missed, falls.argmax(axis=0), alone.argmax(axis=0))
    speaks = missed | (alone.max(axis=0) > 0)
    return [
        model.items[int(heard[at])] if some else None
        for at, some in zip(best.tolist(), speaks.tolist(), strict=True)
    ]


def _spoken(model: Model, goes: Scored, hands: Histories) -> FloatArray:
    """What other hands say for the same items, shape (hands, pairs), beside what just sells."""
    rows, width = len(hands), len(goes.pairs)
    bounds = np.arange(rows + 1, dtype=np.int64) * width
    pairs = Pairs(bounds, np.tile(goes.pairs.item, rows))
    scores = ask(model, Query(hands, goes.query.now_ms, baskets=hands))
    weights = model.blends.get(Goal.BASKET, model.blends[Goal.ANY])
    total = np.zeros((rows, width), dtype=np.float32)
    for name in sorted(goes.blended.parts.keys() - {Popularity.name}):
        highest = highest_of(np.nan_to_num(goes.said[name], nan=0.0), goes.pairs)[0]
        if highest > 0:
            said = np.nan_to_num(scores[name].at(pairs), nan=0.0).reshape(rows, width)
            total += said * (np.float32(weights[name]) / highest)
    return total
