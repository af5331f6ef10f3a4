"""``.kfix.yaml``: what it narrows, and that anything unreadable means no."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from kfix.cli.consent import register
from publish.core import repo_policy
from publish.core.objections import refusal
from publish.core.repo_policy import OPEN, Consent, InvalidRepositoryPolicy, read
from schemas.base import ObjectRef
from schemas.plans import FieldChange, KubernetesChange
from tests.support import publish as sample

EDITS = sample.validated().edits


def said(text: str) -> Consent:
    return read(("version: 1\n" + text).encode())


def told(text: str, *changes: KubernetesChange) -> str:
    return refusal(said(text), changes or (sample.change("900m"),), EDITS)


def field(path: str, before: Any, after: Any, kind: str = "Deployment") -> KubernetesChange:
    ref = ObjectRef(kind=kind, namespace="shop", name="checkout")
    return KubernetesChange(
        object=ref, fields=(FieldChange(path=path, before=before, after=after),)
    )


def test_without_a_file_everything_that_safety_allows_is_allowed() -> None:
    assert read(None) == OPEN
    assert refusal(OPEN, (sample.change("900m"),), EDITS) == ""


@pytest.mark.parametrize(
    "text",
    [
        "paths: ['apps/**']",
        "paths: [other.yaml, '**/deploy.yaml']",
        "kinds: [Deployment]",
        "fields: ['spec.template.spec.containers[*].resources']",
        "fields: ['spec.template.spec.containers[name=app].resources.limits.cpu']",
        "fields: [spec.*.spec]",
        "fields: [spec.replicas, spec]",
        "maximum: {factor: 2, cpu: 1, memory: 4Gi, replicas: 10, lines: 2, files: 1}",
        "maximum: {cpu: 900m}",
        "merge_requests: {open: 1, per_hour: 1}",
        "reviewers: [ada, '@team/sre', '@@maintainer']",
        "propose: true",
        "declared: [{for: shop, environment: prod, below: [apps/prod]}]",
        "declared: [{for: Deployment/shop/api, below: [a, b/c.yaml]}]",
    ],
)
def test_what_is_within_it_passes(text: str) -> None:
    assert told(text) == ""


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("propose: false", "nothing is proposed here"),
        ("paths: [apps/*]", "does not let apps/checkout/deploy.yaml be changed"),
        ("paths: [APPS/**]", "does not let apps/checkout/deploy.yaml be changed"),
        ("kinds: [StatefulSet]", "does not let a Deployment be changed"),
        ("fields: [spec.replicas]", "resources.limits.cpu be changed"),
        ("fields: ['spec.template.spec.containers[*].resources.limits.cpu.x']", "be changed"),
        ("fields: ['spec.template.spec.containers[name=other]']", "be changed"),
        ("fields: [spec.template.spec.containers.*]", "be changed"),
        ("maximum: {factor: 1.5}", "change by 1.5 times, this is 500m to 900m"),
        ("maximum: {cpu: 899m}", "up to 899m, this is 900m"),
        ("maximum: {lines: 1}", "allows 1 changed lines, this takes 2"),
    ],
)
def test_what_is_beyond_it_is_refused_with_the_reason(text: str, reason: str) -> None:
    assert reason in told(text)


def test_shrinking_counts_as_change_too() -> None:
    assert "change by 2 times" in told("maximum: {factor: 2}", sample.change("100m"))


@pytest.mark.parametrize(
    ("text", "change", "refused"),
    [
        ("maximum: {replicas: 5}", field("spec.replicas", 3, 6), True),
        ("maximum: {replicas: 6}", field("spec.replicas", 3, 6), False),
        ("maximum: {factor: 2}", field("spec.replicas", 0, 6), False),
        ("maximum: {replicas: 5}", field("spec.maxReplicas", 3, 9), True),
        ("maximum: {memory: 1Gi}", field("spec.x.limits.memory", "1Gi", "1025Mi"), True),
        ("maximum: {memory: 1Gi}", field("spec.x.limits.memory", None, "1Gi"), False),
        ("maximum: {cpu: 1}", field("spec.x", None, {"limits": {"cpu": "2"}}), True),
        ("maximum: {cpu: 1}", field("spec.x", None, [{"requests": {"cpu": 2}}]), True),
        ("maximum: {cpu: 1}", field("spec.x.limits.cpu", "1", "lots"), True),
        ("maximum: {cpu: 1}", field("spec.x.limits.cpu", "2", None), False),
    ],
)
def test_maxima_reach_into_what_is_changed_as_a_whole(
    text: str, change: KubernetesChange, refused: bool
) -> None:
    assert bool(refusal(said(text), (change,), ())) is refused


def test_new_objects_need_their_kind_and_no_list_of_fields() -> None:
    made = KubernetesChange(
        object=ObjectRef(kind="HorizontalPodAutoscaler", namespace="shop", name="checkout"),
        action="create",
        manifest={"spec": {"maxReplicas": 20}},
    )
    assert told("kinds: [HorizontalPodAutoscaler]", made) == ""
    assert "be changed" in told("kinds: [Deployment]", made)
    assert "objects be added" in told("create: false", made)
    assert "more than those" in told("fields: [spec]", made)
    assert "up to 10" in told("maximum: {replicas: 10}", made)


def test_nothing_is_deleted_where_there_is_such_a_file() -> None:
    gone = KubernetesChange(object=sample.OBJECT, action="delete")
    assert "nothing is deleted" in told("", gone)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"version: 2",
        b"paths: [a]",
        b"version: '1'",
        b"version: 1\npath: [a]",
        b"version: 1\npaths: a",
        b"version: 1\npaths: []",
        b"version: 1\npaths: [1]",
        b"version: 1\npropose: 'no'",
        b"version: 1\nmaximum: {factor: 1}",
        b"version: 1\nmaximum: {cpu: lots}",
        b"version: 1\nmaximum: {cpu: -1}",
        b"version: 1\nmaximum: {cpu: true}",
        b"version: 1\nmaximum: {lines: 0}",
        b"version: 1\nmerge_requests: {open: -1}",
        b"version: 1\nversion: 1",
        b"version: 1\n---\nversion: 1",
        b"version: 1\nmaximum: &a {}\nmerge_requests: *a",
        b"version: 1\n\tpaths: [a]",
        b"[1, 2",
        b"- version: 1",
        b"version: 1 \xff",
        b"version: 1\n# " + b"x" * 70_000,
        b"../config/other.yaml",
        b"a: &a [x,x]\nb: &b [*a,*a]\nc: &c [*b,*b]\nversion: 1",
        b"version: !!python/object/apply:os.system [id]",
    ],
)
def test_a_broken_file_is_a_clear_no(text: bytes) -> None:
    with pytest.raises(InvalidRepositoryPolicy, match=r"^\.kfix\.yaml") as raised:
        read(text)
    assert len(str(raised.value)) < 400


@given(st.binary(max_size=60))
def test_any_bytes_are_a_consent_or_broken(content: bytes) -> None:
    try:
        found = read(b"version: 1\n" + content)
    except InvalidRepositoryPolicy:
        return
    assert isinstance(found, Consent)


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        ("version: 1\npaths: [apps/**]\n", 0, '"apps/**"'),
        ("version: 1\npath: [apps/**]\n", 3, "path: Extra inputs"),
        (None, 1, "No such file"),
    ],
)
def test_the_command_tells_what_a_file_allows(
    tmp_path: Path, text: str | None, code: int, said: str
) -> None:
    file = tmp_path / ".kfix.yaml"
    if text is not None:
        file.write_text(text)
    app = typer.Typer()
    register(app)
    done = CliRunner().invoke(app, [str(file)])
    assert done.exit_code == code
    assert said in (done.stderr if code else done.stdout)


@pytest.mark.parametrize(
    "text",
    [
        "declared:",
        "declared: []",
        "declared: {for: shop}",
        "declared: [{for: shop}]",
        "declared: [{for: shop, below: [../x]}]",
        "declared: [{for: shop, below: [a]}, {for: shop, below: [b]}]",
        "declared: [{for: shop, below: [a], environment: production, is: staging}]",
    ],
)
def test_a_map_that_is_none_allows_nothing(text: str) -> None:
    with pytest.raises(InvalidRepositoryPolicy, match="declared"):
        said(text)


def test_the_documented_example_is_valid() -> None:
    text = (Path(__file__).resolve().parents[3] / "docs/merge-requests.md").read_text()
    example = text.split("```yaml\n")[1].split("```")[0]
    found = read(example.encode())
    unset = {
        name
        for name in Consent.model_fields
        if getattr(found, name) == Consent.model_fields[name].get_default()
    }
    assert unset <= {"propose", "create"}, "the example shows every key"
    assert set(repo_policy.Maximum.model_fields) == {
        name
        for name in repo_policy.Maximum.model_fields
        if getattr(found.maximum, name) is not None
    }
