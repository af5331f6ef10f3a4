"""Which finding comes first: equal ones merged, the exact before the general, causes before those who suffer from them."""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass
from typing import Any

import pytest

from decide.core.facts import Facts
from decide.core.findings import Finding
from decide.core.ranking import rank
from decide.core.view import ClusterView
from kfix.texts import say
from tests.support.decide.views import (
    SHOP,
    deployment,
    env,
    finding,
    meta,
    pod,
    ref,
    service,
    view_of,
    workload,
)

WEB, DB = ref("Deployment", "web"), ref("Deployment", "db")
EMPTY = view_of({})


def ranked(view: ClusterView, *found: Finding) -> list[tuple[str, str, float]]:
    """Class, object and score, best first."""
    return [(f.failure_class, f.object.name, round(f.score, 4)) for f in rank(view, found)]


def scores(view: ClusterView, *found: Finding) -> dict[str, float]:
    """Score by the name of the object."""
    return {name: score for _, name, score in ranked(view, *found)}


def test_the_highest_score_comes_first_then_class_and_object_decide() -> None:
    found = [
        finding("oom_killed", WEB, 0.7),
        finding("quota_cpu_exceeded", DB, 0.8),
        finding("missing_env", WEB, 0.7),
        finding("missing_env", DB, 0.7),
    ]
    wanted = [
        ("quota_cpu_exceeded", "db", 0.8),
        ("missing_env", "db", 0.7),
        ("missing_env", "web", 0.7),
        ("oom_killed", "web", 0.7),
    ]
    for order in itertools.permutations(found):
        assert ranked(EMPTY, *order) == wanted


def test_equal_findings_become_the_surest_with_the_evidence_of_all() -> None:
    for order in itertools.permutations(
        [
            finding("oom_killed", WEB, 0.6, "a", "b", detail="low"),
            finding("oom_killed", WEB, 0.9, "c", "a", detail="high"),
            finding("oom_killed", DB, 0.5, "x"),
        ]
    ):
        first, second = rank(EMPTY, order)
        assert (first.object, first.score, first.detail) == (WEB, 0.9, "high")
        assert [f.statement for f in first.evidence] == ["c", "a", "b"]
        assert [f.statement for f in second.evidence] == ["x"]


def test_at_most_eight_pieces_of_evidence_are_kept() -> None:
    one = finding("oom_killed", WEB, 0.9, *"abcdef")
    two = finding("oom_killed", WEB, 0.8, *"ghijkl")
    (merged,) = rank(EMPTY, [one, two])
    assert "".join(f.statement for f in merged.evidence) == "abcdefgh"
    (alone,) = rank(EMPTY, [finding("oom_killed", WEB, 0.9, *"abcdefghij")])
    assert len(alone.evidence) == 8


@pytest.mark.parametrize(
    ("general", "exact", "left"),
    [
        (0.9, 0.9, 0.75),
        (0.9, 0.6, 0.45),
        (0.9, 0.5, 0.35),
        (0.9, 0.49, 0.9),
        (0.5, 0.9, 0.5),
        (0.75, 0.9, 0.75),
        (0.8, 0.9, 0.75),
    ],
)
def test_the_general_steps_back_behind_the_exact_at_the_same_object(
    general: float, exact: float, left: float
) -> None:
    crash, killed = finding("crash_code", WEB, general), finding("oom_killed", WEB, exact)
    rank(EMPTY, [crash, killed])
    assert (round(crash.score, 4), killed.score) == (left, exact)
    stepped = exact >= 0.5
    assert crash.against == ([say("decide.behind.sharper", name="oom_killed")] if stepped else [])
    assert killed.against == []


def test_the_exact_at_another_object_leaves_the_general_alone() -> None:
    found = (finding("crash_code", WEB, 0.9), finding("oom_killed", DB, 0.9))
    assert scores(EMPTY, *found) == {"web": 0.9, "db": 0.9}


def test_the_exact_at_a_namesake_in_another_namespace_leaves_the_general_alone() -> None:
    crash = finding("crash_code", WEB, 0.9)
    away = finding("oom_killed", ref("Deployment", "web", "bank"), 0.95)
    door = finding("rollout_stuck", ref("Service", "web"), 0.8)
    rank(EMPTY, [crash, away, door, finding("image_not_found", WEB, 0.85)])
    assert (crash.score, crash.against) == (0.9, [])
    assert round(door.score, 4) == 0.7, "of one name in one namespace, whatever the kind"


