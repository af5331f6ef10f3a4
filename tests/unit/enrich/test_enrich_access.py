"""What enrich and learn list and what the shipped role lets them list are the same."""

from __future__ import annotations

from pathlib import Path

import yaml

from enrich.adapters.kubernetes import wishes
from kfix.infra.clients.kubernetes.kinds import Table
from learn.core.delivery import APPLICATIONS, KUSTOMIZATIONS, RELEASES

ROLE = Path(__file__).parents[3] / "deploy" / "kubernetes" / "2-access.yaml"


def test_the_role_reads_what_is_listed_and_nothing_else() -> None:
    table = Table()
    resources = {wish.resource for wish in wishes("shop")}
    kinds = {resource: table.plural(resource) for resource in resources}
    asked = {(k.version.rpartition("/")[0], k.plural) for k in kinds.values() if k is not None}
    # Kinds whose version is asked of the cluster say their group themselves.
    discovered = {resource for resource, kind in kinds.items() if kind is None}
    assert all("." in resource for resource in discovered)
    asked |= {(r.partition(".")[2], r.partition(".")[0]) for r in discovered}
    assert len(asked) == len(kinds)
    # What delivers to the cluster: learn reads it where a change does not arrive.
    asked |= {
        (r.partition(".")[2], r.partition(".")[0]) for r in (APPLICATIONS, KUSTOMIZATIONS, RELEASES)
    }
    (role,) = [d for d in yaml.safe_load_all(ROLE.read_text()) if d["kind"] == "ClusterRole"]
    given = {
        (group, resource)
        for rule in role["rules"]
        if {"get", "list"} <= set(rule["verbs"])
        for group in rule["apiGroups"]
        for resource in rule["resources"]
    }
    assert given == asked


def test_the_number_of_lists_is_the_same_for_every_namespace() -> None:
    assert len(wishes("shop")) == len(wishes("data"))
    assert {wish.namespace for wish in wishes("shop")} == {"", "shop", "kube-system"}
    assert all(wish.limit for wish in wishes("shop") if wish.namespace == "kube-system")
    assert not any(wish.labels for wish in wishes("kube-system"))
    assert {wish.namespace for wish in wishes("")} == {""}
