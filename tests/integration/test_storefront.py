"""The sample shop without a browser: its pages, its forms, and what its server tells."""

from __future__ import annotations

import json
from collections.abc import Iterator
from xml.etree import ElementTree

import pytest
from flask.testing import FlaskClient

from api.storefront import cart
from api.storefront.sample import Sample
from api.storefront.shelf import money
from api.storefront.tiles import HUES, SHAPES, TONES, drawn, tile_of
from engine.errors import SettingsError
from engine.settings import Settings
from engine.store.customers import SqlCustomers
from engine.store.database import Database
from engine.store.features import SqlFeatures
from engine.store.ledger import SqlLedger
from tests.fakes import Shop, a_shop
from training.commands.serve import run_server
from training.serving.environments import worker_environment

ITEMS = [
    {"item_id": "A", "title": "GREEN TEA", "category": "TEA/COFFEE", "price": 499},
    {"item_id": "B", "title": '<b>"Cup"</b>', "category": "CUPS", "price": 1250, "brand": "Hand"},
    {"item_id": "F", "title": "Filter", "category": "TEA/COFFEE"},
]


@pytest.fixture
def sample_shop(sqlite_url: str) -> Iterator[Shop]:
    database = Database.open(sqlite_url)
    database.upgrade()
    sample = Sample(SqlCustomers(database), SqlFeatures(database), SqlLedger(database))
    with a_shop(database, storefront=sample) as opened:
        opened.client.put("/v1/items", json={"items": ITEMS})
        opened.buy("ann", "A", "e1", currency="EUR")
        yield opened
    database.close()


@pytest.fixture
def client(sample_shop: Shop) -> FlaskClient:
    return sample_shop.client


def test_there_is_no_sample_shop_unless_it_is_wanted(shop: Shop):
    assert shop.client.get("/storefront/").status_code == 404


def test_every_page_is_private_and_takes_scripts_and_styles_from_here_only(client: FlaskClient):
    for page in ("", "cart", "items/A", "items/none", "aisles/TEA/COFFEE"):
        answer = client.get(f"/storefront/{page}")

        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'; script-src 'self'; style-src 'self'" in policy
        assert answer.headers["Cache-Control"] == "private, no-store"
        assert "style=" not in answer.text
        assert " on" + "click" not in answer.text
        assert "http://" not in answer.text
        assert "https://" not in answer.text


def test_the_words_of_the_catalogue_are_shown_as_words(client: FlaskClient):
    assert "<h1>Green tea</h1>" in client.get("/storefront/items/A").text
    assert "&lt;b&gt;&#34;Cup&#34;&lt;/b&gt;" in client.get("/storefront/items/B").text


def test_an_item_nobody_described_and_an_empty_aisle_are_not_there(client: FlaskClient):
    assert client.get("/storefront/items/none").status_code == 404
    assert client.get("/storefront/aisles/SHOES").status_code == 404
    assert client.get("/storefront/tiles/hat-0-0.svg").status_code == 404
    assert client.get("/storefront/tiles/jar-99-0.svg").status_code == 404


def test_an_aisle_holds_its_items_only(client: FlaskClient):
    page = client.get("/storefront/aisles/TEA/COFFEE").text

    assert "/storefront/items/A" in page
    assert "/storefront/items/F" in page
    assert "/storefront/items/B" not in page


def test_an_order_is_a_purchase_of_the_household_told_by_the_server_and_told_twice_counts_once(
    client: FlaskClient,
):
    client.post("/storefront/visitor", data={"customer": "ann"})
    client.post("/storefront/cart", data={"item_id": "A"})
    client.post("/storefront/cart", data={"item_id": "A"})
    before = client.get_cookie("regulars-sample-cart", path="/storefront")
    first = client.post("/storefront/orders", data={"order_id": "o9", "anonymous_id": ""})
    emptied = client.get("/storefront/cart")
    client.set_cookie("regulars-sample-cart", before.decoded_value, path="/storefront")
    again = client.post("/storefront/orders", data={"order_id": "o9", "anonymous_id": ""})

    profile = client.get("/v1/customers/ann/profile").json
    assert "on disk and counted" in first.text
    assert "It is empty" in emptied.text
    assert "counted before" in again.text
    # 5.00 of the fixture and twice 4.99.
    assert (profile["orders"], profile["units"], profile["revenue"]) == (2, 3, 1498)


def test_an_order_of_anybody_names_the_visitor_and_no_customer(client: FlaskClient):
    client.post("/storefront/cart", data={"item_id": "B"})

    page = client.post("/storefront/orders", data={"order_id": "o1", "anonymous_id": "v1"}).text

    told = json.loads(page.split("data-told='")[1].split("'")[0])
    (event,) = told["sent"]
    assert (event["anonymous_id"], event.get("customer_id"), event["currency"]) == (
        "v1",
        None,
        "EUR",
    )
    assert event["lines"] == [{"item_id": "B", "quantity": 1.0, "unit_price": 1250}]


