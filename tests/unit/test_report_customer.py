"""A customer's page: whole, self-contained, honest where little is known."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from html import unescape

import msgspec
import pytest

from engine.charts.theme import BLUE, GREEN
from engine.charts.timeline import Event, Span, timeline
from engine.domain import events as domain
from engine.domain.catalog import Item
from engine.domain.customers import CustomerSummary, StoredCustomer
from engine.domain.events import to_ms
from engine.domain.histories import DAY_MS
from engine.live import LiveModel, Surroundings, attributes_of, living
from engine.loyalty.cuts import Cuts
from engine.loyalty.features.registry import FEATURES
from engine.loyalty.state import NEW, apply_all, encode
from engine.portrait import Portrait, Taste
from engine.segments.predicate import Person
from tests.events import a_line, a_purchase, a_view, day
from training.commands.customer import TITLES
from training.report.assembly.customer import Sitter, StageRun, story_of
from training.report.customer import Card, Story, customer_page
from training.report.sections.story import wanted
from training.report.words import days_spelled, feature_name

CATALOG = {"tea": Item("tea", category="Tea"), "jam": Item("jam", category="<b>Jam</b> & more")}
NOW = day(14)


def a_portrait(events: Sequence[domain.Event], *, at: datetime = NOW, name: str = "c1") -> Portrait:
    """The customer of the events by cuts that never saw a training."""
    live = LiveModel(Surroundings(Cuts.untrained, lambda: CATALOG, list))
    summary = CustomerSummary(0, 0.0, 0, None, None)
    stored = StoredCustomer(name, 1, encode(apply_all(NEW, events)), summary)
    (own,) = living([stored])
    drawn = live.portraits([own], {}, now_ms=to_ms(at))
    person = Person(drawn.features.row(0), msgspec.json.decode(attributes_of(own.state)))
    rules = live.rules(0)
    names = rules.segments_of(person, now_ms=to_ms(at))
    return Portrait(own, at, drawn, person, rules.book, tuple(names))


def a_story(*events: domain.Event, currency: str | None = "EUR", name: str = "c1") -> Story:
    portrait = a_portrait(events, name=name)
    entered = {each: to_ms(day(3)) for each in portrait.segments[:1]}
    return story_of(Sitter(portrait, Cuts.untrained(), TITLES, currency, entered))


def bought(number: int, *, item: str = "tea", price: int = 12_345) -> domain.Event:
    line = a_line(item, unit_price=price)
    return a_purchase(f"p{number}", line, occurred_at=day(number), order_id=f"o{number}")


@pytest.fixture(scope="module")
def story() -> Story:
    """Two orders of 123.45, the last four days ago."""
    return a_story(bought(0), bought(10, item="jam"))


def text_of(html: str) -> str:
    """What a reader sees, in one line."""
    plain = re.sub(r"<style>.*?</style>|<svg.*?</svg>", " ", html, flags=re.DOTALL)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", plain)).split())


def card(story: Story, part: str) -> Card:
    return next(each for each in story.cards if part in each.name)


def test_the_page_holds_everything_it_shows(story: Story):
    html = customer_page(story)

    assert html.startswith("<!doctype html>")
    assert set(re.findall(r"[a-z]+://[^\"' >)]+", html)) == {"http://www.w3.org/2000/svg"}
    assert "default-src 'none'" in html
    assert not re.search(r"<script|<link|<img|@import|url\(|\ssrc=", html)


def test_every_link_leads_to_a_part(story: Story):
    html = customer_page(story)

    parts = re.findall(r'<section id="(\w+)"', html)
    assert re.findall(r'href="#(\w+)"', html) == parts
    assert parts == ["happened", "why", "segments", "wanted", "unknown"]


def test_orders_and_revenue_are_told_in_the_currency_of_the_shop(story: Story):
    spent = card(story, "spent")

    assert (spent.value, spent.name) == ("€247", "spent in 2 orders")
    assert spent.sentence == "A customer since 1 January 2024, with €123 an order on average."
    assert spent.evidence == 2
    assert "rests on 2 observations" in text_of(customer_page(story))


def test_without_a_currency_sums_are_bare_numbers():
    assert card(a_story(bought(0), currency=None), "spent").value == "123"


def test_a_sum_of_a_currency_without_cents_is_not_divided():
    assert card(a_story(bought(0), currency="JPY"), "spent").value == "¥12,345"


def test_what_is_unknown_says_what_it_takes(story: Story):
    risk = card(story, "churn risk")

    assert (risk.value, risk.evidence) == ("–", 0)
    assert risk.sentence.startswith("Unknown; it takes ")


def test_one_order_makes_no_rhythm_of_its_own():
    rhythm = card(a_story(bought(0)), "since the last order")

    assert rhythm.value == "14 days"
    assert rhythm.sentence.startswith("Too few orders for a rhythm of their own")


def test_stages_are_looked_at_week_by_week_and_now(story: Story):
    first = to_ms(day(0)) - DAY_MS // 2

    # One order on days 0 and 7, two on day 14; the second came on day 10. Today is day 14.
    second = story.runs[1].from_ms
    assert story.runs == [
        StageRun("exploration", first, second),
        StageRun("familiarity", second, first + 15 * DAY_MS),
    ]
    assert first + 10 * DAY_MS <= second < first + 11 * DAY_MS
    assert [each.value for each in story.orders] == [12_345.0, 12_345.0]


def test_features_are_told_when_known_and_listed_once_when_not(story: Story):
    told = [fact.name for group in story.groups for fact in group.facts]
    missing = [name for each in story.missing for name in each.names]

    assert sorted(told + missing) == sorted(map(feature_name, FEATURES))
    assert all(fact.evidence > 0 for group in story.groups for fact in group.facts)
    assert len({each.needs for each in story.missing}) == len(story.missing)


def test_stages_are_told_in_words_too(story: Story):
    seen = text_of(customer_page(story))

    assert "exploration from 1 January 2024, familiarity from 11 January 2024." in seen
    assert "Familiarity: ordered more than once, not yet by habit. So since 11 January" in seen


def test_each_segment_says_why_and_since_when(story: Story):
    first, *others = story.memberships

    assert first.since == "4 January 2024"
    assert all(each.reasons for each in story.memberships)
    assert {each.since for each in others} <= {""}
    stage = next(each for each in story.memberships if each.title == "Stage: familiarity")
    assert stage.reasons == ["stage is familiarity, familiarity is asked"]


def test_ids_and_categories_are_escaped():
    html = customer_page(a_story(bought(0, item="jam"), name="<script>alert(1)</script>"))

    assert "<script" not in html
    assert "<b>Jam" not in html
    assert "Customer &lt;script&gt;" in html
    assert "Most of all <b>Jam</b> & more" in text_of(html)


def test_segments_and_sentences_are_escaped(story: Story):
    hostile = replace(
        story, memberships=[replace(story.memberships[0], title="<i>x", reasons=["<u>y"])]
    )

    html = customer_page(hostile)

    assert "<i>x" not in html
    assert "<u>y" not in html


def test_a_customer_without_orders_has_a_sensible_page():
    story = a_story(a_view("v1", lines=(a_line("tea", None, None),), occurred_at=day(13)))

    seen = text_of(customer_page(story))

    assert "No order so far" in seen
    assert "1 visit in the last 180 days" in seen
    assert "No order yet, or none that was kept." in seen
    assert "What we do not know" in seen
    assert "nan" not in seen.lower().split()
    assert story.runs == []


def test_a_customer_of_whom_nothing_is_known_at_all_has_a_page():
    seen = text_of(customer_page(a_story()))

    assert "Nothing is known of what this customer wants" in seen


def test_what_was_said_and_done_stand_side_by_side_and_the_unwanted_apart():
    tastes = [Taste("Tea", 0.5, 1.2, 0.9, False), Taste("Jam", -1.0, 0.4, -0.3, True)]

    section = wanted(tastes)

    assert section.answer == "Most of all Tea, going by what was said and done."
    words = [each.words for each in section.blocks if each.kind == "text"]
    assert words == ["Not wanted: Jam."]


def test_a_timeline_has_a_bar_for_each_event_and_names_what_held_once_each():
    spans = [
        Span("Early", 0, DAY_MS, BLUE),
        Span("Late", DAY_MS, 2 * DAY_MS, GREEN),
        Span("Early", 2 * DAY_MS, 3 * DAY_MS, BLUE),
    ]

    drawn = timeline([Event(0, 5.0), Event(2 * DAY_MS, 7.0)], spans, y="paid", title="Two")

    assert drawn.svg.count(">Early<") == drawn.svg.count(">Late<") == 1
    assert drawn.svg.count('aria-roledescription="bar"') == 2
    assert "var(--chart-green" in drawn.svg


def test_a_timeline_without_anything_is_still_drawn():
    assert timeline([], [], y="paid", title="Nothing").svg.startswith("<svg")


def test_days_in_sentences_are_spelled_and_what_is_no_day_is_left():
    assert days_spelled("Since 2026-01-31.") == "Since 31 January 2026."
    assert days_spelled("Buys 2026-02-31 most often.") == "Buys 2026-02-31 most often."


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("orders_12m", "Orders in 12 months"),
        ("rfm_r", "RFM recency"),
        ("nps", "NPS"),
        ("p_alive", "Still a customer"),
    ],
)
def test_names_of_features_are_words(name: str, shown: str):
    assert feature_name(name) == shown
