"""The walls hold: an import that crosses one is found, wherever it is planted, and no package stands outside of them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
LINTER = Path(sys.executable).with_name("lint-imports")
OUTSIDE = {"tests"}

#: Module that imports, module that it must not import, and the contract that says so.
PLANTED = (
    ("kfix.engine.wire.codec", "faust", "faust"),
    ("kfix.infra.store.engine", "mode", "faust"),
    ("publish.service.notify", "httpx", "usecases"),
    ("safety.service.validation", "safety.adapters.kubernetes", "usecases"),
    ("enrich.service.gathering", "kfix.infra.settings", "usecases"),
    ("decide.core.ranking", "sqlalchemy", "cores"),
    ("ingest.core.authenticity", "kfix.infra.settings", "cores"),
    ("ingest.sources.datadog.reading", "kfix.infra.settings", "cores"),
    ("ingest.sources.gitlab", "ingest.sources.datadog.reading", "sources"),
    ("publish.core.notes", "publish.ports", "cores"),
    ("manifests.text.spans", "subprocess", "cores"),
    ("kfix.incident.redaction", "kfix.infra.telemetry.logs", "cores"),
    ("kfix.engine.runtime.engine", "decide.core", "floors"),
    ("console.adapters.web", "publish.core", "floors"),
    ("schemas.plans", "manifests", "floors"),
    ("sandbox.world", "kfix.infra.settings", "floors"),
    ("kfix.offline.diagnose", "tools.lab", "floors"),
    ("manifests.refused", "kfix.incident", "floors"),
    ("kfix.texts.template", "manifests", "floors"),
    ("kfix.infra.clients.http", "kfix.engine.topics", "kfix"),
    ("kfix.demo.play", "kfix.cli", "kfix"),
    ("kfix.engine.broker.reading", "kfix.engine.runtime.engine", "engine"),
    ("kfix.infra.store.tables", "kfix.infra.memory.index", "infra"),
    ("manifests.text.style", "manifests.repository.index", "manifests"),
    ("learn.ports", "learn.adapters.sql", "stage"),
    ("learn.adapters.sql", "learn.service.following", "stage"),
    ("decide.settings", "decide.wiring", "stage"),
)


def contracts() -> dict[str, Any]:
    """The contracts by their ids."""
    found = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    return {c["id"]: c for c in found["contracts"]} | {"": found}


def source_of(root: Path, module: str) -> Path:
    path = root / module.replace(".", "/")
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What the linter says of a copy of the tree with every forbidden import in it, and a module of no known name."""
    copy = tmp_path_factory.mktemp("walls")
    shutil.copy(ROOT / "pyproject.toml", copy)
    for package in contracts()[""]["root_packages"]:
        shutil.copytree(
            ROOT / package,
            copy / package,
            ignore=lambda folder, names: [
                n for n in names if not (n.endswith(".py") or Path(folder, n).is_dir())
            ],
        )
    for importer, imported, _ in PLANTED:
        with source_of(copy, importer).open("a") as file:
            file.write(f"\nimport {imported}\n")
    (copy / "publish" / "planted.py").touch()
    done = subprocess.run(
        [LINTER, "--no-cache"],
        cwd=copy,
        env={**os.environ, "COLUMNS": "1000", "PYTHONPATH": str(copy)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    return done.stdout


def part_about(said: str, contract: str) -> str:
    """What is said of one broken contract."""
    name = re.escape(contracts()[contract]["name"])
    found = re.search(rf"(?m)^{name}\n-+\n(.*?)(?=^[^\n]+\n---|\Z)", said, re.S)
    return found[1] if found else ""


@pytest.mark.parametrize(("importer", "imported", "contract"), PLANTED)
def test_an_import_through_a_wall_is_found(
    said: str, importer: str, imported: str, contract: str
) -> None:
    assert f"{importer} -> {imported} (l." in part_about(said, contract)


def test_a_module_of_no_known_name_in_a_stage_is_found(said: str) -> None:
    assert "publish.planted" in part_about(said, "stage")


def test_every_package_stands_on_a_floor() -> None:
    packages = {p.parent.name for p in ROOT.glob("*/__init__.py")} - OUTSIDE
    assert set(contracts()[""]["root_packages"]) == packages
    named = {
        name.strip().split(".")[0]
        for layer in contracts()["floors"]["layers"]
        for name in layer.split("|")
    }
    assert named == packages


def test_every_wall_has_an_import_that_breaks_it() -> None:
    assert {contract for _, _, contract in PLANTED} == contracts().keys() - {""}
