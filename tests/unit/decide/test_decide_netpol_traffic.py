"""What NetworkPolicies let through: direction, selection, peers, ports, blocks of addresses."""

from __future__ import annotations

from typing import Any

import pytest

from decide.core.netpol import Peer, directions, namespace_labels, passes, selecting
from tests.support.decide.views import meta, view_of

Obj = dict[str, Any]
WEB = Peer("shop", {"app": "web"}, "10.1.2.3")
DB = Peer("shop", {"app": "db"}, "10.1.9.9", (("sql", 5432), ("admin", 8080)))
VIEW = view_of({"namespaces": [{"metadata": {"name": "shop", "labels": {"team": "red"}}}]})


def policy(name: str = "p", namespace: str = "shop", **spec: Any) -> Obj:
    return {"metadata": meta(name, namespace), "spec": {"podSelector": {}, **spec}}


def from_(*rules: Obj) -> Obj:
    return policy(ingress=list(rules))


def admits(rule: Obj, other: Peer = WEB, port: int | None = 5432, **asked: Any) -> bool:
    return passes(VIEW, [from_(rule)], "ingress", other, port, **({"listener": DB} | asked))


@pytest.mark.parametrize(
    ("spec", "about"),
    [
        ({}, {"ingress"}),
        ({"ingress": []}, {"ingress"}),
        ({"egress": []}, {"ingress", "egress"}),
        ({"policyTypes": ["Egress"]}, {"egress"}),
        ({"policyTypes": ["Ingress"], "egress": [{}]}, {"ingress"}),
        ({"policyTypes": ["Ingress", "Egress"]}, {"ingress", "egress"}),
        ({"policyTypes": [], "egress": []}, {"ingress", "egress"}),
    ],
)
def test_a_policy_is_about_the_directions_it_says_or_has_rules_for(
    spec: Obj, about: set[str]
) -> None:
    assert directions(policy(**spec)) == about


def test_a_policy_without_spec_is_about_ingress() -> None:
    assert directions({"metadata": meta("p")}) == {"ingress"}


def test_a_pod_is_closed_by_the_policies_of_its_namespace_that_select_it_in_that_direction() -> (
    None
):
    chosen = policy("chosen", podSelector={"matchLabels": {"app": "db"}}, policyTypes=["Ingress"])
    every = policy("every", policyTypes=["Ingress", "Egress"])
    out = policy("out", policyTypes=["Egress"])
    other = policy("other", podSelector={"matchLabels": {"app": "web"}})
    away = policy("away", "bank")
    view = view_of({"networkpolicies": [away, chosen, other, every, out]})
    assert [p["metadata"]["name"] for p in selecting(view, DB, "ingress")] == ["chosen", "every"]
    assert [p["metadata"]["name"] for p in selecting(view, DB, "egress")] == ["every", "out"]


def test_a_policy_whose_selector_is_missing_selects_every_pod_of_its_namespace() -> None:
    view = view_of({"networkpolicies": [{"metadata": meta("p"), "spec": {}}]})
    assert len(selecting(view, WEB, "ingress")) == 1


def test_without_rules_nothing_passes_and_an_empty_rule_lets_all_pass() -> None:
    assert not passes(VIEW, [], "ingress", WEB, 80)
    assert not passes(VIEW, [policy(policyTypes=["Ingress"])], "ingress", WEB, 80)
    assert not passes(VIEW, [from_()], "ingress", WEB, 80)
    assert admits({})
    assert admits({"from": []})


def test_one_policy_and_one_rule_that_lets_through_is_enough_wherever_it_stands() -> None:
    shut = {"from": [{"podSelector": {"matchLabels": {"app": "nobody"}}}]}
    other_port = {"ports": [{"port": 1}]}
    open_ = {"from": [{"podSelector": {"matchLabels": {"app": "web"}}}]}
    assert passes(VIEW, [from_(shut), from_(open_)], "ingress", WEB, 80)
    assert passes(VIEW, [from_(open_), from_(shut)], "ingress", WEB, 80)
    assert passes(VIEW, [from_(shut, other_port, open_)], "ingress", WEB, 80)
    assert not passes(VIEW, [from_(shut), from_(other_port)], "ingress", WEB, 80)
    assert admits({"from": [*shut["from"], *open_["from"]]}), "one of several peers"


def test_ingress_reads_from_and_egress_reads_to() -> None:
    peers = [{"podSelector": {"matchLabels": {"app": "db"}}}]
    both = policy(ingress=[{"from": peers}], egress=[{"to": peers}])
    assert passes(VIEW, [both], "egress", DB, 5432)
    assert not passes(VIEW, [both], "egress", WEB, 5432)
    assert passes(VIEW, [both], "ingress", DB, 5432)
    swapped = policy(ingress=[{"to": peers}], egress=[{"from": peers}])
    assert passes(VIEW, [swapped], "ingress", WEB, 80), "a key of the other direction is no peer"
    assert passes(VIEW, [swapped], "egress", WEB, 80)


