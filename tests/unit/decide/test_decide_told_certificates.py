"""An expired certificate of an Ingress, told by its controller's log or by the alert: the Ingress and its Secret, for a person."""

from __future__ import annotations

import pytest

from decide.core import diagnose
from decide.core.deciding import Verdict
from schemas.context import LogExcerpt
from tests.support.decide.clusters import Cluster
from tests.support.decide.faults_refusals import presents
from tests.support.decide.faults_symptoms import calm_bundle

HOST = "www.example.com"
ENDS = 'SSL certificate for server "{host}" is about to expire ({day} 23:59:59 +0000 UTC)'


def answer(
    *lines: str, title: str = "site is slow", more: int = 0, until: str = ""
) -> tuple[Verdict, str]:
    cluster = Cluster(31)
    app = cluster.app("site")
    name = presents(cluster, app, HOST)
    for n in range(more):
        presents(cluster, app, f"other{n}.example.com")
    if until:
        cluster.get("secrets", f"{name}-tls")["notAfter"] = until
    cluster.logs.append(LogExcerpt(namespace="ingress", pod="controller", lines=lines))
    return diagnose(calm_bundle(cluster, {"alert": {"title": title}})), name


def is_told(verdict: Verdict, name: str) -> bool:
    found = verdict.analysis
    return (
        found is not None
        and (found.failure_class, found.object.name) == ("certificate_invalid", name)
        and (verdict.status, verdict.plans) == ("needs_human", ())
        and f"{name}-tls" in found.root_cause
    )


@pytest.mark.parametrize(
    "line",
    [
        ENDS.format(host=HOST, day="2026-05-03"),
        f"x509: certificate has expired or is not yet valid for {HOST}",
    ],
)
def test_the_controller_s_log_tells_of_it(line: str) -> None:
    assert is_told(*answer(line, more=1))


@pytest.mark.parametrize(
    "line",
    [
        ENDS.format(host=HOST, day="2026-05-09"),
        ENDS.format(host="else.example.com", day="2026-05-03"),
        f"certificate of {HOST} renewed",
    ],
)
def test_one_that_is_valid_or_another_s_is_none(line: str) -> None:
    assert not is_told(*answer(line))


@pytest.mark.parametrize(
    ("title", "more", "told"),
    [
        (f"{HOST}: CERT_HAS_EXPIRED", 1, True),
        ("SSL test: certificate has expired", 0, True),
        ("SSL test: certificate has expired", 1, False),
    ],
)
def test_the_alert_s_own_words_tell_of_it_where_it_is_clear_whose(
    title: str, more: int, told: bool
) -> None:
    assert is_told(*answer(title=title, more=more)) is told


def test_the_certificate_s_own_end_tells_of_it() -> None:
    verdict, name = answer(until="2026-05-03T23:59:59Z", more=1)
    assert is_told(verdict, name)
    assert verdict.analysis is not None
    assert "2026-05-03 23:59" in verdict.analysis.root_cause


def test_one_that_was_renewed_since_is_none_whatever_is_said() -> None:
    said = f"{HOST}: CERT_HAS_EXPIRED"
    line = ENDS.format(host=HOST, day="2026-05-03")
    assert not is_told(*answer(line, title=said, until="2026-08-01T00:00:00Z"))
