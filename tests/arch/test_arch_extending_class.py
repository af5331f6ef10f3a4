"""The recipe of a failure class works as it is written: the class is found, repaired, told in two languages and on its page."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.recipes import changed, copied, failed, follow, pytest_words, run

COPIED = (
    "decide",
    "kfix",
    "docs",
    "pyproject.toml",
    "tests/__init__.py",
    "tests/conftest.py",
    "tests/run.py",
    "tests/support",
    "tests/unit/__init__.py",
    "tests/unit/decide",
)
NEW, FAULT = "decide/core/families/hooks/", "tests/support/decide/faults_hooks.py"
DIAGNOSE = """
import json
from decide.core import diagnose
from tests.support.decide.catalogue import FAULTS
from tests.support.decide.clusters import Cluster

cluster = Cluster(5)
apps = [cluster.app() for _ in range(3)]
FAULTS["post_start_hook_port"](cluster, apps[1])
told = {}
for language in ("en", "fr"):
    verdict = diagnose(cluster.bundle(), language=language)
    first = verdict.analysis.hypotheses[0]
    told[language] = {
        "class": first.failure_class,
        "at": first.object.name == apps[1],
        "cause": verdict.analysis.root_cause,
        "title": verdict.plans[0].title,
        "fields": [(f.op, f.path, f.after - f.before) for f in verdict.plans[0].kubernetes_changes[0].fields],
    }
print(json.dumps(told))
"""


def followed(root: Path) -> Path:
    """The recipe on a copy, with what it says is generated."""
    copied(root, *COPIED)
    follow(root, "A failure class")
    page = run(root, "-m", "decide.core.taxonomy")
    (root / "docs/failure-classes.md").write_text(page)
    return root


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy in which the recipe was followed."""
    return followed(tmp_path_factory.mktemp("class"))


def test_its_fault_is_found_first_and_repaired_and_told_in_both_languages(copy: Path) -> None:
    told = json.loads(run(copy, "-c", DIAGNOSE))
    for language in ("en", "fr"):
        assert (told[language]["class"], told[language]["at"]) == ("post_start_hook_port", True)
        [[op, path, difference]] = told[language]["fields"]
        assert (op, difference) == ("replace", -1)
        assert path.endswith("containers[name=main].lifecycle.postStart.httpGet.port")
    assert told["en"]["title"].startswith("The hook calls port ")
    assert told["fr"]["title"].startswith("Le hook appelle le port ")
    assert "a port that nobody listens at" in told["en"]["cause"]
    assert "un port sur lequel personne n'écoute" in told["fr"]["cause"]


def test_the_suite_of_rules_plans_and_pages_holds_with_it(copy: Path) -> None:
    files = ("rules", "plans", "taxonomy")
    words = (f"tests/unit/decide/test_decide_{name}.py" for name in files)
    chosen = "post_start or page_is_current or every_class or quota_cpu or healthy"
    assert " passed" in run(copy, *pytest_words(*words, "-k", chosen))
    assert "`post_start_hook_port`" in (copy / "docs/failure-classes.md").read_text()


def test_a_class_without_a_fault_that_it_is_found_by_fails(tmp_path: Path) -> None:
    root = followed(tmp_path)
    (root / FAULT).unlink()
    told = failed(
        root, *pytest_words("tests/unit/decide/test_decide_rules.py", "-k", "every_class")
    )
    assert "1 failed" in told
    assert "post_start_hook_port" in told


def test_a_class_touches_its_folder_its_texts_its_fault_and_its_page(copy: Path) -> None:
    outside = {f for f in changed(copy) if not f.startswith(NEW)}
    assert outside == {
        "kfix/texts/locales/en/hooks.yaml",
        "kfix/texts/locales/fr/hooks.yaml",
        FAULT,
        "docs/failure-classes.md",
    }
