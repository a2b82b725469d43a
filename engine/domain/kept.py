"""Values that are worked out at the first look and kept with their owner."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, Self, TypeVar, overload

Owner = TypeVar("Owner")
Value = TypeVar("Value")


class kept(Generic[Owner, Value]):  # noqa: N801 - read as the decorator it is, like property
    """A property worked out once for each owner.

    Python 3.11 works out a `functools.cached_property` under one lock for all owners: blocks of
    customers that are worked on side by side would wait for each other. Here two threads may
    both work a value out, and find the same.
    """

    def __init__(self, work: Callable[[Owner], Value]) -> None:
        self._work = work
        self._name = work.__name__
        self.__doc__ = work.__doc__

    @overload
    def __get__(self, owner: None, kind: type[Owner]) -> Self: ...

    @overload
    def __get__(self, owner: Owner, kind: type[Owner]) -> Value: ...

    def __get__(self, owner: Owner | None, kind: type[Owner]) -> Self | Value:
        if owner is None:
            return self
        # What stands in the owner's own dictionary is found before this is asked again.
        value = owner.__dict__[self._name] = self._work(owner)
        return value
