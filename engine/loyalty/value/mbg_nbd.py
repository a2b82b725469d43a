"""MBG/NBD (Batislam, Denizel & Filiztekin 2007): a customer may leave after any order."""

from __future__ import annotations

from typing import ClassVar

from engine.loyalty.value.beta_geometric import BetaGeometric


class MbgNbd(BetaGeometric, frozen=True, tag="mbg_nbd", tag_field="kind"):
    """Modified beta-geometric / negative binomial; a single order may have been the last."""

    name: ClassVar[str] = "mbg_nbd"
    first_toss: ClassVar[int] = 1
