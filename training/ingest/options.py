"""How the files of an ingest are to be read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from engine.domain.events import is_currency
from engine.errors import SettingsError
from training.ingest.formats import FORMATS, Format

TIME_FORMATS = ("auto", "dmy", "mdy")
# A century either way: more is a slip of the finger.
MAX_SHIFT_DAYS = 36_500


@dataclass(frozen=True, slots=True)
class IngestOptions:
    """What the caller states about the files; None is what the format says.

    `columns` names the file's column of a field. `time_format` is auto, dmy, mdy or a strptime
    pattern such as %d.%m.%y. `shift_days` moves every time, for samples of a shop long closed.
    """

    format: str = "purchases"
    columns: Mapping[str, str] = field(default_factory=dict)
    timezone: str | None = None
    time_format: str = "auto"
    currency: str | None = None
    rejects: Path | None = None
    shift_days: int = 0


@dataclass(frozen=True, slots=True)
class Reading:
    """The options completed by the format: what every file of one ingest is read with."""

    format: Format
    columns: Mapping[str, str]
    timezone: str
    time_format: str
    currency: str | None
    shift_days: int


def reading_of(options: IngestOptions) -> Reading:
    """The complete reading; raises SettingsError naming an option that cannot be used."""
    form = FORMATS.get(options.format)
    if form is None:
        raise SettingsError(f"--format {options.format}: choose one of {', '.join(FORMATS)}")
    unknown = [name for name in options.columns if name not in form.columns]
    if unknown:
        raise SettingsError(
            f"--map {unknown[0]}: no such field; {form.name} has {', '.join(form.columns)}"
        )
    if options.currency is not None and not is_currency(options.currency):
        raise SettingsError(
            f"--currency {options.currency}: write three capital letters such as EUR"
        )
    if abs(options.shift_days) > MAX_SHIFT_DAYS:
        raise SettingsError(f"--shift-days {options.shift_days}: at most {MAX_SHIFT_DAYS}")
    return Reading(
        format=form,
        columns=options.columns,
        timezone=_zone(options.timezone or form.timezone),
        time_format=_time_format(options.time_format),
        currency=options.currency,
        shift_days=options.shift_days,
    )


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise SettingsError(
            f"--timezone {name}: no such time zone; write one such as Europe/Berlin or UTC"
        ) from error
    return name


def _time_format(text: str) -> str:
    if text not in TIME_FORMATS and "%" not in text:
        raise SettingsError(
            f"--time-format {text}: choose {', '.join(TIME_FORMATS)} "
            "or write a pattern such as '%d.%m.%y %H:%M'"
        )
    return text
