"""The segments that every shop has, as data."""

from __future__ import annotations

from collections.abc import Mapping

from engine.loyalty.feature import Feature
from engine.segments.segment import Draft, Segment, segment_of

_RFM = (
    ("champions", "Champions", "Bought lately, buy often and spend the most. Thank them first."),
    ("loyal", "Loyal", "Buy often and spend well. Worth early access and a say."),
    (
        "potential_loyalist",
        "Potential loyalists",
        "Bought lately and more than the least. The next orders make regulars of them.",
    ),
    (
        "new_customers",
        "New customers (RFM)",
        "Made their first order within the last 60 days and spent little so far.",
    ),
    ("promising", "Promising", "Bought lately, not often yet. A reason to return helps."),
    (
        "need_attention",
        "Need attention",
        "Above average in what they buy, but it has been a while. Remind them in time.",
    ),
    (
        "about_to_sleep",
        "About to sleep",
        "Bought some time ago, seldom and little. Soon they will have forgotten the shop.",
    ),
    (
        "at_risk",
        "At risk (RFM)",
        "Used to buy often and well, long ago. See also `at_risk_and_worth_it`, which looks at "
        "each customer's own rhythm.",
    ),
    (
        "cant_lose_them",
        "Can't lose them",
        "Were among the best customers and have not ordered for long. Write in person.",
    ),
    ("hibernating", "Hibernating", "Last ordered long ago, seldom and little."),
    ("lost", "Lost (RFM)", "The longest without an order and the least bought."),
)
_STAGES = (
    (
        "awareness",
        "Stage: awareness",
        "Known to the shop within the last year, without an order or a full cart.",
    ),
    (
        "exploration",
        "Stage: exploration",
        "One order, or a cart filled lately: trying the shop out.",
    ),
    (
        "familiarity",
        "Stage: familiarity",
        "Two orders or more, and still in their rhythm or a little late.",
    ),
    (
        "loyalty",
        "Stage: loyalty",
        "Four orders or more over a longer time, regularly, and not late.",
    ),
    (
        "separation",
        "Stage: separation",
        "So late by their own rhythm that they have most likely left.",
    ),
)
_OTHERS = (
    Draft(
        "core_customers",
        "Core customers",
        "The customers the shop lives on: profitable and easy to serve, buying most of what they "
        "need here, worth more to you than to others (at least two of three, with the first).",
        {"feature": "core_customer", "is": True},
    ),
    Draft(
        "most_valuable",
        "Most valuable",
        "The fifth of customers from whom the most margin is to be expected.",
        {"feature": "most_valuable", "is": True},
    ),
    Draft(
        "slipping_away",
        "Slipping away",
        "Later than their own rhythm, but not yet gone: the time to write.",
        {"feature": "turning", "is": True},
    ),
    Draft(
        "at_risk_and_worth_it",
        "At risk and worth it",
        "About to leave (late by their own rhythm, or late with a high churn risk) and among the "
        "30 % from whom the most margin is to be expected.",
        {
            "all": [
                {"feature": "value_rank", "at_least": 0.7},
                {
                    "any": [
                        {"segment": "slipping_away"},
                        {
                            "all": [
                                {"feature": "churn_band", "is": "high"},
                                {"feature": "overdue", "above": 1.5},
                            ]
                        },
                    ]
                },
            ]
        },
    ),
    Draft(
        "new",
        "New or returned",
        "First order within 60 days, or the first order after a very long pause.",
        {"feature": "new_status", "in": ["new_first", "new_reactivated"]},
    ),
    Draft(
        "win_back_candidates",
        "Win-back candidates",
        "Have left, brought a margin before, agreed to e-mail, and did not say that their need "
        "ended.",
        {
            "all": [
                {"segment": "stage_separation"},
                {"feature": "clv_historic", "above": 0},
                {"feature": "consent_email", "is": "granted"},
                # A reason that nobody gave does not speak against writing.
                {"not": {"feature": "exit_reason", "is": "need_ended"}},
            ]
        },
    ),
    Draft(
        "promotion_immune",
        "Promotion-immune",
        "Keep buying without discounts: do not give them any.",
        {"feature": "promo_immune", "is": True},
    ),
    Draft(
        "silent_dissatisfied",
        "Silently dissatisfied",
        "Nothing said, but many signs: smaller and later orders, more returns and contacts, worse "
        "ratings, mail ignored. A ranking, not a verdict; ask them.",
        {
            "all": [
                {"feature": "silent_dissatisfaction", "at_least": 0.8},
                # Who has left already is found in other segments.
                {"not": {"feature": "stage", "is": "separation"}},
            ]
        },
    ),
    Draft(
        "satisfied_defectors",
        "Satisfied defectors",
        "Said they were satisfied, and left all the same. Find out why.",
        {"feature": "satisfied_defector", "is": True},
    ),
)
DRAFTS: tuple[Draft, ...] = (
    *(
        Draft(name, title, about, {"feature": "rfm_segment", "is": name})
        for name, title, about in _RFM
    ),
    *(
        Draft(f"stage_{name}", title, about, {"feature": "stage", "is": name})
        for name, title, about in _STAGES
    ),
    *_OTHERS,
)


def builtin_segments(features: Mapping[str, Feature]) -> tuple[Segment, ...]:
    """The built-in segments over the given features; raises SegmentInvalid when one is missing."""
    return tuple(segment_of(draft, features, builtin=True) for draft in DRAFTS)
