"""NetworkPolicies from alert to plan: what is told by the policy, which word is mended, what is opened and what is left to people."""

from __future__ import annotations

from typing import Any

import pytest

from decide.core import diagnose
from decide.core.opinion import Verdict
from schemas.alerts import Alert
from tests.support.decide.clusters import Cluster, Obj
from tests.support.decide.rules_say import shop

ERRORS = "Requests of ledger fail"


def _policy(c: Cluster, name: str, app: str, **spec: Any) -> Obj:
    selector = {"matchLabels": {"app": app}} if app else {}
    api = "networking.k8s.io/v1"
    said = {"podSelector": selector, **spec}
    return c.add("networkpolicies", name, api=api, kind="NetworkPolicy", spec=said)


def _lets_in(app: str, **rule: Any) -> list[Obj]:
    return [{"from": [{"podSelector": {"matchLabels": {"app": app}}}], **rule}]


def _bank(*lines: str) -> Cluster:
    """``teller`` calls ``ledger`` at 8080; nothing else happens. Line by line, what the teller prints."""
    c = shop("teller", "ledger", "vault")
    c.calls("teller", "ledger")
    if lines:
        c.log("teller", *lines)
    return c


def _answer(c: Cluster, title: str = ERRORS, subject: str = "ledger") -> Verdict:
    bundle = c.bundle(subject)
    return diagnose(bundle.model_copy(update={"alert": Alert(title=title, state="firing")}))


def _cause(verdict: Verdict) -> str:
    assert verdict.analysis is not None
    return f"{verdict.analysis.failure_class} of {verdict.analysis.object.key}"


def _changes(verdict: Verdict, plan: int = 0) -> list[tuple[str, str, Any]]:
    return [
        (change.object.key, field.path, field.after)
        for change in verdict.plans[plan].kubernetes_changes
        for field in change.fields
    ]


BLOCKED = "network_policy_blocks of Deployment/shop/ledger"
REFUSED = "dial tcp ledger:8080: connect: connection refused"
SILENT = "dial tcp ledger:8080: i/o timeout"


@pytest.mark.parametrize("line", [REFUSED, SILENT, ""])
def test_a_policy_that_admits_no_pod_that_is_there_is_the_cause_of_refusals_silence_and_errors_alone(
    line: str,
) -> None:
    c = _bank(*([line] if line else []))
    _policy(c, "ledger-in", "ledger", policyTypes=["Ingress"], ingress=_lets_in("tellers-old"))
    verdict = _answer(c)
    assert _cause(verdict) == BLOCKED
    assert verdict.status == "solution_proposed"


def test_the_slip_of_a_label_is_mended_before_a_rule_is_added() -> None:
    c = _bank(SILENT)
    _policy(c, "ledger-in", "ledger", policyTypes=["Ingress"], ingress=_lets_in("tellr"))
    verdict = _answer(c)
    place = "spec.ingress[0].from[0].podSelector.matchLabels.app"
    assert _changes(verdict) == [("NetworkPolicy/shop/ledger-in", place, "teller")]
    assert _changes(verdict, 1)[0][1] == "spec.ingress[1]"
    assert len(verdict.plans) == 3


def test_a_label_that_fits_another_pod_is_no_slip() -> None:
    c = _bank(SILENT)
    c.app("tellers", port=8080)
    _policy(c, "ledger-in", "ledger", policyTypes=["Ingress"], ingress=_lets_in("tellers"))
    assert _changes(_answer(c))[0][1] == "spec.ingress[1]"


def test_the_port_of_the_service_where_the_pods_port_is_meant_is_mended() -> None:
    c = _bank()
    c.get("services", "ledger")["spec"]["ports"][0]["port"] = 80
    c.container("teller")["env"] = [{"name": "LEDGER_ADDR", "value": "ledger:80"}]
    c.log("teller", "dial tcp ledger:80: i/o timeout")
    rules = _lets_in("teller", ports=[{"protocol": "TCP", "port": 80}])
    _policy(c, "ledger-in", "ledger", policyTypes=["Ingress"], ingress=rules)
    place = "spec.ingress[0].ports[0].port"
    assert _changes(_answer(c)) == [("NetworkPolicy/shop/ledger-in", place, 8080)]


def test_a_named_port_that_the_pods_do_not_have_is_mended() -> None:
    c = _bank(SILENT)
    rules = _lets_in("teller", ports=[{"port": "http"}])
    _policy(c, "ledger-in", "ledger", policyTypes=["Ingress"], ingress=rules)
    assert _changes(_answer(c))[0][1:] == ("spec.ingress[0].ports[0].port", 8080)


