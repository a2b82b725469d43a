"""What control costs and gives, lever by lever."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from rich.console import Console

from engine.domain.assortment import Assortment
from engine.domain.catalog import Item
from engine.domain.histories import DAY_MS
from engine.domain.ids import IdTable
from tests.builders import DAY_ZERO_MS, a_log, a_model, a_shop
from training.evaluation.surfaces.console import print_surfaces
from training.evaluation.surfaces.control import price_of_control
from training.evaluation.surfaces.field import Extent, Field, field_of
from training.evaluation.surfaces.levers import (
    COLD,
    FROM_CATALOGUE,
    MADE_UP,
    MARGIN,
    NDCG,
    knows_margins,
    with_made_up_margins,
)
from training.evaluation.surfaces.results import Price, Setting, Surfaces
from training.evaluation.surfaces.wording import (
    brief,
    change,
    gained,
    label,
    relative,
    traits_of,
    written,
)
from training.history import purchases_before
from training.report.sections import contest_surfaces

ITEMS = tuple(f"item-{number:02d}" for number in range(30))
START_MS = DAY_ZERO_MS + 100 * DAY_MS


@pytest.fixture(scope="module")
def field() -> Field:
    """A shop of regulars whose catalogue knows three categories and no money."""
    log = a_log(a_shop(customers=40))
    before = purchases_before(log, cut_ms=START_MS)
    everything = purchases_before(log, cut_ms=DAY_ZERO_MS + 130 * DAY_MS)
    model = a_model(before.items.ids)
    catalog = {
        each: Item(each, category=f"kind {number // 10}") for number, each in enumerate(ITEMS)
    }
    model = replace(model, assortment=Assortment.of(model.items, catalog))
    extent = Extent(cases=40, limit=5)
    return field_of(model, before, everything, cooldown=timedelta(0), extent=extent)


@pytest.fixture(scope="module")
def price(field: Field) -> Price:
    found = price_of_control(field, made_up=True)
    assert found is not None
    return found


def of(price: Price, lever: str) -> list[Setting]:
    return [each for each in price.settings if each.lever == lever]


def test_the_first_setting_has_every_lever_off(price: Price) -> None:
    assert price.plain.lever == "as scored"
    assert price.plain.cost is None
    assert all(each.cost is not None for each in price.settings[1:])


def test_more_tolerance_shows_more_margin(price: Price) -> None:
    shown = [each.values[MARGIN] for each in (price.plain, *of(price, "margin"))]

    assert shown == sorted(shown)
    assert shown[-1] > shown[0]


def test_the_cost_is_the_difference_of_the_means(price: Price) -> None:
    for each in price.settings[1:]:
        assert each.cost is not None
        assert each.cost.value == pytest.approx(each.values[NDCG] - price.plain.values[NDCG])
        assert each.cost.base == pytest.approx(price.plain.values[NDCG])


def test_without_costs_and_without_leave_to_invent_them_nothing_is_said_of_margins(
    field: Field,
) -> None:
    found = price_of_control(field)

    assert found is not None
    assert not of(found, "margin") and found.margins == ""
    assert MARGIN not in traits_of(found)
    assert "knows no costs" in found.notes[0]


def test_known_costs_are_never_replaced_by_invented_ones(field: Field) -> None:
    count = field.items
    told = replace(
        field.model.assortment,
        price=np.full(count, 500, dtype=np.int64),
        cost=np.full(count, 400, dtype=np.int64),
    )

    found = price_of_control(
        replace(field, model=replace(field.model, assortment=told)), made_up=True
    )

    assert found is not None and found.margins == FROM_CATALOGUE
    # Every item earns 100, and every list has five.
    assert all(each.values[MARGIN] == pytest.approx(500) for each in found.settings)


def test_invented_margins_follow_from_the_id_and_are_labelled(price: Price) -> None:
    items = IdTable(["a", "b", "c"])
    blank = Assortment.unknown(3)

    one = with_made_up_margins(blank, items)
    other = with_made_up_margins(blank, IdTable(["c", "b", "a"]))

    margin = one.price - one.cost
    assert margin.tolist() == (other.price - other.cost)[::-1].tolist()
    assert len(set(margin.tolist())) == 3
    assert (margin >= 50).all() and (margin <= 600).all()
    assert knows_margins(one) and not knows_margins(blank)
    assert price.notes[0] == MADE_UP


def test_a_lever_about_categories_is_left_alone_where_there_are_none(field: Field) -> None:
    blank = replace(field.model, assortment=Assortment.unknown(field.items))

    found = price_of_control(replace(field, model=blank))

    assert found is not None and not of(found, "calibration")


def test_an_empty_window_has_no_price(field: Field) -> None:
    target = replace(field.target, histories=field.target.histories.take([]), truths=[])

    assert price_of_control(replace(field, target=target)) is None


def test_a_setting_is_told_by_what_it_costs_and_gives(price: Price) -> None:
    dearest = of(price, "margin")[-1]

    assert dearest.cost is not None
    assert relative(dearest.cost).endswith("%")
    assert change(dearest).startswith(relative(dearest.cost))
    assert brief(dearest).strip("()") == relative(dearest.cost)
    assert gained(dearest, price.plain).startswith("margin shown ")
    assert change(price.plain) == written(NDCG, price.plain.values[NDCG])
    assert written(MARGIN, 1234.0) == "12.34"
    assert written(COLD, 0.25) == "25%"


def test_the_page_and_the_terminal_tell_every_setting(price: Price) -> None:
    section = contest_surfaces.control(price)
    out = Console(width=200, record=True, file=None, quiet=False)

    with out.capture() as captured:
        print_surfaces(out, Surfaces([], price, 0.95))

    for each in price.settings:
        assert any(label(each) == row[0] for row in section.blocks[1].rows)  # type: ignore[union-attr]
        assert label(each) in captured.get()
    assert section.blocks[0].chart.svg.startswith("<svg")  # type: ignore[union-attr]
