"""Aliases and merge keys written out: one place of a value changes, its other places stay."""

from __future__ import annotations

import pytest
import yaml

from manifests.objects import paths
from manifests.refused import NotEditable
from manifests.text import editor, plan_edits, read
from manifests.text.aliases import written_out

FIELD = "resources.limits.memory"


def edited(text: str, field: str) -> str:
    """The text with the field set in that place alone."""
    out = written_out(text, 0, paths.parse(field))
    return editor.patch(out, plan_edits.set_values(read.read(out)[0], {field: "777Mi"}))


@pytest.mark.parametrize(
    ("text", "field", "wanted"),
    [
        (
            "a: &r\n  limits:\n    memory: 1Gi # peak\nresources: *r # mine\nx: 1\n",
            FIELD,
            "a: &r\n  limits:\n    memory: 1Gi # peak\nresources: # mine\n  limits:\n    memory: 777Mi\nx: 1\n",
        ),
        (
            "a:\n    resources: &r\n        limits: {memory: 1Gi}\nb:\n    resources: *r\n",
            f"a.{FIELD}",
            "a:\n    resources: &r\n        limits: {memory: 777Mi}\nb:\n    resources:\n        limits:\n            memory: 1Gi\n",
        ),
        (
            "d: &d\n  resources:\n    limits: {memory: 1Gi}\na:\n  <<: *d\n  n: 2\nb: {<<: *d}\n",
            f"a.{FIELD}",
            "d: &d\n  resources:\n    limits: {memory: 1Gi}\na:\n  <<: *d\n  n: 2\n"
            "  resources:\n    limits:\n      memory: 777Mi\nb: {<<: *d}\n",
        ),
        (
            "d: &d {resources: {limits: {memory: 1Gi}}}\nb: {<<: *d, n: 1}",
            f"b.{FIELD}",
            "d: &d {resources: {limits: {memory: 1Gi}}}\nb: {<<: *d, n: 1, resources: {limits: {memory: 777Mi}}}",
        ),
        (
            "m: &m 1Gi\r\nresources:\r\n  limits: {memory: *m}\r\n",
            FIELD,
            "m: &m 1Gi\r\nresources:\r\n  limits: {memory: 777Mi}\r\n",
        ),
        ("resources: {limits: {memory: 1Gi}}\n", FIELD, "resources: {limits: {memory: 777Mi}}\n"),
    ],
)
def test_one_place_of_a_shared_value_changes(text: str, field: str, wanted: str) -> None:
    assert edited(text, field) == wanted


def test_nothing_else_means_anything_else() -> None:
    text = "a: &a {m: 1Gi, n: [1, 2]}\nb: *a\nc: {<<: *a, n: 3}\nd: [*a, *a]\n"
    out = edited(text, "b.m")
    before, after = yaml.safe_load(text), yaml.safe_load(out)
    assert after == before | {"b": before["b"] | {"m": "777Mi"}}


@pytest.mark.parametrize(
    "text",
    [
        "resources: &r {limits: {memory: 1Gi}}\na: *r\nb: *r\nc: *r\n",
        "resources: &r {limits: {memory: 1Gi}}\na: {<<: *r}\n",
    ],
)
def test_a_name_for_many_places_or_one_that_is_merged_stays_shared(text: str) -> None:
    with pytest.raises(NotEditable) as refused:
        edited(text, FIELD)
    assert refused.value.code == "ANCHOR_FANOUT"
