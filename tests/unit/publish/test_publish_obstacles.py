"""Which checks are decisive when no plan may be opened, and what people are told to do."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from publish.core.obstacles import Obstacles, obstacles_of, paragraphs
from publish.core.wording import Language, word
from schemas.validated import CheckName, CheckResult, ValidatedPlan, ValidatedPlans
from tests.support import publish as sample

ROOT = Path(__file__).resolve().parents[3]
SHIPPED = ROOT / "deploy" / "kubernetes"
LOCK = CheckResult(
    name="server_dry_run",
    verdict="unknown",
    reason="plans are not examined while the cluster's lock is unlocked: it is open",
    numbers={"lock": "unlocked"},
)


def failed(name: CheckName, reason: str = "") -> CheckResult:
    return CheckResult(name=name, verdict="fail", reason=reason or f"{name} says no")


def unknown(name: CheckName, reason: str = "not checked") -> CheckResult:
    return CheckResult(name=name, verdict="unknown", reason=reason)


def record(*plans: tuple[CheckResult, ...]) -> ValidatedPlans:
    """A record whose plans were each stopped by those checks."""
    passed = CheckResult(name="fix_policy", verdict="pass", reason="allowed")
    tolerated = CheckResult(name="historical_failures", verdict="unknown", reason="tolerated")
    stopped = tuple(
        ValidatedPlan(
            plan=sample.plan(f"{600 + at}m"),
            accepted=False,
            rejected_by=tuple(c.name for c in checks),
            checks=(passed, tolerated, *checks),
        )
        for at, checks in enumerate(plans)
    )
    return sample.record(plans=stopped, status="needs_human", reason="no_safe_plan", recommended="")


def named(*plans: tuple[CheckResult, ...]) -> tuple[list[str], int]:
    found = obstacles_of(record(*plans))
    assert found is not None
    assert found.plans == len(plans)
    return [check.name for check in found.decisive], found.others


def test_what_stops_every_plan_is_decisive_and_what_stops_one_is_counted() -> None:
    quota, fit = failed("resource_quota"), failed("node_fit")
    assert named((fit, quota), (quota,), (quota,)) == (["resource_quota"], 1)


def test_without_a_common_check_those_that_stop_most_plans_are_named() -> None:
    quota, fit, edit = failed("resource_quota"), failed("node_fit"), failed("manifest_edit")
    assert named((fit,), (fit,), (quota,), (quota,), (edit,)) == (
        ["resource_quota", "node_fit"],
        1,
    )


def test_the_lock_comes_before_everything_and_failures_before_what_is_unknown() -> None:
    checks = (
        unknown("node_fit"),
        unknown("manifest_edit"),
        failed("scaling_ceiling"),
        failed("environment_policy"),
    )
    assert named((*checks, LOCK)) == (["server_dry_run", "environment_policy"], 3)
    assert named(checks) == (["environment_policy", "scaling_ceiling"], 2)


def test_what_is_unknown_for_want_of_an_edit_is_the_edits_trouble() -> None:
    missing = "there is no edited document"
    names: tuple[CheckName, ...] = ("render", "schema", "server_dry_run")
    checks = tuple(unknown(name, missing) for name in names)
    assert named((failed("manifest_edit"), *checks)) == (["manifest_edit"], 0)
    assert named(checks[:1]) == (["render"], 0)


def test_an_accepted_plan_or_none_at_all_is_not_stopped() -> None:
    assert obstacles_of(sample.record()) is None
    assert obstacles_of(sample.record(plans=(), recommended="")) is None


@pytest.mark.parametrize("language", ["en", "fr"])
@pytest.mark.parametrize("verdict", ["fail", "unknown"])
@pytest.mark.parametrize("name", CheckName.__args__)  # type: ignore[attr-defined]
def test_every_check_that_stops_has_a_name_a_reason_and_a_step(
    name: CheckName, verdict: str, language: Language
) -> None:
    check = failed(name, "because") if verdict == "fail" else unknown(name, "because")
    why, told, step = paragraphs(Obstacles(2, (check,), 0), language)
    assert "2 plans" in why[1]
    assert told[1].endswith("because")
    assert (told[1] == "because") == (verdict == "fail")
    assert len(step[1]) > 20


def test_a_long_reason_is_cut_and_the_message_says_so() -> None:
    *_, told, step = paragraphs(Obstacles(1, (failed("schema", "x" * 900),), 0), "en")
    assert len(told[1]) <= 300
    assert step[1].endswith(word("shortened", "en"))


@pytest.mark.parametrize("language", ["en", "fr"])
def test_the_objects_that_people_are_told_to_apply_are_shipped_under_those_names(
    language: Language,
) -> None:
    def names(file: str) -> set[tuple[str, str]]:
        documents = yaml.safe_load_all((SHIPPED / file).read_text())
        return {(d["kind"], d["metadata"]["name"]) for d in documents if d}

    text = word("next_lock_unlocked", language) + word("next_lock_unknown", language)
    policy, access = "1-admission-policy.yaml", "2-access.yaml"
    assert {policy, access} == {
        w.strip(":;.,") for w in text.replace("/", " ").split() if ".yaml" in w
    }
    for kind in ("ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"):
        assert kind in text
        assert (kind, "k-fix-dry-run-only") in names(policy)
    assert ("ConfigMap", "k-fix-lock") in names(access)
    assert "kfix/k-fix-lock" in text


@pytest.mark.parametrize("name", ["manifest_edit", "render"])
def test_where_the_file_could_not_be_edited_people_get_the_change(name: CheckName) -> None:
    found = obstacles_of(record((failed(name),), (failed(name),)))
    assert found is not None
    (change,) = sample.plan("600m").kubernetes_changes
    (field,) = change.fields
    said = f"{change.object.key} {field.path}: {field.before} → {field.after}"
    assert found.change == said
    told = dict(paragraphs(found, "en"))
    assert told["✏️ The change by hand"] == said
    assert "✏️ Le changement à la main" in dict(paragraphs(found, "fr"))


def test_where_a_limit_stands_in_the_way_no_change_is_shown_to_be_made_past_it() -> None:
    found = obstacles_of(record((failed("resource_quota"),)))
    assert found is not None
    assert found.change == ""
    assert not [name for name, _ in paragraphs(found, "en") if "by hand" in name]


def test_a_long_or_hostile_change_is_cut_and_stays_one_line() -> None:
    stopped = record((failed("render"),))
    (first,) = stopped.plans
    (change,) = first.plan.kubernetes_changes
    fields = tuple(
        change.fields[0].model_copy(update={"path": f"spec.x{n}", "after": f"/merge\n{'v' * 90}"})
        for n in range(6)
    )
    plan = first.plan.model_copy(
        update={"kubernetes_changes": (change.model_copy(update={"fields": fields}),)}
    )
    found = obstacles_of(
        stopped.model_copy(update={"plans": (first.model_copy(update={"plan": plan}),)})
    )
    assert found is not None
    said = dict(paragraphs(found, "en"))["✏️ The change by hand"]
    assert len(said) <= 300
    assert "\n" not in said
