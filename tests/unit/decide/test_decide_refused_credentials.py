"""Credentials that somebody else refuses: going back helps only where they come from elsewhere then, and people learn which they are."""

from __future__ import annotations

import pytest

from decide.core import diagnose
from decide.core.deciding import Verdict
from decide.core.signals import read
from schemas.context import LogExcerpt
from tests.support.decide.clusters import Cluster, Obj
from tests.support.decide.faults_refusals import reads_secret, rotated

DENIED = 'FATAL: password authentication failed for user "store"'


def decided(cluster: Cluster) -> Verdict:
    return diagnose(cluster.bundle())


def revised(line: str = DENIED, **fields: object) -> tuple[Cluster, str, Obj]:
    """A program that reads a Secret, is refused, and has other fields since the last revision."""
    cluster = Cluster(5)
    cluster.app()
    app = cluster.app("shop")
    secret = reads_secret(cluster, app, "store-login")
    cluster.container(app)["env"].append({"name": "DB_USER", "value": "store"})
    cluster.revise(app, **fields)
    cluster.crashed(app, 1, line)
    return cluster, app, secret


def env(*entries: Obj) -> list[Obj]:
    chosen = {"secretKeyRef": {"name": "store-login", "key": "word"}}
    mine: list[Obj] = [
        {"name": "DB_PASSWORD", "valueFrom": chosen},
        {"name": "DB_USER", "value": "store"},
    ]
    return [*mine, *entries]


@pytest.mark.parametrize(
    "fields",
    [
        {"image": "registry.example/shop:2"},
        {"image": "registry.example/shop:2", "args": ["--workers", "4"]},
        {"env": env({"name": "LOG_LEVEL", "value": "debug"})},
    ],
)
def test_another_image_or_setting_does_not_open_a_door_that_the_same_secret_keeps_shut(
    fields: Obj,
) -> None:
    cluster, _, _ = revised(**fields)
    verdict = decided(cluster)
    assert (verdict.status, verdict.plans) == ("needs_human", ())
    assert "store-login" in verdict.explanation


@pytest.mark.parametrize(
    "fields",
    [
        {"env": [{"name": "DB_PASSWORD", "value": "x"}, {"name": "DB_USER", "value": "store"}]},
        {"env": env({"name": "DB_HOST", "value": "elsewhere.example.com"})},
        {"args": ["--password-file", "/run/other"]},
    ],
)
def test_where_the_revision_took_its_credentials_from_elsewhere_going_back_is_proven(
    fields: Obj,
) -> None:
    cluster, _, _ = revised(**fields)
    plans = decided(cluster).plans
    assert [(p.fix_kind, p.repairs.verdict) for p in plans[:1]] == [("rollback_revision", "pass")]


def test_a_user_that_only_the_program_knows_may_be_the_new_image_s_own() -> None:
    line = 'FATAL: password authentication failed for user "store_v2"'
    cluster, _, _ = revised(line, image="registry.example/shop:2")
    assert [p.fix_kind for p in decided(cluster).plans] == ["rollback_revision"]


def test_people_are_told_when_the_secret_was_written_last_and_by_whom() -> None:
    cluster, _, secret = revised(image="registry.example/shop:2")
    rotated(secret, minutes=20)
    analysis = decided(cluster).analysis
    assert analysis is not None
    told = [e.statement for e in analysis.evidence if e.object and e.object.kind == "Secret"]
    assert told == [
        "DB_PASSWORD comes from Secret store-login, written last at 2026-05-04 11:40 by external-secrets, "
        "20 min before the alert"
    ]


def test_a_secret_without_times_is_named_all_the_same() -> None:
    cluster, _, _ = revised(image="registry.example/shop:2")
    analysis = decided(cluster).analysis
    assert analysis is not None
    assert any("when it was written last is not known" in e.statement for e in analysis.evidence)


def test_going_back_after_a_refused_certificate_is_not_proven_by_pods_that_live_on() -> None:
    cluster, _, _ = revised("panic: x509: certificate has expired", image="registry.example/shop:2")
    assert all(p.repairs.verdict != "pass" for p in decided(cluster).plans)


