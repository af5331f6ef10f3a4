"""A setting that the program complains of is found where it stands, and only what its own value or Git shows is written."""

from __future__ import annotations

import pytest

from decide.core import diagnose
from decide.core.opinion import Verdict
from schemas.base import ObjectRef
from schemas.context import Change
from schemas.plans import FieldChange
from tests.support.decide.clusters import AT, Cluster

LINE = 'level=fatal msg="invalid configuration" key=RATIO err="cannot parse \'{value}\'"'


def broken(value: str, *, config: bool = True, said: str = LINE) -> tuple[Cluster, str]:
    cluster = Cluster(seed=12)
    app = cluster.app()
    entry: dict[str, object] = {"name": "RATIO", "value": value}
    if config:
        cluster.add("configmaps", "settings", kind="ConfigMap", data={"RATIO": value, "OTHER": "7"})
        source = {"configMapKeyRef": {"name": "settings", "key": "RATIO"}}
        entry = {"name": "RATIO", "valueFrom": source}
    cluster.revise(app, image="registry.example/x:2.0", env=[entry])
    cluster.crashed(app, 2, said.replace("{value}", value))
    return cluster, app


def written(verdict: Verdict) -> list[tuple[ObjectRef, FieldChange]]:
    return [
        (change.object, field)
        for plan in verdict.plans
        for change in plan.kubernetes_changes
        for field in change.fields
    ]


@pytest.mark.parametrize(
    ("value", "mended"), [("0,25", "0.25"), (" 30", "30"), ("'prod'", "prod"), ("-1,5", "-1.5")]
)
def test_a_slip_of_a_value_is_mended_in_its_configmap(value: str, mended: str) -> None:
    cluster, app = broken(value)
    ((ref, field),) = written(diagnose(cluster.bundle(app)))
    assert (ref.kind, ref.name) == ("ConfigMap", "settings")
    assert (field.path, field.before, field.after) == ("data['RATIO']", value, mended)


def test_a_slip_in_the_container_itself_is_mended_there() -> None:
    cluster, app = broken("0,25", config=False)
    first = diagnose(cluster.bundle(app)).plans[0]
    (change,) = first.kubernetes_changes
    assert change.object.name == app
    assert change.fields[0].after == "0.25"
    assert first.repairs.verdict == "pass"


def test_a_slip_proves_nothing_where_the_program_could_read_the_value() -> None:
    """It dislikes what the value says; going back to what worked is surer."""
    said = 'level=fatal msg="invalid configuration" key=RATIO err="\'{value}\' is out of range"'
    cluster, app = broken("0,25", config=False, said=said)
    slip = [p for p in diagnose(cluster.bundle(app)).plans if p.fix_kind == "set_env"]
    assert [p.repairs.verdict for p in slip] == ["unknown"]


def test_going_back_to_another_template_is_no_answer_to_a_value_beside_it() -> None:
    cluster, app = broken("many")
    verdict = diagnose(cluster.bundle(app))
    assert verdict.status == "needs_human"
    assert written(verdict) == []


def test_the_value_that_a_commit_took_away_comes_back() -> None:
    cluster, app = broken("many")
    diff = "--- a/a.yaml\n+++ b/a.yaml\n@@ -1 +1 @@\n-  RATIO: '0.25'\n+  RATIO: many\n"
    commit = Change(kind="commit", revision="abc", at=AT, detail={"diff": diff})
    bundle = cluster.bundle(app).model_copy(update={"changes": (commit,)})
    ((_, field),) = written(diagnose(bundle))
    assert field.after == "0.25"


@pytest.mark.parametrize(
    "said",
    [
        'invalid configuration: use "0.5" instead',
        'level=fatal msg="invalid configuration" key=RATIO err="cannot parse; try \'0.5\' or 7"',
        'level=fatal msg="invalid configuration" err="expected \'0.25\'"',
    ],
)
def test_no_value_comes_from_a_log_line(said: str) -> None:
    cluster, app = broken("many", said=said)
    after = [field.after for _, field in written(diagnose(cluster.bundle(app)))]
    assert "0.5" not in after
    assert "0.25" not in after


def test_of_two_settings_with_the_same_value_none_is_chosen() -> None:
    cluster, app = broken("0,25", said="FATAL invalid configuration: cannot parse '0,25'")
    entry = {"name": "SECOND", "value": "0,25"}
    for spec in (cluster.container(app), cluster.pod(app)["spec"]["containers"][0]):
        spec["env"] = [*spec["env"], entry] if entry not in spec["env"] else spec["env"]
    assert all(field.after != "0.25" for _, field in written(diagnose(cluster.bundle(app))))
