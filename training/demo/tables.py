"""What the demo shows: one customer's list before and after a purchase, side by side."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

Body = Mapping[str, Any]
_BOUGHT = "bold green"
_REASONS = {"buy_again": "buy again", "popular": "popular", "similar": "similar"}


@dataclass(frozen=True)
class Meeting:
    """A customer's profile and list before a purchase, the purchase, and both after it.

    `similar` is what goes with the first item bought.
    """

    profile_before: Body
    list_before: Body
    bought: Sequence[str]
    receipt: Body
    list_after: Body
    profile_after: Body
    similar: Body

    @property
    def customer(self) -> str:
        """The customer's id."""
        return str(self.profile_before["customer_id"])

    @property
    def item_ids(self) -> set[str]:
        """Every item that is shown, or named in a reason."""
        listed = [
            item
            for body in (self.list_before, self.list_after, self.similar)
            for item in body["items"]
        ]
        named = {reason.get("item_id") for item in listed for reason in item["reasons"]}
        return {item["item_id"] for item in listed} | (named - {None})


def print_meeting(
    out: Console, meeting: Meeting, titles: Mapping[str, str], *, url: str | None
) -> None:
    """The tables of the demo, and where to look next while it goes on serving at `url`."""
    titles = _told_apart(meeting, titles)
    out.print(_lists(meeting, titles))
    names = " and ".join(_name(titles, item) for item in meeting.bought)
    out.print(
        f"\nSent: a purchase of {names}. The server's answer: {_outcome(meeting.receipt)}.\n",
        highlight=False,
        markup=False,
    )
    out.print(_profiles(meeting))
    out.print(_in_words(meeting))
    for line in moves(meeting):
        out.print(line, highlight=False, markup=False)
    near = ", ".join(_name(titles, item["item_id"]) for item in meeting.similar["items"])
    out.print(
        f"\nGoes with {_name(titles, meeting.bought[0])}: {near}.", highlight=False, markup=False
    )
    if url is None:
        out.print("\nTo look around yourself, run `make demo` or `regulars demo` without --once.")
        return
    path = f"{url}/v1/customers/{meeting.customer}"
    places = (f"{url}/storefront/", f"{path}/recommendations", f"{path}/profile", f"{url}/docs")
    out.print("\nLook around:", *places, sep="\n  ")


def _told_apart(meeting: Meeting, titles: Mapping[str, str]) -> Mapping[str, str]:
    """The titles, with the id where two of the items shown bear the same one."""
    shown = meeting.item_ids
    counts = Counter(titles.get(item_id) for item_id in shown)
    shared = {item_id for item_id in shown if counts[titles.get(item_id)] > 1}
    return {**titles, **{item_id: f"{_name(titles, item_id)} #{item_id}" for item_id in shared}}


def _lists(meeting: Meeting, titles: Mapping[str, str]) -> Table:
    shown = Table(
        title=f"Household {meeting.customer}: what to see now",
        title_justify="left",
        box=SIMPLE_HEAD,
    )
    for heading in ("", "before the purchase", "why", "right after it", "why"):
        shown.add_column(heading, overflow="fold")
    before, after = meeting.list_before["items"], meeting.list_after["items"]
    for rank, (old, new) in enumerate(zip(before, after, strict=False), start=1):
        shown.add_row(
            str(rank),
            Text(_name(titles, old["item_id"]), style=_BOUGHT if _is_bought(old, meeting) else ""),
            _why(old, titles),
            Text(_name(titles, new["item_id"])),
            _why(new, titles),
        )
    return shown


def _is_bought(item: Body, meeting: Meeting) -> bool:
    return item["item_id"] in meeting.bought


def _profiles(meeting: Meeting) -> Table:
    shown = Table(
        title=f"Household {meeting.customer}: what we know", title_justify="left", box=SIMPLE_HEAD
    )
    for heading in ("", "before", "after"):
        shown.add_column(heading, justify="left" if not heading else "right")
    for label, read in _FACTS.items():
        shown.add_row(label, read(meeting.profile_before), read(meeting.profile_after))
    return shown


def _in_words(meeting: Meeting) -> Table:
    shown = Table(title="The same in words", title_justify="left", box=SIMPLE_HEAD)
    for heading in ("", "before", "after"):
        shown.add_column(heading, overflow="fold")
    for label, name in _TOLD.items():
        shown.add_row(
            label,
            *(
                Text(str(profile["features"][name]["explanation"]))
                for profile in (meeting.profile_before, meeting.profile_after)
            ),
        )
    return shown


def moves(meeting: Meeting) -> list[str]:
    """The segments that the purchase made the customer enter and leave, a line each."""
    before, after = (
        frozenset(profile["segments"])
        for profile in (meeting.profile_before, meeting.profile_after)
    )
    return [
        f"Segments {word}: {', '.join(sorted(names)) or 'none'}."
        for word, names in (("entered", after - before), ("left", before - after))
    ]


def _feature(name: str, show: Callable[[Any], str]) -> Callable[[Body], str]:
    def read(profile: Body) -> str:
        value = profile["features"][name]["value"]
        return "unknown" if value is None else show(value)

    return read


def _spaced(word: str) -> str:
    return word.replace("_", " ")


_FACTS: Mapping[str, Callable[[Body], str]] = {
    "orders": lambda profile: f"{profile['orders']:,}",
    "revenue": lambda profile: f"{profile['revenue'] / 100:,.2f}",
    "last order": lambda profile: str(profile["last_order_at"])[:16].replace("T", " "),
    "lifecycle stage": _feature("stage", _spaced),
    "churn risk, 90 days": _feature("churn_risk", lambda value: f"{value:.0%}"),
    "loyalty index, 0 to 100": _feature("loyalty_index", lambda value: f"{value:.0f}"),
    "RFM code": _feature("rfm_code", lambda value: f"{value:.0f}"),
    "RFM segment": _feature("rfm_segment", _spaced),
}
_TOLD = {"stage": "stage", "churn risk": "churn_risk", "loyalty index": "loyalty_index"}


def _why(item: Body, titles: Mapping[str, str]) -> str:
    reason = item["reasons"][0]
    if reason["code"] == "because_you_bought":
        return f"because you bought {_name(titles, reason['item_id'])}"
    return _REASONS.get(reason["code"], str(reason["code"]))


def _name(titles: Mapping[str, str], item_id: str) -> str:
    return titles.get(item_id) or item_id


def _outcome(receipt: Body) -> str:
    return ", ".join(str(result["status"]) for result in receipt["results"])
