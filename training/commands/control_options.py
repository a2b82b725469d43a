"""Options by which a command asks for lists other than the shop has them."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, get_args

import click
import msgspec

from engine.recommend.control.config import Control, ControlPatch, Likeness


def _share(name: str, description: str) -> Callable[..., Any]:
    low, high = Control.BOUNDS[name]
    flag = f"--{name.replace('_', '-')}"
    return click.option(flag, type=click.FloatRange(low, high), help=description)


def _cap(name: str, what: str) -> Callable[..., Any]:
    low, high = Control.BOUNDS[name]
    flag = f"--{name.replace('_', '-')}"
    places = click.IntRange(int(low), int(high))
    return click.option(flag, type=places, help=f"At most so many items of one {what}.")


_OPTIONS = (
    _share("diversity", "0 to 1: how much items should differ from those above them."),
    click.option(
        "--diversity-by", type=click.Choice(get_args(Likeness)), help="By what items are alike."
    ),
    _share("calibration", "0 to 1: how closely categories mix as the customer buys them."),
    _share("price_affinity", "0 to 1: how much prices are such as the customer pays."),
    _cap("category_cap", "category"),
    _cap("brand_cap", "brand"),
)


def control_options(command: Callable[..., None]) -> Callable[..., None]:
    """The command with an option for each wish; it takes them as `control`, None for none."""

    @wraps(command)
    def with_control(*args: object, **options: object) -> None:
        asked = {name: options.pop(name) for name in ControlPatch.__struct_fields__}
        given = {name: value for name, value in asked.items() if value is not None}
        control = msgspec.convert(given, ControlPatch) if given else None
        command(*args, control=control, **options)

    made: Callable[..., None] = with_control
    for option in reversed(_OPTIONS):
        made = option(made)
    return made
