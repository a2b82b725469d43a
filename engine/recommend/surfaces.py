"""Lists that begin with the shop or with an item rather than with a customer."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from engine.domain.arrays import BoolArray, DoubleArray, FloatArray
from engine.domain.histories import Histories, histories_of
from engine.domain.ids import MISSING
from engine.models.item_item import Ease, ItemItem
from engine.models.model import Model
from engine.models.pairs import Pairs
from engine.models.popularity import Popularity
from engine.models.query import Query
from engine.models.scores import SameScores, Scores
from engine.models.sessions import Sessions
from engine.recommend.answer import Answer, CatalogView, Reason, ReasonCode, Request
from engine.recommend.blend import Blended
from engine.recommend.candidates import union
from engine.recommend.eligibility import Rules, rules_of
from engine.recommend.explain import Explained
from engine.recommend.features.said import of_best
from engine.recommend.recommender import CHOICE, LEAST_CHOICE, Recommender, without
from engine.recommend.scoring import Scored

UNKNOWN_ITEM = "unknown_item"
# A group that is expected to order an item so often looks half like itself and half like the shop.
PRIOR_ORDERS = 5.0
_POPULAR = Explained(Popularity.name, Reason(ReasonCode.POPULAR))
_LIKED = Explained(Popularity.name, Reason(ReasonCode.LIKES_CATEGORY))


@dataclass(frozen=True)
class Selling:
    """What sells, to whomever: `scores` of one row; `first` (items,) comes before all others."""

    scores: Scores
    first: BoolArray | None = None


def popular(
    recommender: Recommender,
    request: Request,
    *,
    view: CatalogView,
    selling: Selling | None = None,
) -> Answer:
    """The items that sell best now, for nobody in particular, or best by `selling`.

    Nothing when only what was bought before is asked for.
    """
    if request.again_only:
        return Answer(customer_id="", requested=request.limit, items=())
    best = selling or Selling(_sold(recommender.model))
    rules = rules_of(request, recommender.masks_of(view))
    nobody = _nobody(recommender.model)
    pairs = _offered(best, rules, limit=request.limit, items=len(recommender.model.items))
    wanted = recommender.steering.wanted(nobody, request)
    if wanted is not None:
        pairs = union([pairs, wanted], customers=1)
    total = of_best(best.scores.at(pairs), pairs)
    told = [_POPULAR] * len(pairs)
    if best.first is not None:
        liked = best.first[pairs.item]
        total += liked.astype(np.float32)
        told = [_LIKED if each else _POPULAR for each in liked.tolist()]
    return _answer(recommender, (pairs, total), rules, request, told=told)


def popular_among(model: Model, members: Histories) -> FloatArray:
    """What sells in a group now, shape (items,): shares that sum to 1.

    What sells in the shop now, times how much more often than all customers the group ordered the
    item: its orders over those expected of as many lines, both drawn together by PRIOR_ORDERS, as
    Zhai & Lafferty (2004) smooth rare words by a Dirichlet prior. What a group bought long ago
    tells its taste, and the shop what is in season.
    """
    known = members.item >= 0
    item, order = members.item[known].astype(np.int64), members.order[known]
    once = np.unique(np.stack([item, order]), axis=1)[0]
    counted = np.bincount(once, minlength=len(model.items)).astype(np.float64)
    ordered = _ordered(model)
    expected = ordered * (counted.sum() / max(ordered.sum(), 1e-12))
    now = _sold(model).at(_every(model)) * (counted + PRIOR_ORDERS) / (expected + PRIOR_ORDERS)
    shares: FloatArray = (now / max(now.sum(), 1e-12)).astype(np.float32)
    return shares


def _ordered(model: Model) -> DoubleArray:
    """How often customers ever ordered each item, or what sells now where nobody counted that."""
    if model.ranking is None:
        return _sold(model).at(_every(model)).astype(np.float64)
    known = model.ranking.statistics
    return known.buyers.astype(np.float64) * known.orders_per_buyer


def selling_of(shares: FloatArray, *, first: BoolArray | None = None) -> Selling:
    """What sells by the shares of a group."""
    return Selling(SameScores(shares, customers=1), first)


def selling_in_shop(model: Model, *, first: BoolArray | None = None) -> Selling:
    """What sells in the whole shop."""
    return Selling(_sold(model), first)


def similar(
    recommender: Recommender, item_id: str, request: Request, *, view: CatalogView
) -> Answer:
    """The items bought by the customers who bought this one, then popular ones.

    An item the model does not know gets popular items, labelled `unknown_item`.
    """
    model = recommender.model
    position = model.items.index(item_id)
    near = _nearness(model, position) if position != MISSING else None
    if near is None:
        return _unknown_item(recommender, item_id, request, view=view)
    why = Explained(ItemItem.name, Reason(ReasonCode.SIMILAR, item_id))
    return _near(recommender, near, without(request, item_id), view=view, why=why)


def _nearness(model: Model, position: int) -> FloatArray | None:
    """How near every item is to one, shape (items,), by all models of nearness alike.

    Neighbours know what the same customers buy, and EASE what is left of that beside everything
    else they buy: it finds more of the same kind. None without either.
    """
    known = [model.scorers.get(name) for name in (ItemItem.name, Ease.name)]
    said = [each.neighbours(position) for each in known if isinstance(each, ItemItem)]
    if not said:
        return None
    total: FloatArray = np.zeros(len(model.items), dtype=np.float32)
    for each in said:
        positive = np.maximum(np.nan_to_num(each, nan=0.0), 0)
        total += positive / max(positive.max(initial=0), np.float32(1e-12))
    return total


def bought_together(
    recommender: Recommender, item_id: str, request: Request, *, view: CatalogView
) -> Answer:
    """The items most often in one order with this one, lately above all, then popular ones.

    An item the model does not know gets popular items, labelled `unknown_item`.
    """
    model = recommender.model
    position = model.items.index(item_id)
    sessions = model.scorers.get(Sessions.name)
    if position == MISSING or not isinstance(sessions, Sessions):
        return _unknown_item(recommender, item_id, request, view=view)
    why = Explained(Sessions.name, Reason(ReasonCode.BOUGHT_TOGETHER, item_id))
    scores = sessions.bought_together(np.asarray([position], dtype=np.int32)).dense()[0]
    return _near(recommender, scores, without(request, item_id), view=view, why=why)


def _unknown_item(
    recommender: Recommender, item_id: str, request: Request, *, view: CatalogView
) -> Answer:
    answer = popular(recommender, without(request, item_id), view=view)
    return replace(answer, fallback_reason=UNKNOWN_ITEM)


def _near(
    recommender: Recommender,
    scores: FloatArray,
    request: Request,
    *,
    view: CatalogView,
    why: Explained,
) -> Answer:
    """The items with a score above 0, and popular ones below every one of them."""
    model = recommender.model
    rules = rules_of(request, recommender.masks_of(view))
    near = np.flatnonzero(scores > 0)
    own = Pairs.of(np.zeros_like(near), near, customers=1)
    fill = _offered(
        Selling(_sold(model)), rules, limit=request.limit + len(near), items=len(model.items)
    )
    pairs = union([fill, own], customers=1)
    said = scores[pairs.item]
    is_near = said > 0
    told = [why if each else _POPULAR for each in is_near.tolist()]
    # In 1 to 2 what is near, in 0 to 1 what only sells.
    sells = of_best(_sold(model).at(pairs), pairs)
    total = np.where(is_near, 1 + of_best(said, pairs), sells).astype(np.float32)
    return _answer(recommender, (pairs, total), rules, request, told=told)


def _answer(
    recommender: Recommender,
    asked: tuple[Pairs, FloatArray],
    rules: Rules,
    request: Request,
    *,
    told: list[Explained],
) -> Answer:
    """A list from pairs of nobody's with their scores; `told` has what to say of each pair."""
    pairs, total = asked
    scored = Scored(_nobody(recommender.model), pairs, {}, Blended(total, {}), total)
    barred = {why: mask[pairs.item] for why, mask in rules.barred.items()}
    ranked = recommender.arranged(scored, rules, barred, request)
    places = enumerate(np.searchsorted(pairs.item, ranked.items(0)).tolist())
    return Answer(
        customer_id="",
        requested=request.limit,
        items=tuple(recommender.place(ranked, 0, at, told[pair]) for at, pair in places),
        dropped=ranked.dropped[0],
    )


def _offered(best: Selling, rules: Rules, *, limit: int, items: int) -> Pairs:
    """Enough of the best for a list: of all items, of those allowed, and of those to come first."""
    most = max(CHOICE * limit, LEAST_CHOICE)
    allowed = rules.allowed(items=items)
    found = [best.scores.best(most), best.scores.best(most, allowed=allowed)]
    if rules.preferred is not None:
        others = Rules(rules.barred, None).allowed(items=items)
        found.append(best.scores.best(most, allowed=others))
    if best.first is not None:
        first = best.first if allowed is None else best.first & allowed
        found.append(best.scores.best(most, allowed=first))
    return union(found, customers=1)


def _sold(model: Model) -> Scores:
    return model.scorers[Popularity.name].score(_nobody(model))


def _nobody(model: Model) -> Query:
    return Query(histories_of([("", ())], items=model.items), model.until_ms)


def _every(model: Model) -> Pairs:
    return Pairs.of(np.zeros(len(model.items), np.int64), np.arange(len(model.items)), customers=1)
