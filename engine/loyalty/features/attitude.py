"""What customers think of the shop, and what that makes of their repeated buying."""

from __future__ import annotations

import numpy as np

from engine.domain.arrays import BoolArray, DoubleArray, LongArray
from engine.loyalty.feature import Column, Feature, Kind
from engine.loyalty.features.context import Columns, Context, column, sums
from engine.loyalty.features.evidence import answers, flag, mean_of, shown
from engine.loyalty.features.satisfaction import NPS_BEST
from engine.loyalty.states import BOT, NEVER, VIEWED_TWICE

SOURCES = ("stated", "proxy", "none")
CLASSES = ("true", "spurious", "latent", "none")
PHASES = ("cognitive", "affective", "conative", "action")
# A mean of answers may miss the answer that all of them gave by its last bit.
_ROUNDING = 1e-9

_NEEDS = (
    "ratings or surveys (nps, csat, repurchase_intent); or three of discounts, channels of visits, "
    "consent to mail, purchases and refunds, older ratings"
)

FEATURES: tuple[Feature, ...] = (
    Feature(
        "attitude",
        Kind.SHARE,
        "What the customer thinks of the shop, 0 to 1: the mean of recommendation, satisfaction, "
        "ratings and intent to buy again in the last year; without any, of at least three signs: "
        "buying at full price, ratings given, direct visits, consent to mail, few returns.",
        _NEEDS,
        "Thinks of the shop at {attitude:share} of the scale ({attitude_source}).",
    ),
    Feature(
        "attitude_source",
        Kind.CHOICE,
        "Whether the attitude was stated, is read from signs, or is not known.",
        "events of an identified customer",
        choices=SOURCES,
        sentences={
            "stated": "The attitude was stated, in ratings or surveys.",
            "proxy": "The attitude was never stated; it is read from what the customer does.",
            "none": "Nothing shows what the customer thinks of the shop.",
        },
    ),
    Feature(
        "loyalty_class",
        Kind.CHOICE,
        "Repeated buying beside attitude (Dick & Basu 1994): true loyalty has both, spurious only "
        "the buying, latent only the attitude.",
        _NEEDS,
        choices=CLASSES,
        sentences={
            "true": "Buys again and again ({orders:count} orders) and likes the shop "
            "({attitude:share}).",
            "spurious": "Buys again and again ({orders:count} orders) without liking the shop much "
            "({attitude:share}): stays for want of something better.",
            "latent": "Likes the shop ({attitude:share}) but rarely buys ({orders:count} orders): "
            "something stands in the way.",
            "none": "Neither buys often ({orders:count} orders) nor likes the shop much "
            "({attitude:share}).",
        },
    ),
    Feature(
        "loyalty_phase",
        Kind.CHOICE,
        "The highest phase of loyalty that was seen (Oliver 1999): cognitive (compares), affective "
        "(likes), conative (means to buy again), action (does).",
        "visits, ratings, surveys or purchases",
        choices=PHASES,
        sentences={
            "cognitive": "Compares: looked at one item several times in a visit.",
            "affective": "Likes the shop: recommends it or rates its items very well.",
            "conative": "Means to buy again, by the customer's own words.",
            "action": "Buys again and again: {orders:count} orders, the last one "
            "{days_since_last:days} ago.",
        },
    ),
    Feature(
        "satisfied_defector",
        Kind.FLAG,
        "Whether a customer who said to be satisfied (4 of 5 or more) has left all the same.",
        "ratings or surveys with the question csat, and purchases",
        sentences={
            "yes": "Was satisfied and left all the same: last order {days_since_last:days} ago, "
            "{overdue:number} usual cycles.",
            "no": "No satisfied customer who left; stage: {stage}.",
        },
    ),
)


def compute(context: Context, known: Columns) -> Columns:
    """Columns of attitude and loyalty."""
    attitude, source = _attitude(context, known)
    return {
        "attitude": attitude,
        "attitude_source": source,
        "loyalty_class": _loyalty_class(context, known, attitude),
        "loyalty_phase": _loyalty_phase(context, known),
        "satisfied_defector": _satisfied_defector(context, known),
    }


