"""What is known of a failure class stands in its family's folder and nowhere else."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import pytest
from mypy import api

from decide.core.drafting.drafts import PlanDraft
from decide.core.families import modules
from decide.core.families.registry import BUILDERS, PARTS
from decide.core.findings import Fact, Finding
from decide.core.taxonomy import CAUSES, CLASSES, FAMILIES, sharper

ROOT = Path(__file__).resolve().parents[2]
HOME = ROOT / "decide" / "core" / "families"
PRODUCT = (
    "kfix",
    "schemas",
    "manifests",
    "ingest",
    "enrich",
    "decide",
    "safety",
    "publish",
    "learn",
    "console",
)
#: Words that mean something else where they stand.
OTHER_WORDS = {
    # the alert's transitions and the reasons for no action are words of ``schemas``, and some classes are called like them
    **dict.fromkeys((e.id for e in CLASSES.values() if e.nature == "calm"), "*"),
    # the name of a log pattern
    "missing_env": "decide/core/log_patterns.py",
}


def _literals(path: Path) -> Iterator[tuple[str, int]]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value, node.lineno


def _outside() -> Iterator[Path]:
    for package in PRODUCT:
        for path in sorted((ROOT / package).rglob("*.py")):
            if HOME not in path.parents:
                yield path


def test_no_module_outside_the_families_names_a_class() -> None:
    named = [
        f"{place}:{line} {word}"
        for path in _outside()
        for word, line in _literals(path)
        if word in CLASSES
        and OTHER_WORDS.get(word) not in ("*", place := path.relative_to(ROOT).as_posix())
    ]
    assert named == []


def test_every_folder_is_a_family_of_that_name() -> None:
    folders = sorted(p.name for p in HOME.iterdir() if (p / "__init__.py").is_file())
    assert sorted(FAMILIES) == folders


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_a_family_repairs_its_own_classes_only(family: str) -> None:
    parts = dict(zip(sorted(FAMILIES), PARTS, strict=True))[family]
    own = {entry.id for entry in CLASSES.values() if entry.family.id == family}
    assert own
    for table in (parts.builders, parts.silences):
        assert set(table) <= own


def test_no_two_families_have_the_same_class() -> None:
    assert len(CLASSES) == sum(len(module.CLASSES) for module in modules("classes"))


def test_a_family_s_rules_find_its_own_classes() -> None:
    """A class that no rule of its folder names has strayed from what finds it."""
    strayed = []
    for class_id, entry in CLASSES.items():
        folder = HOME / entry.family.id
        sources = [p for p in folder.rglob("*.py") if p.name not in ("classes.py", "family.py")]
        words = {word for p in sources if "plans" not in p.as_posix() for word, _ in _literals(p)}
        made = class_id.startswith("quota_") or "_probe_" in class_id  # put together from parts
        if not made and class_id not in words:
            strayed.append(class_id)
    assert strayed == []


def test_records_name_classes_that_exist() -> None:
    for entry in CLASSES.values():
        named = {*entry.rivals, *entry.yields_to, *entry.explains}
        named |= {entry.incident_as} - {""}
        assert named <= set(CLASSES), entry.id
        assert entry.id not in entry.yields_to


def test_a_builder_has_a_class_that_promises_plans() -> None:
    assert [c for c in BUILDERS if not CLASSES[c].plans] == []


def test_what_steps_back_behind_every_cause_steps_back_behind_a_new_one_too() -> None:
    assert sharper(CLASSES["bad_rollout"]) >= CAUSES
    assert "bad_rollout" not in sharper(CLASSES["bad_rollout"])
    assert "healthy" not in sharper(CLASSES["bad_rollout"])


def test_a_builder_reads_the_facts_that_the_record_names() -> None:
    read = {class_id: repair.facts for class_id, repair in BUILDERS.items()}
    assert read == {class_id: CLASSES[class_id].facts for class_id in BUILDERS}
    assert read["oom_killed"].__name__ == "KilledContainer"


def test_facts_are_frozen_and_made_by_the_names_of_their_fields() -> None:
    for entry in CLASSES.values():
        made = entry.facts.__dataclass_params__  # type: ignore[attr-defined]
        assert made.frozen, entry.id
        assert all(f.kw_only for f in fields(entry.facts)), entry.id


@pytest.mark.parametrize("name", [Finding, Fact, PlanDraft])
def test_what_rules_and_plans_make_is_made_by_the_names_of_its_fields(name: type) -> None:
    assert all(f.kw_only for f in fields(name))


def test_a_checker_finds_a_field_that_the_facts_do_not_have(tmp_path: Path) -> None:
    source = """
from decide.core.drafting.drafts import PlanDraft
from decide.core.families.parts import repair
from decide.core.families.resources.facts import EvictedPod, KilledContainer
from decide.core.findings import Finding
from decide.core.view import ClusterView
from manifests.objects.workloads import Workload


def right(finding: Finding[KilledContainer], view: ClusterView) -> list[PlanDraft]:
    print(finding.facts.container)
    return []


def wrong(finding: Finding[KilledContainer], view: ClusterView) -> list[PlanDraft]:
    print(finding.facts.contaner)
    return []


def differs(finding: Finding[EvictedPod], live: Workload, declared: Workload) -> bool:
    return finding.facts.message == ""


def unsaid(finding: Finding) -> str:
    return finding.facts.container


repair(KilledContainer, right)
repair(EvictedPod, right)
repair(KilledContainer, right, differs=differs)
KilledContainer(workload=None, contaner="")
handed: Finding[dict[str, str]]
"""
    path = tmp_path / "planted.py"
    path.write_text(source)
    report, _, _ = api.run(["--strict", "--config-file", str(ROOT / "pyproject.toml"), str(path)])
    lines = sorted({int(part.split(":")[1]) for part in report.splitlines() if ": error:" in part})
    assert lines == [16, 25, 29, 30, 31, 32], report
