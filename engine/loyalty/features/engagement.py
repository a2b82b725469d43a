"""How much the customer takes part: visits, mail, and what the customer lets the shop learn."""

from __future__ import annotations

import numpy as np

from engine.domain.arrays import BoolArray
from engine.loyalty.feature import Feature, Kind
from engine.loyalty.features import personalisation
from engine.loyalty.features.columns import unknown_columns
from engine.loyalty.features.context import Columns, Context, column, sums
from engine.loyalty.features.evidence import answers, counted, last_at, shown, tells
from engine.loyalty.states import BOT, CLICKED, DIRECT, ORDERED, SENT

_VISITS = "visits: views, searches and carts of identified customers"
_MAILS = "mail that was sent, opened and clicked"

FEATURES: tuple[Feature, ...] = (
    Feature(
        "visits_180d",
        Kind.COUNT,
        "Visits to the site in the last 180 days, robots left out.",
        _VISITS,
        "Visits in the last 180 days: {visits_180d:count}.",
    ),
    Feature(
        "direct_visit_share",
        Kind.SHARE,
        "Share of the visits of 180 days that came directly or by searching for the shop's name.",
        "visits with the property channel",
        "Came straight to the shop in {direct_visit_share:share} of the visits of 180 days.",
    ),
    Feature(
        "revisit_probability",
        Kind.SHARE,
        "Chance of a visit within 30 days, from the visits of 180 days (Gamma-Poisson).",
        _VISITS,
        "{revisit_probability:share} likely to visit within 30 days; visits in the last 180 days: "
        "{visits_180d:count}.",
    ),
    Feature(
        "revisit_stated",
        Kind.SHARE,
        "How surely the customer means to come back, by the answers of the last year.",
        "surveys with the question revisit_intent",
        "Says to come back: {revisit_stated:share} of the scale.",
    ),
    Feature(
        "emails_sent_90d",
        Kind.COUNT,
        "Mails sent to the customer in the last 90 days.",
        _MAILS,
        "Mails sent in 90 days: {emails_sent_90d:count}.",
    ),
    Feature(
        "emails_clicked_90d",
        Kind.COUNT,
        "Clicks in mails in the last 90 days.",
        _MAILS,
        "Clicks in mails in 90 days: {emails_clicked_90d:count}.",
    ),
    Feature(
        "mail_ignored",
        Kind.COUNT,
        "Mails of the last 90 days sent since the customer last opened or clicked one.",
        _MAILS,
        "Mails since the last one opened: {mail_ignored:count}, of {emails_sent_90d:count} sent in "
        "90 days.",
    ),
    *personalisation.FEATURES,
)
_BY_VISITS = ("visits_180d", "direct_visit_share", "revisit_probability")
_BY_MAILS = ("emails_sent_90d", "emails_clicked_90d", "mail_ignored")
_OF_VISITS, _OF_MAILS = (
    tuple(each for each in FEATURES if each.name in names) for names in (_BY_VISITS, _BY_MAILS)
)
# Whether a shop tells of channels, mail and clicks shows in what its customers have.
SCALED: tuple[str, ...] = ("direct_visit_share", "emails_sent_90d", "emails_clicked_90d")


def compute(context: Context, known: Columns) -> Columns:
    """Columns of visits and mail, and of what is known for the personal service."""
    revisit, answered = answers(context, "revisit_intent")
    return {
        **_visits(context),
        "revisit_stated": column(revisit, answered),
        **_mails(context),
        **personalisation.compute(context),
    }


def _visits(context: Context) -> Columns:
    """Columns of visits: known of customers with a visit of which more is told than an order.

    The order of somebody whose visits are not told, in a branch say, is no visit to the site.
    """
    visits, config = context.states.visits, context.cuts.config
    person = (visits.start <= context.now_ms) & (visits.steps & BOT == 0)
    tracked = sums(person & (visits.steps & ~BOT != ORDERED), visits.indptr) > 0
    if not np.count_nonzero(tracked):
        return unknown_columns(_OF_VISITS, context)
    recent = person & context.within(visits.start, config.visits_window)
    count = sums(recent, visits.indptr)
    direct = sums(recent & (visits.steps & DIRECT > 0), visits.indptr)
    channels = tells(context.cuts, "direct_visit_share") | (direct > 0)
    evidence = np.where(tracked, np.maximum(count, 1), 0)
    # The chance of no visit under a Gamma prior on the rate: Fader & Hardie's counting model.
    exposure = config.visits_window + config.visits_prior_days
    stays_away = np.exp(
        (count + config.visits_prior) * np.log(exposure / (exposure + config.month))
    )
    return {
        "visits_180d": column(count.astype(np.float64), evidence),
        "direct_visit_share": column(
            direct / np.maximum(count, 1), np.where(channels, evidence, 0) * (count > 0)
        ),
        "revisit_probability": column(1.0 - stays_away, evidence),
    }


def _mails(context: Context) -> Columns:
    mails = context.states.mails
    if not len(mails):
        nothing = unknown_columns(_OF_MAILS, context)
        none = np.zeros(len(context), np.int64)
        sends = tells(context.cuts, "emails_sent_90d")
        return nothing | {"emails_sent_90d": counted(none, told=sends)}
    lately = context.within(mails.at, context.cuts.config.quarter)
    sent = sums(lately & (mails.kind == SENT), mails.indptr)
    clicked = sums(lately & (mails.kind == CLICKED), mails.indptr)
    reaction: BoolArray = (mails.kind != SENT) & (mails.at <= context.now_ms)
    reacted = last_at(mails.at, mails, of=reaction)
    ignored = sums(lately & (mails.kind == SENT) & (mails.at > reacted[mails.row()]), mails.indptr)
    ever = sums(mails.at <= context.now_ms, mails.indptr)
    told = (ever > 0) | tells(context.cuts, "emails_sent_90d")
    reactions = (reacted >= 0) | tells(context.cuts, "emails_clicked_90d")
    heard_of = sent * reactions
    return {
        "emails_sent_90d": counted(sent, told=told),
        "emails_clicked_90d": shown(clicked.astype(np.float64), np.maximum(heard_of, clicked)),
        "mail_ignored": column(ignored.astype(np.float64), heard_of),
    }
