"""The recipe of a check works as it is written: it stops a plan, by its name, and the merge request shows it in two languages."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.recipes import changed, copied, follow, pytest_words, run

COPIED = (
    "safety",
    "schemas",
    "kfix",
    "pyproject.toml",
    "tests/__init__.py",
    "tests/conftest.py",
    "tests/run.py",
    "tests/support",
    "tests/unit/__init__.py",
    "tests/unit/safety",
    "tests/unit/kfix/__init__.py",
    "tests/unit/kfix/texts",
)
#: Examines a plan that sets the image in argv, and shows the merge request that would tell of it.
EXAMINE = """
import json, sys
from kfix.infra.forges.gitlab.dialect import DIALECT
from publish.core.description import Page, description
from schemas.plans import FieldChange
from tests.support import publish as sample
from tests.unit.safety import test_safety_checks as safety

was, image = "registry.example.com:5000/shop/api:1", sys.argv[1]
deployment = safety.deployment()
deployment["spec"]["template"]["spec"]["containers"][0]["image"] = was
path = "spec.template.spec.containers[name=app].image"
plan = safety.plan(FieldChange(path=path, before=was, after=image), kind="set_image")
seen = safety.objects(deployments=[deployment] if sys.argv[2] == "seen" else [])
done = safety.examined(plan, seen)
record = sample.record()
shown = record.plans[0].model_copy(update={"checks": done.checks})
told = {
    language: description(record, shown, Page(language, DIALECT, "https://k.example/i", ()))
    for language in ("en", "fr")
}
check = next(c for c in done.checks if c.name == "image_origin")
again = type(done).model_validate_json(done.model_dump_json())
print(json.dumps({
    "accepted": done.accepted, "rejected_by": again.rejected_by, "order": [c.name for c in again.checks],
    "verdict": check.verdict, "numbers": check.numbers, **told,
}))
"""


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy in which the recipe was followed."""
    root = copied(tmp_path_factory.mktemp("check"), *COPIED)
    follow(root, "A check")
    return root


def examined(copy: Path, image: str, objects: str = "seen") -> dict[str, Any]:
    """What safety found about a plan that sets this image, and how the merge request tells it."""
    found: dict[str, Any] = json.loads(run(copy, "-c", EXAMINE, image, objects))
    return found


def test_a_plan_that_breaks_the_new_rule_is_stopped_by_its_name(copy: Path) -> None:
    found = examined(copy, "elsewhere.example.com/shop/api:2")
    assert (found["accepted"], found["rejected_by"]) == (False, ["image_origin"])
    assert found["order"][1:3] == ["fix_policy", "image_origin"]
    assert found["numbers"] == {"app": "elsewhere.example.com/shop/api"}


def test_the_merge_request_shows_it_in_both_languages(copy: Path) -> None:
    found = examined(copy, "elsewhere.example.com/shop/api:2")
    assert "Origin of images" in found["en"]
    assert "would run an image from" in found["en"]
    assert "Origine des images" in found["fr"]
    assert "utiliserait une image de" in found["fr"]


def test_a_plan_within_the_new_rule_passes_and_what_was_not_seen_is_unknown(copy: Path) -> None:
    kept = examined(copy, "registry.example.com:5000/shop/api:2")
    assert (kept["verdict"], kept["accepted"]) == ("pass", True)
    unseen = examined(copy, "registry.example.com:5000/shop/api:2", "unseen")
    assert unseen["verdict"] == "unknown"
    assert "image_origin" in unseen["rejected_by"]


def test_the_suites_of_safety_and_of_texts_hold_with_it(copy: Path) -> None:
    files = ("safety/test_safety_checks.py", "kfix/texts/test_texts_catalogues.py")
    chosen = "not every_entry_is_said and not has_an_entry"  # read the whole tree's sources
    assert " passed" in run(copy, *pytest_words(*(f"tests/unit/{f}" for f in files), "-k", chosen))


def test_a_check_touches_four_files_beside_its_own(copy: Path) -> None:
    assert changed(copy) - {"safety/core/origins.py"} == {
        "schemas/validated.py",
        "safety/core/validation.py",
        "kfix/texts/locales/en/safety.yaml",
        "kfix/texts/locales/fr/safety.yaml",
    }