def test_a_second_port_that_the_pods_have_is_left_open_and_the_missing_one_added() -> None:
    c = _bank(SILENT)
    c.container("ledger")["ports"].append({"containerPort": 9090, "name": "metrics"})
    rules = _lets_in("teller", ports=[{"port": 9090}])
    _policy(c, "ledger-in", "ledger", policyTypes=["Ingress"], ingress=rules)
    ((_, place, rule),) = _changes(_answer(c))
    assert (place, rule["ports"]) == ("spec.ingress[1]", [{"protocol": "TCP", "port": 8080}])


def test_the_protocol_of_the_right_port_is_mended() -> None:
    c = _bank(SILENT)
    rules = _lets_in("teller", ports=[{"protocol": "UDP", "port": 8080}])
    _policy(c, "ledger-in", "ledger", policyTypes=["Ingress"], ingress=rules)
    assert _changes(_answer(c))[0][1:] == ("spec.ingress[0].ports[0].protocol", "TCP")


def test_an_allowing_policy_that_selects_nobody_is_made_to_select_whom_it_names() -> None:
    c = _bank(SILENT)
    _policy(c, "default-deny", "", policyTypes=["Ingress"])
    _policy(c, "ledger-in", "legder", policyTypes=["Ingress"], ingress=_lets_in("teller"))
    changed = ("NetworkPolicy/shop/ledger-in", "spec.podSelector.matchLabels.app", "ledger")
    assert _changes(_answer(c)) == [changed]


def _elsewhere(c: Cluster, app: str, space: str = "front") -> None:
    """The application moves to another namespace."""
    moved = [o for found in c.objects.values() for o in found if _of(o, app)]
    for obj in moved:
        obj["metadata"]["namespace"] = space
    for name in (c.namespace, space, "kube-system"):
        labels = {"kubernetes.io/metadata.name": name}
        c.objects.setdefault("namespaces", []).append(
            {"metadata": {"name": name, "labels": labels}}
        )


def _of(obj: Obj, app: str) -> bool:
    return str(obj["metadata"]["name"]).startswith(app) and "namespace" in obj["metadata"]


def _from_the_front(c: Cluster, peer: Obj) -> Verdict:
    """The teller stands in ``front`` and calls the ledger of ``shop``; the alert is about the teller."""
    _elsewhere(c, "teller")
    c.container("teller")["env"] = [{"name": "LEDGER", "value": "http://ledger.shop.svc:8080"}]
    c.log("teller", 'Get "http://ledger.shop.svc:8080/": dial tcp: i/o timeout')
    c.logs[-1] = c.logs[-1].model_copy(update={"namespace": "front"})
    _policy(c, "ledger-in", "ledger", policyTypes=["Ingress"], ingress=[{"from": [peer]}])
    c.namespace = "front"
    return _answer(c, "Requests of teller fail", "teller")


def test_a_namespace_label_that_no_namespace_has_becomes_the_one_that_each_has() -> None:
    c = shop("teller", "ledger")
    verdict = _from_the_front(c, {"namespaceSelector": {"matchLabels": {"name": "front"}}})
    assert _cause(verdict) == BLOCKED
    place = "spec.ingress[0].from[0].namespaceSelector.matchLabels"
    assert [(path, after) for _, path, after in _changes(verdict)] == [
        (f"{place}['kubernetes.io/metadata.name']", "front"),
        (f"{place}.name", None),
    ]


def test_a_pod_selector_alone_reaches_its_own_namespace_only_and_gets_the_callers() -> None:
    c = shop("teller", "ledger")
    verdict = _from_the_front(c, {"podSelector": {"matchLabels": {"app": "teller"}}})
    assert _changes(verdict)[0][1:] == (
        "spec.ingress[0].from[0].namespaceSelector",
        {"matchLabels": {"kubernetes.io/metadata.name": "front"}},
    )


def test_addresses_outside_of_the_block_are_let_in_by_labels_and_the_block_stays() -> None:
    c = _bank(SILENT)
    c.pod("teller")["status"]["podIP"] = "10.40.0.9"
    block = {"ipBlock": {"cidr": "10.30.0.0/16"}}
    _policy(c, "ledger-in", "ledger", policyTypes=["Ingress"], ingress=[{"from": [block]}])
    ((_, place, rule),) = _changes(_answer(c))
    assert place == "spec.ingress[1]"
    assert rule["from"] == [{"podSelector": {"matchLabels": {"app": "teller"}}}]


