"""A ConfigMap whose whole file a commit took away comes back as it was, unless something else stands there or tells against it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from decide.core.diagnosis import diagnose
from decide.core.planning import propose
from schemas.context import Change
from schemas.plans import ActionPlan, LostText
from tests.support.decide.clusters import AT, Cluster

_TEXT = "# ours\nkind: ConfigMap\nmetadata: {name: settings}\ndata: {MODE: slow}\n"
_OBJECT: dict[str, Any] = {
    "kind": "ConfigMap",
    "metadata": {"name": "settings"},
    "data": {"MODE": "slow"},
}


def lost(
    text: str = _TEXT, *, minutes: float = 30, name: str = "settings", sha: str = "0123456789ab"
) -> Change:
    meta = {**_OBJECT["metadata"], "name": name}
    detail = {
        "path": "k/settings.yaml",
        "lost": {"text": text, "object": {**_OBJECT, "metadata": meta}},
    }
    return Change(kind="commit", revision=sha, at=AT - timedelta(minutes=minutes), detail=detail)


def first(*changes: Change, there: bool = False) -> ActionPlan | None:
    cluster = Cluster(9)
    app = cluster.app("shop")
    cluster.container(app)["envFrom"] = [{"configMapRef": {"name": "settings"}}]
    cluster.waiting(app, "CreateContainerConfigError", 'configmap "settings" not found')
    if there:
        cluster.declared.append(
            {**_OBJECT, "metadata": {"name": "settings", "namespace": cluster.namespace}}
        )
    bundle = cluster.bundle().model_copy(update={"changes": changes})
    return next(iter(propose(diagnose(bundle)).plans), None)


def test_the_newest_commit_that_took_it_away_tells_what_comes_back() -> None:
    plan = first(lost(sha="newest000000"), lost(_TEXT.replace("slow", "fast"), minutes=90))
    assert plan is not None
    (change,) = plan.kubernetes_changes
    assert change.restores == LostText(path="k/settings.yaml", text=_TEXT, commit="newest000000")
    assert (change.action, change.manifest["data"]) == ("create", {"MODE": "slow"})
    assert change.manifest["metadata"]["namespace"] == change.object.namespace
    assert plan.repairs.verdict == "pass"


@pytest.mark.parametrize(
    "change",
    [lost(minutes=-5), lost(name="others"), lost(_TEXT.replace("slow", "[masked:password]"))],
    ids=["after the alert", "another", "masked"],
)
def test_what_is_later_another_or_masked_does_not_come_back(change: Change) -> None:
    assert first(change) is None


def test_what_is_declared_is_not_declared_again() -> None:
    assert first(lost(), there=True) is None


def test_the_way_back_from_a_new_file_is_the_commit_s_revert() -> None:
    plan = first(lost())
    assert plan is not None
    assert plan.rollback_plan == "Revert the commit"