@pytest.mark.parametrize(
    ("ports", "port", "fits"),
    [
        ([], 5432, True),
        ([{"port": 5432}], 5432, True),
        ([{"port": 5432}], 5431, False),
        ([{"port": 5432}], 5433, False),
        ([{"port": 5432}], None, True),
        ([{"port": "5432"}], 5432, True),
        ([{"port": "5432"}], 5433, False),
        ([{"port": "sql"}], 5432, True),
        ([{"port": "sql"}], 8080, False),
        ([{"port": "admin"}], 8080, True),
        ([{"port": "unknown"}], 5432, False),
        ([{"port": "unknown", "endPort": 9999}], 5432, False),
        ([{"port": "unknown"}, {"port": 5432}], 5432, True),
        ([{}], 5432, True),
        ([{"protocol": "TCP"}], 5432, True),
        ([{"protocol": "UDP"}], 5432, False),
        ([{"protocol": "UDP", "port": 5432}], 5432, False),
        ([{"port": 5000, "endPort": 5432}], 5432, True),
        ([{"port": 5432, "endPort": 6000}], 5432, True),
        ([{"port": 5433, "endPort": 6000}], 5432, False),
        ([{"port": 5000, "endPort": 5431}], 5432, False),
        ([{"port": 1}, {"port": 5432}], 5432, True),
        ([{"protocol": "UDP", "port": 5432}, {"port": 5432}], 5432, True),
        ([{"port": 1}, {"port": 2}], 5432, False),
    ],
)
def test_a_rule_lets_through_the_ports_it_names(
    ports: list[Obj], port: int | None, fits: bool
) -> None:
    assert admits({"ports": ports}, port=port) is fits


def test_the_protocol_that_is_asked_for_counts() -> None:
    dns = {"ports": [{"protocol": "UDP", "port": 53}]}
    assert admits(dns, port=53, protocol="UDP")
    assert not admits(dns, port=53)
    assert not admits({"ports": [{"port": 53}]}, port=53, protocol="UDP")


def test_a_named_port_is_that_of_the_listener_else_of_the_other_end() -> None:
    named = policy(egress=[{"ports": [{"port": "sql"}]}])
    assert passes(VIEW, [named], "egress", DB, 5432)
    assert not passes(VIEW, [named], "egress", WEB, 5432)
    assert passes(VIEW, [named], "egress", WEB, 5432, listener=DB)
    assert not passes(VIEW, [named], "egress", DB, 5432, listener=WEB)


@pytest.mark.parametrize(
    ("wanted", "same", "elsewhere"),
    [
        ({"podSelector": {}}, True, False),
        ({"podSelector": {"matchLabels": {"app": "web"}}}, True, False),
        ({"podSelector": {"matchLabels": {"app": "api"}}}, False, False),
        ({"namespaceSelector": {}}, True, True),
        ({"namespaceSelector": {"matchLabels": {"team": "red"}}}, True, False),
        (
            {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "bank"}}},
            False,
            True,
        ),
        ({"namespaceSelector": {}, "podSelector": {"matchLabels": {"app": "web"}}}, True, True),
        ({"namespaceSelector": {}, "podSelector": {"matchLabels": {"app": "api"}}}, False, False),
        (
            {
                "namespaceSelector": {"matchLabels": {"team": "blue"}},
                "podSelector": {"matchLabels": {"app": "web"}},
            },
            False,
            False,
        ),
    ],
)
def test_a_peer_is_told_by_its_labels_and_its_namespace(
    wanted: Obj, same: bool, elsewhere: bool
) -> None:
    assert admits({"from": [wanted]}) is same
    assert admits({"from": [wanted]}, Peer("bank", {"app": "web"})) is elsewhere


@pytest.mark.parametrize(
    ("block", "ip", "inside"),
    [
        ({"cidr": "10.1.0.0/16"}, "10.1.2.3", True),
        ({"cidr": "10.2.0.0/16"}, "10.1.2.3", False),
        ({"cidr": "10.1.7.7/16"}, "10.1.2.3", True),
        ({"cidr": "10.1.0.0/16", "except": ["10.1.2.0/24"]}, "10.1.2.3", False),
        ({"cidr": "10.1.0.0/16", "except": ["10.1.2.9/24"]}, "10.1.2.3", False),
        ({"cidr": "10.1.0.0/16", "except": ["10.1.3.0/24"]}, "10.1.2.3", True),
        ({"cidr": "10.1.0.0/16", "except": ["10.1.3.0/24", "10.1.2.0/24"]}, "10.1.2.3", False),
        ({"cidr": "0.0.0.0/0"}, "", True),
        ({"cidr": "::/0"}, "", True),
        ({"cidr": "10.1.0.0/16"}, "", False),
        ({"cidr": "10.0.0.0/10"}, "", False),
        ({"cidr": "nonsense"}, "10.1.2.3", False),
        ({"cidr": "10.1.0.0/16"}, "nonsense", False),
        ({"cidr": "10.1.0.0/16", "except": ["nonsense"]}, "10.1.2.3", False),
        ({"cidr": "fd00::/8"}, "10.1.2.3", False),
        ({}, "10.1.2.3", False),
    ],
)
def test_a_block_of_addresses_without_its_exceptions(block: Obj, ip: str, inside: bool) -> None:
    assert admits({"from": [{"ipBlock": block}]}, Peer("shop", {}, ip)) is inside


def test_a_namespace_has_its_own_labels_and_its_name_as_one() -> None:
    assert namespace_labels(VIEW, "shop") == {
        "kubernetes.io/metadata.name": "shop",
        "team": "red",
    }
    assert namespace_labels(VIEW, "bank") == {"kubernetes.io/metadata.name": "bank"}
