"""BG/NBD (Fader, Hardie & Lee 2005): a customer may leave after any order but the first."""

from __future__ import annotations

from typing import ClassVar

from engine.loyalty.value.beta_geometric import BetaGeometric


class BgNbd(BetaGeometric, frozen=True, tag="bg_nbd", tag_field="kind"):
    """Beta-geometric / negative binomial; `p_alive` is 1 for everybody with a single order.

    That makes 1 - p_alive useless as a churn score: use 1 - p_order_within(horizon).
    """

    name: ClassVar[str] = "bg_nbd"
    first_toss: ClassVar[int] = 0
