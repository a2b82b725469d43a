"""Complaints, how they were answered, and why customers left."""

from __future__ import annotations

import numpy as np

from engine.domain.arrays import BoolArray
from engine.domain.histories import DAY_MS
from engine.loyalty.features.service import HOUR_MS
from engine.loyalty.shop.intervals import Share, wilson
from engine.loyalty.shop.pareto import dissatisfied, pareto, share_of
from engine.loyalty.states import NEVER, Cases
from training.report.assembly.sources import Sources
from training.report.data import Complaints, Exits

SERVICE = "service"
# What was inferred counts half of what was said.
INFERRED = 0.5


def complaints(sources: Sources) -> Complaints | None:
    """Complaints of the last 12 months; None when there is none."""
    config, now = sources.cuts.config, sources.now_ms
    cases = sources.states.cases
    recent = (cases.opened <= now) & (cases.opened > now - config.year * DAY_MS)
    cases = cases.where(recent)
    if not len(cases):
        return None
    words = sources.states.words
    topics, sizes = np.unique(cases.topic, return_counts=True)
    counts = {words[at]: size for at, size in zip(topics.tolist(), sizes.tolist(), strict=True)}
    complaining = int((np.diff(cases.indptr) > 0).sum())
    recovered = sources.values("recovered")
    known = ~np.isnan(recovered)
    return Complaints(
        causes=tuple(pareto(counts, confidence=config.report_confidence)),
        cases=len(cases),
        open=int(_open(cases, now).sum()),
        complaining=complaining,
        dissatisfied=dissatisfied(
            complaining, customers=len(sources.states), voiced=config.voiced_share
        ),
        voiced=config.voiced_share,
        kept=_kept(sources, cases),
        recovered=wilson(
            int((recovered == 1).sum()), int(known.sum()), confidence=config.report_confidence
        ),
    )


def exits(sources: Sources) -> Exits | None:
    """Reasons of those who left, what was inferred at half weight; None when none is known."""
    config = sources.cuts.config
    reason, labels = sources.choices("exit_reason")
    inferred = sources.flag("exit_reason_inferred")
    known = reason >= 0
    if not known.any():
        return None
    weights = np.bincount(
        reason[known], np.where(inferred[known], INFERRED, 1.0), minlength=len(labels)
    )
    counts = dict(zip(labels, weights.tolist(), strict=True))
    causes = pareto(counts, confidence=config.report_confidence)
    return Exits(
        causes=tuple(causes),
        stated=int((known & ~inferred).sum()),
        inferred=int((known & inferred).sum()),
        service=share_of(causes, SERVICE, confidence=config.report_confidence),
        benchmark=config.service_share_benchmark,
    )


def _open(cases: Cases, now_ms: int) -> BoolArray:
    still: BoolArray = (cases.resolved == NEVER) | (cases.resolved > now_ms)
    return still


def _kept(sources: Sources, cases: Cases) -> Share:
    """The share resolved in the promised time; one still open within it is not counted yet."""
    config, now = sources.cuts.config, sources.now_ms
    promised = config.promised_hours * HOUR_MS
    still = _open(cases, now)
    due = ~still | (cases.opened + promised < now)
    kept = ~still & (cases.resolved - cases.opened <= promised)
    return wilson(int(kept.sum()), int(due.sum()), confidence=config.report_confidence)
