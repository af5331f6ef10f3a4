"""A program may name the right value itself: the cluster has to confirm it, and no log line writes a manifest."""

from __future__ import annotations

import pytest

from decide.core import diagnose
from decide.core.next_steps import next_steps
from decide.core.opinion import Verdict
from decide.core.told import meant, told
from schemas.context import Change
from schemas.text import again
from tests.support.decide.clusters import Cluster
from tests.support.decide.commits import commit


def written(verdict: Verdict) -> list[object]:
    return [f.after for p in verdict.plans for c in p.kubernetes_changes for f in c.fields]


@pytest.mark.parametrize(
    ("line", "what", "values"),
    [
        ("fatal: invalid MODE, expected 'production'", "value", ("production",)),
        ("unknown key 'db_ulr': did you mean 'db_url'?", "value", ("db_url",)),
        ('mode must be one of "fast", "slow"', "value", ("fast", "slow")),
        ("available keys: url, user, pool_size", "value", ("url", "user", "pool_size")),
        ("404 on /health: health endpoint is /readyz", "path", ("/readyz",)),
        ("INFO server listening on 0.0.0.0:8081", "port", ("8081",)),
    ],
)
def test_what_programs_name_is_read(line: str, what: str, values: tuple[str, ...]) -> None:
    assert [(t.what, t.values) for t in told([line])] == [(what, values)]


@pytest.mark.parametrize(
    "line",
    [
        "parse error: expected '}' at line 3",
        "expected value to be set",
        "listening on port 0",
        "listening on 10.0.0.1:99999999",
        "expected '$(rm -rf /)'",
        "did you mean '\n- hostPath: /'",
        "health of the node /dev/sda1 is fine",
        "available keys",
    ],
)
def test_what_is_no_value_of_a_closed_shape_is_none(line: str) -> None:
    assert list(told([line])) == []


def test_a_very_long_line_is_read_in_no_time() -> None:
    assert (
        list(told(["health endpoint " * 5_000, "expected '" * 5_000, "listening " * 9_000])) == []
    )


@pytest.mark.parametrize(
    ("value", "line", "word"),
    [
        ("prodution", "expected 'production'", "production"),
        ("prod", "must be 'production'", "production"),
        ("blue", "expected 'production'", ""),
        ("fas", "must be one of 'fast', 'fasten'", ""),
    ],
)
def test_a_word_is_meant_where_the_value_is_a_slip_of_it_alone(
    value: str, line: str, word: str
) -> None:
    assert meant(value, line) == word


def refused(said: str, value: str = "prodution") -> tuple[Cluster, str]:
    """A program that refuses the value of its ConfigMap's key MODE."""
    cluster = Cluster(seed=71)
    app = cluster.app()
    cluster.add("configmaps", "settings", kind="ConfigMap", data={"MODE": value})
    source = {"configMapKeyRef": {"name": "settings", "key": "MODE"}}
    entry = {"name": "MODE", "valueFrom": source}
    cluster.revise(app, image="registry.example/x:2.0", env=[entry])
    cluster.crashed(app, 2, said)
    return cluster, app


SAID = "level=fatal msg=\"invalid configuration\" key=MODE value=prodution, expected 'production'"


def asked(cluster: Cluster, app: str, *commits: Change) -> Verdict:
    return diagnose(cluster.bundle(app).model_copy(update={"changes": commits}))


def steps(cluster: Cluster, app: str) -> str:
    bundle = cluster.bundle(app)
    found = next_steps(bundle, diagnose(bundle))
    return "\n".join(again(step.what, step.what_text) for step in found)


def test_a_word_of_the_log_alone_is_shown_to_people_and_written_nowhere() -> None:
    cluster, app = refused(SAID)
    verdict = asked(cluster, app)
    assert "production" not in written(verdict)
    assert verdict.status == "needs_human"
    assert "expected 'production'" in steps(cluster, app)


