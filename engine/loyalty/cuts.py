"""What a training froze: every population number that a customer's features refer to."""

from __future__ import annotations

from bisect import bisect_left
from typing import Any

import msgspec
import numpy as np

from engine.domain.arrays import DoubleArray
from engine.errors import ModelUnavailable
from engine.loyalty.config import LoyaltyConfig
from engine.loyalty.rfm import ABSOLUTE_FREQUENCY, ABSOLUTE_RECENCY, RfmCuts

POOLED = "pooled"


class ValueModels(msgspec.Struct, frozen=True):
    """Fitted models of one account type as plain values: `{"name": ..., parameters}` each."""

    repeat: dict[str, Any]
    spend: dict[str, Any] | None = None
    customers: int = 0


class Cuts(msgspec.Struct, frozen=True):
    """Frozen thresholds and parameters of one training; `as_of_ms` ends what they were taken from.

    `cycle` is the population's median days between orders and `gaps` how many it rests on.
    `scales` holds, by feature, the sorted values of customers with an order (a grid of quantiles
    when there are many) that percentile ranks refer to; `moments` mean and standard deviation.
    `wallet` is, by category, what the best customers spend in a year, `win_back` by bucket of
    lateness how many came back out of how many, `value` the models by account type.
    """

    as_of_ms: int
    rfm: RfmCuts
    config: LoyaltyConfig = LoyaltyConfig()
    version: str = ""
    cycle: float = LoyaltyConfig().cycle_fallback
    gaps: int = 0
    top_margin: float | None = None
    scales: dict[str, tuple[float, ...]] = {}
    moments: dict[str, tuple[float, float]] = {}
    wallet: dict[str, float] = {}
    win_back: dict[str, tuple[int, int]] = {}
    value: dict[str, ValueModels] = {}

    @classmethod
    def untrained(cls, config: LoyaltyConfig | None = None) -> Cuts:
        """Cuts of a shop that never trained: fixed ones where there are any."""
        config = config or LoyaltyConfig()
        rfm = RfmCuts(
            "absolute", ABSOLUTE_RECENCY, ABSOLUTE_FREQUENCY, (0, 0, 0, 0), config.rfm_window
        )
        return cls(as_of_ms=0, rfm=rfm, config=config, cycle=config.cycle_fallback)

    def to_dict(self) -> dict[str, Any]:
        """The cuts as values that JSON holds without loss."""
        plain: dict[str, Any] = msgspec.to_builtins(self)
        return plain

    @classmethod
    def from_dict(cls, plain: dict[str, Any]) -> Cuts:
        """The cuts that `to_dict` wrote; raises ModelUnavailable when they are something else."""
        try:
            return msgspec.convert(plain, cls)
        except msgspec.ValidationError as error:
            raise ModelUnavailable(f"cuts: {error}; train the model again") from error

    def scale01(self, name: str, values: DoubleArray) -> DoubleArray:
        """The share of customers with less, 0 to 1, shape (n,); NaN where it cannot be said.

        Equal values get the lowest rank among them.
        """
        scale = self.scales.get(name)
        if not scale:
            return np.full(values.shape, np.nan)
        if values.shape == (1,):
            # With every event a single customer is asked for: no array of the whole scale then.
            ranks = np.asarray([bisect_left(scale, values.item())]) / len(scale)
        else:
            ranks = np.searchsorted(np.asarray(scale), values, side="left") / len(scale)
        return np.where(np.isnan(values), np.nan, ranks)

    def standardised(self, name: str, values: DoubleArray) -> DoubleArray:
        """(value - mean) / standard deviation, shape (n,); NaN where it cannot be said."""
        mean, deviation = self.moments.get(name, (np.nan, 0.0))
        if not deviation > 0:
            return np.full(values.shape, np.nan)
        return (values - mean) / deviation
