"""The customer model of a shop that serves: current cuts, catalogue and segments around it."""

from __future__ import annotations

from collections.abc import Callable

from api.item_book import ItemBook
from api.model_watch import ModelWatch
from engine.live import LiveModel, Surroundings
from engine.loyalty.cuts import Cuts
from engine.ports import Segments


def live_model(models: ModelWatch, items: ItemBook, segments: Segments) -> LiveModel:
    """The live model by the cuts of whatever model serves, by fixed ones while none does."""
    return LiveModel(Surroundings(_cuts_of(models), items.latest, segments.own))


def _cuts_of(models: ModelWatch) -> Callable[[], Cuts]:
    untrained = Cuts.untrained()

    def cuts() -> Cuts:
        recommender = models.current()
        return (recommender.model.cuts if recommender else None) or untrained

    return cuts
