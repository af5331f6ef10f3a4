"""Each check: when it passes, when it fails, when it does not know; and that nothing unknown passes in production."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from manifests.refused import EditRefused
from safety.core import Findings, Policy, check_plan, validated
from safety.core.policy import EnvironmentPolicy
from schemas.base import Environment, ObjectRef
from schemas.context import Pattern, SourceStatus
from schemas.next_steps import NextStep
from schemas.plans import (
    ActionPlan,
    CandidatePlans,
    FieldChange,
    FixKind,
    IncidentContext,
    KubernetesChange,
    LostText,
    Repairs,
)
from schemas.validated import CheckName, CheckResult, FileEdit, ValidatedPlan
from tests.support.places import proof

AT = datetime(2026, 3, 1, tzinfo=UTC)
REF = ObjectRef(api_version="apps/v1", kind="Deployment", namespace="shop", name="api")
CPU = "spec.template.spec.containers[name=app].resources.limits.cpu"
MEMORY = "spec.template.spec.containers[name=app].resources.limits.memory"
EDIT = FileEdit(
    project="p",
    path="api.yaml",
    ref="main",
    before_sha256="a",
    after_sha256="b",
    after="",
    diff="",
    added_lines=1,
    removed_lines=1,
)
PROVEN = Findings(
    [EDIT],
    {
        "schema": CheckResult(name="schema", verdict="pass", reason="valid"),
        "render": CheckResult(name="render", verdict="pass", reason="as planned"),
        "server_dry_run": CheckResult(name="server_dry_run", verdict="pass", reason="accepted"),
    },
)


def deployment(**spec: Any) -> dict[str, Any]:
    container = {
        "name": "app",
        "resources": {
            "requests": {"cpu": "100m", "memory": "128Mi"},
            "limits": {"cpu": "200m", "memory": "256Mi"},
        },
        "livenessProbe": {"httpGet": {"path": "/", "port": 80}},
    }
    template = {"metadata": {"labels": {"app": "api"}}, "spec": {"containers": [container]}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "api", "namespace": "shop"},
        "spec": {
            "replicas": 2,
            "selector": {"matchLabels": {"app": "api"}},
            "template": template,
            **spec,
        },
    }


def objects(**more: Sequence[Any]) -> dict[str, list[Any]]:
    node = {
        "kind": "Node",
        "metadata": {"name": "n1"},
        "status": {"allocatable": {"cpu": "4", "memory": "8Gi"}},
    }
    bounds: dict[str, list[Any]] = {
        "deployments": [deployment()],
        "resourcequotas": [],
        "limitranges": [],
        "horizontalpodautoscalers": [],
        "poddisruptionbudgets": [],
        "nodes": [node],
    }
    return {**bounds, **{kind: list(items) for kind, items in more.items()}}


def plan(*fields: FieldChange, kind: FixKind = "set_cpu", ref: ObjectRef = REF) -> ActionPlan:
    return ActionPlan(
        plan_id="plan-1",
        title="t",
        fix_kind=kind,
        confidence=0.9,
        justification="j",
        kubernetes_changes=(KubernetesChange(object=ref, fields=fields or (cpu("400m"),)),),
        repairs=Repairs(verdict="pass", reason="the cause is gone"),
    )


def cpu(after: str) -> FieldChange:
    return FieldChange(path=CPU, before="200m", after=after)


def replicas(after: int, before: int = 2) -> FieldChange:
    return FieldChange(path="spec.replicas", before=before, after=after)


def candidate(environment: Environment = "production", **context: Any) -> CandidatePlans:
    return CandidatePlans(
        event_id="dec-1",
        occurred_at=AT,
        incident_id="inc-1",
        fingerprint="fp-1",
        status="solution_proposed",
        context=IncidentContext(
            namespace="shop",
            environment=environment,
            proof=proof(environment),
            alerted_at=AT,
            **context,
        ),
    )


def examined(
    a_plan: ActionPlan | None = None,
    found: Mapping[str, Sequence[Any]] | None = None,
    *,
    environment: Environment = "production",
    policy: Policy | None = None,
    findings: Findings = PROVEN,
    **context: Any,
) -> ValidatedPlan:
    return check_plan(
        a_plan or plan(),
        candidate(environment, **context),
        objects() if found is None else found,
        policy or Policy(),
        findings,
    )


def verdict(done: ValidatedPlan, name: str) -> tuple[str, str]:
    check = next(c for c in done.checks if c.name == name)
    return check.verdict, check.reason


def test_what_to_look_at_goes_along_where_a_person_is_asked_and_nowhere_else() -> None:
    steps = (NextStep(what="Look at it.", command="kubectl get pods -n shop"),)
    asked = candidate().model_copy(update={"next_steps": steps})
    assert validated(asked, [examined()], Policy()).next_steps == ()
    refused = validated(asked, [examined().model_copy(update={"accepted": False})], Policy())
    assert (refused.status, refused.next_steps) == ("needs_human", steps)
    handed = asked.model_copy(update={"status": "needs_human", "reason": "code_defect"})
    assert validated(handed, [], Policy()).next_steps == steps


def test_a_plan_that_passes_everything_is_accepted_in_production() -> None:
    done = examined()
    assert done.accepted, [(c.name, c.reason) for c in done.checks if c.verdict != "pass"]
    assert done.edits == (EDIT,)


def quota(hard: dict[str, str], used: dict[str, str], **spec: Any) -> dict[str, Any]:
    return {
        "kind": "ResourceQuota",
        "metadata": {"name": "q", "namespace": "shop"},
        "spec": {"hard": hard, **spec},
        "status": {"hard": hard, "used": used},
    }


@pytest.mark.parametrize(
    ("hard", "used", "fields", "expected"),
    [
        ({"limits.cpu": "10"}, {"limits.cpu": "400m"}, [cpu("400m")], "pass"),
        (
            {"limits.cpu": "600m"},
            {"limits.cpu": "400m"},
            [cpu("400m")],
            "fail",
        ),  # 2 pods × 200m more
        (
            {"limits.cpu": "1"},
            {"limits.cpu": "400m"},
            [cpu("400m")],
            "pass",
        ),  # 800m in the end; at its height two new pods and the last old one
        (
            {"limits.cpu": "990m"},
            {"limits.cpu": "400m"},
            [cpu("400m")],
            "fail",
        ),  # the second new pod is refused, and the old one has to stay for it
        ({"pods": "3"}, {"pods": "2"}, [replicas(3)], "pass"),
        ({"pods": "2"}, {"pods": "2"}, [replicas(3)], "fail"),
        ({"limits.cpu": "10"}, {}, [cpu("400m")], "unknown"),
        ({"count/secrets": "0"}, {"count/secrets": "0"}, [cpu("400m")], "pass"),
    ],
)
def test_quota_counts_the_change_and_its_rollout(
    hard: Any, used: Any, fields: Any, expected: str
) -> None:
    done = examined(plan(*fields), objects(resourcequotas=[quota(hard, used)]))
    assert verdict(done, "resource_quota")[0] == expected, verdict(done, "resource_quota")


def test_a_quota_of_other_pods_does_not_count() -> None:
    scoped = quota({"pods": "0"}, {"pods": "0"}, scopes=["BestEffort"])
    elsewhere = {
        **quota({"pods": "0"}, {"pods": "0"}),
        "metadata": {"name": "q", "namespace": "other"},
    }
    done = examined(plan(replicas(3)), objects(resourcequotas=[scoped, elsewhere]))
    assert verdict(done, "resource_quota")[0] == "pass"


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ({"type": "Container", "max": {"cpu": "300m"}}, "fail"),
        ({"type": "Container", "max": {"cpu": "400m"}}, "pass"),
        ({"type": "Container", "min": {"cpu": "200m"}}, "fail"),
        ({"type": "Container", "maxLimitRequestRatio": {"cpu": "3"}}, "fail"),
        ({"type": "Pod", "max": {"cpu": "300m"}}, "fail"),
        ({"type": "PersistentVolumeClaim", "max": {"storage": "1Gi"}}, "pass"),
    ],
)
def test_limit_ranges_bound_containers_and_pods(entry: Any, expected: str) -> None:
    limits = {"metadata": {"name": "l", "namespace": "shop"}, "spec": {"limits": [entry]}}
    assert verdict(examined(found=objects(limitranges=[limits])), "limit_range")[0] == expected


def test_a_request_above_its_limit_fails_with_the_numbers() -> None:
    done = examined(plan(cpu("50m")))
    assert verdict(done, "requests_within_limits") == (
        "fail",
        "app cpu: request 100m is above limit 50m",
    )


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ([replicas(4)], "pass"),
        ([replicas(9)], "fail"),  # more than four times
        ([replicas(60)], "fail"),
        ([cpu("801m")], "fail"),
        ([cpu("800m")], "pass"),
        ([FieldChange(path=MEMORY, before="256Mi", after="2Gi")], "fail"),
    ],
)
def test_growth_has_a_ceiling(fields: Any, expected: str) -> None:
    assert verdict(examined(plan(*fields)), "scaling_ceiling")[0] == expected


def scaler(**spec: Any) -> dict[str, Any]:
    target = {"kind": "Deployment", "name": "api"}
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "api", "namespace": "shop"},
        "spec": {"scaleTargetRef": target, "minReplicas": 2, "maxReplicas": 4, **spec},
    }


def test_replicas_under_an_autoscaler_are_the_autoscalers() -> None:
    done = examined(plan(replicas(3)), objects(horizontalpodautoscalers=[scaler()]))
    assert verdict(done, "scaling_ceiling")[0] == "fail"
    ref = ObjectRef(
        api_version="autoscaling/v2", kind="HorizontalPodAutoscaler", namespace="shop", name="api"
    )
    for after, expected in ((6, "pass"), (99, "fail"), (1, "fail")):
        change = FieldChange(path="spec.maxReplicas", before=4, after=after)
        done = examined(
            plan(change, kind="set_autoscaler_bounds", ref=ref),
            objects(horizontalpodautoscalers=[scaler()]),
        )
        assert verdict(done, "scaling_ceiling")[0] == expected, after


def test_a_pod_must_fit_on_the_largest_schedulable_node() -> None:
    big = {
        "metadata": {"name": "n2"},
        "spec": {"unschedulable": True},
        "status": {"allocatable": {"cpu": "64", "memory": "1Ti"}},
    }
    small = {"metadata": {"name": "n1"}, "status": {"allocatable": {"cpu": "50m", "memory": "8Gi"}}}
    assert verdict(examined(found=objects(nodes=[big, small])), "node_fit")[0] == "fail"
    assert verdict(examined(found=objects(nodes=[])), "node_fit")[0] == "unknown"


def test_a_disruption_budget_keeps_its_pods() -> None:
    budget = {
        "metadata": {"name": "b", "namespace": "shop"},
        "spec": {"minAvailable": 2, "selector": {"matchLabels": {"app": "api"}}},
    }
    found = objects(poddisruptionbudgets=[budget])
    assert verdict(examined(plan(replicas(1)), found), "disruption_budget")[0] == "fail"
    assert verdict(examined(plan(replicas(3)), found), "disruption_budget")[0] == "pass"


@pytest.mark.parametrize(
    "path",
    [
        "spec.template.spec.containers[name=app].livenessProbe",
        "spec.template.spec.containers[name=app].resources.limits",
        "spec.template.spec.securityContext",
    ],
)
def test_guards_are_not_removed(path: str) -> None:
    done = examined(plan(FieldChange(op="remove", path=path, before={}), kind="set_probe"))
    assert verdict(done, "fix_policy")[0] == "fail"


@pytest.mark.parametrize("name", ["privileged", "allowPrivilegeEscalation", "capabilities.add"])
def test_what_opens_a_guard_may_go(name: str) -> None:
    path = f"spec.template.spec.containers[name=app].securityContext.{name}"
    done = examined(
        plan(FieldChange(op="remove", path=path, before=True), kind="rollback_revision")
    )
    assert verdict(done, "fix_policy")[0] == "pass"


BUDGET = ObjectRef(
    api_version="policy/v1", kind="PodDisruptionBudget", namespace="shop", name="api"
)


@pytest.mark.parametrize(
    ("field", "before", "after", "expected"),
    [
        ("maxUnavailable", 0, 1, "pass"),
        ("maxUnavailable", "0%", 1, "pass"),
        ("maxUnavailable", 0, 2, "fail"),
        ("maxUnavailable", 1, 2, "fail"),
        ("maxUnavailable", "10%", 1, "fail"),
        ("minAvailable", 4, 3, "pass"),
        ("minAvailable", 4, 2, "fail"),
        ("minAvailable", 1, 0, "fail"),
        ("minAvailable", "100%", "90%", "fail"),
        ("minAvailable", True, 0, "fail"),
    ],
)
def test_a_budget_may_let_one_pod_go_and_no_more(
    field: str, before: Any, after: Any, expected: str
) -> None:
    change = FieldChange(path=f"spec.{field}", before=before, after=after)
    done = examined(plan(change, kind="other", ref=BUDGET))
    assert verdict(done, "fix_policy")[0] == expected


def test_what_ran_before_is_no_growth_and_stays_under_the_ceilings() -> None:
    back = FieldChange(path=MEMORY, before="256Mi", after="2Gi")
    assert verdict(examined(plan(back, kind="set_memory")), "scaling_ceiling")[0] == "fail"
    again = plan(back, kind="rollback_revision")
    assert verdict(examined(again), "scaling_ceiling")[0] == "pass"
    low = Policy(max_memory_mib=1024)
    assert verdict(examined(again, policy=low), "scaling_ceiling")[0] == "fail"


def test_other_guards_and_deletions_are_refused() -> None:
    ref = ObjectRef(kind="NetworkPolicy", namespace="shop", name="deny")
    done = examined(plan(FieldChange(path="spec.x", before=1, after=2), kind="other", ref=ref))
    assert verdict(done, "fix_policy")[0] == "fail"
    deletion = plan().model_copy(
        update={"kubernetes_changes": (KubernetesChange(object=REF, action="delete"),)}
    )
    assert verdict(examined(deletion), "fix_policy")[0] == "fail"


def test_policy_bounds_kinds_namespaces_and_environments() -> None:
    forbidding = Policy(production=EnvironmentPolicy(forbidden_fixes=("set_cpu",)))
    assert verdict(examined(policy=forbidding), "fix_policy")[0] == "fail"
    allowing = Policy(production=EnvironmentPolicy(allowed_fixes=("set_memory",)))
    assert verdict(examined(policy=allowing), "fix_policy")[0] == "fail"
    closed = Policy(production=EnvironmentPolicy(propose=False))
    assert verdict(examined(policy=closed), "environment_policy")[0] == "fail"
    assert (
        verdict(examined(policy=Policy(protected_namespaces=("shop",))), "environment_policy")[0]
        == "fail"
    )


def pattern(**more: Any) -> Pattern:
    values = {
        "incident_id": "inc-0",
        "failure_class": "cpu",
        "fix_kind": "set_cpu",
        "object_key": "Deployment/shop/api",
        "result": "failure",
    }
    return Pattern.model_validate({**values, **more})


def test_history_vetoes_the_same_change_and_what_failed_three_times_here() -> None:
    same = pattern(changes_hash=plan().changes_hash)
    assert verdict(examined(failed_patterns=(same,)), "historical_failures")[0] == "fail"
    thrice = tuple(pattern(incident_id=f"inc-{n}") for n in range(3))
    assert verdict(examined(failed_patterns=thrice[:2]), "historical_failures")[0] == "pass"
    assert verdict(examined(failed_patterns=thrice), "historical_failures")[0] == "fail"
    elsewhere = tuple(pattern(object_key="Deployment/shop/web") for _ in range(3))
    assert verdict(examined(failed_patterns=elsewhere), "historical_failures")[0] == "pass"
    for place, answer in (("us-1", "pass"), ("eu-1", "fail"), ("", "fail")):
        there = tuple(pattern(incident_id=f"inc-{n}", cluster=place) for n in range(3))
        done = examined(failed_patterns=there, cluster="eu-1")
        assert verdict(done, "historical_failures")[0] == answer
    away = (SourceStatus(name="memory", state="missing", reason="down"),)
    assert verdict(examined(sources=away), "historical_failures")[0] == "unknown"


@pytest.mark.parametrize(
    ("edits", "expected"),
    [
        ([EDIT], "pass"),
        ([], "fail"),
        (EditRefused("TEMPLATED", "a template"), "fail"),
        ("no answer", "unknown"),
    ],
)
def test_the_edit_is_a_check(edits: Any, expected: str) -> None:
    done = examined(findings=Findings(edits, PROVEN.results))
    assert verdict(done, "manifest_edit")[0] == expected
    assert done.accepted == (expected == "pass")


@pytest.mark.parametrize(
    "missing", ["resourcequotas", "limitranges", "poddisruptionbudgets", "nodes", "deployments"]
)
def test_what_was_not_collected_is_unknown_and_passes_nowhere_in_production(missing: str) -> None:
    found = objects()
    del found[missing]
    for environment in ("production", "unknown"):
        done = examined(found=found, environment=environment)
        assert not done.accepted
        assert any(c.verdict == "unknown" for c in done.checks)


def test_unknowns_are_tolerated_outside_production_only_as_the_policy_says() -> None:
    found = objects()
    del found["nodes"]
    everything = ("node_fit", "server_dry_run", "manifest_edit")
    policy = Policy(
        production=EnvironmentPolicy(tolerated_unknowns=everything),
        staging=EnvironmentPolicy(tolerated_unknowns=("node_fit",)),
        development=EnvironmentPolicy(),
    )
    accepted = {
        e: examined(found=found, environment=e, policy=policy).accepted
        for e in ("production", "staging", "development")
    }
    assert accepted == {"production": False, "staging": True, "development": False}


@pytest.mark.parametrize("environment", ["production", "unknown", "staging", "development"])
def test_nothing_merges_by_itself_in_production_whatever_the_policy_says(
    environment: Environment,
) -> None:
    eager = EnvironmentPolicy(auto_merge=True)
    policy = Policy(production=eager, staging=eager, development=eager)
    done = validated(
        candidate(environment), [examined(environment=environment, policy=policy)], policy
    )
    assert done.recommended == "plan-1"
    assert done.auto_merge == (environment in ("staging", "development"))


@pytest.mark.parametrize(
    "repairs",
    [
        Repairs(),
        Repairs(verdict="unknown", reason="only a run tells"),
        Repairs(verdict="pass", reason="gone", loosens=("spec.template.spec.nodeSelector",)),
    ],
)
def test_what_is_not_proven_to_repair_is_proposed_and_never_merges_by_itself(
    repairs: Repairs,
) -> None:
    eager = Policy(staging=EnvironmentPolicy(auto_merge=True))
    unproven = plan().model_copy(update={"repairs": repairs})
    done = validated(
        candidate("staging"), [examined(unproven, environment="staging", policy=eager)], eager
    )
    assert (done.recommended, done.auto_merge) == ("plan-1", False)


def test_a_file_that_somebody_took_away_is_brought_back_by_people() -> None:
    eager = Policy(staging=EnvironmentPolicy(auto_merge=True))
    merged = []
    for restores in (None, LostText(path="k/settings.yaml", text="kind: ConfigMap\n")):
        change = KubernetesChange(object=REF, fields=(cpu("400m"),), restores=restores)
        made = plan().model_copy(update={"kubernetes_changes": (change,)})
        one = examined(made, environment="staging", policy=eager)
        merged.append(validated(candidate("staging"), [one], eager).auto_merge)
    assert merged == [True, False]


def test_a_plan_that_leaves_its_cause_is_stopped() -> None:
    failed = plan().model_copy(update={"repairs": Repairs(verdict="fail", reason="it is there")})
    assert examined(failed).rejected_by == ("repairs",)


def test_a_plan_of_an_older_version_says_that_it_was_not_asked() -> None:
    old = plan().model_dump(exclude={"repairs"})
    read = examined(ActionPlan.model_validate(old))
    (check,) = (c for c in read.checks if c.name == "repairs")
    assert (check.verdict, check.reason) == (
        "unknown",
        "the plan was made by an older version, which did not ask",
    )
    assert read.accepted


def test_a_fix_that_was_added_to_a_plan_is_under_the_same_policy() -> None:
    policy = Policy(staging=EnvironmentPolicy(forbidden_fixes=("set_quota",)))
    both = plan().model_copy(
        update={"repairs": Repairs(verdict="pass", reason="gone", also=("set_quota",))}
    )
    assert examined(both, environment="staging", policy=policy).rejected_by == ("fix_policy",)


def test_without_an_accepted_plan_a_person_decides_and_sees_why() -> None:
    done = validated(candidate(), [examined(plan(cpu("50m")))], Policy())
    assert (done.status, done.reason, done.recommended) == ("needs_human", "no_safe_plan", "")
    assert "request 100m is above limit 50m" in done.explanation
    assert len(done.plans) == 1


odd = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=5) | st.just("100m"),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "spec",
                    "status",
                    "metadata",
                    "hard",
                    "used",
                    "limits",
                    "containers",
                    "resources",
                    "cpu",
                    "x",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(
    st.sampled_from(
        [
            "resourcequotas",
            "limitranges",
            "poddisruptionbudgets",
            "nodes",
            "horizontalpodautoscalers",
            "deployments",
        ]
    ),
    odd,
)
def test_objects_of_any_shape_never_break_a_check_open(kind: str, item: Any) -> None:
    """Whatever the cluster sends, each check answers, and a check that could not be made is never passed."""
    found = objects()
    found[kind] = [
        item if isinstance(item, dict) else {"metadata": {"namespace": "shop"}, "spec": item}
    ]
    before = copy.deepcopy(found)
    done = examined(found=found)
    # Whether an image is there is asked only of plans that name one.
    assert {check.name for check in done.checks} == set(get_args(CheckName)) - {"image_exists"}
    assert found == before
    if any(check.verdict != "pass" for check in done.checks):
        assert not done.accepted


@pytest.mark.parametrize(
    ("kind", "item", "check"),
    [
        (
            "resourcequotas",
            {"metadata": {"name": "q", "namespace": "shop"}, "spec": "x"},
            "resource_quota",
        ),
        (
            "resourcequotas",
            {"metadata": {"name": "q", "namespace": "shop"}, "spec": {"hard": []}},
            "resource_quota",
        ),
        (
            "limitranges",
            {"metadata": {"name": "l", "namespace": "shop"}, "spec": "x"},
            "limit_range",
        ),
        (
            "limitranges",
            {
                "metadata": {"name": "l", "namespace": "shop"},
                "spec": {"limits": [{"type": "Container", "max": "x"}]},
            },
            "limit_range",
        ),
        ("nodes", {"metadata": {"name": "n"}}, "node_fit"),
    ],
)
def test_what_cannot_be_read_is_not_taken_for_absent(kind: str, item: Any, check: str) -> None:
    done = examined(found=objects(**{kind: [item]}))
    assert verdict(done, check)[0] == "unknown"
    assert not done.accepted
