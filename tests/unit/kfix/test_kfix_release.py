"""A release: the wheel that is built from this tree has what it needs, and works where nothing else of ours is."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).resolve().parents[3]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
#: The import packages that are shipped; ``find`` takes patterns, all of which end in a star.
PACKAGES = [
    pattern.removesuffix("*")
    for pattern in PROJECT["tool"]["setuptools"]["packages"]["find"]["include"]
]
_NOT_COPIED = shutil.ignore_patterns(
    ".*", "__pycache__", "*.egg-info", "build", "var", "tests", "bench", "docs"
)


def _pip(*arguments: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pip", "--disable-pip-version-check", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built offline from a copy, so that nothing an earlier build left can get in."""
    folder = tmp_path_factory.mktemp("release")
    shutil.copytree(ROOT, folder / "tree", ignore=_NOT_COPIED)
    _pip(
        "wheel", "--no-deps", "--no-index", "--no-build-isolation",
        "--wheel-dir", str(folder / "wheels"), str(folder / "tree"),
    )  # fmt: skip
    [built] = (folder / "wheels").glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path) -> Path:
    """The wheel, installed into a folder of its own."""
    folder = wheel.parent / "installed"
    _pip("install", "--no-deps", "--no-index", "--target", str(folder), str(wheel))
    return folder


def _python(installed: Path, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=installed.parent,
        env={**os.environ, "PYTHONPATH": str(installed), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def test_the_wheel_has_every_file_of_every_package(wheel: Path) -> None:
    wanted = {
        str(path.relative_to(ROOT))
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    kinds = {Path(name).suffix for name in wanted}
    assert {".py", ".avsc", ".yaml", ".html", ".css", ".json", ".md", ".j2"} <= kinds
    assert wanted - set(ZipFile(wheel).namelist()) == set()


def test_the_wheel_has_nothing_but_its_packages_and_its_papers(wheel: Path) -> None:
    tops = {name.partition("/")[0] for name in ZipFile(wheel).namelist()}
    assert tops == {*PACKAGES, f"kfix-{PROJECT['project']['version']}.dist-info"}


def test_the_wheel_carries_its_licence(wheel: Path) -> None:
    [name] = [n for n in ZipFile(wheel).namelist() if n.endswith("/licenses/LICENSE")]
    text = ZipFile(wheel).read(name).decode()
    assert text == (ROOT / "LICENSE").read_text()
    assert "Apache License" in text
    assert PROJECT["project"]["license"] == "Apache-2.0"


def test_what_was_installed_is_imported_from_there_and_tells_the_projects_version(
    installed: Path,
) -> None:
    told = _python(
        installed,
        "-c",
        "import importlib, sys\n"
        f"for name in {PACKAGES!r}: print(importlib.import_module(name).__path__[0])\n"
        "from kfix.cli import main; sys.argv = ['kfix', '--version']; main()",
    ).splitlines()
    assert told[:-1] == [str(installed / package) for package in PACKAGES]
    assert told[-1].split(",")[0] == f"kfix {PROJECT['project']['version']}"


def test_the_version_stands_in_pyproject_alone(installed: Path) -> None:
    version = PROJECT["project"]["version"]
    elsewhere = [
        str(path.relative_to(installed))
        for package in PACKAGES
        for path in (installed / package).rglob("*.py")
        if f'"{version}"' in path.read_text()
    ]
    assert elsewhere == []
