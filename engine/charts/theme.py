"""One look for all charts, and the way from a chart's description to SVG.

Colours are Okabe and Ito's (2008), which people with any colour vision tell apart, and steps of
one blue. In the SVG each is a CSS variable that falls back to the colour itself: a page may set
the variables for a dark background, and the SVG is whole without a page.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from types import MappingProxyType
from typing import TypeAlias

import altair as alt
import vl_convert

from engine.errors import EngineError

Drawing: TypeAlias = alt.Chart | alt.LayerChart | alt.FacetChart

WIDTH = 700
FONT = "Helvetica, Arial, 'Liberation Sans', sans-serif"

INK = "#1b2733"
MUTED = "#5a6776"
RULE = "#dfe4ea"
PAPER = "#fefefe"
BLUE = "#0072b2"
SKY = "#56b4e9"
GREEN = "#009e73"
AMBER = "#e69f00"
RED = "#d55e00"
GREY = "#a3adb8"
# From little to much, and what can be read on each.
STEPS = ("#eef4f9", "#cfe2f0", "#9fc6e0", "#65a3cb", "#2a77a9", "#0b5a8a")
ON_STEPS = ("#1b2734", "#1b2735", "#1b2736", "#10202f", "#fefeff", "#fffeff")

# CSS variable by colour; what a dark page sets them to is the page's matter.
VARIABLES = MappingProxyType(
    {
        INK: "--chart-ink",
        MUTED: "--chart-muted",
        RULE: "--chart-rule",
        PAPER: "--chart-paper",
        BLUE: "--chart-blue",
        SKY: "--chart-sky",
        GREEN: "--chart-green",
        AMBER: "--chart-amber",
        RED: "--chart-red",
        GREY: "--chart-grey",
        **{colour: f"--chart-step-{number}" for number, colour in enumerate(STEPS)},
        **{colour: f"--chart-on-step-{number}" for number, colour in enumerate(ON_STEPS)},
    }
)
_COLOUR = re.compile("|".join(map(re.escape, VARIABLES)), re.IGNORECASE)
_ROOT = re.compile(r"<svg\b[^>]*>")
_SIZE = re.compile(r'viewBox="0 0 ([\d.]+) ([\d.]+)"')


class ChartFailed(EngineError):
    """A chart could not be drawn; the message says which and why."""


@dataclass(frozen=True)
class Chart:
    """A drawn chart: the finding as its title, how to read it, and a whole SVG element."""

    title: str
    subtitle: str
    svg: str

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        return (
            f"<figure><figcaption><b>{escape(self.title)}</b><br>{escape(self.subtitle)}"
            f"</figcaption>{self.svg}</figure>"
        )


def draw(chart: Drawing, *, title: str, subtitle: str = "") -> Chart:
    """The chart as SVG that scales with its column; raises ChartFailed when it cannot be drawn.

    No address may be fetched while drawing.
    """
    try:
        description = chart.properties(config=_config()).to_dict()
        svg = vl_convert.vegalite_to_svg(description, allowed_base_urls=[])
    except (ValueError, TypeError) as error:
        raise ChartFailed(f"chart {title!r}: {error}") from error
    return Chart(title, subtitle, _finished(svg, title=title))


def table(rows: Sequence[Mapping[str, object]]) -> alt.InlineData:
    """Rows as a chart's data."""
    return alt.InlineData(values=[dict(row) for row in rows])


def step_of(share: float) -> int:
    """Which of the steps stands for a share of the largest, 0 to 1."""
    return min(int(share * len(STEPS)), len(STEPS) - 1)


def _finished(svg: str, *, title: str) -> str:
    size = _SIZE.search(svg)
    box = f"0 0 {size[1]} {size[2]}" if size else f"0 0 {WIDTH} {WIDTH}"
    widest = size[1] if size else str(WIDTH)
    root = (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="chart" role="img" '
        f'aria-label="{escape(title, quote=True)}" viewBox="{box}" width="100%" '
        f'style="max-width:{widest}px;height:auto">'
    )
    svg = _ROOT.sub(lambda _: root, svg, count=1)
    return _COLOUR.sub(lambda found: f"var({VARIABLES[found[0].lower()]}, {found[0]})", svg)


def _config() -> alt.Config:
    return alt.Config(
        background="transparent",
        font=FONT,
        padding={"left": 2, "right": 12, "top": 4, "bottom": 4},
        view=alt.ViewConfig(stroke=None),
        axis=alt.AxisConfig(
            labelColor=INK,
            labelFontSize=13,
            labelLimit=230,
            titleColor=MUTED,
            titleFontSize=12,
            titleFontWeight="normal",
            gridColor=RULE,
            domainColor=RULE,
            tickColor=RULE,
        ),
        legend=alt.LegendConfig(
            labelColor=INK,
            labelFontSize=13,
            title=None,
            orient="top",
            symbolType="square",
            labelLimit=300,
        ),
        text=alt.MarkConfig(color=INK, fontSize=13),
        bar=alt.BarConfig(color=BLUE),
        line=alt.MarkConfig(color=BLUE, strokeWidth=2.5),
        rule=alt.MarkConfig(color=MUTED),
    )
