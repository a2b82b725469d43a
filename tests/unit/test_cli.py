"""What `regulars` knows of its commands before it reads any of them."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from pkgutil import iter_modules

import click
import pytest
from click.testing import CliRunner

from training import commands
from training.cli import PLACES, regulars
from training.commands.report import report


def command_of(name: str) -> click.Command:
    command = regulars.get_command(click.Context(regulars), name)
    assert command is not None
    return command


@pytest.mark.parametrize("name", PLACES)
def test_the_summary_is_the_first_sentence_of_the_commands_own_help(name: str):
    command = command_of(name)

    assert command.name == name
    assert command.get_short_help_str(limit=200).rstrip(".") == PLACES[name].summary.rstrip(".")


def test_every_command_of_the_package_can_be_called():
    called = [*map(command_of, PLACES), *report.commands.values()]
    nested = {
        each for one in called if isinstance(one, click.Group) for each in one.commands.values()
    }
    there = {
        value
        for module in iter_modules(commands.__path__)
        for value in vars(import_module(f"{commands.__name__}.{module.name}")).values()
        if isinstance(value, click.Command)
    }

    assert there <= {*called, *nested}


def test_help_names_every_command_and_reads_the_code_of_none():
    program = "import sys; from training.cli import main; sys.argv[1:] = ['--help']\n"
    program += "try: main()\nfinally: print(sorted({'numpy', 'sqlalchemy'} & set(sys.modules)))"

    told = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout

    assert told.rstrip().endswith("[]")
    assert all(f"\n  {name} " in told for name in PLACES)


def test_a_command_that_is_not_there_is_named():
    result = CliRunner().invoke(regulars, ["recomend"])

    assert result.exit_code == 2
    assert "No such command 'recomend'" in result.output
