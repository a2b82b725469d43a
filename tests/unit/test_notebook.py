"""What notebooks show, and the numbers behind their charts, on purchases done by hand."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

from engine.charts.bars import Bar, bars
from engine.charts.theme import BLUE
from engine.errors import SettingsError
from tests.builders import a_history, histories
from training.evaluation.examples import AGAIN, Example, Line
from training.notebook.contest import side_by_side
from training.notebook.habits import again, gaps
from training.notebook.shop import HOME, HOUSEHOLDS, open_shop
from training.notebook.shown import Grid, Picture, Words, told
from training.report.blocks import Figure, Section, Table, Text

ITEMS = ["milk", "soap"]


def a_picture(title: str = "Milk leads", subtitle: str = "By units.") -> Picture:
    return Picture(bars([Bar("milk", 3.0, "3")], title=title, subtitle=subtitle))


def test_a_purchase_is_a_repeat_when_the_customer_had_the_item_in_an_earlier_order() -> None:
    held = histories(
        ITEMS,
        {
            "ann": a_history((0, ["milk"]), (3, ["milk", "soap"]), (10, ["milk"])),
            "ben": a_history((5, ["milk"])),
        },
    )

    assert again(held).tolist() == [False, True, False, True, False]
    assert sorted(gaps(held).tolist()) == [3.0, 7.0]


def test_a_picture_holds_its_title_and_words_and_is_svg_on_its_own() -> None:
    title = "Milk & more: " + "a finding of many words " * 8

    svg = a_picture(title)._repr_svg_()

    root = ElementTree.fromstring(svg)
    texts = [each.text or "" for each in root.findall("{http://www.w3.org/2000/svg}text")]
    assert " ".join(texts) == f"{title.strip()} By units."
    assert root.find("{http://www.w3.org/2000/svg}svg") is not None
    # Nothing lies below the lower edge.
    inner = root.find("{http://www.w3.org/2000/svg}svg")
    assert float(inner.get("y")) + float(inner.get("height")) < float(root.get("height"))
    assert repr(a_picture()) == "Milk leads By units."


def test_a_picture_has_its_colours_where_nobody_knows_variables() -> None:
    svg = a_picture()._repr_svg_()

    assert "var(" not in svg
    assert BLUE in svg


def test_a_table_is_escaped_and_its_numbers_stand_to_the_right() -> None:
    grid = Grid(("Item", "Units"), [("<b>milk</b>", "3")], frozenset({1}))

    page = grid._repr_html_()

    assert "&lt;b&gt;milk&lt;/b&gt;" in page
    assert '<td style="text-align:right">3</td>' in page


def test_a_section_is_told_heading_first_then_the_answer_then_its_blocks() -> None:
    blocks = [
        Text("A note."),
        Figure(a_picture().chart),
        Table(["Item"], [("milk",)], caption="All items"),
    ]

    shown = list(told(Section("anchor", "What sells", "Milk does.", blocks)))

    assert [type(each) for each in shown] == [Words, Words, Words, Picture, Words, Grid]
    assert shown[0]._repr_markdown_() == "## What sells"  # type: ignore[union-attr]
    assert [repr(each) for each in shown[1:3]] == ["Milk does.", "A note."]


def test_one_customers_lists_stand_side_by_side_with_the_hits_marked() -> None:
    example = Example(
        customer_id="ann",
        groups={},
        orders=[],
        bought=[Line("milk", AGAIN)],
        unseen=0,
        lists={"regulars": [Line("soap"), Line("milk", AGAIN)], "popularity": [Line("soap")]},
    )

    grid = side_by_side(example)

    assert grid.headings == ("Bought then", "regulars", "popularity")
    assert grid.rows == [("milk", "soap", "soap"), ("", "milk ✓", "")]


@pytest.mark.parametrize("given", ["many", "0", "-3"])
def test_a_sample_of_no_number_is_refused_with_the_remedy(tmp_path: Path, given: str) -> None:
    with pytest.raises(SettingsError, match=f"{HOUSEHOLDS}={given}: write how many households"):
        open_shop(environment={HOME: str(tmp_path), HOUSEHOLDS: given})
