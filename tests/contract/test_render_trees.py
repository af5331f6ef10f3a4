"""One object in several trees: whichever is edited is the one of the environment and the namespace that were asked for."""

# ruff: noqa: F401, F811  (fixtures are imported by name)

from __future__ import annotations

import os

import pytest

from kfix.infra.clients.renderers import Programs
from manifests.proposal.propose import set_fields
from manifests.refused import NotEditable
from manifests.repository.index import build
from manifests.repository.locate import Hints
from schemas.base import ObjectRef
from tests.support.render import renderer
from tools.repositories.trees import Question, question

pytestmark = pytest.mark.render
SEEDS = range(2_000 if os.environ.get("KFIX_TEST_FULL") else 80)


def changed(asked: Question, renderer: Programs) -> list[str]:
    """The files that an edit changes; none where it is refused."""
    ref = ObjectRef(kind="Deployment", namespace=asked.namespace, name="api")
    hints = Hints(asked.word)
    try:
        edits = set_fields(build(asked.files), ref, {"spec.replicas": 7}, hints, renderer)
    except NotEditable:
        return []
    return [edit.path for edit in edits]


def test_no_other_tree_is_edited_and_most_that_are_meant_are(renderer: Programs) -> None:
    made, meant = 0, 0
    for seed in SEEDS:
        asked = question(seed)
        files = changed(asked, renderer)
        may = [t for t in asked.trees if t.namespace in ("", asked.namespace)]
        meant += sum(t.environment == asked.environment for t in may) == 1
        made += bool(files)
        assert not files or not asked.wrong(files), f"{seed}: {asked.wrong(files)}"
    assert made > 0.85 * meant