def test_names_are_asked_at_the_dns_pods_alone_where_they_are_known() -> None:
    c = _bank()
    c.log("teller", "dial tcp: lookup ledger on 10.96.0.10:53: read udp: i/o timeout")
    service = c.add("services", "kube-dns", kind="Service", spec={"selector": {"k8s-app": "dns"}})
    service["metadata"]["namespace"] = "kube-system"
    _policy(
        c, "teller-out", "teller", policyTypes=["Egress"], egress=[{"to": [{"podSelector": {}}]}]
    )
    verdict = _answer(c, "Requests of teller fail", "teller")
    ((_, place, rule),) = _changes(verdict)
    assert place == "spec.egress[1]"
    assert rule["to"][0]["podSelector"] == {"matchLabels": {"k8s-app": "dns"}}
    assert {p["port"] for p in rule["ports"]} == {53}


def test_a_dns_rule_by_a_label_that_kube_system_does_not_have_is_mended() -> None:
    c = _bank()
    c.objects["namespaces"] = [
        {"metadata": {"name": n, "labels": {"kubernetes.io/metadata.name": n}}}
        for n in ("shop", "kube-system")
    ]
    c.log("teller", "getaddrinfo EAI_AGAIN ledger")
    names = {"namespaceSelector": {"matchLabels": {"name": "kube-system"}}}
    rules = [
        {"to": [names], "ports": [{"protocol": "UDP", "port": 53}]},
        {"to": [{"podSelector": {}}]},
    ]
    _policy(c, "teller-out", "teller", policyTypes=["Egress"], egress=rules)
    verdict = _answer(c, "Requests of teller fail", "teller")
    place = "spec.egress[0].to[0].namespaceSelector.matchLabels"
    assert _changes(verdict)[0][1] == f"{place}['kubernetes.io/metadata.name']"


def test_the_world_outside_is_not_opened_and_a_person_is_told() -> None:
    c = shop("teller")
    c.container("teller")["env"] = [{"name": "RATES_URL", "value": "https://rates.example.com/v1"}]
    c.log("teller", 'Get "https://rates.example.com/v1": dial tcp 203.0.113.9:443: i/o timeout')
    everyone = {"namespaceSelector": {}}
    _policy(c, "teller-out", "teller", policyTypes=["Egress"], egress=[{"to": [everyone]}])
    verdict = _answer(c, "Requests of teller fail", "teller")
    assert _cause(verdict) == "network_policy_blocks of Deployment/shop/teller"
    assert (verdict.status, verdict.plans) == ("needs_human", ())


def test_a_slip_tells_who_was_meant_where_nobody_is_known_to_call() -> None:
    c = shop("teller", "ledger", "vault")
    _policy(c, "ledger-in", "ledger", policyTypes=["Ingress"], ingress=_lets_in("telller"))
    verdict = _answer(c)
    assert _cause(verdict) == BLOCKED
    assert [p.kubernetes_changes[0].fields[0].after for p in verdict.plans] == ["teller"]


def test_nobody_is_let_in_where_nobody_is_known_to_call_and_no_word_is_near() -> None:
    c = shop("teller", "ledger")
    _policy(c, "ledger-in", "ledger", policyTypes=["Ingress"], ingress=_lets_in("auditors"))
    verdict = _answer(c)
    assert _cause(verdict) == BLOCKED
    assert (verdict.status, verdict.plans) == ("needs_human", ())


def test_a_policy_that_lets_the_caller_through_is_no_cause() -> None:
    c = _bank(REFUSED)
    _policy(c, "ledger-in", "ledger", policyTypes=["Ingress"], ingress=_lets_in("teller"))
    verdict = _answer(c)
    assert verdict.analysis is not None
    assert all(
        h.failure_class != "network_policy_blocks" or h.confidence < 0.5
        for h in verdict.analysis.hypotheses
    )


def test_pods_on_their_nodes_own_network_are_beyond_policies() -> None:
    c = _bank(SILENT)
    c.get("deployments", "ledger")["spec"]["template"]["spec"]["hostNetwork"] = True
    _policy(c, "ledger-in", "ledger", policyTypes=["Ingress"])
    assert _cause(_answer(c)) != BLOCKED


def test_no_plan_takes_a_policy_or_a_rule_away() -> None:
    c = _bank(SILENT)
    _policy(c, "ledger-in", "ledger", policyTypes=["Ingress"], ingress=_lets_in("auditors"))
    verdict = _answer(c)
    assert verdict.plans
    for plan in verdict.plans:
        assert plan.fix_kind == "set_network_policy"
        assert all(change.action != "delete" for change in plan.kubernetes_changes)
        assert all(f.op != "remove" for c in plan.kubernetes_changes for f in c.fields)
