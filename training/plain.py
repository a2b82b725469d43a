"""Training on purchases without times: plain pairs of customer and item.

Nothing can be held back by time, so a random part of what each customer bought is; and nothing
shows who buys what again, so lists are of items that are new to the customer. What is learnt is
which of the collaborative models, blended how, finds the hidden part.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from functools import cached_property

import msgspec
import pyarrow as pa

from engine.domain.assortment import Assortment
from engine.domain.events import EventType, to_ms
from engine.errors import ModelUnavailable
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
from engine.recommend.eligibility import Rules
from engine.recommend.recommender import Recommender
from engine.store.log_reader import ReadLog
from training.config import TrainConfig
from training.course import Learnt, Surroundings
from training.evaluate import CHAMPION, FILTERED, FINAL, POPULAR, SINGLES, Tried, evaluate
from training.fit import Recipe, fitted_alike
from training.fitting.als import Warm, fit_als
from training.fitting.ease import fit_ease
from training.fitting.item_item import fit_item_item
from training.fitting.neighbours import fit_neighbours
from training.fitting.popularity import fit_popularity
from training.fitting.sessions import fit_sessions
from training.held_out import HELD_OUT, Parts, parted
from training.history import Purchases, purchases_before
from training.ingest.formats import UNDATED
from training.split import Split
from training.tune import START, candidates, search, tells
from training.windows import Window, sample

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
    # Of this column alone: the whole log's would be gigabytes once more.
    times = log["at_ms"].filter(purchased).to_numpy()
    if not len(times):
        return False
    return bool((times == times[0]).all() or (times != to_ms(UNDATED)).mean() <= DATED_SHARE)


class PlainCourse:
    """One training run on pairs; the same steps as `training.course.Course` has."""

    def __init__(
        self, log: ReadLog, *, until_ms: int, config: TrainConfig, around: Surroundings
    ) -> None:
        self.split = Split(until_ms, until_ms, until_ms, held_out=HELD_OUT)
        self.everything = purchases_before(log.lines, cut_ms=until_ms)
        self._config = config
        self._around = around

    def learn(self) -> Learnt:
        """The blend that best finds what was held out of the customers who are no test."""
        config, target = self._config, self.parts.validation
        if not target.truths:
            return Learnt(Recipe(config.half_lives[0], _ALL), {}, ())
        model = self._model(self.parts.known, self._known_fitted, _ALL)
        self._around.step(f"choosing a blend on {len(target.truths):,} customers")
        weights = chosen(model, target, limit=config.limit)
        return Learnt(Recipe(config.half_lives[0], _blends(weights)), {}, ())

    def contest(self, learnt: Learnt) -> tuple[Window, dict[str, Tried]]:
        """The items held out of the test's customers, and everybody who competes on them."""
        models = self.models(learnt.recipe)
        champion = self._champion()
        if champion is not None:
            models[CHAMPION] = champion
        target = self.target
        return target, {name: self._tried(name, model, target) for name, model in models.items()}

    def models(self, recipe: Recipe) -> dict[str, Model]:
        """Every scorer alone, and the blend of a recipe, fitted on what is known."""
        known, fitted = self.parts.known, self._known_fitted
        models = {
            name: self._model(known, {each: fitted[each] for each in own}, {Goal.ANY: own})
            for name, own in ALONE.items()
        }
        return {**models, FINAL: self._model(known, fitted, recipe.blends)}

    def final(self, learnt: Learnt, *, warm: Warm | None = None) -> Model:
        """The model that knows every pair; its factors may start warm."""
        fitted = self._fitted(self.everything, self._config, warm)
        return self._model(self.everything, fitted, learnt.recipe.blends)

    @cached_property
    def parts(self) -> Parts:
        """What is known, what settles the blend, and what is the test."""
        config = self._config
        return parted(self.everything, most=config.tuning_customers, seed=config.seed)

    @cached_property
    def target(self) -> Window:
        """The customers who are the test, or some of them where there are many."""
        config = self._config
        return sample(self.parts.test, size=config.test_customers, seed=config.seed)

    @cached_property
    def _known_fitted(self) -> dict[str, Scorer]:
        known = self.parts.known
        self._around.step("fitting on all but the items held out")
        return self._fitted(known, self._config)

    def _tried(self, name: str, model: Model, target: Window) -> Tried:
        self._around.step(f"evaluating '{name}' on {len(target.truths):,} customers")
        return evaluate(
            model,
            target,
            cooldown=self._around.cooldown,
            limit=self._config.limit,
            new_only=True,
        )

    def _fitted(
        self, purchases: Purchases, config: TrainConfig, warm: Warm | None = None
    ) -> dict[str, Scorer]:
        return {
            Popularity.name: fit_popularity(purchases, config=config.popularity),
            NeighbourCustomers.name: fit_neighbours(purchases, config=config.neighbours),
            Als.name: fit_als(purchases, config=config.als, seed=config.seed, previous=warm),
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

    def _champion(self) -> Model | None:
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
        known, fitted = self.parts.known, self._known_fitted
        if not fitted_alike(own, self._config):
            self._around.step("fitting by the live model's configuration")
            fitted = self._fitted(known, own)
        return self._model(known, fitted, recipe.blends)


def chosen(model: Model, target: Window, *, limit: int) -> dict[str, float]:
    """The weights with the highest nDCG at `limit` on what was held out.

    Those of the best scorer alone, unless a blend does better by more than a standard error: of
    what cannot be told apart the simplest (Breiman et al. 1984, section 3.4.3). The blend is found
    by a coordinate search from the best of what each scorer does alone, and of all together.
    """
    recommender = Recommender(model, cooldown=timedelta(0))
    query = Query(target.histories, target.start_ms)
    scored = recommender.scored(query, Request(new_only=True), Rules({}, None), goal=Goal.NEW)
    known = candidates(scored.pairs, scored.said, target, goal=Goal.NEW, limit=limit)

    def quality(weights: Mapping[str, float]) -> float:
        return known.ndcg(weights, limit=limit)

    alone = max((_only(name) for name in BLENDED), key=quality)
    blend = search(known, max(alone, dict(_ALL[Goal.NEW]), key=quality), limit=limit)
    gain = known.each(blend, limit=limit) - known.each(alone, limit=limit)
    return blend if tells(gain, errors=1.0) else alone


def _only(scorer: str) -> dict[str, float]:
    weights = dict.fromkeys(BLENDED, 0.0)
    return weights | {Popularity.name: FILL} | {scorer: 1.0}


def _blends(weights: Mapping[str, float]) -> dict[Goal, Mapping[str, float]]:
    return {Goal.ANY: weights, Goal.NEW: weights, Goal.BASKET: START[Goal.BASKET]}


_ALL = _blends({name: START[Goal.NEW].get(name, 0.0) for name in BLENDED})
