"""Reading JSON bodies: whatever is sent, the answer is a value or a RequestInvalid."""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence
from typing import TypeVar

import msgspec
from flask import request
from werkzeug.exceptions import RequestEntityTooLarge

from api.json_words import in_words
from api.problems import MediaTypeUnsupported
from api.wire import MAX_BATCH
from engine.errors import RequestInvalid

MAX_DEPTH = 32
LARGEST_BODY = 50_000_000
LARGEST_INT = 2**63 - 1
_PLACE = re.compile(r"^(?P<reason>.*?)(?: - at `\$\.?(?P<field>.*)`)?$", re.DOTALL)
_NO_SUCH_FIELD = re.compile(r"Object contains unknown field `(?P<name>.*)`", re.DOTALL)
_MISSING_FIELD = re.compile(r"Object missing required field `(?P<name>.*)`", re.DOTALL)
_MEANT = {
    "products": "; what was bought stands in lines",
    "item_id": "; it stands in lines",
    "event": "; the kind of event stands in type",
    "userId": "; the customer stands in customer_id",
    "user_id": "; the customer stands in customer_id",
    "timestamp": "; the time stands in occurred_at",
}
CLOSED = "; /docs lists the fields there are"
_Decoded = TypeVar("_Decoded")


def read_json(*, of_servers: bool = False) -> dict[str, msgspec.Raw]:
    """The body's JSON object, its values not yet decoded.

    It must be declared as JSON: a page of another site can make a browser send text or a form to
    this address without asking, but not JSON. `of_servers`: nor does a declaration matter where no
    page sends, which a browser would say.
    """
    if not request.is_json and not (of_servers and "Origin" not in request.headers):
        raise MediaTypeUnsupported(
            f"{request.mimetype or 'a body without a type'} is no JSON; "
            "send the header Content-Type: application/json"
        )
    body = _sent()
    if not body.strip():
        raise RequestInvalid("the body is empty; send a JSON object", field="body")
    return decode(body, dict[str, msgspec.Raw], field="body")


def _sent() -> bytes:
    """The body as its sender wrote it, unpacked; raises RequestEntityTooLarge."""
    body = request.get_data(cache=False)
    limit = request.max_content_length
    if request.content_length is None and limit is not None and len(body) >= limit:
        # A body of unstated length is cut off at the limit without a word.
        raise RequestEntityTooLarge
    if request.content_length is not None and len(body) < request.content_length:
        # The sender hung up: what came may be JSON and still not all that was meant.
        raise RequestInvalid("the body is shorter than its Content-Length says", field="body")
    packing = request.headers.get("Content-Encoding", "").strip().lower()
    if packing in ("", "identity"):
        return body
    if packing not in ("gzip", "x-gzip"):
        raise MediaTypeUnsupported(f"{packing[:40]!r} cannot be unpacked; send gzip or plain JSON")
    return _unpacked(body, limit=LARGEST_BODY if limit is None else limit)


def _unpacked(body: bytes, *, limit: int) -> bytes:
    """What gzip packed, never more than the limit: a small body may hold gigabytes."""
    unpacking = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    try:
        plain = unpacking.decompress(body, limit + 1)
    except zlib.error as error:
        raise RequestInvalid("the body is no gzip, or a broken one", field="body") from error
    if len(plain) > limit:
        raise RequestEntityTooLarge
    if not unpacking.eof:
        raise RequestInvalid("the gzip of the body ends too early", field="body")
    return plain


def one_or_many(content: dict[str, msgspec.Raw], *, key: str) -> list[bytes] | None:
    """The JSON of each element of the batch under the key, None when the body is one element."""
    if key not in content:
        return None
    others = sorted(name for name in content if name != key)
    if others:
        raise RequestInvalid(f"a batch holds {key!r} and nothing else", field=others[0])
    elements = decode(bytes(content[key]), list[msgspec.Raw], field=key)
    if len(elements) > MAX_BATCH:
        raise RequestInvalid(
            f"at most {MAX_BATCH} a request, these are {len(elements)}; send smaller batches",
            field=key,
        )
    return [bytes(each) for each in elements]


def decode(data: bytes, kind: type[_Decoded], *, field: str = "", closed: bool = False) -> _Decoded:
    """The JSON as a value of the given type; `field` names the place of the whole.

    `closed`: what has no field of its own has no other place either.

    Raises RequestInvalid naming the field and the type expected there.
    """
    whole = field or "body"
    try:
        return msgspec.json.decode(data, type=kind)
    except UnicodeDecodeError as error:
        reason = f"the text is not UTF-8 at byte {error.start} of a string"
        raise RequestInvalid(reason, field=whole) from error
    except msgspec.ValidationError as error:
        raise _invalid(str(error), field, closed=closed) from error
    except msgspec.DecodeError as error:
        raise RequestInvalid(_syntax(str(error), data), field=whole) from error
    except RecursionError as error:
        raise RequestInvalid("the JSON is nested too deeply", field=whole) from error


def check_free(value: object, *, field: str) -> None:
    """Raise RequestInvalid when free-form content cannot be stored and read back unchanged."""
    level: Sequence[tuple[str, object]] = [(field, value)]
    for _ in range(MAX_DEPTH):
        level = [inner for place, each in level for inner in _inside(place, each)]
        if not level:
            return
    raise RequestInvalid(f"nested deeper than {MAX_DEPTH} levels", field=field)


def _inside(place: str, value: object) -> list[tuple[str, object]]:
    if isinstance(value, dict):
        return [(f"{place}.{key}", each) for key, each in value.items()]
    if isinstance(value, list):
        return [(f"{place}[{index}]", each) for index, each in enumerate(value)]
    if isinstance(value, int) and abs(value) > LARGEST_INT:
        raise RequestInvalid("whole numbers have at most 64 bits; send it as text", field=place)
    return []


def _hint(reason: str, place: str) -> str:
    """The remedy for what people send most often in the wrong way, empty for anything else."""
    name = place.rpartition(".")[2]
    if reason == "no such field":
        return _MEANT.get(name, "; what is not described at /docs goes into properties")
    if name in ("unit_price", "discount", "price", "cost") and "float" in reason:
        return "; money is in whole minor units: 499 for 4.99"
    if name.endswith("_id") and "`str" in reason:
        return "; write ids in quotes"
    if name == "occurred_at":
        return "; write it as 2026-01-31T12:00:00Z"
    if name == "currency" and "regex" in reason:
        return "; write three capital letters such as EUR"
    return ""


def _invalid(message: str, field: str, *, closed: bool) -> RequestInvalid:
    """The error of msgspec ("Expected `str`, got `int` - at `$.lines[0].item_id`") as ours."""
    match = _PLACE.match(message)
    reason, place = (match["reason"], match["field"] or "") if match else (message, "")
    for pattern, said in ((_NO_SUCH_FIELD, "no such field"), (_MISSING_FIELD, "is required")):
        if named := pattern.fullmatch(reason):
            # A name may be dots itself.
            place = f"{place}.{named['name']}" if place else named["name"]
            reason = said
    joined = field + place if place.startswith("[") else ".".join(filter(None, (field, place)))
    hint = CLOSED if closed and reason == "no such field" else _hint(reason, place)
    return RequestInvalid(in_words(reason) + hint, field=joined)


def _syntax(message: str, data: bytes) -> str:
    if "byte" in message:
        return f"no JSON: {message}"
    return f"no JSON: {message} (byte {len(data)})"
