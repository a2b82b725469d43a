"""What the numbers of the customer model may be, and what of them belongs together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from types import MappingProxyType
from typing import TypeAlias

import msgspec

from engine.loyalty.config import LoyaltyConfig

Bounds: TypeAlias = tuple[float, float]

_SHARE = (0.0, 1.0)
_DAYS = (1.0, 36_500.0)
_HOURS = (0.1, 87_600.0)
_RATIO = (0.01, 1_000.0)
_COUNT = (1, 1_000_000)
_MONEY = (0, 10**12)
_WEIGHT = (0.0, 1_000.0)
_PRIOR = (1e-6, 1e6)

_ALIKE: Sequence[tuple[Bounds, str]] = (
    (
        _SHARE,
        """separation_risk strength_breadth default_margin churn_bands top_margin_share
        most_valuable_share discounted_order immune_dependency attitude_high behaviour_chance
        satisfaction_cut satisfied rating_share conative_intent promoter enthusiast
        core_mark_score core_wallet wallet_quantile drift_alert business_quantile
        business_office_share share_of_index explicit_weight implicit_weight questions_weight
        service_share_benchmark""",
    ),
    # Neither certainty nor none of it.
    ((0.001, 0.999), "voiced_share report_confidence report_significance trend_confidence"),
    (
        _DAYS,
        """rfm_window cycle_fallback year quarter month loyalty_window_least exploration_cart
        lost_after new_for reactivated_after win_back_days attitude_days satisfaction_half_life
        visits_window visits_prior_days explicit_half_life implicit_half_life ask_again_after
        drift_recent drift_before""",
    ),
    (_HOURS, "promised_hours campaign_hours"),
    (
        _RATIO,
        """separation_overdue turning_overdue loyalty_tenure_cycles lost_overdue
        reactivated_cycles strength_orders breadth_categories recovery_cycles learning_scale
        signals_complete win_back_buckets half_life_benchmark""",
    ),
    (
        _COUNT,
        """cycle_minimum_gaps loyalty_orders promotion_orders full_price_units attitude_signals
        behaviour_orders stability_orders drift_events signals_of_known business_minimum_orders
        repeat_buyers_a_type least_cell""",
    ),
    # An order of a customer is looked up for each of the windows.
    ((1, 100), "loyalty_windows loyalty_windows_bought"),
    ((0, 30), "loyalty_held_for"),
    ((0, 1_000), "immune_periods"),
    ((1, 600), "horizon_months"),
    ((2, 520), "trend_weeks trend_season_weeks"),
    ((1, 5), "behaviour_score core_marks"),
    ((0, 24), "office_hours"),
    ((0, 10), "yearly_interest"),
    (_MONEY, "acquisition_cost contact_cost return_cost win_back_cost"),
    (_WEIGHT, "weight_buy weight_cart weight_click weight_view business_quantity"),
    (
        _PRIOR,
        """cycle_prior_gaps win_back_prior return_prior reliability_prior visits_prior smoothing
        trend_least_units""",
    ),
)
BOUNDS: Mapping[str, Bounds] = MappingProxyType(
    {name: bounds for bounds, names in _ALIKE for name in names.split()}
)
# Lists that must rise, the first one below the second.
_RISING = ("churn_bands", "win_back_buckets", "office_hours")
_ORDERED = (
    ("turning_overdue", "separation_overdue"),
    ("separation_overdue", "lost_overdue"),
    ("loyalty_windows_bought", "loyalty_windows"),
)


def problems_of(config: LoyaltyConfig) -> list[str]:
    """What cannot be, each in words that begin with the key; nothing when all is well."""
    return [*_out_of_bounds(config), *_out_of_order(config)]


def _out_of_bounds(config: LoyaltyConfig) -> Iterator[str]:
    for name, (low, high) in BOUNDS.items():
        for value in _numbers(getattr(config, name)):
            # Not the other way round: NaN is neither below nor above.
            if not low <= value <= high:
                yield f"{name} must be from {low:,} to {high:,}, not {value}"


def _out_of_order(config: LoyaltyConfig) -> Iterator[str]:
    for name in _RISING:
        values = _numbers(getattr(config, name))
        if not values or any(not one < other for one, other in pairwise(values)):
            yield f"{name} must rise from one to the next, not {list(values)}"
    for less, more in _ORDERED:
        if getattr(config, less) > getattr(config, more):
            yield f"{less} {getattr(config, less)} must not be above {more} {getattr(config, more)}"


def _numbers(value: float | Sequence[float] | None) -> Sequence[float]:
    if value is None:
        return ()
    return value if isinstance(value, Sequence) else (value,)


def unbounded() -> set[str]:
    """Keys that hold no number, and have no bounds."""
    return {field.name for field in msgspec.structs.fields(LoyaltyConfig)} - set(BOUNDS)