def _attitude(context: Context, known: Columns) -> tuple[Column, Column]:
    intent, intents = answers(context, "repurchase_intent")
    signals = [known["nps"].values / NPS_BEST, known["csat"].values, known["rating_mean"].values]
    stated, _ = mean_of([*signals, intent])
    said = intents + sum(known[name].evidence for name in ("nps", "csat", "rating_mean"))
    proxy, signs = mean_of(_signs(context, known))
    enough = (said == 0) & (signs >= context.cuts.config.attitude_signals)
    evidence = np.where(enough, signs, said)
    seen = (context.states.people.seen_first != NEVER) | (context.n > 0)
    source = np.where(said > 0, 0.0, np.where(enough, 1.0, 2.0))
    return (
        column(np.where(enough, proxy, stated), evidence),
        column(source, np.maximum(evidence, seen), SOURCES),
    )


def _signs(context: Context, known: Columns) -> list[DoubleArray]:
    """Signs of a good attitude, 0 to 1, NaN for one that is not told.

    A rating is a sign for the time when it was given at all: nobody is asked to rate, so that none
    is no sign against the shop.
    """
    opinions, word = context.states.opinions, context.states.words.index("rating")
    rated = (opinions.topic == word) & (opinions.at <= context.now_ms) & (word >= 0)
    given = np.where(sums(rated, opinions.indptr) > 0, 1.0, np.nan)
    return [
        known["full_price_share"].values,
        given,
        known["direct_visit_share"].values,
        # Positions 0 and 1 of the decisions are denied and granted.
        known["consent_email"].values,
        1.0 - known["return_rate"].values,
    ]


def _loyalty_class(context: Context, known: Columns, attitude: Column) -> Column:
    config, score = context.cuts.config, known["rfm_f"].values
    chance = 1.0 - known["churn_risk"].values
    again = context.n >= config.behaviour_orders
    often = (score >= config.behaviour_score) | (chance >= config.behaviour_chance)
    # Fewer orders than it takes are a low behaviour whatever the scores would say.
    told = ~again | ~np.isnan(score) | ~np.isnan(chance)
    high = attitude.values >= config.attitude_high - _ROUNDING
    position = np.where(again & often, np.where(high, 0.0, 1.0), np.where(high, 2.0, 3.0))
    return column(position, np.where(told, attitude.evidence, 0), CLASSES)


def _loyalty_phase(context: Context, known: Columns) -> Column:
    config = context.cuts.config
    intent, intents = answers(context, "repurchase_intent")
    visits = context.states.visits
    compared = (visits.steps & VIEWED_TWICE > 0) & (visits.steps & BOT == 0)
    comparisons = sums(compared & (visits.start <= context.now_ms), visits.indptr)
    liked = known["rating_mean"].values >= config.enthusiast - _ROUNDING
    liked |= known["nps"].values / NPS_BEST >= config.promoter - _ROUNDING
    acts = (context.n >= config.loyalty_orders) & (
        known["overdue"].values <= config.turning_overdue
    )
    said = known["rating_mean"].evidence + known["nps"].evidence
    phases: tuple[tuple[BoolArray, LongArray], ...] = (
        (comparisons > 0, comparisons),
        (liked, said.astype(np.int64)),
        (intent >= config.conative_intent - _ROUNDING, intents),
        (acts, context.n),
    )
    position, evidence = np.zeros(len(context)), np.zeros(len(context), np.int64)
    for number, (reached, observed) in enumerate(phases):
        position[reached] = number
        evidence[reached] = observed[reached]
    return column(position, evidence, PHASES)


def _satisfied_defector(context: Context, known: Columns) -> Column:
    """Stated satisfaction of all times beside the stage: who left may have spoken long ago."""
    if not len(context.states.opinions):
        return column(*context.unknown)
    ever = float("inf")
    (rating, ratings), (csat, scored) = (
        answers(context, topic, days=ever) for topic in ("rating", "csat")
    )
    satisfied, _ = mean_of((rating, csat))
    stage = known["stage"]
    left = "separation" in stage.labels and stage.values == stage.labels.index("separation")
    values = flag(
        (satisfied >= context.cuts.config.satisfied - _ROUNDING) & left, satisfied, stage.values
    )
    return shown(values, ratings + scored)
