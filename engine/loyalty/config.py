"""Every threshold of the customer model, in one place; they are frozen with the cuts."""

from __future__ import annotations

from typing import Literal

import msgspec


class LoyaltyConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Defaults a shop may change in the `[loyalty]` table of its training configuration.

    Times are days unless the name says otherwise, shares lie in 0 to 1.
    """

    # The customer's own rhythm.
    rfm_window: float = 365.0
    cycle_fallback: float = 30.0
    cycle_minimum_gaps: int = 50
    cycle_prior_gaps: float = 2.0
    year: float = 365.0
    quarter: float = 90.0
    month: float = 30.0

    # Lifecycle.
    separation_overdue: float = 3.0
    turning_overdue: float = 1.5
    separation_risk: float = 0.85
    loyalty_orders: int = 4
    loyalty_tenure_cycles: float = 3.0
    loyalty_windows: int = 4
    loyalty_windows_bought: int = 3
    loyalty_window_least: float = 30.0
    loyalty_held_for: int = 1
    exploration_cart: float = 30.0
    lost_after: float = 180.0
    lost_overdue: float = 6.0
    new_for: float = 60.0
    reactivated_after: float = 365.0
    reactivated_cycles: float = 4.0

    # Relationship strength: 1 - exp(-orders / these), and how much breadth adds.
    strength_orders: float = 3.0
    strength_breadth: float = 0.3
    breadth_categories: float = 3.0

    # Value.
    repeat_model: Literal["bg_nbd", "mbg_nbd", "pareto_nbd"] = "mbg_nbd"
    yearly_interest: float = 0.15
    horizon_months: int = 36
    default_margin: float = 0.30
    acquisition_cost: int | None = None
    contact_cost: int = 0
    return_cost: int = 0
    churn_bands: tuple[float, float] = (0.5, 0.8)
    win_back_cost: int = 0
    win_back_days: float = 180.0
    win_back_prior: tuple[float, float] = (1.0, 9.0)
    win_back_buckets: tuple[float, ...] = (3.0, 4.0, 6.0, 9.0)
    top_margin_share: float = 0.30
    most_valuable_share: float = 0.20

    # Promotion.
    discounted_order: float = 0.10
    promotion_orders: int = 3
    immune_dependency: float = 0.2
    immune_periods: int = 2
    full_price_units: int = 3

    # Attitude and satisfaction.
    attitude_days: float = 365.0
    attitude_high: float = 0.7
    attitude_signals: int = 3
    behaviour_orders: int = 2
    behaviour_score: int = 4
    behaviour_chance: float = 0.5
    satisfaction_cut: float = 0.6
    satisfaction_half_life: float = 180.0
    satisfied: float = 0.8
    rating_share: float = 0.7
    promised_hours: float = 48.0
    recovery_cycles: float = 2.0
    voiced_share: float = 0.10
    stability_orders: int = 4
    smoothing: float = 0.5
    return_prior: tuple[float, float] = (1.0, 19.0)
    conative_intent: float = 6.0 / 7.0
    promoter: float = 0.9
    enthusiast: float = 0.9

    # Core customers.
    core_marks: int = 3
    core_mark_score: float = 0.6
    core_wallet: float = 0.5
    exclusive_tags: tuple[str, ...] = ("private_label", "exclusive", "local")
    wallet_quantile: float = 0.9

    # Interest and personalisation.
    visits_window: float = 180.0
    visits_prior: float = 0.5
    visits_prior_days: float = 30.0
    weight_buy: float = 1.0
    weight_cart: float = 0.5
    weight_click: float = 0.2
    weight_view: float = 0.1
    explicit_half_life: float = 180.0
    implicit_half_life: float = 60.0
    reliability_prior: tuple[float, float] = (4.0, 2.0)
    explicit_weight: float = 0.5
    implicit_weight: float = 0.5
    signals_of_known: int = 5
    signals_complete: float = 50.0
    questions_weight: float = 0.5
    learning_scale: float = 20.0
    ask_again_after: float = 30.0
    explicit_questions: tuple[str, ...] = ("topics", "frequency", "budget", "size", "occasion")
    drift_recent: float = 90.0
    drift_before: float = 270.0
    drift_events: int = 5
    drift_alert: float = 0.3

    # Business accounts, told by how they buy.
    business_quantity: float = 10.0
    business_quantile: float = 0.95
    office_hours: tuple[int, int] = (8, 18)
    business_office_share: float = 0.8
    business_minimum_orders: int = 5
    repeat_buyers_a_type: int = 200

    # Loyalty index.
    share_of_index: float = 0.5

    # Shop reports.
    report_confidence: float = 0.95
    report_significance: float = 0.05
    least_cell: int = 30
    campaign_hours: float = 24.0
    trend_weeks: int = 13
    trend_season_weeks: int = 52
    trend_confidence: float = 0.90
    trend_least_units: float = 5.0
    half_life_benchmark: float = 5.0
    service_share_benchmark: float = 0.70
