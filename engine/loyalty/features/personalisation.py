"""How personal the service can be: what the customer said, showed, and allows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.domain.arrays import BoolArray, DoubleArray, IntArray, LongArray
from engine.domain.histories import DAY_MS
from engine.loyalty.feature import Feature, Kind
from engine.loyalty.features.columns import unknown_columns
from engine.loyalty.features.context import Columns, Context, column, counts, sums
from engine.loyalty.features.evidence import consent, distinct, last_at, shown, stated
from engine.loyalty.states import NEVER, Interests, Preferences

PERSONALIZATION, EMAIL = "personalization", "email"
DECISIONS = ("denied", "granted")
# Nothing known or not allowed; a first sign; enough behaviour; stated wishes; wishes corrected.
LEVELS = ("L0", "L1", "L2", "L3", "L4")
# The question that every preference answers which answers no other; "size:42" answers "size".
TOPICS, ANSWERS = "topics", ":"
# Opinions that no one asked a question for.
_UNASKED = ("rating", "exit_reason")

_CONSENTS = "consent events"
_PREFERENCES = "preference events, purchases and views"


def _decided(purpose: str, what: str) -> Feature:
    return Feature(
        f"consent_{what}",
        Kind.CHOICE,
        f"The customer's last decision on {purpose}.",
        _CONSENTS,
        choices=DECISIONS,
        sentences={
            "denied": f"Does not want {purpose}.",
            "granted": f"Agreed to {purpose}.",
        },
    )


FEATURES: tuple[Feature, ...] = (
    _decided("personal recommendations", "personalization"),
    _decided("mail", "email"),
    Feature(
        "personalisation_level",
        Kind.CHOICE,
        "How personal the service can be: L0 not at all, L1 by a first sign, L2 by behaviour (5 "
        "signs), L3 by stated wishes, L4 by wishes that the customer corrects.",
        _PREFERENCES,
        choices=LEVELS,
        sentences={
            "L0": "Gets what everyone gets: nothing is known, or personal service is not wanted.",
            "L1": "Gets suggestions from a first sign of interest only.",
            "L2": "Gets suggestions from what was bought and viewed.",
            "L3": "Gets suggestions from stated wishes.",
            "L4": "Gets suggestions from wishes that the customer keeps up to date.",
        },
    ),
    Feature(
        "personalisation_completeness",
        Kind.SHARE,
        "How complete the picture is: half by questions answered, half by 50 signs of interest.",
        _PREFERENCES,
        "The picture of this customer is {personalisation_completeness:share} complete.",
    ),
    Feature(
        "next_question",
        Kind.CHOICE,
        "The one question worth asking next; none within 30 days of the last one, when all are "
        "answered, or when personal service is not wanted.",
        "events of an identified customer",
        "Worth asking next: {next_question}.",
    ),
    Feature(
        "learning",
        Kind.SHARE,
        "How much the shop has learned: 1 - exp(-K / 20) for K stated preferences, items of "
        "interest and answered surveys.",
        _PREFERENCES,
        "The shop has learned {learning:share} of what it takes to know a customer.",
    ),
)


_OF_CONSENTS = tuple(each for each in FEATURES if each.choices == DECISIONS)


@dataclass(frozen=True)
class _Signs:
    """What is known of n customers: implicit signs, stated wishes, questions `filled` (n, q).

    `answered` counts the filled ones.
    """

    implicit: LongArray
    preferences: Preferences
    filled: BoolArray
    answered: LongArray
    denied: BoolArray
    seen: BoolArray


def compute(context: Context) -> Columns:
    """Columns of consent and personalisation."""
    decisions = _decisions(context)
    signs = _signs(context, decisions[f"consent_{PERSONALIZATION}"].values == 0)
    learned = _learned(context, signs)
    scale = context.cuts.config.learning_scale
    return {
        **decisions,
        **_level(context, signs),
        **_next_question(context, signs),
        "learning": column(-np.expm1(-learned / scale), learned),
    }


def _decisions(context: Context) -> Columns:
    if not len(context.states.consents):
        return unknown_columns(_OF_CONSENTS, context)
    decided = {each: consent(context, each) for each in (PERSONALIZATION, EMAIL)}
    return {
        f"consent_{purpose}": shown(each, ~np.isnan(each), DECISIONS)
        for purpose, each in decided.items()
    }


def known_interests(context: Context) -> Interests:
    """The interests up to today."""
    interests = context.states.interests
    later = interests.day > context.today
    return interests.where(~later) if np.count_nonzero(later) else interests


def answered_question(context: Context, preferences: Preferences) -> IntArray:
    """Position in the configured questions that each preference answers, shape (rows,), or -1."""
    questions, words = context.cuts.config.explicit_questions, context.states.words
    other = questions.index(TOPICS) if TOPICS in questions else -1
    topics, place = np.unique(preferences.topic, return_inverse=True)
    heads = [words[topic].partition(ANSWERS)[0] for topic in topics.tolist()]
    answered = [questions.index(head) if head in questions else other for head in heads]
    return np.asarray(answered, np.int32)[place]


def _signs(context: Context, denied: BoolArray) -> _Signs:
    preferences = stated(context)
    lines = counts(context.goods.indptr) + counts(context.once(known_interests).indptr)
    seen, filled = context.states.people.seen_first, _filled(context, preferences)
    return _Signs(
        implicit=np.where(denied, 0, lines),
        preferences=preferences,
        filled=filled,
        answered=np.add.reduce(filled, axis=1, dtype=np.int64),
        denied=denied,
        seen=(seen != NEVER) & (seen <= context.now_ms),
    )


def _filled(context: Context, preferences: Preferences) -> BoolArray:
    """Which questions have an answer, by a preference or a survey, shape (n, questions)."""
    questions, words = context.cuts.config.explicit_questions, context.states.words
    filled = np.zeros((len(context), len(questions)), np.bool_)
    if len(preferences):
        place = answered_question(context, preferences)
        filled[preferences.row()[place >= 0], place[place >= 0]] = True
    opinions = context.states.opinions
    if len(opinions):
        row, past = opinions.row(), opinions.at <= context.now_ms
        for number, question in enumerate(questions):
            word = words.index(question)
            if word >= 0:
                filled[row[past & (opinions.topic == word)], number] = True
    return filled


def _level(context: Context, signs: _Signs) -> Columns:
    config, preferences = context.cuts.config, signs.preferences
    said = counts(preferences.indptr)
    # Saying something again, or that something is not wanted, corrects what the shop showed.
    corrections = (preferences.times > 1) | (preferences.value < 0)
    level = np.where(signs.implicit > 0, 1, 0)
    level[signs.implicit >= config.signals_of_known] = 2
    level[said > 0] = 3
    level[sums(corrections, preferences.indptr) > 0] = 4
    level[signs.denied] = 0
    questions = max(signs.filled.shape[1], 1)
    showed = np.minimum(1.0, signs.implicit / config.signals_complete)
    complete = config.questions_weight * (signs.answered / questions - showed) + showed
    evidence = signs.implicit + said
    known = np.maximum(evidence, signs.seen | signs.denied)
    return {
        "personalisation_level": column(level.astype(np.float64), known, LEVELS),
        "personalisation_completeness": column(complete, np.maximum(known, signs.answered)),
    }


def _next_question(context: Context, signs: _Signs) -> Columns:
    """The first question without an answer, while asking helps and does not tire."""
    config, questions = context.cuts.config, context.cuts.config.explicit_questions
    asked = np.maximum(last_at(signs.preferences.at, signs.preferences), _last_survey(context))
    rested = (asked == NEVER) | (asked <= context.now_ms - config.ask_again_after * DAY_MS)
    useful = rested & ~signs.denied & (signs.answered < len(questions))
    values: DoubleArray = np.where(useful, signs.filled.argmin(axis=1), np.nan)
    evidence = signs.answered + signs.seen
    return {"next_question": shown(values, evidence, questions)}


def _last_survey(context: Context) -> LongArray:
    opinions = context.states.opinions
    return last_at(opinions.at, opinions, of=context.once(_surveys))


def _surveys(context: Context) -> BoolArray:
    opinions, words = context.states.opinions, context.states.words
    mask: BoolArray = opinions.at <= context.now_ms
    for topic in _UNASKED:
        mask &= opinions.topic != words.index(topic)
    return mask


def _learned(context: Context, signs: _Signs) -> LongArray:
    """Stated preferences, distinct items of interest and answered surveys, shape (n,)."""
    goods, interests = context.goods, context.once(known_interests)
    row, item, size = context.line_row, goods.item, max(len(context.states.facts.items), 1)
    if len(interests):
        row = np.concatenate([row, interests.row()])
        item = np.concatenate([item, interests.item])
    named = item >= 0
    pairs = distinct(row[named] * size + item[named]) // size
    items = np.bincount(pairs, minlength=len(context))
    surveys = sums(context.once(_surveys), context.states.opinions.indptr)
    learned = items + surveys + counts(signs.preferences.indptr)
    # What is known of somebody who does not want to be known is not made use of.
    return np.where(signs.denied, 0, learned)
