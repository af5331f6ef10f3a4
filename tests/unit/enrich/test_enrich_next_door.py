"""Which namespaces next door are read for an alert: those that its own workloads call by name, few of them, and none of the cluster's."""

from __future__ import annotations

from typing import Any

import pytest

from enrich.core.next_door import MOST, called_namespaces
from enrich.ports import Listing
from tests.unit.enrich.test_enrich_gathering import gathered, sources

Obj = dict[str, Any]
SPACES = ("shop", "store", "bank", "third", "kube-system")


def objects(*containers: Obj, **more: list[Obj]) -> dict[str, list[Obj]]:
    template = {"spec": {"containers": list(containers), "volumes": more.pop("volumes", [])}}
    web = {"metadata": {"name": "web", "namespace": "shop"}, "spec": {"template": template}}
    names = [{"metadata": {"name": name}} for name in SPACES]
    return {"namespaces": names, "deployments": [web], **more}


def says(**container: Any) -> list[str]:
    return called_namespaces(objects({"name": "main", **container}), "shop")


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("db.store:5432", ["store"]),
        ("http://u:w@db.store.svc.cluster.local/x", ["store"]),
        ("db.store:5432,api.bank.svc:80", ["store", "bank"]),
        ("db:5432", []),
        ("db.shop:5432", []),
        ("api.example.com:443", []),
        ("db.unknown:5432", []),
        ("dns.kube-system:53", []),
    ],
)
def test_an_address_names_its_namespace(value: str, found: list[str]) -> None:
    assert says(env=[{"name": "A", "value": value}]) == found


def test_commands_configuration_and_aliases_are_read_too() -> None:
    assert says(command=["sh", "-c", "until nc -z db.store 5432; do sleep 1; done"]) == ["store"]
    config = {
        "metadata": {"name": "conf", "namespace": "shop"},
        "data": {"a": "url: http://db.bank/x"},
    }
    mounted = objects({"name": "m"}, configmaps=[config], volumes=[{"configMap": {"name": "conf"}}])
    assert called_namespaces(mounted, "shop") == ["bank"]
    given = objects(
        {"name": "m", "envFrom": [{"configMapRef": {"name": "conf"}}]}, configmaps=[config]
    )
    assert called_namespaces(given, "shop") == ["bank"]
    alias = {
        "metadata": {"name": "db", "namespace": "shop"},
        "spec": {"externalName": "db.store.svc"},
    }
    assert called_namespaces(objects(services=[alias]), "shop") == ["store"]


def test_no_more_are_read_than_two() -> None:
    value = "a.store:80,b.bank:80,c.third:80"
    assert len(says(env=[{"name": "A", "value": value}])) == MOST == 2


def test_an_alert_without_a_namespace_has_none_next_door() -> None:
    assert called_namespaces(objects(), "") == []


class Street:
    """A cluster of two namespaces, the second of which may not answer."""

    def __init__(self, *, answers: bool = True) -> None:
        self.asked: list[str] = []
        self.answers = answers

    async def objects(self, namespace: str) -> Listing:
        self.asked.append(namespace)
        if namespace == "shop":
            main = {"name": "main", "env": [{"name": "A", "value": "db.store:5432"}]}
            return Listing(objects(main, pods=[]))
        if not self.answers:
            raise TimeoutError
        pods = [
            {"metadata": {"name": name, "namespace": space}}
            for name, space in (("db-0", "store"), ("n", "x"))
        ]
        claim = {"metadata": {"name": "data", "namespace": "store"}}
        spaces = [{"metadata": {"name": "store"}}]
        return Listing({"pods": pods, "namespaces": spaces, "persistentvolumeclaims": [claim]})

    async def logs(self, pods: Any) -> list[Any]:
        return []


@pytest.mark.parametrize("answers", [True, False])
async def test_what_is_called_next_door_stands_beside_the_own_objects(answers: bool) -> None:
    street = Street(answers=answers)
    bundle = await gathered(sources(cluster=street), labels={"kube_namespace": "shop"})
    assert street.asked == ["shop", "store"]
    found = bundle.k8s_context.objects
    assert [o["metadata"]["name"] for o in found.get("pods", [])] == (["db-0"] if answers else [])
    assert len(found["namespaces"]) == len(SPACES)
    assert "persistentvolumeclaims" not in found, "of its own namespace they did not come"
    (status,) = [s for s in bundle.sources if s.name == "kubernetes.next_door"]
    assert status.state == ("ok" if answers else "missing")
