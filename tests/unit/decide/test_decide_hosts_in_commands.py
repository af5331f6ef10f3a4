"""A host that a command asks for and nobody answers to: the Service that is nearly called so, where only one is."""

from __future__ import annotations

import pytest

from decide.core import diagnose
from decide.core.deciding import Verdict
from tests.support.decide.catalogue import FAULTS
from tests.support.decide.clusters import Cluster, Obj

PLAIN = "env_address_mismatch/in the command of an init container"


def waiting(*others: tuple[str, int]) -> tuple[Cluster, str]:
    cluster = Cluster(21)
    for name, port in others:
        cluster.app(name, port=port)
    app = cluster.app("shop")
    FAULTS[PLAIN](cluster, app)
    return cluster, app


def changed(verdict: Verdict) -> list[object]:
    return [f.after for p in verdict.plans[:1] for c in p.kubernetes_changes for f in c.fields]


def test_the_nearest_service_takes_the_host_s_place_wherever_the_word_names_it() -> None:
    cluster, _ = waiting()
    verdict = diagnose(cluster.bundle())
    wanted = "until nc -z shop-postgres 5432; do echo waiting for shop-postgres; sleep 2; done"
    assert changed(verdict) == [wanted]
    assert verdict.plans[0].repairs.verdict == "pass"


def test_of_two_services_that_are_as_near_none_is_taken() -> None:
    cluster, _ = waiting(("shop-postgres2", 5432))
    assert changed(diagnose(cluster.bundle())) == []


def test_the_port_that_is_asked_tells_two_near_names_apart() -> None:
    cluster, _ = waiting(("shop-postgres2", 9187))
    assert "shop-postgres 5432" in str(changed(diagnose(cluster.bundle())))


def test_a_host_that_is_a_service_is_no_slip() -> None:
    cluster, app = waiting(("shop-postgresql", 5432))
    verdict = diagnose(cluster.bundle(app))
    assert verdict.analysis is not None
    assert verdict.analysis.failure_class != "env_address_mismatch"


def on_the_node_s_network(**spec: object) -> tuple[Cluster, Obj, str]:
    cluster = Cluster(22)
    app = cluster.app("edge")
    FAULTS["dns_config_broken/on the node's network"](cluster, app)
    template: Obj = cluster.get("deployments", app)["spec"]["template"]["spec"]
    template |= spec
    return cluster, template, app


def test_pods_on_their_node_s_network_ask_the_cluster_s_dns_by_a_policy_of_its_own() -> None:
    cluster, _, app = on_the_node_s_network()
    verdict = diagnose(cluster.bundle(app))
    assert changed(verdict) == ["ClusterFirstWithHostNet"]
    assert verdict.plans[0].repairs.verdict == "pass"


def test_with_that_policy_the_node_s_network_is_no_cause() -> None:
    cluster, _, app = on_the_node_s_network(dnsPolicy="ClusterFirstWithHostNet")
    verdict = diagnose(cluster.bundle(app))
    assert changed(verdict) != ["ClusterFirstWithHostNet"]


@pytest.mark.parametrize(
    "line",
    [
        "** server can't find shop-postgresql.NS.svc.cluster.local: NXDOMAIN",
        'nc: getaddrinfo for host "shop-postgresql" port 5432: Name or service not known',
    ],
)
def test_other_programs_words_for_a_host_that_does_not_resolve(line: str) -> None:
    cluster, _ = waiting()
    told = line.replace("NS", cluster.namespace)
    cluster.logs[-1] = cluster.logs[-1].model_copy(update={"lines": (told,)})
    assert "shop-postgres 5432" in str(changed(diagnose(cluster.bundle())))
