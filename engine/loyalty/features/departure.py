"""Why customers leave: what they say, else what they last complained of."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from engine.domain.arrays import BoolArray, IntArray
from engine.domain.histories import DAY_MS
from engine.loyalty.feature import Feature, Kind
from engine.loyalty.features.columns import unknown_columns
from engine.loyalty.features.context import Columns, Context, sums
from engine.loyalty.features.evidence import shown
from engine.loyalty.features.service import cases_of

EXIT_REASON = "exit_reason"
EXIT_REASONS = (
    "price",
    "product",
    "service",
    "delivery",
    "returns",
    "need_ended",
    "competitor",
    "privacy",
    "other",
)
# What shops and customers write for the same; anything else is "other".
_MEANT: Mapping[str, str] = {
    "too_expensive": "price",
    "quality": "product",
    "defect": "product",
    "shipping": "delivery",
    "return": "returns",
    "refund": "returns",
    "no_longer_needed": "need_ended",
    "no_need": "need_ended",
    "too_much_mail": "privacy",
    "too_many_emails": "privacy",
    "spam": "privacy",
}
# Something said counts as two observations, something inferred as one.
_SAID = 2

FEATURES: tuple[Feature, ...] = (
    Feature(
        "exit_reason",
        Kind.CHOICE,
        "Why the customer left or unsubscribed: the last reason given, else, for one who stopped "
        "ordering, the topic of the last complaint since the last order.",
        "surveys with the question exit_reason, unsubscribe events with a reason, or complaints",
        choices=EXIT_REASONS,
        sentences={
            reason: f"Reason to leave: {words}; last order {{days_since_last:days}} ago."
            for reason, words in zip(
                EXIT_REASONS,
                (
                    "the price",
                    "the product",
                    "the service",
                    "the delivery",
                    "returns",
                    "no need any more",
                    "a competitor",
                    "privacy or too much mail",
                    "something else",
                ),
                strict=True,
            )
        },
    ),
    Feature(
        "exit_reason_inferred",
        Kind.FLAG,
        "Whether the reason to leave is inferred from a complaint, not told by the customer.",
        "surveys with the question exit_reason, unsubscribe events with a reason, or complaints",
        sentences={
            "yes": "The reason to leave ({exit_reason}) is inferred from the last complaint.",
            "no": "The reason to leave ({exit_reason}) was told by the customer.",
        },
    ),
)


def compute(context: Context, known: Columns) -> Columns:
    """Columns of why customers leave."""
    if not len(context.states.opinions) and not len(context.states.cases):
        return unknown_columns(FEATURES, context)
    reasons = np.full(len(context), np.nan)
    evidence = np.zeros(len(context), np.int64)
    _infer(context, known, reasons)
    inferred = ~np.isnan(reasons)
    said = _say(context, reasons)
    evidence[inferred] = 1
    evidence[said > 0] = _SAID * said[said > 0]
    doubt = np.where(np.isnan(reasons), np.nan, said == 0)
    return {
        "exit_reason": shown(reasons, evidence, EXIT_REASONS),
        "exit_reason_inferred": shown(doubt, evidence),
    }


def gone(context: Context, known: Columns) -> BoolArray:
    """Who stopped ordering by the rule of the stage of separation, shape (n,)."""
    config, overdue = context.cuts.config, known["overdue"].values
    late: BoolArray = overdue > config.separation_overdue
    risky = known["churn_risk_cycle"].values > config.separation_risk
    return late | ((overdue > config.turning_overdue) & risky)


def reason_of(text: str) -> str:
    """The reason of the closed list that a text names, "other" for any other text."""
    plain = text.strip().lower().replace(" ", "_").replace("-", "_")
    plain = _MEANT.get(plain, plain)
    return plain if plain in EXIT_REASONS else "other"


def _infer(context: Context, known: Columns, reasons: np.ndarray) -> None:
    """Fill in the topic of the last complaint of those who are gone since."""
    cases = context.once(cases_of)
    if not len(cases):
        return
    row = cases.row()
    # A complaint before the last order was forgiven by it.
    since = cases.opened // DAY_MS >= context.last_day[row]
    mask = since & gone(context, known)[row]
    # Oldest first, and the last assignment stays.
    reasons[row[mask]] = _reasons(context, cases.topic[mask])


def _say(context: Context, reasons: np.ndarray) -> np.ndarray:
    """Fill in the last reason given; how many were given, shape (n,)."""
    opinions, word = context.states.opinions, context.states.words.index(EXIT_REASON)
    if word < 0 or not len(opinions):
        return np.zeros(len(context), np.int64)
    mask = (opinions.topic == word) & (opinions.word >= 0) & (opinions.at <= context.now_ms)
    reasons[opinions.row()[mask]] = _reasons(context, opinions.word[mask])
    return sums(mask, opinions.indptr)


def _reasons(context: Context, words: IntArray) -> np.ndarray:
    distinct, place = np.unique(words, return_inverse=True)
    texts = [context.states.words[each] for each in distinct.tolist()]
    return np.asarray([EXIT_REASONS.index(reason_of(each)) for each in texts], np.int64)[place]
