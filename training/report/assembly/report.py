"""The whole report from its sources."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from engine.loyalty.features.registry import FEATURES
from engine.loyalty.rfm_segments import Segment
from training.report.assembly import movement, people, visits, voices
from training.report.assembly.segments import segment_rows
from training.report.assembly.sources import Sources
from training.report.data import ShopReport, Unknown
from training.report.words import counted, share

# Of these a shop's owner would want to know more; each stands for the features that need the same.
WORTH_KNOWING = (
    "churn_risk",
    "favourite_category",
    "full_price_share",
    "visits_180d",
    "rating_mean",
    "nps",
    "complaints",
    "exit_reason",
    "consent_email",
    "emails_sent_90d",
    "payment_promptness",
    "share_of_wallet",
)
KNOWN_ENOUGH = 0.5


def shop_report(sources: Sources) -> ShopReport:
    """Everything that the page shows, as far as the sources tell."""
    return ShopReport(
        shop=people.shop(sources),
        config=sources.cuts.config,
        stages=sources.grouped("stage"),
        rfm=people.rfm(sources),
        # Who never ordered has no scores.
        rfm_segments=[
            each for each in sources.grouped("rfm_segment") if each.name != Segment.PROSPECT
        ],
        slipping=people.slipping(sources),
        returning=movement.returning(sources),
        flows=movement.moves(sources),
        concentration=people.concentration(sources),
        risk=people.risk(sources),
        calibration=sources.calibration,
        visiting=visits.visiting(sources),
        complaints=voices.complaints(sources),
        exits=voices.exits(sources),
        trends=movement.demand(sources),
        segments=segment_rows(sources),
        unknown=list(_unknown(sources)),
        assumptions=list(_assumptions(sources)),
    )


def _unknown(sources: Sources) -> Iterator[Unknown]:
    """What is known of less than half of the customers with an order."""
    buyers = sources.values("orders") > 0
    for name in WORTH_KNOWING:
        known = sources.features[name].known[buyers]
        part = float(known.mean()) if len(known) else 0.0
        if part < KNOWN_ENOUGH:
            yield Unknown(name, part, FEATURES[name].needs)


def _assumptions(sources: Sources) -> Iterator[str]:
    config = sources.cuts.config
    assumed = sources.values("margin_assumed")
    part = float((assumed == 1).sum() / max(np.count_nonzero(~np.isnan(assumed)), 1))
    if part > 0:
        yield (
            f"Margins: for {share(part)} of customers the cost of some item is not known, and "
            f"{share(config.default_margin)} of revenue is assumed."
        )
    if sources.segments_left_out:
        left_out = counted(sources.segments_left_out, "segment")
        yield f"{left_out} that ask for attributes or events are not shown."
    yield (
        f"Margin to come: {config.horizon_months} months, discounted at "
        f"{share(config.yearly_interest)} a year."
    )
    if sources.cuts.gaps:
        yield (
            f"The usual time between two orders in this shop is {sources.cuts.cycle:.0f} days, "
            f"from {sources.cuts.gaps:,} pauses."
        )
