"""The sample shop in a real browser, as a visitor uses it."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from tests.browsing import Seen, log
from tests.shop import Server, Shop, a_trained_shop
from tests.waiting import PATIENCE_SECONDS

# WCAG 2.2, 1.4.3: contrast of text with what is behind it; of large text (24 px) less.
CONTRASTS = """() => {
  const parse = text => text.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map(c => c / 255)
    .map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = node => {
    for (; node; node = node.parentElement) {
      const color = parse(getComputedStyle(node).backgroundColor);
      if (color.length < 4 || color[3] > 0) return color;
    }
    return [255, 255, 255];
  };
  const poor = [];
  for (const node of document.body.querySelectorAll("*")) {
    const own = [...node.childNodes].some(each => each.nodeType === 3 && each.data.trim());
    if (!own || !node.checkVisibility()) continue;
    const style = getComputedStyle(node);
    const [a, b] = [light(parse(style.color)), light(behind(node))].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < (parseFloat(style.fontSize) >= 24 ? 3 : 4.5)) poor.push([node.textContent, ratio]);
  }
  return poor;
}"""
PAGES = ("", "items/item-03", "cart", "aisles/Taste 0", "items/none")


@pytest.fixture
def shop(browsed_shop: Shop) -> Shop:
    return browsed_shop


@pytest.fixture
def server(browsed_server: Server) -> Server:
    return browsed_server


@pytest.fixture
def page(context: BrowserContext, server: Server, seen: Seen) -> Page:
    opened = context.new_page()
    seen.watch(opened)
    opened.goto(f"{server.url}/storefront/")
    return opened


def agree(page: Page) -> str:
    """Agree in the banner; the visitor's id."""
    page.get_by_role("button", name="Yes, remember").click()
    page.get_by_role("button", name="Yes, remember").wait_for(state="detached")
    page.wait_for_function("regulars.visitor()")
    return str(page.evaluate("regulars.visitor()"))


def become(page: Page, customer: str) -> None:
    """Shop as one of the households."""
    page.get_by_role("button", name=f"No. {customer}", exact=True).click()
    page.get_by_role("heading", name="Good to see you again.").wait_for()


def shown(page: Page, rail: str = "home") -> list[str]:
    """The items of a list that the snippet has filled, in order."""
    cards = page.locator(f"[data-rail={rail}] .regulars-list a")
    cards.first.wait_for()
    return [str(card.get_attribute("href")).rpartition("/")[2] for card in cards.all()]


def test_whoever_says_nothing_or_no_is_shown_what_sells_best_and_told_of_to_nobody(
    page: Page, shop: Shop, server: Server, seen: Seen
) -> None:
    before = len(log(shop.home))
    best = server.get("/v1/items/popular?limit=8")["items"]

    assert shown(page) == [each["item_id"] for each in best]
    page.get_by_role("button", name="No, thank you").click()
    page.locator("[data-rail=home] a").first.click()
    page.wait_for_url("**/items/*")
    page.wait_for_timeout(1300)
    assert page.evaluate("regulars.visitor()") is None
    assert page.evaluate("localStorage.length") == 0
    assert len(log(shop.home)) == before
    assert (seen.errors, seen.console) == ([], [])


def test_what_an_unknown_visitor_looks_at_shapes_the_list_of_the_visit(
    page: Page, shop: Shop, seen: Seen
) -> None:
    visitor = agree(page)
    page.locator("[data-rail=home] .regulars-list a").first.click()
    page.get_by_role("heading", name="Similar items").wait_for()
    page.get_by_role("link", name="Sample Market").click()
    page.get_by_role("heading", name="Because of what you looked at").wait_for()

    told = [each for each in log(shop.home) if each["anonymous_id"] == visitor]
    assert {"view_item_list", "impression", "select_item"} <= {each["type"] for each in told}
    assert (seen.errors, seen.console) == ([], [])


def test_a_click_in_a_list_is_told_with_the_lists_id(page: Page, shop: Shop) -> None:
    visitor = agree(page)
    become(page, "c002")
    first = shown(page)[0]
    page.locator("[data-rail=home] .regulars-list a").first.click()
    page.wait_for_url(f"**/items/{first}")
    page.get_by_role("heading", name="Often bought together").wait_for()
    page.wait_for_timeout(1500)

    events = [each for each in log(shop.home) if each["anonymous_id"] == visitor]
    (click,) = [each for each in events if each["type"] == "select_item"]
    (view,) = [each for each in events if each["type"] == "view_item"]
    seen_lists = {each["recommendation_id"] for each in events if each["type"] == "impression"}
    assert (click["customer_id"], click["items"], click["placement"]) == ("c002", [first], "home")
    assert click["recommendation_id"] == view["recommendation_id"]
    assert click["recommendation_id"] in seen_lists
    assert [each["type"] for each in events].count("identify") == 1


