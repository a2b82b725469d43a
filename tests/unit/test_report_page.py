"""The report's page: whole, self-contained, honest where data are thin."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from engine.loyalty.shop.funnel import Funnel
from engine.loyalty.shop.trend import Direction
from tests.shop_report import a_report, a_shop, a_trend
from training.report.data import (
    Group,
    Returning,
    SegmentRow,
    ShopReport,
    Slipping,
    SlippingAway,
    Unknown,
    Visiting,
)
from training.report.page import page, sections

VOID = {"meta", "br", "link", "img", "hr", "input"}


class Tags(HTMLParser):
    """The tags of a page, checked for being closed in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def whole() -> str:
    return page(a_report())


def text_of(html: str) -> str:
    """What a reader sees, in one line."""
    plain = re.sub(r"<style>.*?</style>|<svg.*?</svg>", " ", html, flags=re.DOTALL)
    plain = re.sub(r"<[^>]+>", " ", plain)
    for entity, sign in (("&lt;", "<"), ("&gt;", ">"), ("&#39;", "'"), ("&amp;", "&")):
        plain = plain.replace(entity, sign)
    return " ".join(plain.split())


def test_every_tag_is_closed_and_every_link_leads_to_a_part(whole: str):
    tags = Tags()

    tags.feed(whole)
    tags.close()

    assert tags.open == []
    parts = [attrs["id"] for tag, attrs in tags.seen if tag == "section"]
    links = [attrs["href"] for tag, attrs in tags.seen if tag == "a"]
    assert links == [f"#{part}" for part in parts]
    assert len(parts) == len(set(parts)) == 11


def test_the_page_holds_everything_it_shows(whole: str):
    addresses = set(re.findall(r"[a-z]+://[^\"' >)]+", whole))

    assert addresses == {"http://www.w3.org/2000/svg"}
    assert "default-src 'none'" in whole
    assert not re.search(r"<script|<link|<img|@import|url\(|\ssrc=", whole)


def test_a_full_report_has_all_charts_each_under_its_finding(whole: str):
    titles = [
        "Regulars are 20% of customers and bring 27% of revenue",
        "The best 20% of customers bring 65% of revenue",
        "38% of customers are unlikely to order in the next 90 days",
        "Predicted chances were off by 7.5 points of 100 on average",
        "40% of first-time customers order again within 90 days",
        "50% of a quarter's customers came back in the next one",
        "Regulars went from 10 in Jan 2026 to 15 in Mar 2026",
        "Most visits are lost before “showed intent”",
        "Delivery makes 67% of complaints",
        "Demand: 1 rising, 1 falling, 1 flat",
    ]
    found = [title for title in titles if title in text_of(whole)]

    assert found == titles
    assert whole.count("<figure>") == whole.count("<svg") == 14


def test_the_numbers_to_remember_are_sentences_with_currency(whole: str):
    text = text_of(whole)

    assert "€123,457 from them, net of refunds +23% against the 12 months before." in text
    assert "€450 of the €900 they spent in a year is at risk." in text


def test_ids_and_categories_are_words_and_never_markup():
    nasty = "<script>alert('x')</script>"

    html = page(
        a_report(
            slipping=SlippingAway(1, 100, 50, (Slipping(nasty, (nasty,), 100, 0.5, 50),)),
            trends=[a_trend(nasty, Direction.RISING)],
            segments=[SegmentRow(nasty, nasty, Group(nasty, 1, 1, 0.1, 1.0))],
            unknown=[Unknown(nasty, 0.0, nasty)],
        )
    )

    assert "<script" not in html


def test_differences_that_nobody_drew_lots_for_are_called_descriptive(whole: str):
    assert "Descriptive: nobody drew lots" in text_of(whole)


def test_a_shop_without_orders_gets_sentences_and_no_chart():
    empty = a_shop(
        known=0,
        buyers=0,
        active=0,
        orders_12m=0,
        revenue_12m=0,
        revenue_year_before=None,
        first_ms=None,
        last_ms=None,
        version="",
    )

    html = page(ShopReport(empty))

    text = text_of(html)
    assert "<svg" not in html
    for sentence in (
        "Nobody has ordered yet, so there is nobody to describe.",
        "This needs a trained customer model",
        "Nobody has ordered yet, so nobody could come back.",
        "No revenue in the last 12 months to share out.",
        "No visits of known customers",
        "No complaint is recorded in the last 12 months. That is no proof of satisfaction",
        "Why customers leave is not known",
        "No item has a category.",
        "No segment has a member yet.",
        "There are no orders yet. No trained model is live",
    ):
        assert sentence in text
    assert "nan" not in text.lower().replace("finance", "")


def test_a_shop_that_sends_orders_only_is_told_what_to_send():
    only_orders = Visiting(Funnel("all", (50, 50, 50, 50), browsing=False))

    parts = {each.anchor: each for each in sections(a_report(visiting=only_orders))}

    assert "sends orders only" in parts["visits"].answer
    assert parts["visits"].blocks == ()


def test_late_customers_who_will_be_back_are_no_alarm():
    calm = SlippingAway(1, 100_000, 400, (Slipping("c", ("late",), 100_000, 0.004, 400),))

    parts = {each.anchor: each for each in sections(a_report(slipping=calm))}

    assert "no cause for alarm" in parts["slipping"].answer


def test_nobody_late_is_good_news():
    parts = {each.anchor: each for each in sections(a_report(slipping=SlippingAway(0, 0, 0, ())))}

    assert "nobody is late" in parts["slipping"].answer


def test_stages_without_revenue_are_drawn_all_the_same():
    stages = [Group("awareness", 3, 0, float("nan"), float("nan"))]

    html = page(a_report(stages=stages, rfm=None, rfm_segments=()))

    assert "No customer orders regularly enough yet" in text_of(html)


def test_young_data_admit_that_they_cannot_tell_new_from_old():
    returning = a_report().returning
    assert returning is not None
    young = Returning(**{**vars(returning), "whole_year": False, "cohorts": None, "quarters": ()})

    text = text_of(page(a_report(returning=young)))

    assert "too young to tell" in text
    assert "Cohorts by month need three whole months" in text
