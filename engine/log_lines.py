"""Log records as one line each: JSON for machines, words for a terminal."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import Any

import msgspec

TEXT_FORMAT = "%(asctime)s %(levelname)s %(name)s %(message)s"
FORMATS = ("auto", "json", "text")


class LogLine(msgspec.Struct, omit_defaults=True):
    """A log record as it is written in JSON."""

    time: datetime
    level: str
    logger: str
    message: str
    process: int | None
    exception: str | None = None
    stack: str | None = None


class JsonFormatter(logging.Formatter):
    """Formats a record as one line of JSON; a traceback is a text within it."""

    def format(self, record: logging.LogRecord) -> str:
        """The record's line, without a line break at its end."""
        line = LogLine(
            time=datetime.fromtimestamp(record.created, UTC),
            level=record.levelname.lower(),
            logger=record.name,
            message=record.getMessage(),
            process=record.process,
            exception=self.formatException(record.exc_info) if record.exc_info else None,
            stack=record.stack_info,
        )
        return msgspec.json.encode(line).decode()


def is_json(log_format: str, *, terminal: bool) -> bool:
    """Whether lines are JSON: `auto` writes words for a terminal and JSON for everything else."""
    return log_format == "json" or (log_format == "auto" and not terminal)


def formatter(*, as_json: bool) -> logging.Formatter:
    """The formatter of all lines of a process."""
    return JsonFormatter() if as_json else logging.Formatter(TEXT_FORMAT)


def propagating(logger: str) -> dict[str, Any]:
    """What makes a library's logger hand its records on, as `logging.config` wants it told."""
    return {"loggers": {logger: {"handlers": [], "level": "WARNING", "propagate": True}}}
