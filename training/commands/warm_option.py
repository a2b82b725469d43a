"""`--warm`: for how many customers lists are made before a model serves."""

from __future__ import annotations

from dataclasses import replace

import click

from engine.settings import Settings

warm_option = click.option(
    "--warm",
    type=click.IntRange(0, 1_000_000),
    metavar="N",
    help="First make the lists of the N customers who were here last. Default: warm_customers.",
)


def warmed(settings: Settings, customers: int | None) -> Settings:
    """The settings with what the option says, if it was given."""
    return settings if customers is None else replace(settings, warm_customers=customers)
