"""Beside another distribution with a package of the same name, K-Fix refuses to start and says what to do."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from base64 import urlsafe_b64encode
from hashlib import sha256
from pathlib import Path

import pytest

from kfix.cli.installation import PACKAGES, complaint

ROOT = Path(__file__).resolve().parents[3]
_FOREIGN = "raise SystemExit('somebody else ran')\n"
_WAY_OUT = "Install K-Fix into an environment of its own"


def started(*path: Path) -> subprocess.CompletedProcess[str]:
    """``kfix --version`` in a process whose path begins with these folders."""
    return subprocess.run(
        [sys.executable, "-P", "-c", "from kfix.cli import main; main()", "--version"],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, path))},
        capture_output=True,
        text=True,
        check=False,
    )


def installed(folder: Path) -> Path:
    """K-Fix as pip installs it: packages side by side, and a record of what each file was."""
    for name in ("kfix", *PACKAGES):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    record = [
        f"{name}/__init__.py,sha256={urlsafe_b64encode(sha256(first).digest()).decode().rstrip('=')},{len(first)}"
        for name in PACKAGES
        if (first := (folder / name / "__init__.py").read_bytes()) is not None
    ]
    papers = folder / "kfix-0.0.1.dist-info"
    papers.mkdir()
    (papers / "METADATA").write_text("Metadata-Version: 2.1\nName: kfix\nVersion: 0.0.1\n")
    (papers / "RECORD").write_text("\n".join(record) + "\n")
    return folder


def test_the_packages_that_are_watched_are_those_of_the_distribution() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    patterns = project["tool"]["setuptools"]["packages"]["find"]["include"]
    assert {"kfix", *PACKAGES} == {pattern.removesuffix("*") for pattern in patterns}


def test_alone_it_has_nothing_to_complain_of(tmp_path: Path) -> None:
    assert complaint() == ""
    done = started(installed(tmp_path))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("kfix 0.0.1,")


@pytest.mark.parametrize("form", ["safety/__init__.py", "schemas.py"])
def test_a_foreign_package_earlier_on_the_path_is_refused_before_it_runs(
    tmp_path: Path, form: str
) -> None:
    planted = tmp_path / form
    planted.parent.mkdir(exist_ok=True)
    planted.write_text(_FOREIGN)
    done = started(tmp_path, ROOT)
    assert (done.returncode, done.stdout) == (3, "")
    [line] = done.stderr.splitlines()
    name = form.split("/", maxsplit=1)[0].removesuffix(".py")
    assert line.startswith(f"kfix: the package {name} is somebody else's: Python finds {tmp_path}")
    assert _WAY_OUT in line


def test_the_other_distribution_is_named(tmp_path: Path) -> None:
    (tmp_path / "safety").mkdir()
    (tmp_path / "safety/__init__.py").write_text(_FOREIGN)
    papers = tmp_path / "safety-3.0.dist-info"
    papers.mkdir()
    (papers / "METADATA").write_text("Metadata-Version: 2.1\nName: safety\nVersion: 3.0\n")
    (papers / "RECORD").write_text("safety/__init__.py,,\n")
    assert "(installed here too: safety)" in started(tmp_path, ROOT).stderr


def test_a_package_that_another_installation_wrote_over_is_refused(tmp_path: Path) -> None:
    place = installed(tmp_path)
    (place / "safety/__init__.py").write_text(_FOREIGN)
    done = started(place)
    assert (done.returncode, done.stdout) == (3, "")
    assert f"kfix: the package safety has been written over: {place / 'safety'}" in done.stderr
    assert _WAY_OUT in done.stderr


def test_a_package_that_an_uninstallation_took_along_is_refused(tmp_path: Path) -> None:
    place = installed(tmp_path)
    (place / "safety/__init__.py").unlink()
    assert started(place).returncode == 3
    shutil.rmtree(place / "safety")
    done = started(place)
    assert done.returncode == 3
    assert "the package safety is" in done.stderr
