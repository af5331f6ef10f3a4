"""What was there before is offered where it is known, and a guard stays where a volume is enough."""

from __future__ import annotations

import pytest

from decide.core import diagnose
from decide.core.deciding import Verdict
from decide.core.names import renamed
from tests.support.decide.catalogue import FAULTS
from tests.support.decide.clusters import Cluster


def made(key: str) -> tuple[Cluster, str]:
    cluster = Cluster(41)
    cluster.app("other")
    app = cluster.app("shop")
    FAULTS[key](cluster, app)
    return cluster, app


def changed(verdict: Verdict) -> list[tuple[str, object]]:
    return [
        (f.path, f.after) for p in verdict.plans[:1] for c in p.kubernetes_changes for f in c.fields
    ]


def test_a_key_that_was_renamed_is_read_by_its_new_name() -> None:
    cluster, app = made("config_reference_missing/a key by another name")
    verdict = diagnose(cluster.bundle(app))
    assert [after for _, after in changed(verdict)] == ["DB_HOST"]
    assert verdict.plans[0].repairs.verdict == "pass"


@pytest.mark.parametrize(
    ("word", "known", "meant"),
    [
        ("DATABASE_HOST", ["DB_HOST", "CACHE_TTL"], "DB_HOST"),
        ("db.url", ["database.url"], "database.url"),
        ("DATABASE_HOST", ["DB_HOST", "DATA_HOST"], ""),
        ("DATABASE_HOST", ["CACHE_HOST"], ""),
        ("DATABASE_HOST", ["DB_PORT"], ""),
        ("HOST", ["DB_HOST"], ""),
    ],
)
def test_a_renamed_key_ends_alike_and_shortens_the_rest(
    word: str, known: list[str], meant: str
) -> None:
    assert renamed(word, known) == meant


def test_the_container_that_came_with_the_last_revision_and_takes_the_port_goes_again() -> None:
    cluster, app = made("sidecar_port_conflict/a container that came with the last revision")
    verdict = diagnose(cluster.bundle(app))
    assert changed(verdict) == [("spec.template.spec.containers[name=metrics]", None)]
    assert verdict.plans[0].repairs.verdict == "pass"
    assert any("metrics" in risk for risk in verdict.plans[0].risks)


def read_only(line: str, **container: object) -> Verdict:
    cluster = Cluster(42)
    app = cluster.app("shop")
    cluster.container(app)["securityContext"] = {"readOnlyRootFilesystem": True}
    cluster.container(app).update(container)
    cluster.crashed(app, 1, line)
    return diagnose(cluster.bundle(app))


@pytest.mark.parametrize(
    ("line", "directory"),
    [
        ("Error: EROFS: read-only file system, mkdir '/tmp/cache'", "/tmp"),
        ("OSError: [Errno 30] Read-only file system: '/tmp/x.sock'", "/tmp"),
        ("open /run/app.pid: read-only file system", "/run"),
        (
            'mkdir() "/var/cache/nginx/client_temp" failed (30: Read-only file system)',
            "/var/cache/nginx",
        ),
    ],
)
def test_an_empty_volume_stands_where_a_read_only_root_was_written(
    line: str, directory: str
) -> None:
    verdict = read_only(line)
    fields = dict(changed(verdict))
    assert fields["spec.template.spec.containers[name=main].volumeMounts"] == [
        {"name": f"scratch{directory.replace('/', '-')}", "mountPath": directory}
    ]
    assert verdict.plans[0].repairs.verdict == "pass"
    assert not any("securityContext" in path for path in fields)


@pytest.mark.parametrize(
    "line",
    [
        "open /etc/passwd: read-only file system",
        "open /tmp-evil/x: read-only file system",
        "open /app/../tmp/x: read-only file system",
    ],
)
def test_a_place_that_is_none_of_the_list_gets_no_volume(line: str) -> None:
    assert not any("volumeMounts" in path for path, _ in changed(read_only(line)))


def test_what_is_mounted_there_already_is_not_mounted_twice() -> None:
    mounts = [{"name": "work", "mountPath": "/tmp/"}]
    verdict = read_only("open /tmp/x: read-only file system", volumeMounts=mounts)
    assert not any("volumes" in path for path, _ in changed(verdict))
