"""What is undetermined is told apart by monitor and group; the same trouble is told again by the same words."""

from __future__ import annotations

import random
import string
from datetime import UTC, datetime
from itertools import combinations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from decide import core
from enrich.core.bundle import GatheredEvidence, Rules, assemble
from ingest.sources.datadog.reading import alert_of
from kfix.incident.cluster_names import Fleet, Own
from schemas.alerts import Alert, FiredRule
from schemas.context import ContextBundle
from schemas.identity import trouble_of
from tests.support.alerts import WITHOUT_NAMESPACE, payload_of

AT = datetime(2026, 11, 24, 8, tzinfo=UTC)
SAFE = "bcdfghjklmnpqrstvwxz2456789"
words = st.text(string.ascii_lowercase, min_size=2, max_size=10)
groups = st.dictionaries(words, words, min_size=1, max_size=4)


def scope_of(group: dict[str, str]) -> str:
    return ",".join(f"{name}:{value}" for name, value in group.items())


def trouble(**said: Any) -> str:
    return trouble_of(**{"rule_id": "", **said})


def bundle_of(alert: Alert, delivery: str = "d", **more: Any) -> ContextBundle:
    gathered = GatheredEvidence(alert=alert, delivery_id=delivery, received_at=AT, **more)
    return assemble(gathered, Rules(fleet=Fleet.of(Own("prod-eu"))))


def incident_key(bundle: ContextBundle) -> str:
    return core.fingerprint_of(bundle, core.diagnose(bundle))


@given(groups, st.integers(1, 9999), st.randoms(use_true_random=False))
def test_order_case_and_spaces_of_a_group_do_not_count(
    group: dict[str, str], monitor: int, chance: random.Random
) -> None:
    parts = [f" {name.upper()} :{value.title()} " for name, value in group.items()]
    chance.shuffle(parts)
    assert trouble(rule_id=str(monitor), group=scope_of(group)) == trouble(
        rule_id=str(monitor), group=",".join(parts)
    )


@given(groups, groups, st.integers(1, 99), st.integers(1, 99), words, words)
def test_another_monitor_group_or_organisation_is_another_trouble(
    one: dict[str, str], two: dict[str, str], first: int, second: int, org: str, other: str
) -> None:
    same = trouble(rule_id=str(first), group=scope_of(one), account=org) == trouble(
        rule_id=str(second), group=scope_of(two), account=other
    )
    assert same == ((first, one, org) == (second, two, other))


@given(words, st.text(SAFE, min_size=9, max_size=10), st.text(SAFE, min_size=5, max_size=5))
def test_a_pods_hash_in_a_group_does_not_count(name: str, hash_: str, tail: str) -> None:
    pod = f"pod_name:{name}-{hash_}-{tail}"
    assert trouble(rule_id="1", group=pod) == trouble(rule_id="1", group=f"pod_name:{name}")


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("[Triggered] Checkout is slow", "[Recovered] Checkout is slow"),
        ("[P2] [Triggered on {a:b}] Checkout is slow", "[Re-Triggered on {a:b}] checkout  is slow"),
        ("Error rate is 12.4% on checkout", "Error rate is 97 % on checkout"),
        ("[No Data] p95 of 1.25 s", "[Warn] p95 of 0.5 s"),
    ],
)
def test_a_titles_announcement_and_measured_value_do_not_count(one: str, two: str) -> None:
    assert trouble(title=one) == trouble(title=two)


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("Job backup-12 failed", "Job backup-13 failed"),
        ("[staging] Disk full", "[prod] Disk full"),
        ("Synthetic test 41 failed", "Synthetic test 42 failed"),
        ("Checkout is slow", "Cart is slow"),
    ],
)
def test_other_words_are_another_trouble(one: str, two: str) -> None:
    assert trouble(title=one) != trouble(title=two)


def test_what_changes_with_each_notification_does_not_count_among_the_tags() -> None:
    plain = {"service": "checkout", "queue": "orders"}
    noisy = {**plain, "container_id": "4f2a", "image_tag": "v2", "status": "alert", "version": "9"}
    assert trouble(title="Slow", labels=plain) == trouble(title="Slow", labels=noisy)
    assert trouble(title="Slow", labels=plain) != trouble(
        title="Slow", labels={**plain, "queue": "mail"}
    )


def test_an_alert_that_says_nothing_but_its_event_is_that_event() -> None:
    assert trouble(notification_id="1") != trouble(notification_id="2")
    assert trouble() == ""


def test_every_kind_of_alert_without_a_namespace_is_an_incident_of_its_own() -> None:
    keys = {
        kind: incident_key(bundle_of(alert_of(payload_of(kind)), delivery=kind))
        for kind in WITHOUT_NAMESPACE
    }
    assert len(WITHOUT_NAMESPACE) >= 15
    assert [pair for pair in combinations(keys, 2) if keys[pair[0]] == keys[pair[1]]] == []


@pytest.mark.parametrize("kind", WITHOUT_NAMESPACE)
def test_the_same_trouble_again_is_the_same_incident_and_its_recovery_the_same_episode(
    kind: str,
) -> None:
    first = bundle_of(alert_of(payload_of(kind)), delivery="one")
    again = bundle_of(alert_of(payload_of(kind, event=2)), delivery="two")
    over = bundle_of(alert_of(payload_of(kind, event=3, transition="Recovered")), delivery="three")
    assert incident_key(first) == incident_key(again)
    assert over.alert.state == "resolved"
    assert first.cycle == over.cycle


def test_two_monitors_about_one_healthy_workload_are_two_incidents() -> None:
    tags = {"kube_namespace": "shop", "kube_deployment": "cart"}
    one, two = (
        bundle_of(
            Alert(labels=tags, title="t", rule=FiredRule(id=str(n), group="kube_deployment:cart"))
        )
        for n in (1, 2)
    )
    assert incident_key(one) != incident_key(two)


def test_an_alert_without_a_namespace_is_told_by_its_monitor_and_not_as_a_namespace() -> None:
    bundle = bundle_of(Alert(title="Checkout SLO", state="firing", rule=FiredRule(id="77")))
    verdict = core.diagnose(bundle)
    assert verdict.analysis is not None
    assert verdict.analysis.object.key == "Monitor/77"


def test_a_node_that_is_lost_is_one_incident_whichever_part_of_it_is_seen_first() -> None:
    keys = set()
    for message in ("", "Kubelet stopped posting node status.", "cni plugin not initialized"):
        node = {
            "kind": "Node",
            "metadata": {"name": "n-1"},
            "status": {"conditions": [{"type": "Ready", "status": "False", "message": message}]},
        }
        bundle = bundle_of(Alert(title="t", rule=FiredRule(id="1")), objects={"nodes": [node]})
        verdict = core.diagnose(bundle)
        assert verdict.analysis is not None
        keys.add((verdict.analysis.object.key, core.fingerprint_of(bundle, verdict)))
    assert len(keys) == 1
