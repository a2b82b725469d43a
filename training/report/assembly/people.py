"""Who customers are: totals, stages, RFM, who is slipping away, spread and risk."""

from __future__ import annotations

import numpy as np

from engine.domain.histories import DAY_MS
from engine.loyalty.concentration import concentration_curve, gini, top_share
from training.report.assembly.sources import Sources
from training.report.data import Concentration, RfmMap, Risk, Shop, Slipping, SlippingAway
from training.report.words import counted

YEAR = 365
SCORES = 5
TENTHS = 10
CURVE_POINTS = 100
MOST_SLIPPING = 25
AT_RISK_AND_WORTH_IT = "at_risk_and_worth_it"
FEW_MAILS = 3


def shop(sources: Sources) -> Shop:
    """The totals that the page begins with."""
    goods, now = sources.states.goods, sources.now_ms
    times, values = goods.at[goods.at <= now], goods.value[goods.at <= now]
    first = int(times.min()) if len(times) else None
    year = YEAR * DAY_MS
    before = (times > now - 2 * year) & (times <= now - year)
    # Half a year is no year to compare with.
    whole = first is not None and first <= now - 2 * year
    orders = sources.values("orders_12m")
    return Shop(
        as_of_ms=now,
        currency=sources.currency,
        known=len(sources.states),
        buyers=int((sources.values("orders") > 0).sum()),
        active=int((orders > 0).sum()),
        orders_12m=int(np.nansum(orders)),
        revenue_12m=int(sources.revenue().sum()),
        revenue_year_before=int(values[before].sum()) if whole else None,
        first_ms=first,
        last_ms=int(times.max()) if len(times) else None,
        version=sources.cuts.version,
    )


def rfm(sources: Sources) -> RfmMap | None:
    """Customers and revenue by scores of recency and frequency; None when nobody has any."""
    r, f = sources.values("rfm_r"), sources.values("rfm_f")
    # A score of 0 is no score.
    scored = (r > 0) & (f > 0)
    if not scored.any():
        return None
    cell = ((r[scored] - 1) * SCORES + f[scored] - 1).astype(np.int64)
    size, revenue = SCORES * SCORES, np.zeros(SCORES * SCORES, np.int64)
    np.add.at(revenue, cell, sources.revenue()[scored])
    customers = np.bincount(cell, minlength=size).astype(np.int64)
    return RfmMap(customers.reshape(SCORES, SCORES), revenue.reshape(SCORES, SCORES))


def slipping(sources: Sources) -> SlippingAway | None:
    """Members of the segment of those late and worth it; None where nobody's worth is known."""
    members = sources.members.get(AT_RISK_AND_WORTH_IT)
    risk, worth = sources.values("churn_risk"), sources.values("value_rank")
    if members is None or np.isnan(risk).all() or np.isnan(worth).all():
        return None
    rows = np.flatnonzero(members)
    revenue = sources.revenue()
    at_risk = np.round(revenue * np.nan_to_num(risk)).astype(np.int64)
    # Ids are sorted, and a stable sort keeps them so among equals.
    worst = rows[np.argsort(-at_risk[rows], kind="stable")][:MOST_SLIPPING]
    return SlippingAway(
        customers=len(rows),
        revenue=int(revenue[rows].sum()),
        at_risk=int(at_risk[rows].sum()),
        rows=tuple(
            Slipping(
                customer_id=sources.features.customers[row],
                reasons=tuple(_reasons(sources, row)),
                revenue=int(revenue[row]),
                risk=float(risk[row]),
                at_risk=int(at_risk[row]),
            )
            for row in worst.tolist()
        ),
    )


def concentration(sources: Sources) -> Concentration | None:
    """How unevenly the revenue of 12 months is spread over those who brought any."""
    revenue = sources.revenue()
    spent = revenue[revenue > 0].astype(np.float64)
    if not len(spent):
        return None
    customers, held = concentration_curve(spent)
    points = np.linspace(0, 1, min(CURVE_POINTS, len(spent)) + 1)
    return Concentration(
        customers=len(spent),
        gini=gini(spent),
        top_share=top_share(spent, sources.cuts.config.most_valuable_share),
        curve=tuple(zip(points.tolist(), np.interp(points, customers, held).tolist(), strict=True)),
    )


def risk(sources: Sources) -> Risk | None:
    """Customers by churn risk; None when it is known of nobody."""
    risks = sources.values("churn_risk")
    risks = risks[~np.isnan(risks)]
    if not len(risks):
        return None
    low, high = sources.cuts.config.churn_bands
    tenth = np.minimum((risks * TENTHS).astype(np.int64), TENTHS - 1)
    return Risk(
        customers=tuple(np.bincount(tenth, minlength=TENTHS).tolist()),
        bands=(low, high),
        low=int((risks < low).sum()),
        medium=int(((risks >= low) & (risks <= high)).sum()),
        high=int((risks > high).sum()),
    )


def _reasons(sources: Sources, row: int) -> list[str]:
    """Why a customer is thought to be slipping away, with the customer's own numbers."""
    of = {name: float(sources.values(name)[row]) for name in _ASKED}
    since, cycle = round(of["days_since_last"]), max(round(of["cycle_days"]), 1)
    reasons = [f"last order {counted(since, 'day')} ago, usually every {counted(cycle, 'day')}"]
    if of["open_complaints"] > 0:
        reasons.append(counted(of["open_complaints"], "open complaint"))
    if of["mail_ignored"] >= FEW_MAILS:
        reasons.append(f"the last {counted(of['mail_ignored'], 'mail')} ignored")
    if of["preference_shift"] == 1:
        reasons.append("buys other things than before")
    return reasons


_ASKED = (
    "days_since_last",
    "cycle_days",
    "open_complaints",
    "mail_ignored",
    "preference_shift",
)
