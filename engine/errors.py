"""The errors a caller can act on: every one names the value that is wrong and the remedy."""

# Of a field's name: what a sender calls a field may be as long as all they sent.
MAX_FIELD = 200
MAX_REASON = 2_000


def in_one_line(told: str, *, most: int) -> str:
    """The text without what is unprintable, at most so many characters: for logs and answers."""
    short = told if len(told) <= most else f"{told[: most - 3]}..."
    if short.isprintable():
        return short
    return "".join(
        each if each.isprintable() else each.encode("unicode_escape").decode() for each in short
    )


class EngineError(Exception):
    """A failure with a reason fit to be shown to a user, in one line."""


class SettingsError(EngineError):
    """The configuration cannot be used; the message lists every wrong key."""


class RequestInvalid(EngineError):
    """A request or an event breaks a rule; `field` names where."""

    def __init__(self, reason: str, *, field: str = "") -> None:
        self.field = in_one_line(field, most=MAX_FIELD)
        self.reason = in_one_line(reason, most=MAX_REASON)
        super().__init__(f"{self.field}: {self.reason}" if field else self.reason)


class CustomerUnknown(EngineError):
    """No event of this customer has been recorded."""


class SegmentUnknown(EngineError):
    """There is no segment of this name."""


class SegmentConflict(EngineError):
    """The segment cannot change: it is built in, or others refer to it."""


class EventConflict(EngineError):
    """An event id was used again with another content."""


class KeyUnknown(EngineError):
    """There is no API key of this id, or it has ended."""


class ModelUnavailable(EngineError):
    """No model version can serve: none is published, or the one asked for is broken."""


class PublishRefused(EngineError):
    """A trained model did not pass the gate; the message gives the numbers."""


class StoreUnavailable(EngineError):
    """The database or the cache cannot be reached or refuses."""


class Overloaded(EngineError):
    """More is asked at once than can be done; nothing was done, and it may be asked again."""


class DataRefused(EngineError):
    """A file or a row cannot be used; `source` and `line` say where."""

    def __init__(self, reason: str, *, source: str = "", line: int | None = None) -> None:
        place = source if line is None else f"{source}:{line}"
        super().__init__(f"{place}: {reason}" if source else reason)
        self.source = source
        self.line = line
        self.reason = reason
