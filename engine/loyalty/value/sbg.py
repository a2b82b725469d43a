"""Shifted beta-geometric (Fader & Hardie 2007): how long subscribers stay."""

from __future__ import annotations

from typing import ClassVar

import msgspec
import numpy as np
from scipy.special import betaln, hyp2f1, psi

from engine.domain.arrays import DoubleArray
from engine.loyalty.value.poisson_orders import Positive


class Sbg(msgspec.Struct, frozen=True, tag="sbg", tag_field="kind"):
    """Parameters of Beta(alpha, beta), the distribution of the chance to leave at a renewal.

    For contracts, where leaving is seen. Periods count from 1, the first time somebody may leave.
    """

    name: ClassVar[str] = "sbg"

    alpha: Positive
    beta: Positive

    def retention(self, periods: DoubleArray) -> DoubleArray:
        """Share of the customers before each period who renew in it; it rises with the period."""
        rate: DoubleArray = (self.beta + periods - 1) / (self.alpha + self.beta + periods - 1)
        return rate

    def survival(self, periods: DoubleArray) -> DoubleArray:
        """Share of a cohort still there after each period; 1 after period 0."""
        ratio = betaln(self.alpha, self.beta + periods) - betaln(self.alpha, self.beta)
        share: DoubleArray = np.exp(ratio)
        return share

    def discounted_lifetime(self, discount: float) -> float:
        """DEL: expected payments of a new customer, the first at once, each discounted."""
        total = self.alpha + self.beta
        return float(hyp2f1(1.0, self.beta, total, 1 / (1 + discount)))

    def discounted_residual_lifetime(self, payments: DoubleArray, discount: float) -> DoubleArray:
        """DERL just before the next renewal of customers who have paid that often.

        Fader & Hardie (2010), eq. 6: the next payment counts in full when it comes.
        """
        stayed = self.beta + payments - 1
        total = self.alpha + stayed
        later = hyp2f1(1.0, stayed + 1, total + 1, 1 / (1 + discount))
        lifetime: DoubleArray = stayed / total * later
        return lifetime

    def log_likelihood(self, survivors: DoubleArray) -> float:
        """Log likelihood of a cohort's counts after 0, 1, ... periods, survivors (periods + 1,)."""
        return self.log_likelihood_gradient(survivors)[0]

    def log_likelihood_gradient(self, survivors: DoubleArray) -> tuple[float, DoubleArray]:
        """The log likelihood and its gradient (2,) by the logs of alpha and beta."""
        periods = np.arange(1, survivors.shape[0], dtype=np.float64)
        # Who left in period t renewed t - 1 times; the last ones have renewed every time.
        left = np.append(np.ones_like(periods), 0.0)
        stayed = np.append(periods - 1, periods.size)
        counts = np.append(-np.diff(survivors), survivors[-1])
        base = betaln(self.alpha, self.beta)
        logs = betaln(self.alpha + left, self.beta + stayed) - base
        total = psi(self.alpha + self.beta) - psi(self.alpha + self.beta + left + stayed)
        by_alpha = psi(self.alpha + left) - psi(self.alpha) + total
        by_beta = psi(self.beta + stayed) - psi(self.beta) + total
        gradient = np.array([self.alpha * (counts @ by_alpha), self.beta * (counts @ by_beta)])
        return float(counts @ logs), gradient
