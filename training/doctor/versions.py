"""Python and the libraries beside what the installed package asks for."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution, version

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from training.doctor.finding import Deployment, Finding, broken, ok, unless, warning

PACKAGE = "regulars"
_ALL = ("", "postgres")


def versions(deployment: Deployment) -> Iterator[Finding]:
    """Python, and each library that is missing or too old."""
    try:
        installed = distribution(PACKAGE)
    except PackageNotFoundError:
        yield ok("python", platform.python_version())
        remedy = (
            "Run pip install . in its folder; until then nothing says which libraries it needs."
        )
        yield warning("libraries", f"{PACKAGE} itself is not installed", remedy)
        return
    yield _python(installed)
    url = deployment.settings.database_url or ""
    extras = _ALL if url.startswith("postgres") else ("",)
    yield from _libraries([Requirement(each) for each in installed.requires or ()], extras)


def _python(installed: Distribution) -> Finding:
    wanted = _wanted(installed)
    found = platform.python_version()
    remedy = f"Use a Python {wanted}."
    return unless(
        SpecifierSet(wanted).contains(found, prereleases=True), broken("python", found, remedy)
    )


def _wanted(installed: Distribution) -> str:
    return ",".join(installed.metadata.get_all("Requires-Python") or ())


def _libraries(requirements: list[Requirement], extras: tuple[str, ...]) -> Iterator[Finding]:
    needed = [each for each in requirements if _is_needed(each, extras)]
    wrong = [each for each in (_beside(requirement) for requirement in needed) if each]
    yield from wrong
    if not wrong:
        yield ok("libraries", f"regulars {version(PACKAGE)} with all {len(needed)} it needs")


def _is_needed(requirement: Requirement, extras: tuple[str, ...]) -> bool:
    marker = requirement.marker
    return marker is None or any(marker.evaluate({"extra": extra}) for extra in extras)


def _beside(requirement: Requirement) -> Finding | None:
    """What is wrong with a library, None when nothing is."""
    remedy = f"Run pip install '{requirement.name}{requirement.specifier}'."
    try:
        found = version(requirement.name)
    except PackageNotFoundError:
        return broken("libraries", f"{requirement.name} is not installed", remedy)
    if requirement.specifier.contains(found, prereleases=True):
        return None
    return broken("libraries", f"{requirement.name} is {found}", remedy)