def test_an_order_changes_the_next_list_and_the_panel_shows_what_was_sent(
    page: Page, shop: Shop, seen: Seen
) -> None:
    visitor = agree(page)
    become(page, "c001")
    before = shown(page)
    page.locator("[data-rail=home] .regulars-list a").first.click()
    page.get_by_role("button", name="Put into the cart").click()
    page.get_by_role("heading", name="Goes with your cart").wait_for()
    page.get_by_role("button", name="Place the order").click()
    page.get_by_role("heading", name="Thank you.").wait_for()

    after = shown(page)
    (order,) = [each for each in log(shop.home) if each["event_id"].startswith("storefront-")]
    assert (order["type"], order["customer_id"], order["anonymous_id"]) == (
        "purchase",
        "c001",
        visitor,
    )
    assert order["items"] == [before[0]]
    assert before[0] not in after
    page.locator("#panel > summary").click()
    told = page.locator("#told")
    assert told.get_by_text("From the shop's server: purchase").count() == 1
    told.get_by_text("Look inside").first.click()
    assert '"event_id"' in told.inner_text() or '"items"' in told.inner_text()
    assert (seen.errors, seen.console) == ([], [])


def test_consent_taken_back_in_the_footer_removes_the_visitor(page: Page) -> None:
    agree(page)
    page.reload()
    page.get_by_role("button", name="Stop telling it").click()
    page.get_by_role("button", name="Allow it").wait_for()

    assert page.evaluate("regulars.visitor()") is None
    assert page.evaluate("localStorage.length") == 0


@pytest.mark.parametrize("width", [390, 1280])
def test_every_page_fits_is_readable_and_complains_of_nothing(
    chromium: Browser, server: Server, seen: Seen, width: int
) -> None:
    context = chromium.new_context(viewport={"width": width, "height": 844})
    context.set_default_timeout(PATIENCE_SECONDS * 1000)
    page = context.new_page()
    seen.watch(page)
    for path in PAGES:
        page.goto(f"{server.url}/storefront/{path}")
        page.wait_for_load_state("networkidle")
        page.locator("#panel > summary").click()

        assert page.evaluate("document.documentElement.scrollWidth") == width, path
        assert page.evaluate(CONTRASTS) == [], path
    context.close()
    # The browser says so itself where there is no such item.
    missing = "Failed to load resource: the server responded with a status of 404 (Not Found)"
    assert (seen.errors, [each for each in seen.console if each != missing]) == ([], [])


def test_everything_can_be_reached_and_used_by_keyboard(page: Page) -> None:
    page.keyboard.press("Tab")
    first = page.evaluate("document.activeElement.textContent")
    page.keyboard.press("Enter")
    reached = set()
    for _ in range(60):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.textContent.trim().slice(0, 13)"))
    page.get_by_role("button", name="Yes, remember").focus()
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    page.keyboard.press("Enter")
    page.wait_for_function("regulars.visitor()")

    assert first == "Skip to the goods"
    assert {"Yes, remember", "No, thank you", "Taste 0", "What was sent"} <= reached
    assert outline == "solid"


def test_the_shop_works_without_scripts(chromium: Browser, server: Server) -> None:
    context = chromium.new_context(java_script_enabled=False)
    context.set_default_timeout(PATIENCE_SECONDS * 1000)
    page = context.new_page()
    page.goto(f"{server.url}/storefront/")
    page.get_by_role("button", name="No, thank you").click()
    page.locator(".goods a").first.click()
    page.get_by_role("button", name="Put into the cart").click()
    page.get_by_role("button", name="Place the order").click()

    assert page.get_by_role("heading", name="Thank you.").is_visible()
    context.close()


def test_a_shop_with_keys_shows_each_household_its_own_lists(
    context: BrowserContext, tmp_path: Path, seen: Seen
) -> None:
    shop = a_trained_shop(tmp_path, REGULARS_STOREFRONT="true")
    shop.variables["REGULARS_STOREFRONT_KEY"] = shop.done(
        "keys", "create", "--kind", "publishable"
    ).strip()
    with shop.serving() as server:
        page = context.new_page()
        seen.watch(page)
        page.goto(f"{server.url}/storefront/")
        agree(page)
        best = shown(page)
        become(page, "c002")
        own = shown(page)

        assert server.call("/v1/customers/c002/recommendations")[0] == 401
        assert len(best) == len(own) == 8
        assert own != best
        assert (seen.errors, seen.console) == ([], [])
