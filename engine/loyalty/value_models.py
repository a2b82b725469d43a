"""The fitted value models of a training, one set for each account type, and whom they speak of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import msgspec
import numpy as np

from engine.domain.arrays import DoubleArray, LongArray
from engine.errors import ModelUnavailable
from engine.loyalty.cuts import POOLED, Cuts, ValueModels
from engine.loyalty.features.accounts import ACCOUNTS
from engine.loyalty.value.bg_nbd import BgNbd
from engine.loyalty.value.empirical import Empirical
from engine.loyalty.value.gamma_gamma import GammaGamma
from engine.loyalty.value.mbg_nbd import MbgNbd
from engine.loyalty.value.model import RepeatModel
from engine.loyalty.value.pareto_nbd import ParetoNbd
from engine.loyalty.value.repeats import Repeats

_AnyRepeat: TypeAlias = BgNbd | MbgNbd | ParetoNbd | Empirical
_KINDS: Mapping[str, type[_AnyRepeat]] = {
    each.name: each for each in (BgNbd, MbgNbd, ParetoNbd, Empirical)
}


@dataclass(frozen=True)
class Fitted:
    """The models of one account type; `spend` is None when orders' values could not be fitted."""

    repeat: RepeatModel
    spend: GammaGamma | None

    @classmethod
    def restored(cls, models: ValueModels) -> Fitted:
        """The models from the plain values that the cuts keep."""
        return cls(_repeat(models), _spend(models))


@dataclass(frozen=True)
class Models:
    """The models for each position in ACCOUNTS, None where there are none; false when none at all.

    A type with too few repeat buyers has the pooled models.
    """

    by_type: tuple[Fitted | None, ...]

    @classmethod
    def of(cls, cuts: Cuts) -> Models:
        """The models that the cuts hold."""
        if not cuts.value:
            return cls((None,) * len(ACCOUNTS))
        restored = {name: Fitted(_repeat(each), _spend(each)) for name, each in cuts.value.items()}
        return cls(tuple(restored.get(name, restored.get(POOLED)) for name in ACCOUNTS))

    def __bool__(self) -> bool:
        return any(each is not None for each in self.by_type)

    def parts(self, types: LongArray) -> Iterator[tuple[LongArray, Fitted]]:
        """Positions in `types` and the models for them; those without models are left out."""
        for number, fitted in enumerate(self.by_type):
            if fitted is None:
                continue
            (rows,) = (types == number).nonzero()
            if rows.shape[0]:
                yield rows, fitted

    def p_order_within(self, data: Repeats, types: LongArray, horizon: DoubleArray) -> DoubleArray:
        """Probability of an order within the horizon of days, shape (m,); NaN without a model."""
        chance = np.full(types.shape, np.nan)
        for rows, fitted in self.parts(types):
            chance[rows] = fitted.repeat.p_order_within(data.where(rows), horizon[rows])
        return chance

    def p_alive(self, data: Repeats, types: LongArray) -> DoubleArray:
        """Probability of not having left, shape (m,); NaN without a model."""
        alive = np.full(types.shape, np.nan)
        for rows, fitted in self.parts(types):
            alive[rows] = fitted.repeat.p_alive(data.where(rows))
        return alive


def _repeat(models: ValueModels) -> RepeatModel:
    kind = str(models.repeat.get("kind"))
    if kind not in _KINDS:
        raise ModelUnavailable(f"value model: kind {kind!r} is none of {', '.join(_KINDS)}")
    try:
        # By its class: msgspec prepares a class once, a union of them each time.
        return msgspec.convert(models.repeat, _KINDS[kind])
    except msgspec.ValidationError as error:
        raise ModelUnavailable(f"value model: {error}; train the model again") from error


def _spend(models: ValueModels) -> GammaGamma | None:
    if models.spend is None:
        return None
    try:
        return msgspec.convert(models.spend, GammaGamma)
    except msgspec.ValidationError as error:
        raise ModelUnavailable(f"spend model: {error}; train the model again") from error
