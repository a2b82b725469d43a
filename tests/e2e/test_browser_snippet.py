"""The snippet in a real browser, on a shop's page in front of a real server."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page

from tests.browsing import PAGE, STRICT, Seen, Site, arrived, log
from tests.builders import a_shop
from tests.shop import Server, Shop, free_port, write_csv

GUIDE = (Path(__file__).parents[2] / "docs" / "browser.md").read_text()
INIT = "options => regulars.init({url: '/', currency: 'EUR', ...options})"
LIST = "([placement, options]) => regulars.recommend(placement, list, options)"
# Whoever leaves at once has seen nothing: a list is seen when a frame of it was drawn.
FRAME = "await new Promise(requestAnimationFrame);"
DRAWN = f"(async () => {{ {FRAME} {FRAME} await new Promise(setTimeout); }})()"
STORED = "() => [localStorage.length, sessionStorage.length]"
VISITOR = "regulars.visitor()"


@pytest.fixture
def shop(browsed_shop: Shop) -> Shop:
    return browsed_shop


@pytest.fixture
def server(browsed_server: Server) -> Server:
    return browsed_server


@pytest.fixture
def site(server: Server) -> Iterator[Site]:
    pages = {path: PAGE.format(snippet="/regulars.js") for path in ("/", "/item")}
    with Site(server.url, pages=pages).serving() as running:
        yield running


@pytest.fixture
def page(context: BrowserContext, site: Site, seen: Seen) -> Page:
    opened = context.new_page()
    seen.watch(opened)
    opened.goto(site.url)
    return opened


@pytest.fixture
def visitor(page: Page) -> str:
    """A visitor who agreed."""
    page.evaluate(INIT, {"consent": "granted"})
    return str(page.evaluate(VISITOR))


@pytest.mark.parametrize("consent", ["unset", "denied"])
def test_without_consent_nothing_is_stored_or_told_and_the_list_is_the_shops(
    page: Page, site: Site, seen: Seen, consent: str
) -> None:
    page.evaluate(INIT, {"consent": consent, "customer": "c007"})
    page.evaluate("regulars.page(); regulars.view('item-03'); regulars.search('tea')")

    answer = page.evaluate(LIST, ["home", {"limit": 4}])
    page.wait_for_timeout(1500)

    assert answer["customer_id"] is None
    assert page.locator("#list li").count() == 4
    assert page.evaluate(VISITOR) is None
    assert page.evaluate(STORED) == [0, 0]
    assert site.posted == []
    assert (seen.errors, seen.console) == ([], [])


def test_with_consent_what_happens_arrives_as_the_visitors_in_few_requests(
    page: Page, site: Site, shop: Shop, visitor: str, seen: Seen
) -> None:
    page.evaluate("regulars.page({channel: 'direct'})")
    page.evaluate("regulars.view('item-03')")
    page.evaluate("regulars.search('green tea')")
    page.evaluate("regulars.addToCart({item_id: 'item-03', quantity: 2, unit_price: 1999})")
    page.evaluate("regulars.removeFromCart('item-03')")

    types = ["view_item_list", "view_item", "search", "add_to_cart", "remove_from_cart"]
    events = {each["type"]: each for each in arrived(shop.home, visitor, types=types)}
    assert events["view_item_list"]["properties"] == {"page": "/", "channel": "direct"}
    assert events["view_item"]["items"] == ["item-03"]
    assert events["search"]["properties"] == {"query": "green tea"}
    assert events["add_to_cart"]["items"] == events["remove_from_cart"]["items"] == ["item-03"]
    assert {each["customer_id"] for each in events.values()} == {None}
    assert len(site.posted) == 1
    assert (seen.errors, seen.console) == ([], [])


def test_consent_withdrawn_removes_the_visitor_and_ends_the_telling(
    page: Page, site: Site, visitor: str
) -> None:
    page.evaluate("regulars.view('item-03'); regulars.consent(false); regulars.view('item-04')")

    page.wait_for_timeout(1500)

    assert page.evaluate(VISITOR) is None
    assert page.evaluate(STORED) == [0, 0]
    assert site.posted == []
    page.evaluate("regulars.consent(true)")
    assert page.evaluate(VISITOR) != visitor


def test_consent_withdrawn_while_the_server_takes_its_time_leaves_nothing_behind(
    page: Page, site: Site, visitor: str
) -> None:
    site.seconds = 0.5
    with page.expect_request("**/v1/events"):
        page.evaluate("regulars.view('item-03')")
    with page.expect_response("**/v1/events"):
        page.evaluate("regulars.consent(false)")
    page.wait_for_timeout(200)

    assert page.evaluate(STORED) == [0, 0]


def test_a_visitor_is_the_same_one_on_the_next_page_and_another_one_after_half_a_year(
    page: Page, site: Site, visitor: str
) -> None:
    page.goto(f"{site.url}/item")
    page.evaluate(INIT, {"consent": "granted"})
    same = page.evaluate(VISITOR)
    page.evaluate(
        "localStorage['regulars-visitor'] = JSON.stringify({id: 'old', until: Date.now() - 1})"
    )
    page.goto(site.url)
    page.evaluate(INIT, {"consent": "granted"})
    later = page.evaluate(VISITOR)
    until = page.evaluate("JSON.parse(localStorage['regulars-visitor']).until - Date.now()")

    assert same == visitor
    assert later not in (visitor, "old")
    assert until == pytest.approx(180 * 86_400_000, rel=1e-4)


def test_a_list_is_cards_with_titles_prices_and_links(page: Page, visitor: str) -> None:
    answer = page.evaluate(LIST, ["home", {"limit": 3}])

    first = answer["items"][0]["item_id"]
    cards = page.locator("#list ul.regulars-list > li.regulars-item > a.regulars-card")
    assert cards.count() == 3
    assert cards.first.inner_text() == f"Item {int(first[5:])} €19.99"
    assert cards.first.get_attribute("href") == f"/item?{int(first[5:])}"
    assert page.get_by_text("Our own picks").count() == 0


def test_who_looked_at_items_is_shown_what_goes_with_them_and_a_customer_their_own_list(
    page: Page, server: Server, visitor: str
) -> None:
    page.evaluate("regulars.view('item-03')")
    of_visit = page.evaluate(LIST, ["home", {"limit": 5}])
    page.evaluate("regulars.identify('c007')")
    own = page.evaluate(LIST, ["home", {"limit": 5}])

    assert {each["reasons"][0]["code"] for each in of_visit["items"]} == {"because_you_viewed"}
    assert [each["item_id"] for each in own["items"]] == server.items("c007", limit=5)


def test_lists_of_an_item_and_of_a_basket_leave_out_what_is_shown_elsewhere(
    page: Page, visitor: str
) -> None:
    similar = page.evaluate(LIST, ["item", {"similar": "item-03", "limit": 3}])
    first = similar["items"][0]["item_id"]
    rest = page.evaluate(LIST, ["item", {"similar": "item-03", "limit": 3, "exclude": [first]}])
    together = page.evaluate(LIST, ["item", {"together": "item-03", "limit": 3}])
    basket = page.evaluate(LIST, ["basket", {"basket": ["item-03", "item-04"], "exclude": [first]}])

    assert similar["items"][0]["reasons"][0] == {"code": "similar", "item_id": "item-03"}
    assert first not in [each["item_id"] for each in rest["items"]]
    assert together["items"][0]["reasons"][0]["code"] == "bought_together"
    assert basket["placement"] == "basket"
    assert not {first, "item-03", "item-04"} & {each["item_id"] for each in basket["items"]}


def test_a_click_on_a_recommendation_arrives_with_the_list_it_came_from(
    page: Page, site: Site, shop: Shop, visitor: str
) -> None:
    answer = page.evaluate(LIST, ["home", {"limit": 4}])
    page.wait_for_timeout(1300)
    page.locator("#list a").nth(1).focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/item?*")
    page.evaluate(INIT, {"consent": "granted"})
    page.evaluate("id => regulars.addToCart(id)", answer["items"][1]["item_id"])

    types = ["impression", "select_item", "add_to_cart"]
    events = {each["type"]: each for each in arrived(shop.home, visitor, types=types)}
    items = [each["item_id"] for each in answer["items"]]
    assert events["impression"]["items"] == items
    assert events["impression"]["properties"] == {"ranks": [1, 2, 3, 4]}
    assert events["select_item"]["items"] == [items[1]]
    assert events["select_item"]["properties"] == {"rank": 2}
    for each in events.values():
        assert each["recommendation_id"] == answer["recommendation_id"]
        assert each["placement"] == "home"


def test_an_item_is_seen_when_it_comes_into_view_and_only_once(
    page: Page, shop: Shop, visitor: str
) -> None:
    page.evaluate("document.body.insertAdjacentHTML('afterbegin', '<p id=tall></p>')")
    page.evaluate("tall.style.height = '3000px'")
    page.evaluate(LIST, ["home", {"limit": 2}])
    page.wait_for_timeout(1300)
    before = [each for each in log(shop.home) if each["anonymous_id"] == visitor]
    for _ in range(3):
        page.evaluate("scrollTo(0, document.body.scrollHeight)")
        page.wait_for_timeout(100)
        page.evaluate("scrollTo(0, 0)")
        page.wait_for_timeout(100)

    assert before == []
    (seen,) = arrived(shop.home, visitor, types=["impression"])
    assert len(seen["items"]) == 2


def test_what_was_told_as_the_page_was_left_arrives_and_counts_once(
    page: Page, site: Site, shop: Shop, visitor: str
) -> None:
    page.evaluate("regulars.view('item-05')")
    page.goto("about:blank")
    arrived(shop.home, visitor, types=["view_item"])
    page.goto(site.url)
    page.evaluate(INIT, {"consent": "granted"})
    page.wait_for_timeout(1500)

    (event,) = arrived(shop.home, visitor, types=["view_item"])
    ids = [each["event_id"] for batch in site.posted for each in batch["events"]]
    # Left with a beacon, whose answer nobody sees, and told again on the next page.
    assert ids == [event["event_id"]] * 2
    assert json.loads(page.evaluate("sessionStorage['regulars-visit']"))["queue"] == []


def test_a_failure_is_tried_again_until_it_arrives_and_counts_once(
    page: Page, site: Site, shop: Shop, visitor: str
) -> None:
    site.up = False
    page.evaluate("regulars.view('item-05')")
    page.wait_for_timeout(1600)
    kept = json.loads(page.evaluate("sessionStorage['regulars-visit']"))["queue"]
    site.up = True

    (event,) = arrived(shop.home, visitor, types=["view_item"])
    assert [each["event_id"] for each in kept] == [event["event_id"]]
    assert len(site.posted) >= 2


def test_an_order_told_by_the_page_counts_once_however_often_it_is_loaded(
    page: Page, shop: Shop, server: Server, visitor: str
) -> None:
    line = {"item_id": "item-05", "quantity": 1, "unit_price": 500}
    order = {"order_id": "page-1", "lines": [line], "currency": "EUR"}
    before = server.get("/v1/customers/c020/profile")["orders"]
    page.evaluate("order => regulars.purchase(order)", order)
    page.evaluate("regulars.identify('c020')")
    for _ in range(2):
        page.evaluate("order => regulars.purchase(order)", order)

    arrived(shop.home, visitor, types=["identify", "purchase"])
    page.wait_for_timeout(300)
    assert server.get("/v1/customers/c020/profile")["orders"] == before + 1


def test_a_server_that_is_down_leaves_the_page_as_it_is(
    context: BrowserContext, site: Site, seen: Seen
) -> None:
    nobody = f"http://127.0.0.1:{free_port()}"
    site.pages["/down"] = PAGE.format(snippet=f"{nobody}/regulars.js")
    page = context.new_page()
    seen.watch(page)
    page.goto(f"{site.url}/down")
    (idiom,) = re.findall(r"^const regulars = .*", GUIDE, flags=re.MULTILINE)
    own = f"() => {{ {idiom} regulars.init({{}}); regulars.view('x'); return 'goes on' }}"

    assert page.evaluate(own) == "goes on"
    # Here the snippet came, and everything after it fails.
    page.goto(site.url)
    site.up = False
    page.evaluate(INIT, {"consent": "granted"})
    assert page.evaluate(LIST, ["home", {}]) is None
    page.evaluate(INIT, {"consent": "granted", "url": nobody})
    assert page.evaluate(LIST, ["home", {}]) is None
    assert page.locator("#list").inner_text() == "Our own picks"
    assert seen.errors == []


def test_an_own_way_of_making_cards_is_taken_and_one_that_fails_leaves_the_page_as_it_is(
    page: Page, visitor: str
) -> None:
    failed = page.evaluate(
        "() => regulars.recommend('home', list, {render() { throw new Error('no') }})"
    )
    page.evaluate("() => regulars.recommend('home', list, {items: () => []})")
    untouched = page.locator("#list").inner_text()
    page.evaluate("""() => regulars.recommend('home', list, {
        limit: 2,
        items: async ids => ids.map(item_id => ({item_id, title: `My ${item_id}`})),
        render: (item, place) => new Text(`${place.rank}. ${item.title}`),
    })""")

    assert failed is None
    assert untouched == "Our own picks"
    assert page.locator("#list li").first.inner_text().startswith("1. My item-")


def test_of_two_lists_for_one_place_the_later_one_stays(page: Page, visitor: str) -> None:
    page.evaluate("""() => {
        const later = milliseconds => ids => new Promise(done => setTimeout(
            () => done(ids.map(item_id => ({item_id, title: `After ${milliseconds}`}))),
            milliseconds,
        ));
        return Promise.all([600, 1].map(milliseconds =>
            regulars.recommend('home', list, {items: later(milliseconds)})));
    }""")

    assert page.locator("#list li").first.inner_text().strip() == "After 1"


def test_nothing_that_a_strict_policy_forbids_is_done(
    context: BrowserContext, site: Site, seen: Seen, shop: Shop
) -> None:
    site.policy = STRICT
    page = context.new_page()
    seen.watch(page)
    page.goto(site.url)
    page.evaluate(INIT, {"consent": "granted"})
    visitor = str(page.evaluate(VISITOR))
    page.evaluate(LIST, ["home", {"limit": 4}])

    arrived(shop.home, visitor, types=["impression"])
    assert page.locator("#list li").count() == 4
    assert (seen.errors, [each for each in seen.console if "data:," not in each]) == ([], [])


def test_text_and_addresses_of_the_catalogue_do_no_harm(
    page: Page, server: Server, visitor: str, seen: Seen
) -> None:
    foreign = "<img src=x onerror=\"document.title='harmed'\">"
    items = [
        {"item_id": "item-07", "title": foreign, "url": "javascript:document.title='harmed'"},
        {"item_id": "item-08", "title": "B", "url": "JaVaScRiPt:alert(1)", "image_url": "data:x"},
        {"item_id": "item-09", "title": "C", "url": "https://shop.example/c?a=1&b=2"},
    ]
    before = [server.get(f"/v1/items/{each['item_id']}") for each in items]
    server.call("/v1/items", {"items": items}, method="PUT")
    page.evaluate(LIST, ["home", {"limit": 100}])

    cards = page.locator("#list a")
    titles = [card.locator(".regulars-title").inner_text() for card in cards.all()]
    links = [card.get_attribute("href") for card in cards.all()]
    shown = dict(zip(titles, links, strict=True))
    assert shown[foreign] is None
    assert shown["B"] is None
    assert shown["C"] == "https://shop.example/c?a=1&b=2"
    assert page.locator("#list img").count() == 0
    assert page.title() == "Shop"
    server.call("/v1/items", {"items": before}, method="PUT")


def test_where_nothing_can_be_stored_the_visit_is_one_page(
    context: BrowserContext, site: Site, shop: Shop, seen: Seen
) -> None:
    page = context.new_page()
    seen.watch(page)
    page.add_init_script("""for (const name of ["localStorage", "sessionStorage"])
        Object.defineProperty(window, name, {get() { throw new DOMException("blocked") }})""")
    page.goto(site.url)
    page.evaluate(INIT, {"consent": "granted"})
    visitor = str(page.evaluate(VISITOR))
    page.evaluate("regulars.view('item-01'); regulars.view('item-02')")

    arrived(shop.home, visitor, types=["view_item", "view_item"])
    assert seen.errors == []


def test_the_guides_example_works_as_it_stands_there(
    context: BrowserContext, site: Site, shop: Shop, seen: Seen
) -> None:
    address = "https://recommend.shop.example"
    html, script = (
        re.findall(rf"```{kind}\n(.*?)```", GUIDE, flags=re.DOTALL)[0].replace(address, site.url)
        for kind in ("html", "js")
    )
    # On this machine no key is needed; the shop's own script stands in the page.
    script = script.replace("rk_publishable_...", "")
    own = '<script src="/shop.js" defer></script>'
    assert own in html
    site.pages["/guide"] = html.replace(own, f"<script type=module>{script}</script>")
    page = context.new_page()
    seen.watch(page)
    page.goto(f"{site.url}/guide")
    page.locator("#picked li").nth(3).wait_for()
    before = page.evaluate(STORED)
    page.locator("#consent-yes").click()

    visitor = str(page.evaluate(f"window.{VISITOR}"))
    assert before == [0, 0]
    arrived(shop.home, visitor, types=["view_item_list", "impression"])
    assert seen.errors == []


def test_a_page_of_an_allowed_origin_with_key_and_token_gets_lists_and_tells_what_happens(
    context: BrowserContext, site: Site, tmp_path: Path, seen: Seen
) -> None:
    shop = Shop(tmp_path, {"REGULARS_CORS_ORIGINS": site.url})
    shop.done("ingest", write_csv(tmp_path / "orders.csv", a_shop()), "--currency", "EUR")
    items = [{"item_id": f"item-{number:02d}", "title": str(number)} for number in range(30)]
    with shop.serving(workers=1) as other:
        other.call("/v1/items", {"items": items}, method="PUT")
        key = shop.done("keys", "create", "--kind", "publishable").strip()
        token = shop.done("keys", "token", "c007").strip()
        while other.call("/v1/items/popular")[0] == 200:
            time.sleep(0.1)
        page = context.new_page()
        seen.watch(page)
        page.goto(site.url)
        begin = {"consent": "granted", "url": other.url, "key": key}
        page.evaluate(INIT, begin)
        visitor = str(page.evaluate(VISITOR))
        nobodys = page.evaluate(LIST, ["home", {"limit": 4}])
        page.evaluate(DRAWN)
        page.evaluate("token => regulars.identify('c007', token)", token)
        own = page.evaluate(LIST, ["home", {"limit": 4}])
        page.evaluate(DRAWN)
        page.evaluate("regulars.view('item-03')")
        # No beacon: it would ask for cookies.
        page.goto("about:blank")
        arrived(tmp_path, visitor, types=["identify", "impression", "impression", "view_item"])
        complaints = list(seen.console)
        page.goto(site.url.replace("127.0.0.1", "localhost"))
        page.evaluate(INIT, begin)
        refused = page.evaluate(LIST, ["home", {}])

    assert (nobodys["customer_id"], own["customer_id"]) == (None, "c007")
    assert (seen.errors, complaints) == ([], [])
    assert refused is None
    assert page.locator("#list").inner_text() == "Our own picks"
