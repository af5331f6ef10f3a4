"""Typed changes meet files that spell things in their own way."""

from __future__ import annotations

from typing import Any

import pytest

from manifests import NotEditable, patch
from manifests.text import plan_edits, read
from schemas.base import ObjectRef
from schemas.plans import FieldChange, KubernetesChange

BASE = """\
spec:
  template:
    spec:
      containers:
      - name: app
        image: x:1
        env:
        - name: LEVEL
          value: "3"
        resources:
          requests:
            cpu: 1
            memory: 1024Mi
"""
APP = "spec.template.spec.containers[name=app]"


def planned(text: str, *fields: FieldChange, partial: bool = False) -> str:
    change = KubernetesChange(object=ObjectRef(kind="Deployment", name="x"), fields=fields)
    return patch(text, plan_edits.edits_of(change, read.read(text)[0], partial=partial))


def changed(text: str, after: str) -> list[str]:
    """Lines that are new."""
    left = text.splitlines()
    return [line.strip() for line in after.splitlines() if line not in left]


@pytest.mark.parametrize(
    ("path", "before", "after", "line"),
    [
        (".resources.requests.cpu", "1", "2", "cpu: 2"),
        (".resources.requests.cpu", "1000m", "1500m", "cpu: 1500m"),
        (".resources.requests.memory", "1Gi", "2Gi", "memory: 2Gi"),
        (".env[name=LEVEL].value", "3", "5", 'value: "5"'),
        (".env[name=LEVEL].value", "3", "debug", 'value: "debug"'),
        (".image", "x:1", "x:2", "image: x:2"),
    ],
)
def test_the_files_own_spelling_is_kept(path: str, before: str, after: str, line: str) -> None:
    done = planned(BASE, FieldChange(path=APP + path, before=before, after=after))
    assert changed(BASE, done) == [line]


def test_a_named_port_becomes_a_number_and_not_a_text() -> None:
    text = "ports:\n- port: 80\n  targetPort: http\n"
    done = planned(text, FieldChange(path="ports[0].targetPort", before="http", after=8080))
    assert done == "ports:\n- port: 80\n  targetPort: 8080\n"


def test_missing_limits_are_inserted_as_one_block() -> None:
    done = planned(
        BASE,
        FieldChange(op="add", path=APP + ".resources.limits.cpu", after="2"),
        FieldChange(op="add", path=APP + ".resources.limits.memory", after="1Gi"),
    )
    assert changed(BASE, done) == ["limits:", 'cpu: "2"', "memory: 1Gi"]


def test_empty_resources_are_filled_in_one_go() -> None:
    text = "c:\n- name: a\n  resources: {}\n"
    done = planned(
        text,
        FieldChange(op="add", path="c[name=a].resources.limits.cpu", after="2"),
        FieldChange(op="add", path="c[name=a].resources.requests.cpu", after="1"),
    )
    assert done == (
        'c:\n- name: a\n  resources:\n    limits:\n      cpu: "2"\n    requests:\n      cpu: "1"\n'
    )


def test_a_new_variable_comes_last_under_its_name() -> None:
    item = {"name": "MODE", "value": "on"}
    done = planned(BASE, FieldChange(op="add", path=APP + ".env[name=MODE]", after=item))
    assert changed(BASE, done) == ["- name: MODE", 'value: "on"']


def test_defaults_of_the_server_are_no_difference() -> None:
    text = "probe:\n  httpGet: {path: /, port: 80}\n"
    live = {"httpGet": {"path": "/", "port": 80, "scheme": "HTTP"}, "periodSeconds": 10}
    wanted = {"httpGet": {"path": "/", "port": 81, "scheme": "HTTP"}, "periodSeconds": 30}
    done = planned(text, FieldChange(path="probe", before=live, after=wanted))
    assert done == "probe:\n  httpGet: {path: /, port: 81}\n  periodSeconds: 30\n"


def test_a_removed_mapping_may_have_more_defaults_live() -> None:
    live = {"cpu": "1", "memory": "1Gi", "ephemeral-storage": "1Gi"}
    done = planned(BASE, FieldChange(op="remove", path=APP + ".resources.requests", before=live))
    assert done.endswith("resources: {}\n")


def test_lists_change_item_by_item() -> None:
    text = "args:\n- --a\n- --b=1\n- --c\n"
    done = planned(
        text,
        FieldChange(
            path="args", before=["--a", "--b=1", "--c"], after=["--a", "--b=2", "--c", "--d"]
        ),
    )
    assert done == "args:\n- --a\n- --b=2\n- --c\n- --d\n"


@pytest.mark.parametrize(
    ("field", "code"),
    [
        (FieldChange(path=APP + ".image", before="x:0", after="x:2"), "STALE"),
        (FieldChange(path=APP + ".command", before=["a"], after=["b"]), "NOT_FOUND"),
        (FieldChange(op="add", path=APP + ".image", after="x:2"), "STALE"),
        (FieldChange(op="remove", path=APP + ".image", before="x:0"), "STALE"),
        (
            FieldChange(path="spec.template.spec.containers[name=b].image", before="x", after="y"),
            "NOT_FOUND",
        ),
    ],
)
def test_what_the_plan_did_not_see_is_not_changed(field: FieldChange, code: str) -> None:
    with pytest.raises(NotEditable) as refused:
        planned(BASE, field)
    assert refused.value.code == code


def test_what_is_so_already_needs_no_edit() -> None:
    assert planned(BASE, FieldChange(path=APP + ".image", before="x:0", after="x:1")) == BASE
    assert planned(BASE, FieldChange(op="remove", path=APP + ".args", before=["x"])) == BASE


def test_positions_mean_nothing_in_a_patch() -> None:
    field = FieldChange(path="spec.template.spec.containers[0].image", before="x:1", after="x:2")
    with pytest.raises(NotEditable, match="counts items"):
        planned(BASE, field, partial=True)


@pytest.mark.parametrize("value", [1, "1", True, None, {"a": 1}, [1]])
def test_set_values_gives_any_field_any_value(value: Any) -> None:
    text = "a:\n  b: 0\n"
    done = patch(text, plan_edits.set_values(read.read(text)[0], {"a.c": value}))
    assert done.startswith(text)
