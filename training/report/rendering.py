"""Templates filled in: pages that need nothing else, no network and no script."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

TEMPLATES = Path(__file__).with_name("templates")


def rendered(template: str, **values: object) -> str:
    """The template's page with the values."""
    # Titles, ids and categories come from a shop's data: everything but our own SVG is escaped.
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(template).render(**values)