def test_a_word_that_the_same_setting_has_elsewhere_in_the_cluster_is_proposed() -> None:
    cluster, app = refused(SAID)
    cluster.add("configmaps", "others", kind="ConfigMap", data={"MODE": "production"})
    assert written(asked(cluster, app)) == ["production"]


@pytest.mark.parametrize(
    ("key", "value"),
    [("MODE", "Production"), ("OTHER", "production"), ("MODE", "production # and more")],
)
def test_another_settings_or_nearly_the_same_value_confirms_nothing(key: str, value: str) -> None:
    cluster, app = refused(SAID)
    cluster.add("configmaps", "others", kind="ConfigMap", data={key: value})
    assert written(asked(cluster, app)) == []


@pytest.mark.parametrize(
    "said",
    [
        "level=fatal msg=\"invalid configuration\" key=MODE value=prodution, expected 'productionx'",
        "level=fatal msg=\"invalid configuration\" key=MODE value=prodution, expected 'prod: {a: 1}'",
        "level=fatal msg=\"invalid configuration\" key=MODE value=prodution, expected 'x\\nimage: evil'",
        "level=fatal msg=\"invalid configuration\" key=MODE value=prodution, expected 'evil.example/x:1'",
    ],
)
def test_a_hostile_line_writes_nothing_though_it_names_a_value(said: str) -> None:
    cluster, app = refused(said)
    cluster.add("configmaps", "others", kind="ConfigMap", data={"MODE": "production"})
    verdict = asked(cluster, app)
    assert written(verdict) == []
    assert verdict.status == "needs_human"


def test_the_value_of_before_the_commit_comes_before_the_expected_one() -> None:
    cluster, app = refused(SAID)
    cluster.add("configmaps", "others", kind="ConfigMap", data={"MODE": "production"})
    verdict = asked(
        cluster, app, commit("ConfigMap//settings", {"data.MODE": ["productive", "prodution"]})
    )
    assert written(verdict) == ["productive", "production"]


def test_a_key_that_gives_a_variable_comes_back_where_a_commit_took_it_away() -> None:
    cluster = Cluster(seed=72)
    app = cluster.app(envFrom=[{"configMapRef": {"name": "settings"}}])
    cluster.add("configmaps", "settings", kind="ConfigMap", data={"OTHER": "1"})
    cluster.crashed(app, 1, "KeyError: 'REGION'")
    verdict = asked(cluster, app, commit("ConfigMap//settings", {"data.REGION": ["north", None]}))
    (change,) = verdict.plans[0].kubernetes_changes
    assert (change.object.kind, [f.after for f in change.fields]) == ("ConfigMap", ["north"])


def calling(space: str) -> tuple[Cluster, str]:
    """A caller of a Service that is there in another namespace alone."""
    cluster = Cluster(seed=73)
    app = cluster.app(env=[{"name": "CACHE_ADDR", "value": "hoard:6379"}])
    cluster.add(
        "services",
        "hoard",
        kind="Service",
        spec={"selector": {"app": "hoard"}, "ports": [{"port": 6379}]},
    )
    cluster.get("services", "hoard")["metadata"]["namespace"] = space
    cluster.crashed(app, 1, "dial tcp: lookup hoard on 10.0.0.10:53: no such host")
    return cluster, app


def test_the_service_of_that_name_next_door_is_proposed_with_its_owners_word() -> None:
    cluster, app = calling("platform")
    verdict = asked(cluster, app)
    assert written(verdict)[0] == "hoard.platform:6379"
    assert "another namespace" in " ".join(verdict.plans[0].risks)


def test_another_environments_service_is_nobodys_and_of_two_neighbours_none_is_chosen() -> None:
    cluster, app = calling("shop-prod")
    assert not any("shop-prod" in str(value) for value in written(asked(cluster, app)))
    cluster, app = calling("platform")
    second = {**cluster.get("services", "hoard"), "metadata": {"name": "hoard", "namespace": "x"}}
    cluster.objects["services"].append(second)
    assert not any("hoard." in str(value) for value in written(asked(cluster, app)))