def test_nobody_becomes_a_customer_who_is_none_of_the_households(client: FlaskClient):
    client.post("/storefront/visitor", data={"customer": "bob"})

    assert 'data-customer=""' in client.get("/storefront/").text


def test_a_form_of_another_site_changes_nothing(client: FlaskClient):
    for path in ("cart", "orders", "visitor", "consent"):
        answer = client.post(
            f"/storefront/{path}",
            data={"item_id": "A"},
            headers={"Origin": "https://elsewhere.example"},
        )

        assert answer.status_code == 403
    assert "Set-Cookie" not in answer.headers


def test_the_answer_to_the_consent_is_remembered_and_leads_back_into_this_shop(
    client: FlaskClient,
):
    asked = client.get("/storefront/").text
    answer = client.post(
        "/storefront/consent", data={"granted": "true", "back": "/storefront/cart"}
    )
    away = client.post(
        "/storefront/consent", data={"granted": "false", "back": "//elsewhere.example"}
    )

    assert 'data-consent="unset"' in asked
    assert answer.headers["Location"] == "/storefront/cart"
    assert away.headers["Location"] == "/storefront/"
    assert 'data-consent="denied"' in client.get("/storefront/").text


def test_cards_are_told_titles_prices_and_pictures(client: FlaskClient):
    tea, cup = client.get("/storefront/items.json?ids=A,B").json["items"]

    assert (tea["title"], tea["price"], tea["url"]) == ("Green tea", 499, "/storefront/items/A")
    assert cup["title"] == '<b>"Cup"</b>'
    assert client.get(tea["image_url"]).mimetype == "image/svg+xml"


@pytest.mark.parametrize("shape", SHAPES)
def test_every_picture_is_one(shape: str):
    for hue, tone in ((0, 0), (HUES - 1, TONES - 1)):
        picture = drawn(shape, hue=hue, tone=tone)

        assert ElementTree.fromstring(picture).tag.endswith("svg")
        assert "class=" not in picture
        assert " -" not in picture.replace('viewBox="-', "").replace('x="-', "")


def test_an_item_has_the_same_picture_every_time_and_cheese_looks_like_cheese():
    first = tile_of("17", aisle="CHEESE", title="EDAM 8 OZ")

    assert first == tile_of("17", aisle="CHEESE", title="EDAM 8 OZ")
    assert first.startswith("wedge-")
    assert tile_of("18", aisle=None, title="").startswith("box-")


@pytest.mark.parametrize("cookie", [None, "", "{", "[]", '{"a": "b"}', '{"": 1}', '{"a": -1}'])
def test_what_is_no_cart_is_an_empty_one(cookie: str | None):
    assert cart.read(cookie) == {}


def test_a_cart_holds_so_much_and_the_oldest_goes_when_it_is_full():
    held: dict[str, int] = {}
    for number in range(cart.MOST_ITEMS + 1):
        held = cart.changed(held, f"i{number}", by=1)

    assert len(held) == cart.MOST_ITEMS
    assert "i0" not in held
    assert cart.changed({"a": 99}, "a", by=1) == {"a": 99}
    assert cart.changed({"a": 2, "b": 1}, "a", by=-2) == {"b": 1}
    assert cart.read(cart.written(held)) == held


@pytest.mark.parametrize(
    ("minor", "currency", "said"),
    [
        (123456, "USD", "$1,234.56"),
        (500, "JPY", "JPY 500"),
        (1500, "KWD", "KWD 1.500"),
        (5, None, "0.05"),
        (None, "EUR", ""),
    ],
)
def test_an_amount_has_the_digits_of_its_currency(minor, currency, said):
    assert money(minor, currency) == said


def test_the_sample_shop_is_not_served_to_other_machines(tmp_path):
    settings = Settings(home=tmp_path, host="0.0.0.0", storefront=True)

    with pytest.raises(SettingsError, match="anybody may be one of your customers"):
        run_server(settings)


def test_workers_are_told_whether_there_is_a_sample_shop(tmp_path):
    for wanted in (True, False):
        variables = worker_environment(Settings(storefront=wanted), None)

        assert Settings.from_env(variables, folder=tmp_path).storefront is wanted
    variables = worker_environment(Settings(storefront_key="rk_publishable_a_b"), None)
    assert Settings.from_env(variables, folder=tmp_path).storefront_key == "rk_publishable_a_b"
    with pytest.raises(SettingsError, match="neither true nor false"):
        Settings.from_env({"REGULARS_STOREFRONT": "maybe"}, folder=tmp_path)


def test_a_page_that_anybody_can_read_holds_no_secret_key(tmp_path):
    with pytest.raises(SettingsError, match="give a publishable key") as refused:
        Settings.from_env({"REGULARS_STOREFRONT_KEY": "rk_secret_id_hidden"}, folder=tmp_path)

    assert "hidden" not in str(refused.value)