def test_a_symptom_steps_back_behind_any_cause_at_its_object_and_not_behind_symptoms() -> None:
    stuck, cause = finding("rollout_stuck", WEB, 0.9), finding("image_not_found", WEB, 0.8)
    rank(EMPTY, [stuck, cause])
    assert round(stuck.score, 4) == 0.65
    stuck, symptom = finding("rollout_stuck", WEB, 0.9), finding("crash_code", WEB, 0.8)
    rank(EMPTY, [stuck, symptom])
    assert stuck.score == 0.9


def test_of_several_exact_ones_the_surest_counts_and_its_name_is_told() -> None:
    crash = finding("crash_code", WEB, 0.95)
    others = [
        finding("missing_env", WEB, 0.6),
        finding("oom_killed", WEB, 0.8),
        finding("heap_exhausted", WEB, 0.7),
    ]
    rank(EMPTY, [crash, *others])
    assert round(crash.score, 4) == 0.65
    assert crash.against == [say("decide.behind.sharper", name="oom_killed")]


def test_in_a_chain_of_the_more_exact_each_is_compared_with_what_was_believed_first() -> None:
    found = [
        finding("latency_regression", WEB, 0.95),
        finding("cpu_throttling", WEB, 0.9),
        finding("load_surge", WEB, 0.55),
    ]
    assert ranked(EMPTY, *found) == [
        ("latency_regression", "web", 0.75),
        ("load_surge", "web", 0.55),
        ("cpu_throttling", "web", 0.4),
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Named(Facts):
    """Facts that name others."""

    others: tuple[str, ...] = ()
    at: tuple[str, ...] = ()

    @property
    def concerns(self) -> tuple[str, ...]:
        return self.others

    @property
    def aims(self) -> tuple[str, ...]:
        return self.at


def on_node(*nodes: str) -> tuple[ClusterView, Facts]:
    """A workload with one pod on each node."""
    pods = [pod(f"web-{n}", labels={"app": "web"}, node=node) for n, node in enumerate(nodes)]
    view = view_of({"deployments": [deployment("web")], "pods": pods})
    return view, Facts(workload=workload(view, "web"))


@pytest.mark.parametrize(
    ("nodes", "node_score", "score", "left"),
    [
        (("n1",), 0.75, 0.9, 0.54),
        (("n1",), 0.74, 0.9, 0.9),
        (("n1",), 0.95, 0.95, 0.55),
        (("n1",), 0.95, 0.5, 0.3),
        (("n2",), 0.95, 0.9, 0.9),
        (("n2", "n1"), 0.95, 0.9, 0.54),
        (("",), 0.95, 0.9, 0.9),
        ((), 0.95, 0.9, 0.9),
    ],
)
def test_a_node_that_is_down_explains_what_happens_to_its_pods(
    nodes: tuple[str, ...], node_score: float, score: float, left: float
) -> None:
    view, facts = on_node(*nodes)
    sick = finding("crash_code", WEB, score, facts=facts)
    node = finding("node_not_ready", ref("Node", "n1"), node_score)
    rank(view, [sick, node])
    assert (round(sick.score, 4), node.score) == (left, node_score)
    assert sick.against == ([say("decide.behind.node")] if left != score else [])


def test_a_node_explains_no_other_node_nor_a_workload_of_which_no_pods_are_known() -> None:
    view, _ = on_node("n1")
    two, bare = finding("node_not_ready", ref("Node", "n2"), 0.9), finding("oom_killed", WEB, 0.9)
    rank(view, [finding("node_not_ready", ref("Node", "n1"), 0.9), two, bare])
    assert (two.score, bare.score) == (0.9, 0.9)


def test_only_a_node_that_is_down_explains_pods() -> None:
    view, facts = on_node("n1")
    sick = finding("crash_code", WEB, 0.9, facts=facts)
    rank(view, [sick, finding("oom_killed", ref("Deployment", "n1"), 0.95)])
    assert sick.score == 0.9


@pytest.mark.parametrize(("class_id", "left"), [("pod_network_delay", 0.54), ("oom_killed", 0.9)])
def test_what_a_node_explains_it_explains_wherever_it_is_seen(class_id: str, left: float) -> None:
    sick = finding(class_id, WEB, 0.9)
    others = (
        finding("node_not_ready", ref("Node", "n1"), 0.9),
        finding("node_network_loss", ref("Node", "n2"), 0.9),
    )
    rank(EMPTY, [sick, *others])
    assert round(sick.score, 4) == left


def line(*names: str, **fields: Any) -> ClusterView:
    """Workloads of which each calls the next."""
    apps = [
        deployment(name, SHOP, env(**({"NEXT": f"{callee}:80"} if callee else {})))
        for name, callee in itertools.zip_longest(names, names[1:], fillvalue="")
    ]
    services = [service(name) for name in names]
    return view_of({"deployments": apps, "services": services}, **fields)


@pytest.mark.parametrize(
    ("complaint", "cause", "left"),
    [
        (0.9, 0.85, 0.5),
        (0.9, 0.84, 0.78),
        (0.7, 0.9, 0.42),
        (0.8333, 0.9, 0.5),
        (0.95, 0.95, 0.5),
    ],
)
def test_a_caller_that_complains_steps_back_behind_the_callees_own_cause(
    complaint: float, cause: float, left: float
) -> None:
    view = line("web", "db")
    caller = finding("dependency_unavailable", WEB, complaint)
    rank(view, [caller, finding("oom_killed", DB, cause)])
    assert caller.score == pytest.approx(left, abs=1e-4)
    told = [say("decide.behind.explained", object="Deployment/shop/db")]
    assert caller.against == (told if left < complaint else [])


def test_a_caller_steps_back_only_behind_what_it_calls_and_only_with_a_complaint() -> None:
    view = line("db", "web")  # here the database calls the web
    caller = finding("dependency_unavailable", WEB, 0.9)
    rank(view, [caller, finding("oom_killed", DB, 0.9)])
    assert caller.score == 0.9
    own = finding("missing_env", WEB, 0.9)
    rank(line("web", "db"), [own, finding("oom_killed", DB, 0.9)])
    assert own.score == 0.9


def test_a_callee_that_complains_itself_is_no_cause_and_is_looked_at_first_while_it_is_down() -> (
    None
):
    caller = finding("dependency_unavailable", WEB, 0.9)
    rank(line("web", "db"), [caller, finding("crash_code", DB, 0.95)])
    assert caller.score == pytest.approx(0.89)
    caller = finding("dependency_unavailable", WEB, 0.9)
    rank(line("web", "db"), [caller, finding("crash_code", DB, 0.1)])
    assert caller.score == 0.2


def test_in_a_chain_of_sick_workloads_the_last_that_has_a_cause_of_its_own_comes_first() -> None:
    view = line("front", "api", "db")
    found = [
        finding("dependency_unavailable", ref("Deployment", "front"), 0.85),
        finding("dependency_unavailable", ref("Deployment", "api"), 0.95),
        finding("oom_killed", DB, 0.9),
    ]
    for order in itertools.permutations(found):
        fresh = [finding(f.failure_class, f.object, f.score) for f in order]
        assert ranked(view, *fresh) == [
            ("oom_killed", "db", 0.9),
            ("dependency_unavailable", "api", 0.5),
            ("dependency_unavailable", "front", 0.5),
        ]


def test_of_several_sick_callees_the_first_by_name_is_told() -> None:
    apps = [
        deployment("web", SHOP, env(A="zoo:80", B="db:80", C="well:80")),
        *map(deployment, ("zoo", "db", "well")),
    ]
    view = view_of({"deployments": apps})
    caller = finding("dependency_unavailable", WEB, 0.9)
    sick = [finding("oom_killed", ref("Deployment", name), 0.9) for name in ("zoo", "db")]
    rank(view, [caller, *sick])
    assert caller.against == [say("decide.behind.explained", object="Deployment/shop/db")]


@pytest.mark.parametrize(("score", "left"), [(0.8, 0.9), (0.81, 0.5)])
def test_a_cause_explains_its_kinds_of_complaint_without_any_known_call(
    score: float, left: float
) -> None:
    caller = finding("crash_code", WEB, 0.9)
    cause = finding("database_read_only", DB, score)
    rank(EMPTY, [caller, cause])
    assert (round(caller.score, 4), cause.score) == (left, score)
    named = [say("decide.behind.explained", object="Deployment/shop/db")]
    assert caller.against == (named if left == 0.5 else [])


def test_of_several_causes_that_explain_it_the_first_by_class_is_told() -> None:
    caller = finding("crash_code", WEB, 0.9)
    causes = [
        finding("database_read_only", DB, 0.9),
        finding("database_disk_full", ref("Deployment", "zoo"), 0.85),
    ]
    rank(EMPTY, [*causes, caller])
    assert caller.against == [say("decide.behind.explained", object="Deployment/shop/zoo")]


def test_a_cause_explains_no_other_kinds_of_complaint() -> None:
    caller = finding("dependency_unavailable", WEB, 0.9)
    rank(EMPTY, [caller, finding("database_read_only", DB, 0.9)])
    assert caller.score == 0.9


def about(view_subject: str, *found: Finding, **fields: Any) -> dict[str, float]:
    """Scores when the alert names a workload of the line ``web`` → ``api`` → ``db``; ``other`` stands beside it."""
    apps = [
        deployment("web", SHOP, env(NEXT="api:80")),
        deployment("api", SHOP, env(NEXT="db:80")),
        *map(deployment, ("db", "other")),
    ]
    objects = {"deployments": apps, "services": [service(n) for n in ("web", "api", "db", "other")]}
    subject = ref("Deployment", view_subject) if view_subject else None
    return scores(view_of(objects | fields.pop("more", {}), subject=subject, **fields), *found)


def test_the_subject_counts_a_little_more_and_what_the_title_names_a_trifle() -> None:
    found = [finding("oom_killed", ref("Deployment", n), 0.9) for n in ("web", "api", "db")]
    assert about("web", *found, title="Errors of db since noon") == {
        "web": 0.93,
        "api": 0.9,
        "db": 0.91,
    }


def test_nothing_counts_more_than_098() -> None:
    found = [finding("oom_killed", ref("Deployment", n), 0.975) for n in ("web", "api", "db")]
    assert about("web", *found, title="db") == {"web": 0.98, "api": 0.975, "db": 0.98}


@pytest.mark.parametrize("key", ["entry_service", "name"])
def test_what_the_alert_lists_as_abnormal_is_named_by_it(key: str) -> None:
    listed = (json.dumps({key: "db", "x": "api"}), json.dumps({"text": 1}))
    found = [finding("oom_killed", ref("Deployment", n), 0.9) for n in ("api", "db")]
    assert about("", *found, anomalies=listed) == {"api": 0.9, "db": 0.91}


@pytest.mark.parametrize(
    ("own", "other", "left"),
    [
        (0.0, 0.9, 0.548),
        (0.3, 0.9, 0.548),
        (0.31, 0.9, 0.258),
        (0.4, 0.9, 0.348),
        (0.59, 0.9, 0.538),
        (0.6, 0.9, 0.548),
        (0.9, 0.9, 0.548),
        (0.9, 0.5, 0.5),
        (0.9, 0.55, 0.541),
        (0.4, 0.1, 0.1),
    ],
)
def test_what_the_subject_does_not_depend_on_comes_after_what_is_known_of_it(
    own: float, other: float, left: float
) -> None:
    mine = [finding("oom_killed", WEB, own)] if own else []
    stray = finding("oom_killed", ref("Deployment", "other"), other)
    assert about("web", *mine, stray)["other"] == pytest.approx(left, abs=1e-4)
    assert stray.against == [say("decide.behind.elsewhere")]
    assert stray.elsewhere is (other >= 0.6)


@pytest.mark.parametrize(("score", "strong"), [(0.6, True), (0.599, False)])
def test_elsewhere_is_told_of_what_would_be_sure_for_itself(score: float, strong: bool) -> None:
    stray = finding("oom_killed", ref("Deployment", "other"), score)
    about("web", stray)
    assert stray.elsewhere is strong


def test_troubles_elsewhere_keep_their_order() -> None:
    strays = [
        finding("oom_killed", ref("Deployment", "other"), 0.8),
        finding("missing_env", ref("Deployment", "fourth"), 0.9),
    ]
    found = about("web", *strays)
    assert list(found) == ["fourth", "other"]
    assert found["fourth"] > found["other"]


def test_everything_that_the_subject_calls_directly_or_not_concerns_it() -> None:
    found = [finding("oom_killed", ref("Deployment", n), 0.9) for n in ("api", "db", "other")]
    assert about("web", *found) == {"api": 0.9, "db": 0.9, "other": 0.548}
    found = [finding("oom_killed", ref("Deployment", n), 0.9) for n in ("web", "api", "db")]
    assert about("api", *found) == {"web": 0.548, "api": 0.93, "db": 0.9}


def test_a_ring_of_calls_has_an_end() -> None:
    apps = [deployment("a", SHOP, env(X="b:80")), deployment("b", SHOP, env(X="a:80"))]
    view = view_of({"deployments": apps}, subject=ref("Deployment", "a"))
    found = [finding("oom_killed", ref("Deployment", n), 0.9) for n in ("a", "b", "c")]
    assert scores(view, *found) == {"a": 0.93, "b": 0.9, "c": 0.548}


def test_without_a_subject_nothing_is_elsewhere() -> None:
    stray = finding("oom_killed", ref("Deployment", "other"), 0.9)
    assert about("", stray) == {"other": 0.9}
    assert stray.against == []


@pytest.mark.parametrize("kind", ["Node", "Namespace", "ResourceQuota", "LimitRange"])
def test_troubles_of_what_is_shared_are_never_elsewhere(kind: str) -> None:
    shared = finding("quota_cpu_exceeded", ref(kind, "common"), 0.9)
    assert about("web", shared) == {"common": 0.9}


def test_a_trouble_that_is_everybodys_is_never_elsewhere() -> None:
    dns = finding("cluster_dns_down", ref("Deployment", "coredns"), 0.9)
    assert about("web", dns) == {"coredns": 0.9}


def test_a_finding_whose_facts_name_the_subject_or_its_callees_concerns_it() -> None:
    for name, left in (("web", 0.9), ("db", 0.9), ("third", 0.548)):
        stray = finding("oom_killed", ref("Deployment", "x"), 0.9, facts=Named(others=("y", name)))
        assert about("web", stray)["x"] == left


@pytest.mark.parametrize(
    ("kind", "aims"),
    [
        ("HorizontalPodAutoscaler", True),
        ("PodDisruptionBudget", True),
        ("PersistentVolumeClaim", True),
        ("Ingress", True),
        ("HTTPRoute", True),
        ("GRPCRoute", True),
        ("VirtualService", True),
        ("Deployment", False),
        ("Service", False),
    ],
)
def test_what_aims_at_the_subject_by_name_concerns_it(kind: str, aims: bool) -> None:
    stray = finding("oom_killed", ref(kind, "x"), 0.9, facts=Named(at=("web",)))
    assert about("web", stray)["x"] == (0.9 if aims else 0.548)
    stray = finding("oom_killed", ref(kind, "x"), 0.9, facts=Named(at=("third",)))
    assert about("web", stray)["x"] == 0.548


def ingress(name: str, target: str) -> dict[str, Any]:
    paths = [{"backend": {"service": {"name": target, "port": {"number": 80}}}}]
    return {"metadata": meta(name), "spec": {"rules": [{"http": {"paths": paths}}]}}


@pytest.mark.parametrize(
    ("target", "concerned"), [("web", True), ("db", True), ("door", True), ("other", False)]
)
def test_a_route_that_leads_to_the_subject_concerns_it(target: str, concerned: bool) -> None:
    routes = {
        "ingresses": [ingress("first", "other"), ingress("way", target)],
        "services": [service("door", selector={"app": "web"}), service("other")],
    }
    route = finding("route_backend_mismatch", ref("Ingress", "way"), 0.9)
    left = about("web", route, more=routes)
    assert left == {"way": 0.9 if concerned else 0.548}


def test_only_a_routes_own_backends_count() -> None:
    routes = {"ingresses": [ingress("first", "web"), ingress("way", "other")]}
    way = finding("route_backend_mismatch", ref("Ingress", "way"), 0.9)
    assert about("web", way, more=routes) == {"way": 0.548}
    no_route = finding("oom_killed", ref("Deployment", "first"), 0.9)
    assert about("web", no_route, more=routes) == {"first": 0.548}
