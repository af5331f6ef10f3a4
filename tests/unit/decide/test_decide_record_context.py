"""What a decision's record holds: identity, the part of the bundle that later stages need, and the objects of the checks."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from decide.core.broken import RuleDefect
from decide.core.opinion import Verdict
from decide.core.record import (
    already_recovered,
    candidate,
    determined,
    fingerprint_of,
    objects_for_checks,
    recovered,
    trouble_fingerprint,
)
from decide.core.taxonomy import CLASSES
from decide.core.version import RULES_VERSION
from schemas.alerts import Alert, FiredRule
from schemas.base import ObjectRef
from schemas.context import ContextBundle, Monitor, Pattern, Series, SimilarIncident, SourceStatus
from schemas.identity import fingerprint, stable_id
from schemas.plans import (
    ActionPlan,
    Analysis,
    BrokenRule,
    CandidatePlans,
    FieldChange,
    KubernetesChange,
    SecondOpinion,
)
from tests.support.decide.clusters import AT
from tests.support.decide.views import SHOP, bundle_of, meta, ref

Obj = dict[str, Any]
WEB = ref("Deployment", "web")


def verdict(cls: str = "oom_killed", status: Any = "needs_human", *plans: ActionPlan) -> Verdict:
    analysis = Analysis(failure_class=cls, object=WEB, root_cause="r", confidence=0.5)
    return Verdict(status, "capacity", "said", analysis, plans, (RuleDefect(where="w", what="x"),))


def plan(*about: ObjectRef) -> ActionPlan:
    changes = tuple(
        KubernetesChange(object=one, fields=(FieldChange(path="a", before=1, after=2),))
        for one in about
    )
    return ActionPlan(
        plan_id="p",
        title="t",
        fix_kind="set_memory",
        confidence=0.5,
        justification="j",
        kubernetes_changes=changes,
    )


def record(given: Verdict | None = None, bundle: ContextBundle | None = None) -> CandidatePlans:
    return candidate(
        bundle or bundle_of({}),
        given or verdict(),
        incident_id="inc",
        fingerprint="fp",
        role="repeat",
        said=SecondOpinion(asked=True),
    )


@pytest.mark.parametrize(
    ("cls", "status", "named"),
    [
        ("oom_killed", "needs_human", True),
        ("oom_killed", "solution_proposed", True),
        ("crash_code", "needs_human", True),
        ("a-houses-own", "needs_human", True),
        ("oom_killed", "no_action", False),
        ("undetermined", "needs_human", False),
        ("healthy", "needs_human", False),
    ],
)
def test_whether_a_cause_is_named(cls: str, status: str, named: bool) -> None:
    assert determined(verdict(cls, status)) is named


def test_without_an_analysis_no_cause_is_named() -> None:
    assert not determined(Verdict("needs_human", "not_checked", "", None, ()))


def test_a_named_cause_is_the_incident_under_the_name_of_the_larger_trouble() -> None:
    parts = {i: c.incident_as for i, c in CLASSES.items() if c.incident_as}
    assert parts
    for cls, known_as in (
        {"oom_killed": "oom_killed", "a-houses-own": "a-houses-own"} | parts
    ).items():
        expected = fingerprint(cluster="c", failure_class=known_as, object_ref=WEB)
        assert fingerprint_of(bundle_of({}), verdict(cls)) == expected


def test_without_a_cause_the_incident_is_the_alerts_trouble() -> None:
    bundle = bundle_of({}, trouble="tr-1")
    for given in (
        verdict("undetermined"),
        verdict(status="no_action"),
        Verdict("needs_human", "", "", None, ()),
    ):
        assert fingerprint_of(bundle, given) == trouble_fingerprint(bundle)
    assert trouble_fingerprint(bundle) == stable_id("fp", "c", "tr-1")
    assert trouble_fingerprint(bundle_of({})) == stable_id("fp", "c", "cy-1")
    loud = bundle_of({}, trouble="tr-1")
    loud = loud.model_copy(
        update={"k8s_context": loud.k8s_context.model_copy(update={"cluster": " C "})}
    )
    assert trouble_fingerprint(loud) == trouble_fingerprint(bundle)


def test_a_recovery_has_no_analysis_and_an_early_one_keeps_it() -> None:
    plain = recovered(bundle_of({}), language="en")
    assert plain == Verdict("no_action", "recovered", "The alert recovered by itself.", None, ())
    before = verdict("oom_killed", "solution_proposed", plan(WEB))
    early = already_recovered(before, language="en")
    assert early == Verdict(
        "no_action",
        "already_recovered",
        "The alert's recovery was seen before the alert: nothing to do.",
        before.analysis,
        (),
        before.broken,
    )
    assert recovered(bundle_of({}), language="fr").explanation != plain.explanation
    assert already_recovered(before, language="fr").explanation != early.explanation


def test_a_record_is_the_verdict_with_its_identity() -> None:
    given = verdict("oom_killed", "solution_proposed", plan(WEB))
    made = record(given)
    assert made.event_id == stable_id("dec", "ctx-1", "inc")
    assert (made.trace_id, made.occurred_at) == ("d-1", AT)
    assert (made.incident_id, made.fingerprint, made.role) == ("inc", "fp", "repeat")
    assert (made.status, made.reason, made.explanation) == ("solution_proposed", "capacity", "said")
    assert (made.analysis, made.plans) == (given.analysis, given.plans)
    assert (made.second_opinion.asked, made.rules_version) == (True, RULES_VERSION)
    assert made.broken == (BrokenRule(where="w", what="x"),)


@pytest.mark.parametrize(
    ("title", "monitor", "told"),
    [
        ("[Triggered] a", Monitor(name="b"), "[Triggered] a"),
        ("", Monitor(name="b"), "b"),
        ("", None, ""),
    ],
)
def test_an_alert_without_a_title_is_called_as_its_monitor(
    title: str, monitor: Monitor | None, told: str
) -> None:
    bundle = bundle_of({}, alert=Alert(title=title, state="firing"), monitor=monitor)
    assert record(bundle=bundle).context.alert_title == told


def test_the_context_is_what_later_stages_need() -> None:
    fields: Obj = {
        "environment": "staging",
        "service": "checkout",
        "team": "red",
        "links": {"alert": "https://example.net/a"},
        "signature": "masked words",
        "similar_incidents": (SimilarIncident(incident_id="a", similarity=0.5),),
        "lessons_learned": ("wait",),
        "sources": (SourceStatus(name="x", state="ok"),),
        "successful_patterns": (
            Pattern(incident_id="s", failure_class="c", fix_kind="f", result="success"),
        ),
        "failed_patterns": (
            Pattern(incident_id="f", failure_class="c", fix_kind="f", result="failure"),
        ),
    }
    alert = Alert(title="Hot", state="firing", labels={"k": "v"}, rule=FiredRule(id="12"))
    bundle = bundle_of({"resourcequotas": []}, alert=alert, **fields)
    context = record(bundle=bundle).context
    assert {name: getattr(context, name) for name in fields} == fields
    assert (context.cluster, context.namespace) == ("c", SHOP)
    assert (context.alert_title, context.tags, context.monitor_id) == ("Hot", {"k": "v"}, 12)
    assert (context.alerted_at, context.objects) == (AT, {"resourcequotas": []})
    assert (context.proof, context.claim) == (bundle.proof, bundle.claim)


@pytest.mark.parametrize(
    ("monitor", "rule", "number"),
    [("", "12", 12), ("9", "12", 9), ("", "", None), ("abc", "12", None), ("", "-3", None)],
)
def test_a_monitors_number_is_its_own_where_it_was_read(
    monitor: str, rule: str, number: int | None
) -> None:
    alert = Alert(state="firing", rule=FiredRule(id=rule))
    read = Monitor(rule_id=monitor) if monitor else None
    assert record(bundle=bundle_of({}, alert=alert, monitor=read)).context.monitor_id == number


@pytest.mark.parametrize(
    ("about", "namespace"),
    [
        ((), SHOP),
        ((ref("Deployment", "x", "bank"),), "bank"),
        ((ref("Deployment", "x", "zoo"), ref("Deployment", "x", "bank")), "bank"),
        ((ref("Node", "n"),), SHOP),
        ((ref("Node", "n"), ref("Deployment", "x", "zoo")), "zoo"),
    ],
)
def test_the_namespace_is_that_of_what_is_changed(
    about: tuple[ObjectRef, ...], namespace: str
) -> None:
    plans = (plan(*about),) if about else ()
    made = record(verdict("oom_killed", "solution_proposed", *plans))
    assert made.context.namespace == namespace


@pytest.mark.parametrize(
    ("second", "counts"), [(-600, True), (-601, False), (0, True), (60, True), (61, False)]
)
def test_the_baseline_is_measured_from_ten_minutes_before_to_a_minute_after(
    second: int, counts: bool
) -> None:
    at = (AT + timedelta(seconds=second)).timestamp()
    told = Series(metric="kubernetes.memory.usage", timestamps=(at,), values=(2.0**20,))
    baseline = record(bundle=bundle_of({}, metrics=(told,))).context.baseline
    assert baseline == ({"memory_mib": 1.0} if counts else {})


# --- objects for the checks


def item(kind: str, name: str, namespace: str = SHOP, **more: Any) -> Obj:
    return {"kind": kind, "metadata": {**meta(name, namespace), "uid": "u"}, **more}


def kept(
    objects: dict[str, list[Obj]], *targets: ObjectRef, spaces: tuple[str, ...] = (SHOP,)
) -> Obj:
    return objects_for_checks(objects, targets, set(spaces))


@pytest.mark.parametrize(
    "plural", ["resourcequotas", "limitranges", "horizontalpodautoscalers", "poddisruptionbudgets"]
)
def test_what_bounds_a_namespace_travels_whole(plural: str) -> None:
    near, also, far = item("X", "a"), item("X", "b"), item("X", "c", "bank")
    assert kept({plural: [near, far, also]}) == {plural: [near, also]}
    assert kept({plural: [near, far]}, spaces=(SHOP, "bank")) == {plural: [near, far]}
    assert kept({plural: []}) == {plural: []}


def test_changed_objects_travel_whole_by_kind_namespace_and_name() -> None:
    objects = {
        "services": [
            item("Service", "web"),
            item("Service", "web", "bank"),
            item("Service", "api"),
        ],
        "configmaps": [item("ConfigMap", "web")],
    }
    target = ref("Service", "web")
    assert kept(objects, target) == {"services": [item("Service", "web")]}
    assert kept(objects) == {}


def test_of_nodes_sizes_taints_and_labels_travel() -> None:
    node = {
        "metadata": {"name": "n1", "labels": {"zone": "a"}, "uid": "u"},
        "spec": {"taints": [1], "unschedulable": True, "podCIDR": "x"},
        "status": {"allocatable": {"cpu": "4"}, "capacity": {"cpu": "5"}, "conditions": [1]},
    }
    assert kept({"nodes": [node]}) == {
        "nodes": [
            {
                "apiVersion": "v1",
                "kind": "Node",
                "metadata": {"name": "n1", "labels": {"zone": "a"}},
                "spec": {"taints": [1], "unschedulable": True},
                "status": {"allocatable": {"cpu": "4"}},
            }
        ]
    }


def test_of_namespaces_labels_and_annotations_of_those_concerned_travel() -> None:
    def space(name: str, **words: Any) -> Obj:
        return {"metadata": {"name": name, "uid": "u", **words}, "status": {"phase": "Active"}}

    given = [
        space(SHOP, labels={"a": "b"}, annotations={"c": "d"}),
        space("bank", labels={"a": "b"}),
    ]
    assert kept({"namespaces": given}) == {
        "namespaces": [
            {
                "kind": "Namespace",
                "metadata": {"name": SHOP, "labels": {"a": "b"}, "annotations": {"c": "d"}},
            }
        ]
    }
    assert kept({"namespaces": [space(SHOP, labels={})]}) == {
        "namespaces": [{"kind": "Namespace", "metadata": {"name": SHOP}}]
    }


@pytest.mark.parametrize(
    ("said", "default"), [(True, True), (False, False), (None, False), ("yes", False)]
)
def test_of_priority_classes_only_a_true_default_is_one(said: object, default: bool) -> None:
    given = {"metadata": {"name": "high"}, "globalDefault": said, "value": 9}
    assert kept({"priorityclasses": [given]}) == {
        "priorityclasses": [{"metadata": {"name": "high"}, "globalDefault": default}]
    }


def app(kind: str, name: str, namespace: str = SHOP, **spec: Any) -> Obj:
    template = {"metadata": {"labels": {"app": name}, "annotations": {"x": "y"}}, "spec": {"a": 1}}
    return item(kind, name, namespace, spec={"template": template, **spec}, status={"x": 1})


@pytest.mark.parametrize(
    ("plural", "kind"), [("deployments", "Deployment"), ("statefulsets", "StatefulSet")]
)
def test_beside_a_budget_neighbours_are_counted_by_labels_and_replicas(
    plural: str, kind: str
) -> None:
    objects = {
        plural: [
            app(kind, "web"),
            app(kind, "api", replicas=0),
            app(kind, "db"),
            app(kind, "web", "bank"),
        ],
        "poddisruptionbudgets": [item("PodDisruptionBudget", "b")],
    }
    whole, api, db = kept(objects, ref(kind, "web"))[plural]
    assert whole == app(kind, "web")

    def counted(name: str, **spec: Any) -> Obj:
        labels = {"template": {"metadata": {"labels": {"app": name}}}}
        return {
            "kind": kind,
            "metadata": {"name": name, "namespace": SHOP},
            "spec": {**spec, **labels},
        }

    assert (api, db) == (counted("api", replicas=0), counted("db"))


@pytest.mark.parametrize("budgets", [{}, {"poddisruptionbudgets": []}])
def test_without_a_budget_neighbours_stay_away(budgets: dict[str, list[Obj]]) -> None:
    objects = {"deployments": [app("Deployment", "web"), app("Deployment", "api")]} | budgets
    assert kept(objects, WEB)["deployments"] == [app("Deployment", "web")]
    assert "deployments" not in kept(objects)


def test_other_kinds_of_workloads_are_not_counted() -> None:
    objects = {"daemonsets": [app("DaemonSet", "x")], "poddisruptionbudgets": [item("B", "b")]}
    assert "daemonsets" not in kept(objects)


def test_what_a_changed_autoscaler_scales_travels_with_it_and_what_others_scale_does_not() -> None:
    def scaler(name: str, target: str, namespace: str = SHOP) -> Obj:
        scales = {"scaleTargetRef": {"kind": "Deployment", "name": target}}
        return item("HorizontalPodAutoscaler", name, namespace, spec=scales)

    objects = {
        "deployments": [app("Deployment", n) for n in ("web", "api")]
        + [app("Deployment", "web", "bank")],
        "horizontalpodautoscalers": [
            scaler("s", "web"),
            scaler("t", "api"),
            scaler("s", "web", "bank"),
        ],
    }
    found = kept(objects, ref("HorizontalPodAutoscaler", "s"))
    assert found["deployments"] == [app("Deployment", "web")]
    assert "deployments" not in kept(objects, ref("Service", "s"))
