"""A source that was silent is no decision: neither "all is well" nor "the evidence does not tell"."""

from __future__ import annotations

import pytest

from decide import core
from decide.core import diagnose
from schemas.context import ContextBundle, SourceStatus
from tests.support.decide.catalogue import FAULTS
from tests.support.decide.clusters import Cluster


def healthy() -> ContextBundle:
    cluster = Cluster(3)
    return cluster.bundle(cluster.app())


def with_source(
    bundle: ContextBundle, name: str, why: str, reason: str = "timed_out: x"
) -> ContextBundle:
    status = SourceStatus.model_validate(
        {"name": name, "state": "missing", "reason": reason, "why": why}
    )
    return bundle.model_copy(update={"sources": (*bundle.sources, status)})


@pytest.mark.parametrize("name", ["datadog.metrics", "datadog.monitor", "kubernetes.objects"])
@pytest.mark.parametrize("why", ["unanswered", "refused"])
def test_nothing_is_called_well_while_a_source_was_silent(name: str, why: str) -> None:
    assert diagnose(healthy()).status == "no_action"
    verdict = diagnose(with_source(healthy(), name, why, "timed_out: no answer within 20 s"))
    assert (verdict.status, verdict.reason) == ("needs_human", "not_checked")
    assert name in verdict.explanation
    assert "no answer within 20 s" in verdict.explanation
    assert verdict.plans == ()


def test_it_is_said_in_french_too() -> None:
    verdict = diagnose(with_source(healthy(), "datadog.metrics", "unanswered"), language="fr")
    assert "n'a pas pu être vérifiée" in verdict.explanation


@pytest.mark.parametrize(("name", "why"), [("memory", "unanswered"), ("gitlab", "absent")])
def test_what_adds_nothing_or_does_not_exist_holds_up_no_answer(name: str, why: str) -> None:
    assert diagnose(with_source(healthy(), name, why)).status == "no_action"


def test_a_cause_that_was_found_stands_beside_a_silent_source() -> None:
    cluster = Cluster(5)
    app = cluster.app()
    FAULTS["oom_killed"](cluster, app)
    bundle = cluster.bundle(app)
    before = diagnose(bundle)
    after = diagnose(with_source(bundle, "gitlab", "unanswered"))
    assert before.status == after.status == "solution_proposed"
    assert core.fingerprint_of(bundle, before) == core.fingerprint_of(bundle, after)


def test_without_the_clusters_objects_no_cause_stands() -> None:
    cluster = Cluster(5)
    app = cluster.app()
    FAULTS["oom_killed"](cluster, app)
    verdict = diagnose(with_source(cluster.bundle(app), "kubernetes.objects", "unanswered"))
    assert verdict.reason == "not_checked"


def test_the_incident_of_an_unchecked_alert_does_not_depend_on_what_was_silent() -> None:
    silent = [
        with_source(healthy(), name, "unanswered")
        for name in ("datadog.metrics", "kubernetes.objects", "datadog.monitor")
    ]
    keys = {core.fingerprint_of(bundle, diagnose(bundle)) for bundle in silent}
    assert keys == {core.fingerprint_of(healthy(), diagnose(healthy()))}
