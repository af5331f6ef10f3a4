"""Alerts about somebody else's cluster: nothing is diagnosed, a person is told whose it is and how to add it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from decide import core
from enrich.core.bundle import GatheredEvidence, Rules, assemble
from kfix.incident import cluster_names
from kfix.incident.cluster_names import Fleet, Own
from schemas.alerts import Alert, FiredRule
from schemas.context import ContextBundle
from schemas.places import ClusterClaim

AT = datetime(2026, 11, 24, 8, tzinfo=UTC)


def bundle(cluster: str, own: Own, monitor: int = 7) -> ContextBundle:
    tags = {"kube_namespace": "shop", "kube_deployment": "api"}
    tags |= {"kube_cluster_name": cluster} if cluster else {}
    alert = Alert(state="firing", labels=tags, rule=FiredRule(id=str(monitor)))
    told = cluster_names.claim(alert.labels, "", None, Fleet.of(own))
    gathered = GatheredEvidence(alert=alert, delivery_id="d", received_at=AT, claim=told)
    return assemble(gathered, Rules(fleet=Fleet.of(own)))


@pytest.mark.parametrize("language", ["en", "fr"])
def test_another_cluster_is_named_with_the_way_to_add_it(language: str) -> None:
    verdict = core.not_ours(bundle("other-us", Own("prod-eu")), language=language)
    assert verdict is not None
    assert (verdict.status, verdict.reason, verdict.plans) == ("needs_human", "another_cluster", ())
    assert verdict.analysis is None
    for word in ("other-us", "prod-eu", "KFIX_CLUSTER_ALIASES"):
        assert word in verdict.explanation


@pytest.mark.parametrize("language", ["en", "fr"])
def test_of_two_clusters_at_once_the_one_that_is_not_ours_is_told_apart(language: str) -> None:
    two = bundle("prod-eu", Own("prod-eu"))
    claim = ClusterClaim(verdict="foreign", named=("prod-us", "prod-eu"), own="prod-eu")
    verdict = core.not_ours(two.model_copy(update={"claim": claim}), language=language)
    assert verdict is not None
    assert "prod-us, prod-eu" in verdict.explanation
    assert "KFIX_CLUSTERS_IGNORED" in verdict.explanation
    either = (
        "prod-us is another name of prod-eu" if language == "en" else "prod-us est un autre nom de"
    )
    assert either in verdict.explanation


@pytest.mark.parametrize("language", ["en", "fr"])
def test_an_instance_without_a_name_says_which_setting_is_missing(language: str) -> None:
    for cluster in ("", "prod-eu"):
        verdict = core.not_ours(bundle(cluster, Own()), language=language)
        assert verdict is not None
        assert "KFIX_CLUSTER_NAME" in verdict.explanation
        assert cluster in verdict.explanation


def test_ours_an_unnamed_one_and_a_handed_over_capture_are_diagnosed() -> None:
    own = Own("prod-eu")
    captured = bundle("other-us", own).model_copy(update={"claim": ClusterClaim()})
    for one in (bundle("prod-eu", own), bundle("", own), captured):
        assert core.not_ours(one, language="en") is None


def test_troubles_of_other_clusters_stay_apart() -> None:
    own = Own("prod-eu")
    made = {
        core.fingerprint_of(one, verdict)
        for one in (
            bundle("other-us", own),
            bundle("other-us", own, monitor=8),
            bundle("other-ap", own),
        )
        if (verdict := core.not_ours(one, language="en")) is not None
    }
    assert len(made) == 3
