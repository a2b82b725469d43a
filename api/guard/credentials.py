"""What a request shows: a key, and a customer's token."""

from __future__ import annotations

import binascii
from base64 import b64decode
from typing import NamedTuple
from urllib.parse import parse_qs

from api.headers import Environ
from engine.domain.keys import PREFIX, KeyKind

KEY, TOKEN = "key", "token"
# GA4's Measurement Protocol knows no other place for it.
MEASUREMENT, API_SECRET = "/mp/collect", "api_secret"
# A list takes these beside its own parameters.
PARAMETERS = (KEY, TOKEN)
PUBLISHABLE = f"{PREFIX}_{KeyKind.PUBLISHABLE}_"
_BEARER, _BASIC = "bearer", "basic"


class Shown(NamedTuple):
    """A key and a token, empty for none; `wrong` says why they cannot be read."""

    key: str = ""
    token: str = ""
    wrong: str = ""


NOTHING = Shown()


def shown(environ: Environ) -> Shown:
    """What the request shows, in its header or, of what is public anyway, in its address."""
    authorization = environ.get("HTTP_AUTHORIZATION", "") or _measurement(environ)
    query = environ.get("QUERY_STRING", "")
    token = environ.get("HTTP_X_CUSTOMER_TOKEN", "")
    if "key" not in query and "token" not in query:
        if not authorization:
            return Shown(token=token) if token else NOTHING
        key, wrong = _of_header(authorization)
        return Shown(key, token, wrong)
    asked = _parsed(query)
    keys, tokens = asked.get(KEY, ()), asked.get(TOKEN, ())
    if len(keys) > 1 or len(tokens) > 1:
        return Shown(wrong="send one key and one token")
    token = token or "".join(tokens)
    if authorization:
        key, wrong = _of_header(authorization)
        return Shown(key, token, wrong)
    key = "".join(keys)
    if key and not key.startswith(PUBLISHABLE):
        return Shown(
            wrong="only a publishable key may stand in an address, where logs keep it; send others "
            "as Authorization: Bearer, and revoke one that was sent like this"
        )
    return Shown(key, token)


def without_credentials(query: str) -> str:
    """The query as it would be if key and token stood in headers.

    For whoever remembers queries: those of one page are then the same for every customer.
    """
    if "key=" not in query and "token=" not in query:
        return query
    parts = query.split("&")
    return "&".join(part for part in parts if part.partition("=")[0] not in PARAMETERS)


def _measurement(environ: Environ) -> str:
    """The key of a GA4 client, as if it stood in the header."""
    if environ.get("PATH_INFO") != MEASUREMENT:
        return ""
    keys = _parsed(environ.get("QUERY_STRING", "")).get(API_SECRET, ())
    return f"{_BEARER} {keys[0]}" if keys else ""


def _of_header(value: str) -> tuple[str, str]:
    scheme, _, rest = value.partition(" ")
    rest = rest.strip()
    if scheme.lower() == _BEARER:
        return (rest, "") if rest else ("", "the header Authorization holds no key")
    if scheme.lower() == _BASIC:
        # Clients of Segment send their write key as a user without a password.
        try:
            user = b64decode(rest, validate=True).decode("utf-8").partition(":")[0]
        except (binascii.Error, ValueError):
            user = ""
        return (user, "") if user else ("", "the header Authorization: Basic holds no key")
    return "", "send the key as Authorization: Bearer rk_..."


def _parsed(query: str) -> dict[str, list[str]]:
    try:
        return parse_qs(query, max_num_fields=2_000)
    except ValueError:
        # Too many to be of use to any route; the route says so.
        return {}
