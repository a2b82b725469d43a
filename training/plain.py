"""Training on purchases without times: plain pairs of customer and item.

Nothing can be held back by time, so a random part of what each customer bought is; and nothing
shows who buys what again, so lists are of items that are new to the customer. What is learnt is
which of the collaborative models, blended how, finds the hidden part.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from functools import cached_property

import msgspec
import numpy as np
import pyarrow as pa

from engine.domain.arrays import LongArray
from engine.domain.assortment import Assortment
from engine.domain.events import EventType, to_ms
from engine.errors import DataRefused, ModelUnavailable
from engine.models.als import Als
from engine.models.goals import Goal
from engine.models.item_item import Ease, ItemItem
from engine.models.model import Model
from engine.models.neighbours import NeighbourCustomers
from engine.models.popularity import Popularity
from engine.models.query import Query
from engine.models.scorer import Scorer
from engine.models.sessions import Sessions
from engine.recommend.answer import Request
from engine.recommend.eligibility import Rules, bought_pairs
from engine.recommend.recommender import Recommender
from engine.store.log_reader import ReadLog
from training.config import TrainConfig
from training.course import Learnt, Surroundings
from training.evaluate import CHAMPION, FILTERED, FINAL, POPULAR, SINGLES, Tried, evaluate
from training.evaluation.metrics import Truth
from training.fit import Recipe
from training.fitting.als import fit_als
from training.fitting.ease import fit_ease
from training.fitting.item_item import fit_item_item
from training.fitting.neighbours import fit_neighbours
from training.fitting.popularity import fit_popularity
from training.fitting.sessions import fit_sessions
from training.history import Purchases, purchases_before
from training.ingest.formats import UNDATED
from training.split import Split
from training.tune import START, candidates, search
from training.windows import Window, sample

# Of what each customer bought this share is held out for the test, and of the rest for validation.
HELD_OUT = 0.2
# Purchases that came in live since leave a shop of pairs undated up to this share.
DATED_SHARE = 0.1
ALS = "ALS"
ALONE: Mapping[str, Mapping[str, float]] = {
    **{name: SINGLES[name] for name in (POPULAR, "neighbours", "item-item", "EASE")},
    ALS: SINGLES[FILTERED],
}
# What is blended; sessions speak of baskets only.
BLENDED = (NeighbourCustomers.name, Als.name, ItemItem.name, Ease.name, Popularity.name)
# Where a search may begin with the popular items as no more than a fill.
FILL = 0.001


def undated(log: pa.Table, *, until_ms: int) -> bool:
    """Whether times tell nothing: all purchases are of one moment, or nearly all are undated."""
    purchased = pa.compute.and_(
        pa.compute.equal(log["type"], EventType.PURCHASE.value),
        pa.compute.less(log["at_ms"], until_ms),
    )
    times = log.filter(purchased)["at_ms"].to_numpy()
    if not len(times):
        return False
    return bool((times == times[0]).all() or (times != to_ms(UNDATED)).mean() <= DATED_SHARE)


class PlainCourse:
    """One training run on pairs; the same steps as `training.course.Course` has."""

    def __init__(
        self, log: ReadLog, *, until_ms: int, config: TrainConfig, around: Surroundings
    ) -> None:
        self.split = Split(until_ms, until_ms, until_ms, held_out=HELD_OUT)
        self._config = config
        self._around = around
        self._everything = purchases_before(log.lines, cut_ms=until_ms)

    def learn(self) -> Learnt:
        """The blend that best finds what was held out of all but the test."""
        known, target = self._validation
        self._around.step("fitting on all but validation and test items")
        fitted = self._fitted(known, self._config)
        self._around.step(f"choosing a blend on {len(target.truths):,} customers")
        some = sample(target, size=self._config.tuning_customers, seed=self._config.seed)
        recipe = Recipe(
            self._config.half_lives[0],
            _blends(chosen(self._model(known, fitted, _ALL), some, limit=self._config.limit)),
        )
        return Learnt(recipe, {}, ())

    def contest(self, learnt: Learnt) -> tuple[Window, dict[str, Tried]]:
        """The held out items, and every single scorer and the blend on them."""
        known, target = self._test
        self._around.step("fitting on all but the test items")
        fitted = self._fitted(known, self._config)
        models = {
            name: self._model(known, {each: fitted[each] for each in own}, {Goal.ANY: own})
            for name, own in ALONE.items()
        }
        models[FINAL] = self._model(known, fitted, learnt.recipe.blends)
        champion = self._champion(known)
        if champion is not None:
            models[CHAMPION] = champion
        return target, {name: self._tried(name, model, target) for name, model in models.items()}

    def final(self, learnt: Learnt) -> Model:
        """The model that knows every pair."""
        everything = self._everything
        fitted = self._fitted(everything, self._config)
        return self._model(everything, fitted, learnt.recipe.blends)

    @cached_property
    def _test(self) -> tuple[Purchases, Window]:
        return held_out(self._everything, share=HELD_OUT, seed=self._config.seed)

    @cached_property
    def _validation(self) -> tuple[Purchases, Window]:
        return held_out(self._test[0], share=HELD_OUT, seed=self._config.seed + 1)

    def _tried(self, name: str, model: Model, target: Window) -> Tried:
        self._around.step(f"evaluating '{name}' on {len(target.truths):,} customers")
        return evaluate(
            model,
            target,
            cooldown=self._around.cooldown,
            limit=self._config.limit,
            new_only=True,
        )

    def _fitted(self, purchases: Purchases, config: TrainConfig) -> dict[str, Scorer]:
        return {
            Popularity.name: fit_popularity(purchases, config=config.popularity),
            NeighbourCustomers.name: fit_neighbours(purchases, config=config.neighbours),
            Als.name: fit_als(purchases, config=config.als, seed=config.seed),
            ItemItem.name: fit_item_item(purchases, config=config.item_item),
            Ease.name: fit_ease(purchases, config=config.ease),
            Sessions.name: fit_sessions(purchases, config=config.sessions),
        }

    def _model(
        self,
        purchases: Purchases,
        scorers: Mapping[str, Scorer],
        blends: Mapping[Goal, Mapping[str, float]],
    ) -> Model:
        return Model(
            version="evaluation",
            until_ms=purchases.until_ms,
            items=purchases.items,
            scorers=scorers,
            blends=blends,
            assortment=Assortment.of(purchases.items, self._around.catalog),
            new_only=True,
        )

    def _champion(self, known: Purchases) -> Model | None:
        """The live model's recipe on these pairs; None without one, or with one made by time."""
        store = self._around.store
        try:
            version = store.current_version()
            note = {} if version is None else store.manifest(version).training
            if not note.get("split", {}).get("held_out"):
                return None
            own = msgspec.convert(note["config"], TrainConfig)
            recipe = msgspec.convert(note["recipe"], Recipe)
        except (ModelUnavailable, KeyError, TypeError, msgspec.ValidationError) as error:
            self._around.step(f"the live model cannot be compared: {error}")
            return None
        return self._model(known, self._fitted(known, own), recipe.blends)


