"""The Flask app over its services."""

from __future__ import annotations

from flask import Flask

from api import (
    audience,
    browser,
    customers,
    docs,
    events,
    health,
    items,
    problems,
    recommendations,
    segments,
    tokens,
)
from api.access import EXTENSION, IdConverter
from api.ga4 import collect as ga4
from api.guard import enforce
from api.segment import routes as segment
from api.services import Services
from api.storefront import views as storefront
from api.telemetry import hints

PREFIX = "/v1"


def create_app(services: Services) -> Flask:
    """The app that answers from the given services; it starts and closes none of them."""
    app = Flask("api", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = services.max_body_bytes
    app.extensions[EXTENSION] = services
    # Ids may hold slashes, also first, last and two in a row: no path is tidied up.
    app.url_map.merge_slashes = False
    app.url_map.converters["id"] = IdConverter
    for each in (recommendations, customers, segments, audience, items, events, tokens, segment):
        app.register_blueprint(each.blueprint, url_prefix=PREFIX)
    for each in (health, docs, ga4, browser):
        app.register_blueprint(each.blueprint)
    if services.storefront is not None:
        app.register_blueprint(storefront.blueprint, url_prefix="/storefront")
    problems.install(app)
    hints.install(app)
    enforce.install(app, services.guard)
    return app
