"""Images by their names: what a reference says, which tags look like it, which nodes can run it, which a plan names."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kfix.incident.images import fit, nearest, parse, platforms_of, renamed, retagged
from kfix.incident.images.planned import images_in
from kfix.incident.images.waiting import running, troubled
from schemas.base import ObjectRef
from schemas.plans import FieldChange, KubernetesChange

_DIGEST = f"sha256:{'a' * 64}"


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("nginx", "docker.io/library/nginx:latest"),
        ("nginx:1.27", "docker.io/library/nginx:1.27"),
        ("grafana/loki", "docker.io/grafana/loki:latest"),
        ("docker.io/nginx:1", "docker.io/library/nginx:1"),
        ("index.docker.io/library/nginx:1", "docker.io/library/nginx:1"),
        ("localhost/web:1", "localhost/web:1"),
        ("r:5000/shop/web", "r:5000/shop/web:latest"),
        ("R.example/shop/web:V1", "r.example/shop/web:V1"),
        (f"r.example/web:1@{_DIGEST}", f"r.example/web@{_DIGEST}"),
        ("r.example/a__b/c-d.e:x_1", "r.example/a__b/c-d.e:x_1"),
    ],
)
def test_a_reference_is_read_as_runtimes_read_it(text: str, canonical: str) -> None:
    found = parse(text)
    assert found is not None
    assert found.canonical == canonical
    assert parse(found.canonical) == found


@pytest.mark.parametrize(
    "text",
    [
        "", ":", "web:", "Web", "a//b", "/a", "a/", "r.example/Shop/web", "a:b:c", "a b", "a;b", "a\n",
        "r.example:99999999/a", "-r.example/a", "a@sha256:1", "a:" + "x" * 129, "a" * 256,
        "http://r.example/a", "../a", "r.example/../a", "r.example/a?x=1", "[masked:token]", "user@host/a",
    ],
)  # fmt: skip
def test_what_no_runtime_takes_is_no_reference(text: str) -> None:
    assert parse(text) is None


@given(st.text(max_size=60))
def test_a_reference_is_made_of_a_closed_alphabet(text: str) -> None:
    found = parse(text)
    assert found is None or all(
        c.isascii() and (c.isalnum() or c in "._-/:@") for c in found.canonical
    )


def test_a_tag_and_a_folder_are_exchanged_as_they_are_written() -> None:
    assert retagged("r:5000/shop/web:1", "2") == "r:5000/shop/web:2"
    assert retagged(f"r:5000/shop/web@{_DIGEST}", "2") == "r:5000/shop/web:2"
    assert retagged("web", "2") == "web:2"
    assert renamed("r.example/shop/web:1", "other.example/shops") == "other.example/shops/web:1"
    assert renamed("r.example/shop/web:1", "") == "web:1"


@pytest.mark.parametrize(
    ("wanted", "tags", "like"),
    [
        ("1.4.2", ["1.4.1", "1.5.0", "2.4.2", "1.4.20"], ["1.4.1", "1.4.20", "1.5.0"]),
        ("v1.4.2", ["1.4.2", "v1.4.3"], ["1.4.2", "v1.4.3"]),
        ("1.4", ["1.4.0", "1.5", "1.3.9"], ["1.4.0", "1.5", "1.3.9"]),
        ("1.4.2-alpine", ["1.4.2", "1.4.1-alpine3.20", "1.4.2-debian"], ["1.4.1-alpine3.20"]),
        ("1.4.2", ["1.4.2-alpine", "latest", "3.0.0"], []),
        ("stabel", ["stable", "latest", "1.0"], ["stable"]),
        ("main-3f2a", ["main-3f2b", "develop"], ["main-3f2b"]),
        ("latest", ["1.0", "2.0"], []),
        ("1.0", ["1.0", f"sha256-{'a' * 64}.sig", f"sha256-{'a' * 64}"], []),
    ],
)
def test_the_nearest_tags_are_of_the_same_kind(
    wanted: str, tags: list[str], like: list[str]
) -> None:
    assert nearest(wanted, tags) == like


def _node(architecture: str, *, by_label: bool = False, **spec: Any) -> dict[str, Any]:
    told = {"operatingSystem": "linux", "architecture": architecture}
    labels = {"kubernetes.io/os": "linux", "kubernetes.io/arch": architecture, "disk": "ssd"}
    return {
        "metadata": {"labels": labels if by_label else {}},
        "spec": spec,
        "status": {} if by_label else {"nodeInfo": told},
    }


def test_only_nodes_that_the_pod_may_go_to_count() -> None:
    nodes = [_node("amd64"), _node("arm64", by_label=True), _node("s390x", unschedulable=True), {}]
    assert platforms_of(nodes, {}) == {"linux/amd64", "linux/arm64"}
    assert platforms_of(nodes, {"nodeSelector": {"disk": "ssd"}}) == {"linux/arm64"}
    assert platforms_of(nodes, {"nodeSelector": {"disk": ["odd"]}}) == frozenset()


@pytest.mark.parametrize(
    ("image", "nodes", "found"),
    [
        (("linux/amd64", "linux/arm64/v8"), {"linux/amd64", "linux/arm64"}, "all"),
        (("linux/arm64/v8",), {"linux/amd64", "linux/arm64"}, "some"),
        (("windows/amd64",), {"linux/amd64"}, "none"),
        ((), {"linux/amd64"}, "unknown"),
        (("linux/amd64",), set(), "unknown"),
    ],
)
def test_an_image_fits_nodes_of_its_platforms(
    image: tuple[str, ...], nodes: set[str], found: str
) -> None:
    assert fit(image, frozenset(nodes)) == found


def test_the_images_of_a_plan_are_found_wherever_they_stand() -> None:
    ref = ObjectRef(kind="Deployment", namespace="shop", name="web")
    fields = (
        FieldChange(path="spec.template.spec.containers[name=a].image", before="x:1", after="x:2"),
        FieldChange(op="remove", path="spec.template.spec.containers[name=b].image", before="y:1"),
        FieldChange(
            path="spec.template.spec.initContainers", after=[{"name": "c", "image": "z:1"}]
        ),
        FieldChange(
            path="spec.template.spec.volumes", after=[{"name": "v", "rbd": {"image": "d"}}]
        ),
        FieldChange(path="spec.template.metadata.labels.image", after="label"),
    )
    made = {"spec": {"template": {"spec": {"containers": [{"name": "d", "image": "w:1"}]}}}}
    changes = (
        KubernetesChange(object=ref, fields=fields),
        KubernetesChange(object=ref, action="create", manifest=made),
    )
    assert images_in(changes) == ("x:2", "z:1", "w:1")


def _pod(**status: Any) -> dict[str, Any]:
    return {
        "metadata": {"namespace": "shop", "name": "web-0"},
        "spec": {"containers": [{"name": "main", "image": "r/web:1"}]},
        "status": {"containerStatuses": [{"name": "main", **status}]},
    }


def test_a_container_lacks_its_image_by_its_state_or_by_its_programs_words() -> None:
    waits = _pod(state={"waiting": {"reason": "ErrImagePull"}})
    misfit = _pod(state={"terminated": {"exitCode": 1, "message": "exec: exec format error"}})
    for pod in (waits, misfit):
        assert list(troubled(pod)) == [("main", "r/web:1")]
        assert list(running(pod)) == []
    crashed = _pod(state={"waiting": {"reason": "CrashLoopBackOff"}})
    assert list(troubled(crashed)) == []
    assert list(troubled(crashed, {("shop", "web-0", "main")})) == [("main", "r/web:1")]
    assert list(running(_pod(ready=True))) == ["r/web:1"]
    leaving = {
        **waits,
        "metadata": {**waits["metadata"], "deletionTimestamp": "2026-01-01T00:00:00Z"},
    }
    assert list(troubled(leaving)) == []
