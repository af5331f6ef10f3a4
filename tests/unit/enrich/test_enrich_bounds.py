"""Whatever was gathered fits into a record, the alert's own evidence stays longest, and what went is named."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from enrich.core.bounds import bounded, size
from enrich.core.bundle import GatheredEvidence, Rules, assemble
from schemas import errors
from schemas.alerts import Alert
from schemas.context import Change, ContextBundle, LogExcerpt, Monitor, Series

NOW = datetime(2026, 11, 24, tzinfo=UTC)
TAGS = {"kube_namespace": "shop", "kube_deployment": "api"}


def item(kind: str, name: str, owner: tuple[str, str] | None = None, **more: Any) -> dict[str, Any]:
    about: dict[str, Any] = {"name": name, "namespace": "shop"}
    if owner:
        about["ownerReferences"] = [{"kind": owner[0], "name": owner[1], "controller": True}]
    return {"kind": kind, "metadata": about, **more}


def pods(owner: str, many: int, ready: bool = True) -> list[dict[str, Any]]:
    status = {"phase": "Running", "containerStatuses": [{"name": "app", "ready": ready}]}
    return [item("Pod", f"{owner}-{n}", ("ReplicaSet", owner), status=status) for n in range(many)]


def bundle_of(objects: dict[str, list[Any]] | None = None, **more: Any) -> ContextBundle:
    alert = more.pop("alert", Alert(labels=TAGS))
    known = {
        "deployments": [item("Deployment", "api")],
        "replicasets": [item("ReplicaSet", "api-1", ("Deployment", "api"))],
        **(objects or {}),
    }
    return assemble(
        GatheredEvidence(alert=alert, delivery_id="d", received_at=NOW, objects=known, **more),
        Rules(),
    )


def reason(bundle: ContextBundle) -> str:
    (note,) = [source for source in bundle.sources if source.name == "bundle"]
    assert note.state == "degraded"
    return note.reason


def test_a_bundle_that_fits_is_not_touched() -> None:
    bundle = bundle_of()
    assert bounded(bundle, size(bundle)) is bundle


def test_kinds_that_are_seldom_a_cause_go_first_and_whole() -> None:
    bundle = bundle_of(
        {"configmaps": [item("ConfigMap", f"c{n}", data={"x": "y" * 400}) for n in range(100)]}
    )
    small = bounded(bundle, 10_000)
    assert "configmaps" not in small.k8s_context.objects
    assert reason(small).endswith("left out: configmaps")
    assert small.k8s_context.objects["deployments"]


def test_metrics_are_thinned_over_their_whole_course() -> None:
    series = Series(
        metric="cpu",
        timestamps=tuple(float(n) for n in range(5_000)),
        values=tuple(float(n) for n in range(5_000)),
    )
    small = bounded(bundle_of(metrics=(series,)), 20_000)
    (kept,) = small.metrics
    assert len(kept.timestamps) == len(kept.values) <= 60
    assert kept.timestamps[-1] == 4_999
    assert kept.timestamps[0] < 100
    assert kept.timestamps == kept.values
    assert "points of metrics" in reason(small)


def test_the_subjects_pods_stay_longest_then_those_in_trouble() -> None:
    found = [*pods("web-1", 3_000), *pods("cart-1", 4, ready=False), *pods("api-1", 10)]
    small = bounded(bundle_of({"pods": found}), 30_000)
    kept = [p["metadata"]["name"] for p in small.k8s_context.objects["pods"]]
    assert kept[-14:] == [p["metadata"]["name"] for p in found[-14:]]
    assert 14 <= len(kept) <= 100
    assert "pods, events and revisions past 100" in reason(small)


def test_one_huge_object_does_not_break_the_bound() -> None:
    huge = item("Pod", "api-1-0", ("ReplicaSet", "api-1"), status={"message": "x" * 1_000_000})
    small = bounded(bundle_of({"pods": [huge]}), 50_000)
    assert small.k8s_context.objects["pods"][0]["metadata"] == huge["metadata"]
    assert size(small) <= 50_000


def test_what_was_left_out_is_not_said_of_what_was_not_there() -> None:
    log = LogExcerpt(pod="api-1-0", lines=tuple("a line of log" * 10 for _ in range(5_000)))
    assert reason(bounded(bundle_of(logs=(log,)), 100_000)).endswith(
        "left out: log lines before the last 100"
    )


def test_an_alert_that_fits_nowhere_is_refused_with_its_size() -> None:
    alert = Alert(labels={f"tag{n}": "v" * 100 for n in range(500)})
    with pytest.raises(errors.Rejected, match="are allowed") as refused:
        bounded(bundle_of(alert=alert), 10_000)
    assert refused.value.reason == "too_large"


@settings(max_examples=40, deadline=None)
@given(
    st.integers(4_000, 60_000),
    st.dictionaries(
        st.sampled_from(["pods", "events", "secrets", "nodes", "rollouts", "services", "gadgets"]),
        st.tuples(st.integers(0, 300), st.integers(0, 3_000)),
        max_size=5,
    ),
    st.integers(0, 2_000),
    st.text(max_size=3),
)
def test_every_bundle_fits_and_keeps_its_alert(
    limit: int, kinds: dict[str, tuple[int, int]], many: int, word: str
) -> None:
    objects = {
        kind: [
            item(kind[:-1].capitalize(), f"n{n}", data=word + "x" * length) for n in range(count)
        ]
        for kind, (count, length) in kinds.items()
    }
    bundle = bundle_of(
        objects,
        logs=(LogExcerpt(pod="p", lines=tuple(f"{word} line {n}" for n in range(many))),),
        metrics=(
            Series(metric="m", timestamps=tuple(map(float, range(many))), values=(1.0,) * many),
        ),
        monitor=Monitor(rule_id="1", message="é" * many),
        commits=(Change(kind="commit", summary=word * many, detail={"diff": "d" * many}),),
    )
    small = bounded(bundle, limit)
    assert size(small) <= limit
    assert small.alert == bundle.alert
    assert small.k8s_context.subject == bundle.k8s_context.subject
    assert (small is bundle) == (size(bundle) <= limit)
