"""Charts as SVG: whole, self-contained, and readable without colours of their own."""

from __future__ import annotations

import re
import subprocess
import sys
from functools import cache
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.charts.bars import Bar, Layer, Pair, bars, histogram, pairs, stacks
from engine.charts.heat import Axes, Cell, heat
from engine.charts.lines import Scaling, Spot, agreement, curve, series, slopes
from engine.charts.plots import Dot, Line, apart, fan, scatter
from engine.charts.theme import BLUE, ON_STEPS, STEPS, VARIABLES, Chart, step_of

ROOT = Path(__file__).parents[2]
SCALING = Scaling("across", "up")


@cache
def a_chart(kind: str) -> Chart:
    some = [Bar("tea", 0.5, "50%", 0.4, 0.6), Bar("milk", 0.25, "25%", 0.2, 0.3)]
    drawn = {
        "bars": lambda: bars(some, title="Tea"),
        "pairs": lambda: pairs(
            [Pair("loyal", 0.1, 0.6, ("10", "60"))], names=("heads", "money"), title="Few"
        ),
        "stacks": lambda: stacks(["Jan", "Feb"], [Layer("new", [1, 2], BLUE)], title="More"),
        "histogram": lambda: histogram(some, across="risk", title="Risk"),
        "heat": lambda: heat([Cell("r", "c", 0.5, "7")], Axes(["r"], ["c"]), title="Heat"),
        "curve": lambda: curve(
            [(0, 0), (0.5, 0.9), (1, 1)], [Spot(0.5, 0.9, "half")], SCALING, title="Curve"
        ),
        "series": lambda: series(some, benchmark=0.9, benchmark_text="best", title="Series"),
        "agreement": lambda: agreement([(0.1, 0.2), (0.9, 0.8)], SCALING, title="Agreement"),
        "slopes": lambda: slopes(some, title="Slopes"),
        "scatter": lambda: scatter(
            [Dot("tea", 0.1, 0.2), Dot("milk", 0.9, 0.8)], SCALING, title="Scatter"
        ),
        "fan": lambda: fan(
            [Line("tea", [0.1, 0.2, 0.4]), Line("milk", [0.1, 0.3])], SCALING, title="Fan"
        ),
    }
    return drawn[kind]()


KINDS = (
    "bars",
    "pairs",
    "stacks",
    "histogram",
    "heat",
    "curve",
    "series",
    "agreement",
    "slopes",
    "scatter",
    "fan",
)


@pytest.mark.parametrize("kind", KINDS)
def test_a_chart_is_one_whole_svg_that_fits_700_pixels(kind):
    chart = a_chart(kind)

    root = ElementTree.fromstring(chart.svg)
    _, _, width, height = (float(each) for each in root.attrib["viewBox"].split())
    assert root.attrib["aria-label"] == chart.title
    assert 0 < width <= 740
    assert 0 < height <= 400


@pytest.mark.parametrize("kind", KINDS)
def test_a_chart_refers_to_nothing_outside_itself(kind):
    svg = a_chart(kind).svg

    addresses = set(re.findall(r"[a-z]+://[^\"' >)]+", svg))
    assert addresses <= {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}
    assert not re.search(r"<script|<image|<foreignObject|\bhref=|url\(|\bid=", svg)


@pytest.mark.parametrize("kind", KINDS)
def test_every_colour_of_a_chart_can_be_set_by_the_page(kind):
    svg = a_chart(kind).svg

    fixed = re.sub(r"var\(--chart-[a-z0-9-]+, #[0-9a-f]{6}\)", "", svg)
    assert "var(--chart-" in svg
    assert not re.search(r'(?:fill|stroke)="(?!none|transparent|")[^"]+"', fixed)


def test_no_text_is_smaller_than_11_pixels():
    sizes = {
        float(size)
        for kind in KINDS
        for size in re.findall(r'font-size="([\d.]+)', a_chart(kind).svg)
    }

    assert min(sizes) >= 11


def test_the_words_of_a_shop_are_only_words():
    chart = bars([Bar("<script>alert(1)</script>", 1.0, "<b>")], title='"Q" & <A>')

    root = ElementTree.fromstring(chart.svg)
    assert "<script" not in chart.svg
    assert root.attrib["aria-label"] == '"Q" & <A>'
    assert "&lt;A&gt;" in chart._repr_html_()


def test_without_rows_a_chart_is_empty_and_no_error():
    assert ElementTree.fromstring(bars([], title="Nothing").svg) is not None


def test_colours_are_distinct_and_each_has_one_variable():
    assert len(set(VARIABLES.values())) == len(VARIABLES) == len({*VARIABLES})


def test_words_on_every_step_are_readable():
    ratios = [_contrast(step, ink) for step, ink in zip(STEPS, ON_STEPS, strict=True)]

    # WCAG 2.2, 1.4.3: 4.5 to 1 for text.
    assert min(ratios) >= 4.5


@pytest.mark.parametrize(("share", "step"), [(0.0, 0), (0.17, 1), (0.99, 5), (1.0, 5)])
def test_more_is_a_stronger_step(share, step):
    assert step_of(share) == step


def test_a_stair_stays_level_until_the_next_point():
    chart = curve([(0, 0), (1, 1)], [], SCALING, title="Stair", steps=True)

    line = re.search(r'class="mark-line.*?d="([^"]+)"', chart.svg)
    assert line is not None
    corners = [tuple(map(float, each.split(","))) for each in re.split("[ML]", line[1])[1:]]
    assert [y for _, y in corners] == [280.0, 280.0, 0.0]
    assert corners[1][0] == corners[2][0] > corners[0][0]


@given(st.lists(st.floats(-5, 5), max_size=8), st.floats(0.1, 2))
def test_names_are_moved_apart_and_keep_their_order_and_middle(heights: list[float], least: float):
    moved = apart(heights, least=least)

    order = sorted(range(len(heights)), key=lambda at: heights[at])
    steps = [moved[after] - moved[before] for before, after in pairwise(order)]
    assert all(step >= least - 1e-9 for step in steps)
    assert sum(moved) == pytest.approx(sum(heights), abs=1e-9)


def test_names_that_have_room_stay_where_they_are():
    assert apart([3.0, 0.0, 1.0], least=1.0) == [3.0, 0.0, 1.0]


def test_one_dot_and_dots_in_one_place_are_drawn():
    for dots in ([Dot("tea", 0.5, 0.5)], [Dot("tea", 0.0, 0.0), Dot("milk", 0.0, 0.0)], []):
        assert ElementTree.fromstring(scatter(dots, SCALING, title="Few").svg) is not None


def test_drawing_needs_no_network():
    # Without a network of its own a process cannot reach any; not every machine allows the test.
    script = (
        "from engine.charts.bars import Bar, bars\n"
        "print(len(bars([Bar('tea', 1.0)], title='Tea').svg))\n"
    )

    done = subprocess.run(
        ["unshare", "--map-root-user", "--net", sys.executable, "-c", script],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    if "unshare" in done.stderr:
        pytest.skip("namespaces are not allowed here")
    assert int(done.stdout) > 500


def _contrast(one: str, other: str) -> float:
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
