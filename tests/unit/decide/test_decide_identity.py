"""R8: the fingerprint tells the same trouble, whatever order, case, time or pod hash it is told with."""

from __future__ import annotations

import string

from hypothesis import given
from hypothesis import strategies as st

from schemas.base import ObjectRef
from schemas.identity import (
    branch_of,
    cycle_of,
    fingerprint,
    incident_of_branch,
    stable_id,
    workload_of_pod,
)

SAFE = "bcdfghjklmnpqrstvwxz2456789"
names = st.text(string.ascii_lowercase, min_size=3, max_size=12)
suffixes = st.tuples(st.text(SAFE, min_size=9, max_size=10), st.text(SAFE, min_size=5, max_size=5))


def identity(cluster: str, namespace: str, kind: str, name: str, failure: str) -> str:
    return fingerprint(
        cluster=cluster,
        failure_class=failure,
        object_ref=ObjectRef(kind=kind, namespace=namespace, name=name),
    )


@given(names, names, names, names)
def test_case_and_outer_whitespace_do_not_count(
    cluster: str, namespace: str, name: str, failure: str
) -> None:
    plain = identity(cluster, namespace, "Deployment", name, failure)
    assert (
        identity(f" {cluster.upper()} ", f"{namespace}\n", "deployment", name.upper(), failure)
        == plain
    )


@given(names, suffixes, suffixes)
def test_a_pods_hash_does_not_count(name: str, one: tuple[str, str], two: tuple[str, str]) -> None:
    pods = [f"{name}-{a}-{b}" for a, b in (one, two)]
    assert len({identity("c", "n", "Pod", pod, "oom") for pod in pods}) == 1
    assert {workload_of_pod(pod) for pod in pods} == {name}


@given(names, names, names, names, st.integers(0, 3), names)
def test_each_identity_field_counts(
    cluster: str, namespace: str, name: str, failure: str, which: int, other: str
) -> None:
    fields = [cluster, namespace, name, failure]
    changed = list(fields)
    changed[which] = other
    same = identity(changed[0], changed[1], "Deployment", changed[2], changed[3]) == identity(
        cluster, namespace, "Deployment", name, failure
    )
    assert same == (changed == fields)


def test_the_workloads_kind_counts() -> None:
    assert identity("c", "n", "Deployment", "a", "oom") != identity(
        "c", "n", "StatefulSet", "a", "oom"
    )


@given(st.lists(names, min_size=1, max_size=5, unique=True), st.randoms())
def test_the_order_of_a_scopes_tags_does_not_count(tags: list[str], random: object) -> None:
    shuffled = sorted(tags, key=lambda _: random.random())  # type: ignore[attr-defined]
    one = cycle_of(rule_id="1", group=",".join(tags), fingerprint="", delivery_id="a")
    two = cycle_of(
        rule_id="1", group=" , ".join(t.upper() for t in shuffled), fingerprint="", delivery_id="b"
    )
    assert one == two


def test_a_delivery_that_says_nothing_stands_alone() -> None:
    ids = {cycle_of(rule_id="", group="", fingerprint="", delivery_id=d) for d in ("a", "b")}
    assert len(ids) == 2


@given(st.lists(st.text(max_size=8), min_size=2, max_size=4))
def test_parts_do_not_run_together(parts: list[str]) -> None:
    joined = [parts[0] + parts[1], *parts[2:]]
    assert stable_id("x", *parts) != stable_id("x", *joined)


def test_a_branch_names_its_incident_and_no_other_branch_does() -> None:
    assert incident_of_branch(branch_of("inc-20260301-0a1b2c3d")) == "inc-20260301-0a1b2c3d"
    for stranger in (
        "main",
        "kfix/incident-",
        "kfix/incident-../x",
        "kfix/incident-inc-a/b",
        "x/kfix/incident-inc-a",
    ):
        assert incident_of_branch(stranger) is None
