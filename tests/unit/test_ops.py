"""The units and the container files name nothing that the project does not have."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from engine.settings import CONFIG_VARIABLE, PREFIX, Settings
from training.cli import regulars

ROOT = Path(__file__).parents[2]
OPS = ROOT / "ops"
UNITS = sorted((OPS / "systemd").glob("*.service"))
TIMERS = sorted((OPS / "systemd").glob("*.timer"))
DOCKERFILE = (OPS / "container" / "Dockerfile").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load((OPS / "container" / "compose.yaml").read_text())
COMMAND = "/opt/regulars/.venv/bin/regulars"
VARIABLES = {f"{PREFIX}{each.name.upper()}" for each in fields(Settings)} | {CONFIG_VARIABLE}


def settings_of(unit: Path) -> list[tuple[str, str]]:
    lines = [line.strip() for line in unit.read_text().splitlines()]
    return [
        (name, value)
        for name, separator, value in (line.partition("=") for line in lines)
        if separator and not name.startswith("#")
    ]


def check_words(words: list[str]) -> None:
    """Fail unless `regulars WORDS` is a command with those options."""
    command: click.Command = regulars
    while isinstance(command, click.Group):
        found = command.get_command(click.Context(command), words[0])
        assert found is not None, words
        command = found
        words = words[1:]
    parser = command.make_context(command.name, [*words], resilient_parsing=True)
    assert not parser.args, words
    known = {option for each in command.params for option in each.opts}
    assert {word for word in words if word.startswith("--")} <= known


def commands_in(text: str) -> Iterator[list[str]]:
    """The words after each `regulars` of a unit's command."""
    for found in re.findall(rf"{re.escape(COMMAND)} ([^']*)", text):
        yield shlex.split(found.replace("$$(date -u +%%Y-%%m-%%d)", "day"))


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_units_run_commands_that_there_are(unit: Path):
    executed = [value for name, value in settings_of(unit) if name.startswith("Exec")]

    found = [words for value in executed for words in commands_in(value)]

    assert found
    for words in found:
        check_words(words)


def test_a_command_that_there_is_not_would_be_noticed():
    with pytest.raises(AssertionError, match="sreve"):
        check_words(["sreve"])
    with pytest.raises(AssertionError):
        check_words(["serve", "--fast"])


@pytest.mark.parametrize("page", ["operations.md", "sizing.md"])
def test_the_documentation_names_commands_that_there_are(page: str):
    text = (ROOT / "docs" / page).read_text()
    blocks = "\n".join(re.findall(r"```sh\n(.*?)```", text, re.DOTALL))
    typed = re.findall(r"^regulars (.+)$", blocks, re.MULTILINE)

    assert typed
    for words in typed + re.findall(r"`regulars ((?!serve`)[a-z][^`]*)`", text):
        check_words(shlex.split(words))


@pytest.mark.parametrize(
    "file",
    [*UNITS, OPS / "systemd" / "regulars.env", *(OPS / "container").iterdir()],
    ids=lambda file: file.name,
)
def test_variables_are_settings(file: Path):
    named = set(re.findall(rf"\b{PREFIX}[A-Z_]+", file.read_text()))

    assert named <= VARIABLES


def test_the_environment_file_can_be_read():
    lines = (OPS / "systemd" / "regulars.env").read_text().splitlines()
    stated = [line.lstrip("#") for line in lines if re.match(r"#?REGULARS_", line)]

    settings = Settings.from_env(dict(line.split("=", 1) for line in stated), folder=OPS)

    assert settings.port == Settings().port
    assert settings.warm_customers == 1000


@pytest.mark.parametrize("timer", TIMERS, ids=lambda timer: timer.name)
def test_every_timer_has_its_service(timer: Path):
    assert timer.with_suffix(".service") in UNITS


def test_the_server_survives_a_killed_worker_and_hears_a_reload():
    said = dict(settings_of(OPS / "systemd" / "regulars.service"))

    assert said["OOMPolicy"] == "continue", "or one killed worker would stop them all"
    assert said["KillMode"] == "mixed"
    assert said["ExecReload"] == f"{COMMAND} reload"
    # Workers get five seconds each way, the cache five more.
    assert int(said["TimeoutStopSec"]) >= 15


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd here")
def test_systemd_finds_nothing_wrong(tmp_path: Path):
    for each in (*UNITS, *TIMERS):
        text = each.read_text().replace(COMMAND, shutil.which("true") or "")
        (tmp_path / each.name).write_text(text)

    verified = subprocess.run(
        ["systemd-analyze", "verify", *map(str, tmp_path.iterdir())],
        capture_output=True,
        text=True,
        check=False,
    )

    assert (verified.returncode, verified.stderr) == (0, "")


def test_the_image_runs_as_nobody_special_and_holds_no_secret():
    last = DOCKERFILE.rsplit("FROM ", 1)[1]

    assert re.search(r"^USER regulars$", last, re.MULTILINE)
    assert "REGULARS_HOME=/data" in last
    assert re.search(r"^VOLUME /data$", last, re.MULTILINE)
    assert not re.search(r"PASSWORD|SECRET|DATABASE_URL|REDIS_URL", DOCKERFILE)


def test_the_image_serves_where_it_is_looked_after():
    port = Settings().port

    assert f"EXPOSE {port}" in DOCKERFILE
    assert f"REGULARS_PORT={port}" in DOCKERFILE
    assert f"http://127.0.0.1:{port}/healthz" in DOCKERFILE
    check_words(re.search(r'CMD \["(\w+)"\]\n?$', DOCKERFILE)[1].split())


def test_the_image_is_built_from_files_that_there_are_and_are_not_ignored():
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.MULTILINE)
    allowed = (ROOT / ".dockerignore").read_text()

    for path in " ".join(copied).split():
        assert (ROOT / path).exists(), path
        assert f"!{path.split('/')[0]}\n" in allowed, path
    assert allowed.splitlines()[1] == "*"


def test_the_composed_services_fit_together():
    services = COMPOSE["services"]
    own = services["regulars"]
    ports = [each.rsplit(":", 2)[1:] for each in own["ports"]]

    assert ports == [[str(Settings().port)] * 2]
    assert all(each.startswith("127.0.0.1:") for each in own["ports"])
    for name, url in (("postgres", "DATABASE_URL"), ("valkey", "REDIS_URL")):
        assert re.search(rf"[@/]{name}[:/]", own["environment"][f"{PREFIX}{url}"])
        assert "healthcheck" in services[name]
        assert own["depends_on"][name]["condition"] == "service_healthy"
    assert own["volumes"] == ["home:/data"]
    assert set(COMPOSE["volumes"]) == {"home", "postgres"}
    check_words(services["train"]["command"])
    build = OPS / "container" / own["build"]["context"]
    assert (build / own["build"]["dockerfile"]).resolve() == OPS / "container" / "Dockerfile"


def test_the_composed_password_is_asked_for_and_not_written_down():
    text = (OPS / "container" / "compose.yaml").read_text()

    assert len(re.findall(r"\$\{POSTGRES_PASSWORD:\?", text)) == 2
    assert not re.search(r"POSTGRES_PASSWORD: (?!\$\{)", text)
