"""The paper is what the code says: settings, promises, compose file, targets."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from kfix.cli.settings import load, models, page, variables
from kfix.cli.stage_registry import NAMES

ROOT = Path(__file__).resolve().parents[3]
from tests import promises  # noqa: E402


def test_the_settings_page_is_current() -> None:
    assert (ROOT / "docs/settings.md").read_text() == page(), (
        "run: kfix settings --markdown > docs/settings.md"
    )


def test_every_setting_says_what_it_is() -> None:
    silent = [v.name for m in models() for v in variables(load(m)) if not v.text]
    assert len(silent) <= 20, silent  # addresses and keys that say it in their names


def test_promised_defaults_hold() -> None:
    found = {v.name: v.default for m in models() for v in variables(load(m))}
    assert found["KFIX_MODE"] == "propose"
    assert found["KFIX_KAFKA_BOOTSTRAP"] == ""
    assert found["KFIX_LEARN_CHECK_AFTER_S"] == "900.0"
    assert found["KFIX_INGEST_HOST"] == found["KFIX_CONSOLE_HOST"] == "127.0.0.1"
    assert found["KFIX_INGEST_DATADOG_TOKENS"] == ""
    assert found["KFIX_DECIDE_ASK"] == "when_unsure"


def test_the_readme_shows_the_figures_of_the_last_run() -> None:
    figures = json.loads((ROOT / "docs/promises.json").read_text())
    readme = (ROOT / "README.md").read_text()
    assert promises.with_table(readme, figures) == readme, "run: python tests/promises.py --table"


def test_every_promise_names_tests_that_exist() -> None:
    for promise in promises.PROMISES:
        for path in promise.paths:
            assert (ROOT / path).exists(), f"{promise.id}: {path}"


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    return found


def test_compose_runs_every_stage_as_its_own_service(compose: dict[str, Any]) -> None:
    for name in NAMES:
        service = compose["services"][name]
        assert service["command"] == ["run", name]
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]


def test_compose_sets_only_variables_that_exist(compose: dict[str, Any]) -> None:
    known = {v.name for m in models() for v in variables(load(m))}
    for name, service in compose["services"].items():
        for variable in service.get("environment") or {}:
            if variable.startswith("KFIX_"):
                assert variable in known, f"{name}: {variable}"


def test_compose_has_the_sandbox_as_a_profile(compose: dict[str, Any]) -> None:
    assert compose["services"]["sandbox"]["profiles"] == ["sandbox"]


@pytest.mark.parametrize("name", [".env.example", ".env.sandbox"])
def test_the_example_environments_set_only_variables_that_exist(name: str) -> None:
    text = (ROOT / name).read_text()
    known = {v.name for m in models() for v in variables(load(m))} | {"POSTGRES_PASSWORD"}
    names = re.findall(r"^(\w+)=", text, re.M)
    assert set(names) <= known


def test_links_of_the_paper_lead_somewhere() -> None:
    for file in (ROOT / "README.md", *(ROOT / "docs").glob("*.md")):
        for target in re.findall(r"\]\(([^)#]+)", file.read_text()):
            if not target.startswith(("http://", "https://")):
                assert (file.parent / target).exists(), f"{file.name}: {target}"
