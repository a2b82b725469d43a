"""What somebody might send who means no good, as small lists and what they are crossed with."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

# A product that no answer holds unless somebody worked it out.
PRODUCT = str(7919 * 7907)
TEXTS = {
    "parent folder": "../../../../etc/passwd",
    "two dots": "..",
    "one dot": ".",
    "slash": "/",
    "slashes": "a//b/",
    "dots inside": "a/../b",
    "encoded dots": "%2e%2e%2f",
    "backslashes": "..\\..\\boot.ini",
    "NUL": "a\0b",
    "bell": "a\x07",
    "escape sequence": "\x1b[31mred\x1b[0m",
    "delete": "a\x7f",
    "next line": "a\x85b",
    "header": "a\r\nX-Evil: 1",
    "log line": "a\n2026-03-02 ERROR all is lost",
    "tab": "a\tb",
    "space": " ",
    "spaces around": " a ",
    "no-break space": "a\u00a0b",
    "soft hyphen": "a\u00adb",
    "emoji": "🙂",
    "family": "👩\u200d👩\u200d👧\u200d👦",
    "right to left": "\u202egnp.exe",
    "isolates": "\u2066a\u2069",
    "Hebrew": "שלום",
    "byte order mark": "\ufeffa",
    "no width": "a\u200bb",
    "combining": "Z\u0351\u036b\u0343\u036a\u0302\u036b",
    "one long letter": "﷽",
    "no character": "\uffff",
    "private use": "\ue000",
    "beyond the plane": "\U0010ffff",
    "line separator": "a\u2028b",
    "full width": "１２",
    "mathematical": "𝟙",
    "as long as can be": "x" * 200,
    "too long by one": "x" * 201,
    "far too long": "x" * 5_000,
    "SQL": "' OR 1=1; DROP TABLE customers; --",
    "SQL union": '" UNION ALL VALUES(1,2)--',
    "LIKE": "%",
    "LIKE of one": "_",
    "Jinja": "{{7919*7907}}",
    "Jinja statement": "{% for a in b %}{{7919*7907}}{% endfor %}",
    "expression language": "${7919*7907}",
    "Ruby": "#{7919*7907}",
    "ERB": "<%= 7919*7907 %>",
    "lookup": "${jndi:ldap://127.0.0.1/a}",
    "shell": "; cat /etc/passwd",
    "subshell": "$(expr 7919 \\* 7907)",
    "backticks": "`id`",
    "pipe": "| id",
    "script": "<script>alert(1)</script>",
    "image": '"><img src=x onerror=alert(1)>',
    "script address": "javascript:alert(1)",
    "entity": '<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>',
    "formula": "=HYPERLINK(A1)",
    "formula of plus": "+1+1",
    "formula of minus": "-2+3",
    "formula of at": "@SUM(1+1)",
    "format": "%s%s%n%x",
    "named format": "%(name)s",
    "attributes": "{0.__class__.__mro__}",
    "LDAP": "*)(uid=*))(|(uid=*",
    "operator": '{"$gt": ""}',
    "slow pattern": "(a+)+$",
    "Redis": "*1\r\n$8\r\nFLUSHALL\r\n",
    "prototype": "__proto__",
    "null": "null",
    "None": "None",
    "true": "true",
    "NaN": "NaN",
    "infinity": "Infinity",
    "minus nothing": "-0",
    "huge exponent": "1e400",
    "64 bits": str(2**63),
    "digits": "9" * 5_000,
    "quote": '"',
    "comma": ",",
    "plus and percent": "+%",
    "question": "?limit=1#a",
}
# As they stand in an address: what no encoder of ours writes.
RAW = {
    "a byte of no character": "%ff",
    "overlong slash": "%c0%af",
    "overlong NUL": "%c0%80",
    "half a pair": "%ed%a0%80",
    "half a character": "%e2%82",
    "percent alone": "%",
    "no hexadecimal": "%zz",
    "sixteen bits": "%u0041",
    "encoded twice": "%2500",
    "encoded slashes": "%2f%2f",
    "encoded dots": "%2e%2e/%2e%2e/",
    "semicolon": ";a=b",
}
VALUES: dict[str, bytes] = {
    "null": b"null",
    "true": b"true",
    "NaN": b"NaN",
    "infinity": b"Infinity",
    "minus infinity": b"-Infinity",
    "1e400": b"1e400",
    "1e308": b"1e308",
    "1e-400": b"1e-400",
    "minus nothing": b"-0",
    "2**63": str(2**63).encode(),
    "2**64": str(2**64).encode(),
    "-2**63 - 1": str(-(2**63) - 1).encode(),
    "minus one": b"-1",
    "a fraction": b"0.1",
    "5,000 digits": b"9" * 5_000,
    "leading zeros": b"007",
    "hexadecimal": b"0x10",
    "a number as text": b'"1"',
    "NaN as text": b'"NaN"',
    "infinity as text": b'"inf"',
    "1e400 as text": b'"1e400"',
    "digits as text": b'"' + b"9" * 5_000 + b'"',
    "empty text": b'""',
    "half a pair": b'"\\ud800"',
    "a pair the wrong way": b'"\\udc00\\ud800"',
    "no UTF-8": b'"\xff"',
    "NUL escaped": b'"\\u0000"',
    "NUL as it is": b'"\0"',
    "unclosed": b'"a',
    "empty list": b"[]",
    "empty object": b"{}",
    "nulls": b"[" + b"null," * 1_999 + b"null]",
    "keys twice": b'{"a":1,"a":2}',
    "deep": b"[" * 10_000 + b"]" * 10_000,
    "deep objects": b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
    "text of the year 10000": b'"10000-01-01T00:00:00Z"',
    "a leap second": b'"2026-01-01T23:59:60Z"',
    "a day there is not": b'"2026-02-30T00:00:00Z"',
    "an offset there is not": b'"2026-01-01T00:00:00+99:99"',
}
EVENT = {
    "event_id": "evil",
    "type": "purchase",
    "occurred_at": "2026-03-01T00:00:00Z",
    "customer_id": "eve",
    "order_id": "evil",
    "lines": [{"item_id": "A", "quantity": 1, "unit_price": 500, "discount": 0}],
    "currency": "EUR",
}
GA_EVENT = {
    "event_id": "evil-ga",
    "type": "purchase",
    "customer_id": "eve",
    "currency": "EUR",
    "items": [{"item_id": "A", "price": 5, "quantity": 1, "discount": 0}],
    "transaction_id": "evil",
    "value": 5,
}
# Each address with a right body: one field of it is made wrong at a time.
BODIES: dict[str, tuple[str, str, dict[str, Any]]] = {
    "event": ("POST", "/v1/events", {**EVENT, "anonymous_id": "v", "properties": {"a": 1}}),
    "told": (
        "POST",
        "/v1/events",
        {
            "event_id": "evil-view",
            "type": "rating",
            "customer_id": "eve",
            "recommendation_id": "r",
            "placement": "home",
            "backfill": False,
            "properties": {"item_id": "A", "rating": 3, "best": 5},
        },
    ),
    "GA event": ("POST", "/v1/events", GA_EVENT),
    "events": ("POST", "/v1/events", {"events": [EVENT]}),
    "item": (
        "PUT",
        "/v1/items",
        {
            "item_id": "evil",
            "title": "t",
            "category": "c",
            "brand": "b",
            "price": 1,
            "cost": 1,
            "image_url": "u",
            "url": "u",
            "available": False,
            "tags": ["t"],
            "attributes": {"a": 1},
        },
    ),
    "items": ("PUT", "/v1/items", {"items": [{"item_id": "evil"}]}),
    "basket": (
        "POST",
        "/v1/basket/recommendations",
        {
            "items": ["A"],
            "customer_id": "eve",
            "limit": 3,
            "placement": "p",
            "category": "c",
            "exclude_item_ids": ["B"],
            "strict_filtering": False,
            "diversity": 0.5,
            "diversity_by": "category",
            "calibration": 0.5,
            "price_affinity": 0.5,
            "category_cap": 3,
            "brand_cap": 3,
        },
    ),
    "session": ("POST", "/v1/sessions/recommendations", {"items": ["A"], "limit": 3}),
    "rerank": ("POST", "/v1/rerank", {"customer_id": "eve", "items": ["A"], "limit": 3}),
    "segment": (
        "PUT",
        "/v1/segments/evil",
        {
            "title": "t",
            "description": "d",
            "condition": {"all": [{"feature": "orders", "at_least": 3}]},
        },
    ),
    "token": ("POST", "/v1/customers/eve/token", {"ttl_seconds": 60}),
    "track": (
        "POST",
        "/v1/track",
        {
            "userId": "eve",
            "anonymousId": "v",
            "messageId": "evil-track",
            "event": "Order Completed",
            "timestamp": "2026-03-01T00:00:00Z",
            "sentAt": "2026-03-01T00:00:00Z",
            "context": {"userAgent": "Mozilla"},
            "properties": {
                "order_id": "o",
                "currency": "EUR",
                "revenue": 5,
                "products": [{"product_id": "A", "price": 5, "quantity": 1}],
            },
        },
    ),
    "identify": ("POST", "/v1/identify", {"userId": "eve", "traits": {"a": 1}}),
    "batch": ("POST", "/v1/batch", {"batch": [{"type": "page", "userId": "eve", "name": "n"}]}),
    "collect": (
        "POST",
        "/mp/collect",
        {
            "client_id": "v",
            "user_id": "eve",
            "timestamp_micros": 1_772_323_200_000_000,
            "events": [
                {
                    "name": "purchase",
                    "params": {
                        "transaction_id": "t",
                        "value": 5,
                        "currency": "EUR",
                        "items": [{"item_id": "A", "price": 5, "quantity": 1}],
                    },
                }
            ],
        },
    ),
}
PATHS = (
    "/v1/customers/{}/recommendations",
    "/v1/customers/{}/profile",
    "/v1/customers/{}/segments",
    "/v1/items/{}",
    "/v1/items/{}/similar",
    "/v1/segments/{}/customers",
    "/{}",
)
QUERIES = (
    *(
        f"/v1/customers/eve/recommendations?{name}="
        for name in ("limit", "placement", "category", "exclude_item_ids", "strict_filtering")
    ),
    *(
        f"/v1/items/popular?{name}="
        for name in ("diversity", "diversity_by", "segment", "brand_cap")
    ),
    "/v1/segments/loyal/customers?after=",
    "/v1/customers/eve/profile?explain=",
    "/v1/items/popular?key=",
    "/v1/items/popular?token=",
    "/v1/items/popular?",
)
HEADERS = (
    "Authorization",
    "X-Request-ID",
    "X-Customer-Token",
    "Origin",
    "User-Agent",
    "X-Forwarded-For",
    "Accept",
    "Host",
    "Cookie",
    "If-None-Match",
)


@dataclass(frozen=True)
class Attack:
    """One request; `address` is written as it travels."""

    name: str
    address: str
    method: str = "GET"
    body: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


def in_paths() -> Iterator[Attack]:
    """Every text, and what is no text, in every kind of path."""
    for path in PATHS:
        for name, text in TEXTS.items():
            yield Attack(f"{path} {name}", path.format(quote(text, safe="")))
        for name, raw in RAW.items():
            yield Attack(f"{path} raw {name}", path.format(raw))


def in_queries() -> Iterator[Attack]:
    """Every text in every kind of query parameter, many of them, and the same one again."""
    for query in QUERIES:
        for name, text in TEXTS.items():
            yield Attack(f"{query} {name}", query + quote(text, safe=""))
        for name, raw in RAW.items():
            yield Attack(f"{query} raw {name}", query + raw)
    popular = "/v1/items/popular?"
    yield Attack("100 parameters", popular + "&".join(f"p{number}=1" for number in range(100)))
    yield Attack("10,000 parameters", popular + "a=1&" * 10_000)
    yield Attack("a limit 100 times", popular + "limit=1&" * 100)
    yield Attack("10,000 exclusions", popular + "exclude_item_ids=A&" * 10_000)


def in_headers() -> Iterator[Attack]:
    """Every text that a header can carry, in every header that anybody reads."""
    for header in HEADERS:
        for name, text in TEXTS.items():
            sent = text.encode().decode("latin-1")
            if not {"\r", "\n", "\0"} & set(sent):
                yield Attack(f"{header}: {name}", "/v1/items/popular", headers={header: sent})


def in_texts() -> Iterator[Attack]:
    """Every text as the value of a field of text."""
    fields = {
        "event": ("event_id", "type", "customer_id", "order_id", "currency", "occurred_at"),
        "told": ("placement", "recommendation_id", "properties"),
        "item": ("item_id", "title", "category", "tags"),
        "basket": ("items", "customer_id"),
        "segment": ("title", "condition"),
        "track": ("userId", "event", "messageId", "timestamp", "properties"),
        "collect": ("client_id", "events"),
    }
    for name, changed in fields.items():
        method, address, body = BODIES[name]
        for key in changed:
            for what, text in TEXTS.items():
                told = json.dumps(_like(body.get(key, ""), text))
                sent = with_value(body, (key,), told.encode())
                yield Attack(f"{name}.{key} {what}", address, method, sent)
    method, address, body = BODIES["event"]
    for what, text in TEXTS.items():
        sent = json.dumps({**body, text: 1}).encode()
        yield Attack(f"event of a field named {what}", address, method, sent)


def in_values() -> Iterator[Attack]:
    """Every strange value at every place of every body."""
    for name, (method, address, body) in BODIES.items():
        for place in places(body):
            for what, value in VALUES.items():
                sent = with_value(body, place, value)
                shown = ".".join(map(str, place))
                yield Attack(f"{name}.{shown} {what}", address, method, sent)


def in_bodies() -> Iterator[Attack]:
    """Bodies that are no JSON, not JSON by their word, or not what they are packed as."""
    wholes = {
        "empty": b"",
        "blank": b" \n",
        "NULs": b"\0" * 100,
        "every byte": bytes(range(256)),
        "XML": b'<?xml version="1.0"?><a/>',
        "a form": b"a=b&c=d",
        "UTF-16": "{}".encode("utf-16"),
        "UTF-32": "{}".encode("utf-32"),
        "10 MB of spaces": b" " * 10_000_000,
        "10 MB of text": b'{"a":"' + b"x" * 10_000_000 + b'"}',
        "many elements": b'{"events":[' + b"0," * 100_000 + b"0]}",
        "many fields": json.dumps({f"f{number}": 0 for number in range(20_000)}).encode(),
        "a long name": b'{"' + b"n" * 400_000 + b'":1}',
        "a name of no UTF-8": b'{"\xff":1}',
        "comments": b'{"a":1} // a',
        "a comma too many": b'{"a":1,}',
        "single quotes": b"{'a':1}",
        **{f"only {name}": value for name, value in VALUES.items()},
    }
    types = ("text/plain", "multipart/form-data; boundary=a", "application/xml", "a", "", "é/\xff")
    packed = gzip.compress(b"{}")
    bomb = gzip.compress(b" " * 60_000_000, 9)
    packings = {
        "a bomb": ("gzip", bomb),
        "a bomb in a bomb": ("gzip", gzip.compress(bomb)),
        "cut off": ("gzip", packed[:-4]),
        "broken": ("gzip", packed[:12] + b"\xff\xff" + packed[14:]),
        "none": ("gzip", b"{}"),
        "nothing": ("gzip", b""),
        "twice": ("gzip, gzip", gzip.compress(packed)),
        "deflate": ("deflate", packed),
        "br": ("br", packed),
        "a script": ("<script>" * 100, packed),
        "more behind": ("gzip", packed + b"more"),
    }
    taken = {(method, address) for method, address, _ in BODIES.values()}
    for method, address in sorted(taken):
        for name, body in wholes.items():
            yield Attack(f"{method} {address}: {name}", address, method, body)
        for kind in types:
            headers = {"Content-Type": kind}
            yield Attack(f"{method} {address}: as {kind!r}", address, method, b"{}", headers)
        for name, (packing, body) in packings.items():
            headers = {"Content-Encoding": packing}
            yield Attack(f"{method} {address}: packed, {name}", address, method, body, headers)


def places(value: Any, above: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The way to every value below."""
    inside = value.items() if isinstance(value, dict) else enumerate(value)
    for key, each in inside:
        yield (*above, key)
        if isinstance(each, dict | list):
            yield from places(each, (*above, key))


def with_value(body: dict[str, Any], place: tuple[str | int, ...], value: bytes) -> bytes:
    """The JSON of the body with another value, given as JSON or nearly so, at the place."""
    copy = json.loads(json.dumps(body))
    inner: Any = copy
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = "@@here@@"
    return json.dumps(copy).encode().replace(b'"@@here@@"', value)


def _like(old: object, text: str) -> object:
    """The text in something of the old value's kind."""
    if isinstance(old, dict):
        return {text: text, "item_id": text}
    return [text] if isinstance(old, list) else text