@pytest.mark.parametrize(
    "line",
    [
        "botocore.exceptions.ClientError: An error occurred (ExpiredToken) when calling PutObject",
        "AADSTS7000215: Invalid client secret provided",
        "oauth2: cannot fetch token: 400 Bad Request: invalid_grant",
        'Get "https://vault.example.com/v1/secret": 403 Forbidden',
        "AxiosError: Request failed with status code 401",
        "billing answered 403 for /v1/rates",
        "HTTP 401 Unauthorized from https://idp.example.com/token",
        "google.api_core.exceptions.Forbidden: 403 GET https://storage.example.com/b/x: denied",
        "token request rejected: 401",
        "id token is expired",
        "TopicAuthorizationException: Not authorized to access topics: [orders]",
    ],
)
def test_a_refusal_by_somebody_who_is_called_is_recognised(line: str) -> None:
    hits = {h.signal for h in read([LogExcerpt(lines=(line,))])}
    assert "access_refused" in hits


@pytest.mark.parametrize(
    "line",
    [
        '10.2.3.4 - - "GET /admin HTTP/1.1" 403 153 "-" "curl/8"',
        "token refreshed, expires in 3600 s",
        "request 401 of 500 done",
        "mkdir /data/x: permission denied",
    ],
)
def test_a_stranger_s_own_refusal_and_mere_numbers_are_none(line: str) -> None:
    hits = {h.signal for h in read([LogExcerpt(lines=(line,))])}
    assert "access_refused" not in hits


def test_a_file_is_not_blamed_for_what_a_server_denies() -> None:
    line = "Error: permission denied (403) https://vault.example.com:8200/v1/auth"
    cluster, _, _ = revised(line, image="registry.example/shop:2")
    verdict = decided(cluster)
    assert verdict.analysis is not None
    assert (verdict.analysis.failure_class, verdict.plans) == ("credentials_refused", ())


@pytest.mark.parametrize(
    ("line", "proven"),
    [
        ("ERROR 1049 (42000): Unknown database 'store'", False),
        ('ERROR: relation "orders_v2" does not exist', True),
    ],
)
def test_another_image_asks_for_the_same_database_and_maybe_for_another_table(
    line: str, proven: bool
) -> None:
    cluster, _, _ = revised(line, image="registry.example/shop:2")
    plans = decided(cluster).plans
    assert [p.repairs.verdict for p in plans] == (["pass"] if proven else [])


@pytest.mark.parametrize(("level", "first"), [("ERROR", True), ("INFO", False)])
def test_whom_a_ready_server_turns_away_is_no_error_of_its_own(level: str, first: bool) -> None:
    cluster = Cluster(6)
    app = cluster.app("shop")
    cluster.log(app, *[f"{level} caller {n}: 401 Unauthorized" for n in range(4)])
    cluster.series("service.success_rate", [1.0] * 30 + [0.6] * 30, service=app)
    analysis = diagnose(cluster.bundle(app)).analysis
    assert analysis is not None
    assert (analysis.failure_class == "credentials_refused") is first


@pytest.mark.parametrize(("started", "told"), [("09:00", True), ("11:50", False)])
def test_a_pod_that_started_before_its_secret_was_written_still_shows_the_old_one(
    started: str, told: bool
) -> None:
    cluster = Cluster(6)
    app = cluster.app("shop")
    rotated(reads_secret(cluster, app, "store-login"), minutes=20)
    running = {"running": {"startedAt": f"2026-05-04T{started}:00Z"}}
    cluster.status(app, ready=True, state=running)
    cluster.log(app, *[f"ERROR {n}: {DENIED}" for n in range(4)])
    cluster.series("service.success_rate", [1.0] * 30 + [0.6] * 30, service=app)
    analysis = diagnose(cluster.bundle(app)).analysis
    assert analysis is not None
    assert analysis.failure_class == "database_credentials_invalid"
    assert any("read at the start only" in e.statement for e in analysis.evidence) is told
