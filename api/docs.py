"""The document of the API and a page to read it, both made once for an app."""

from __future__ import annotations

import re
from base64 import b64encode
from functools import cache
from hashlib import sha256
from http import HTTPStatus
from importlib.metadata import PackageNotFoundError, version
from itertools import zip_longest
from typing import Any

import msgspec
from flask import Blueprint, Response, render_template
from markupsafe import Markup, escape

from api import openapi
from api.access import json_answer
from api.problems import kinds

# No script and nothing from elsewhere: the page works without a network.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; style-src {styles}; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
_STYLE = re.compile(r"<style>(.*?)</style>", re.DOTALL)
blueprint = Blueprint("docs", __name__, template_folder="templates")


@blueprint.get("/")
def front() -> Response:
    """Where to begin."""
    return Response(status=HTTPStatus.SEE_OTHER, headers={"Location": "/docs"})


@blueprint.get("/openapi.json")
def described() -> Response:
    """The OpenAPI 3.1 document."""
    return json_answer(_encoded())


@blueprint.get("/docs")
def page() -> Response:
    """The same for a reader."""
    html = render_template(
        "docs.html",
        document=_document(),
        kinds=kinds(),
        pretty=_pretty,
        name_of=_name_of,
        type_of=_type_of,
        meaning_of=_meaning_of,
        marked=_marked,
    )
    response = Response(html, content_type="text/html; charset=utf-8")
    response.headers["Content-Security-Policy"] = policy_of(html)
    return response


def policy_of(html: str) -> str:
    """What the page may load: the very style sheets that stand in it, named by their digests."""
    digests = (b64encode(sha256(each.encode()).digest()).decode() for each in _STYLE.findall(html))
    return CONTENT_SECURITY_POLICY.format(styles=" ".join(f"'sha256-{each}'" for each in digests))


@cache
def _document() -> dict[str, Any]:
    return openapi.document(version=_version())


@cache
def _encoded() -> bytes:
    return msgspec.json.encode(_document())


def _version() -> str:
    try:
        return version("regulars")
    except PackageNotFoundError:
        # Run from a folder that was never installed.
        return "0"


def _marked(text: str) -> Markup:
    """The text with what stands between backticks set as code."""
    parts = text.split("`")
    code = (Markup("<code>{}</code>").format(part) for part in parts[1::2])
    plain = (escape(part) for part in parts[::2])
    return Markup("").join(each for pair in zip_longest(plain, code, fillvalue="") for each in pair)


def _pretty(value: object) -> str:
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode()


def _name_of(schema: dict[str, Any]) -> str:
    """The name of the schema a reference points to, empty when it points to none."""
    return str(schema.get("$ref", "")).rpartition("/")[2]


def _type_of(schema: dict[str, Any]) -> str:
    """What a schema allows, in a few words."""
    if name := _name_of(schema):
        return name
    if "anyOf" in schema:
        return " or ".join(_type_of(each) for each in schema["anyOf"])
    if "enum" in schema and len(schema["enum"]) <= 8:
        return " | ".join(str(each) for each in schema["enum"])
    kind = str(schema.get("format") or schema.get("type", "anything"))
    return f"{kind} of {_type_of(schema['items'])}" if schema.get("items") else kind


def _meaning_of(schema: dict[str, Any]) -> str:
    """The description of a schema or of one of its alternatives, and a long list of values."""
    described = [schema, *schema.get("anyOf", ())]
    said = [str(each["description"]) for each in described if "description" in each]
    values = [str(value) for value in schema.get("enum", ())]
    return " ".join([*said, f"One of: {', '.join(values)}."] if len(values) > 8 else said)
