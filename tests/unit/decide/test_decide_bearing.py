"""An alert about a namespace is about what it measures; another trouble there is told and not mended in its name."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest

from decide import core
from decide.core.bearing import measured
from decide.core.view import ClusterView
from schemas.alerts import FiredRule
from schemas.context import ContextBundle, Monitor
from schemas.subjects import SubjectSearch
from tests.support.decide.clusters import Cluster

QUOTA = "max(next_1w):forecast(max:kubernetes_state.resourcequota.requests.cpu.used{*} by {kube_namespace}, 'linear', 1) >= 12"
PODS = "avg(last_5m):sum:kubernetes.pods.running{*} by {kube_namespace} < 3"
RESTARTS = "max(last_10m):sum:kubernetes_state.container.restarts{*} by {kube_namespace} > 5"
ORDERS = "sum(last_5m):sum:shop.orders{*} by {kube_namespace}.as_count() < 1"


def broken(query: str, ending: str = "namespace") -> ContextBundle:
    """A namespace in which one workload was killed for its memory, and an alert about the namespace."""
    cluster = Cluster()
    name = cluster.app()
    cluster.crashed(name, 137, reason="OOMKilled")
    bundle = cluster.bundle()
    context = bundle.k8s_context.model_copy(update={"subject": None, "pod": ""})
    alert = bundle.alert.model_copy(
        update={
            "title": "Something about the namespace",
            "labels": {"kube_namespace": context.namespace},
            "rule": FiredRule(id="7", query=query),
        }
    )
    search = SubjectSearch.model_validate({"ending": ending, "by": "kube_namespace:shop"})
    return bundle.model_copy(
        update={"alert": alert, "k8s_context": context, "search": search, "monitor": None}
    )


@pytest.mark.parametrize("query", [QUOTA, PODS, ORDERS])
def test_another_trouble_is_mentioned_and_never_mended(query: str) -> None:
    verdict = core.answer(broken(query))
    assert (verdict.status, verdict.plans) == ("needs_human", ())
    assert verdict.analysis is not None
    assert "oom_killed" in {h.failure_class for h in verdict.analysis.hypotheses}
    assert "not mended in its name" in verdict.explanation


def test_an_alert_beside_another_trouble_is_an_incident_of_its_own() -> None:
    beside, about_it = broken(QUOTA), broken(RESTARTS)
    mine = core.fingerprint_of(beside, core.answer(beside))
    assert mine == core.trouble_fingerprint(beside)
    assert mine != core.fingerprint_of(about_it, core.answer(about_it))


def test_the_same_trouble_is_mended_where_the_alert_measures_it() -> None:
    verdict = core.answer(broken(RESTARTS))
    assert verdict.status == "solution_proposed"
    assert verdict.analysis is not None
    assert verdict.analysis.failure_class == "oom_killed"


def of_prometheus(name: str, expression: str = "", **labels: str) -> ContextBundle:
    """The same by an alert of Prometheus whose rule no source knows."""
    bundle = broken("")
    link = {"rule": "http://prometheus:9090/graph?" + urlencode({"g0.expr": expression})}
    alert = bundle.alert.model_copy(
        update={
            "rule": FiredRule(id=name),
            "links": link if expression else {},
            "labels": {**bundle.alert.labels, **labels},
        }
    )
    return bundle.model_copy(update={"alert": alert})


@pytest.mark.parametrize(
    ("name", "expression", "labels"),
    [
        ("KubeQuotaAlmostFull", "", {}),
        ("KubeCPUQuotaOvercommit", "", {}),
        ("TooMuch", "", {"resourcequota": "shop"}),
        ("OrdersLow", 'sum(rate(shop_orders_total{namespace="shop"}[5m])) < 1', {}),
        ("Anything", 'kube_resourcequota{type="used"} / 1 > 0.9', {}),
    ],
)
def test_a_rule_that_no_source_knows_tells_by_its_link_and_its_name(
    name: str, expression: str, labels: dict[str, str]
) -> None:
    verdict = core.answer(of_prometheus(name, expression, **labels))
    assert (verdict.status, verdict.plans) == ("needs_human", ())


def test_a_rule_that_is_called_after_restarts_is_acted_on() -> None:
    assert core.answer(of_prometheus("KubePodCrashLooping")).status == "solution_proposed"


def titled(title: str, query: str = "", kind: str = "") -> ContextBundle:
    bundle = broken(query)
    alert = bundle.alert.model_copy(update={"title": title})
    monitor = Monitor(type=kind, query=query) if kind else None
    return bundle.model_copy(update={"alert": alert, "monitor": monitor})


@pytest.mark.parametrize(
    ("title", "status"),
    [
        ("Pods of shop restart", "solution_proposed"),
        ("[Triggered on {kube_namespace:shop}] High error rate", "solution_proposed"),
        ("shop is down", "solution_proposed"),
        ("Orders are low", "needs_human"),
        ("Quota of shop is nearly used up", "needs_human"),
        ("", "needs_human"),
    ],
)
def test_where_nobody_knows_the_rule_the_title_tells_or_a_person_is_asked(
    title: str, status: str
) -> None:
    assert core.answer(titled(title)).status == status
    assert core.answer(of_prometheus("OrdersLow")).status == "needs_human"


def test_a_monitor_of_costs_or_of_pipelines_mends_nothing_whatever_it_names() -> None:
    for kind in ("cost alert", "ci-pipelines alert"):
        bundle = titled("cart restarts", RESTARTS, kind)
        assert core.answer(bundle).status == "needs_human"
        named = bundle.search.model_copy(update={"ending": "found"})
        assert core.answer(bundle.model_copy(update={"search": named})).status == "needs_human"
    assert core.answer(titled("cart restarts", RESTARTS, "query alert")).status == (
        "solution_proposed"
    )


def test_a_service_check_tells_by_its_name() -> None:
    check = (
        '"kubernetes_state.pod.ready".over("kube_namespace:shop").by("*").last(2).count_by_status()'
    )
    assert measured(ClusterView(broken(check))) == {"readiness"}


def watching(asked: str) -> str:
    return RESTARTS.replace("{*}", f"{{kube_namespace:shop,{asked}}}")


@pytest.mark.parametrize(
    "asked",
    [
        "!kube_deployment:{name}",
        "kube_deployment:zz*",
        "kube_stateful_set:{name}*",
        "NOT service IN ({name})",
        "pod_name:zz*",
        "!pod_name:{name}*",
        "kube_deployment IN (zz,yy)",
        "-(kube_deployment:{name} OR kube_deployment:zz)",
    ],
)
def test_what_the_query_leaves_out_is_not_mended_in_its_name(asked: str) -> None:
    name = next(iter(broken("").k8s_context.objects["deployments"]))["metadata"]["name"]
    verdict = core.answer(broken(watching(asked.format(name=name))))
    assert (verdict.status, verdict.plans) == ("needs_human", ())


@pytest.mark.parametrize(
    "asked", ["kube_deployment:{start}*", "!kube_deployment:zz*", "!pod_name:zz*", "env:prod"]
)
def test_what_the_query_watches_is_mended(asked: str) -> None:
    name = next(iter(broken("").k8s_context.objects["deployments"]))["metadata"]["name"]
    verdict = core.answer(broken(watching(asked.format(start=name[:2]))))
    assert verdict.status == "solution_proposed"


def test_an_alert_of_a_person_is_about_everything_there() -> None:
    assert core.answer(broken(QUOTA, "unsought")).status == "solution_proposed"


@pytest.mark.parametrize(
    ("query", "kinds"),
    [
        (QUOTA, {"bounds"}),
        (PODS, {"numbers"}),
        (RESTARTS, {"restarts"}),
        (ORDERS, {"other"}),
        ("avg(last_5m):avg:kubernetes.cpu.usage.total{*} by {kube_namespace} > 1", {"cpu"}),
        ("avg(last_5m):avg:kubernetes.memory.usage{*} by {kube_namespace} > 1", {"memory"}),
        ("max(last_5m):max:kubernetes_state.pod.status_phase{*} > 0", {"readiness"}),
        (
            "max(last_5m):max:kubernetes_state.container.status_report.count.waiting{*} > 0",
            {"readiness"},
        ),
        (
            "sum(last_5m):sum:trace.http.request.errors{*} / sum:trace.http.request.hits{*} > 1",
            {"requests"},
        ),
        ('logs("kube_namespace:shop status:error").rollup("count").last("5m") > 3', {"requests"}),
        (
            "max(last_5m):max:kubernetes.kubelet.volume.stats.used_bytes{*} - avg:kubernetes_state.persistentvolumeclaim.request_storage{*} > 0",
            {"storage"},
        ),
        (
            'sum by (namespace) (increase(kube_pod_container_status_restarts_total{job="k"}[15m])) > 3',
            {"restarts"},
        ),
        (
            'kube_resourcequota{type="used"} / ignoring(type) kube_resourcequota{type="hard"} > 0.9',
            {"bounds"},
        ),
        ("", {"other"}),
    ],
)
def test_what_is_measured_is_read_from_the_rule(query: str, kinds: set[str]) -> None:
    assert measured(ClusterView(broken(query))) == kinds


def test_the_monitors_query_counts_where_the_alert_says_none() -> None:
    bundle = broken("").model_copy(update={"monitor": Monitor(query=QUOTA)})
    assert measured(ClusterView(bundle)) == {"bounds"}
