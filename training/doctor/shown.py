"""Findings as a table, as plain lines, or for a program."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from training.doctor.finding import Finding, Severity

_STYLES = {Severity.OK: "green", Severity.WARNING: "yellow", Severity.BROKEN: "bold red"}


def table(findings: Iterable[Finding]) -> Table:
    """One row a finding, its remedy below what was found."""
    shown = Table(box=SIMPLE_HEAD, pad_edge=False)
    for heading in ("", "about", "found"):
        shown.add_column(heading, no_wrap=heading != "found", overflow="fold")
    for each in findings:
        words = Text(each.found)
        if each.remedy:
            words.append(f"\n{each.remedy}", style="italic")
        shown.add_row(Text(each.severity, style=_STYLES[each.severity]), each.about, words)
    return shown


def lines(findings: Iterable[Finding]) -> Iterable[str]:
    """One line a finding."""
    for each in findings:
        remedy = f". {each.remedy}" if each.remedy else ""
        yield f"{each.severity:<8} {each.about:<15} {each.found.rstrip('.')}{remedy}"


def as_json(findings: Sequence[Finding]) -> str:
    """The findings and whether nothing is broken, for a program."""
    document = {"healthy": healthy(findings), "findings": findings}
    return msgspec.json.format(msgspec.json.encode(document)).decode()


def healthy(findings: Iterable[Finding]) -> bool:
    """Whether nothing is broken."""
    return all(each.severity != Severity.BROKEN for each in findings)


def summary(findings: Sequence[Finding]) -> str:
    """How many of each there are, in a sentence."""
    broken, warned = (
        sum(each.severity == severity for each in findings)
        for severity in (Severity.BROKEN, Severity.WARNING)
    )
    warnings = "1 warning" if warned == 1 else f"{warned} warnings"
    return f"{broken} broken, {warnings}, {len(findings) - broken - warned} ok."


def show(findings: Sequence[Finding], out: Console) -> None:
    """A table on a terminal, lines elsewhere; the summary last."""
    if out.is_terminal:
        out.print(table(findings))
    else:
        for line in lines(findings):
            out.out(line, highlight=False)
    out.print(summary(findings))