def held_out(purchases: Purchases, *, share: float, seed: int) -> tuple[Purchases, Window]:
    """The purchases without a random share of each customer's items, and these to be found.

    Of a customer with two items or more at least one is held out, and at least one kept; who has
    fewer is not asked about. All of a customer's lines of an item go together. Raises DataRefused
    when nobody has two items.
    """
    everyone = purchases.customers
    pairs = bought_pairs(everyone)
    sizes = np.diff(pairs.indptr)
    most = np.where(sizes > 1, np.maximum((share * sizes).astype(np.int64), 1), 0)
    if not most.any():
        raise DataRefused("no customer has two items: nothing can be held out to learn from")
    drawn = np.random.default_rng(seed).random(len(pairs))
    row = pairs.row()
    shuffled = np.lexsort((drawn, row))
    place = np.arange(len(pairs)) - pairs.indptr[:-1].repeat(sizes)
    hidden = pairs.where(np.isin(np.arange(len(pairs)), shuffled[place < most[row]]))
    items = len(purchases.items)
    line = everyone.row() * items + everyone.item
    rest = everyone.where(~np.isin(line, hidden.keys(items=items)))
    asked = np.flatnonzero(most)
    truths = [
        Truth(_NOTHING, hidden.item[hidden.indptr[each] : hidden.indptr[each + 1]].astype(int), 0)
        for each in asked
    ]
    target = Window(rest.take(asked), truths, purchases.until_ms, newcomers=0)
    return replace(purchases, customers=rest), target


def chosen(model: Model, target: Window, *, limit: int) -> dict[str, float]:
    """The weights with the highest nDCG at `limit` on what was held out.

    A coordinate search from the best of what each scorer does alone, and of all together.
    """
    recommender = Recommender(model, cooldown=timedelta(0))
    query = Query(target.histories, target.start_ms)
    scored = recommender.scored(query, Request(new_only=True), Rules({}, None), goal=Goal.NEW)
    known = candidates(scored.pairs, scored.said, target, goal=Goal.NEW, limit=limit)
    starts = [_only(name) for name in BLENDED] + [dict(_ALL[Goal.NEW])]
    best = max(starts, key=lambda start: known.ndcg(start, limit=limit))
    return search(known, best, limit=limit)


def _only(scorer: str) -> dict[str, float]:
    weights = dict.fromkeys(BLENDED, 0.0)
    return weights | {Popularity.name: FILL} | {scorer: 1.0}


def _blends(weights: Mapping[str, float]) -> dict[Goal, Mapping[str, float]]:
    return {Goal.ANY: weights, Goal.NEW: weights, Goal.BASKET: START[Goal.BASKET]}


_NOTHING: LongArray = np.zeros(0, dtype=np.int64)
_ALL = _blends({name: START[Goal.NEW].get(name, 0.0) for name in BLENDED})
