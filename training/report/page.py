"""The report as one HTML file that needs nothing else: no network, no script."""

from __future__ import annotations

from training.report.blocks import Section
from training.report.data import ShopReport
from training.report.rendering import rendered
from training.report.sections import customers, demand, movement, visits, voices
from training.report.sections.headline import key_figures
from training.report.words import counted, day

TEMPLATE = "report.html"


def page(report: ShopReport) -> str:
    """The whole page; a part without data says so and what would fill it."""
    return rendered(
        TEMPLATE,
        as_of=day(report.shop.as_of_ms),
        summary=f"{counted(report.shop.buyers, 'customer')} · as of {day(report.shop.as_of_ms)}",
        figures=key_figures(report),
        sections=sections(report),
    )


def sections(report: ShopReport) -> list[Section]:
    """The parts of the page, in the order of a reader's questions."""
    return [
        customers.regulars(report),
        customers.slipping(report),
        customers.risk(report),
        movement.returning(report),
        movement.flows(report),
        customers.concentration(report),
        visits.visiting(report),
        voices.voices(report),
        demand.trends(report),
        demand.segments(report),
        demand.notes(report),
    ]
