"""A probe that asks wrongly gets what is known to answer; where nobody knows, people do, and nothing weaker is proposed."""

from __future__ import annotations

import pytest

from decide.core import diagnose
from decide.core.families.probes.known import SERVED, repository
from tests.support.decide.repaired import cause, proposed, suffering

READY = ":containers[name=main].readinessProbe"


@pytest.mark.parametrize(
    ("image", "known"),
    [
        ("redis", "redis"),
        ("docker.io/library/redis:7@sha256:ab", "redis"),
        ("public.ecr.aws/docker/library/nginx:1", "nginx"),
        ("docker.io/prom/prometheus:v3", "prom/prometheus"),
        ("quay.io/keycloak/keycloak:26", "quay.io/keycloak/keycloak"),
    ],
)
def test_a_published_image_is_known_by_its_own_repository(image: str, known: str) -> None:
    assert repository(image) == known
    assert known in SERVED


@pytest.mark.parametrize(
    "image", ["registry.example/redis:7", "shop/nginx", "localhost:5000/redis"]
)
def test_a_name_of_the_same_ending_is_no_known_program(image: str) -> None:
    assert repository(image) not in SERVED


def test_every_known_program_has_a_port_and_a_source() -> None:
    assert all(0 < one.port < 2**16 and "." in one.source for one in SERVED.values())


def test_a_known_program_is_asked_where_it_is_documented_to_answer() -> None:
    assert proposed("readiness_probe_path/the program is known") == [
        {f"{READY}.httpGet.path": "/-/ready"}
    ]
    assert proposed("readiness_probe_port/the program is known") == [
        {f"{READY}.tcpSocket.port": 6379}
    ]


@pytest.mark.parametrize(
    ("fault", "answer"),
    [
        (
            "readiness_probe_path/the program is known and was told a prefix",
            "readiness_probe_path, no_safe_plan",
        ),
        (
            "readiness_probe_path/a name that ends like a known one",
            "readiness_probe_path, no_safe_plan",
        ),
        (
            "readiness_probe_command/a program that the image lacks",
            "readiness_probe_command, no_safe_plan",
        ),
    ],
)
def test_what_was_told_otherwise_or_is_not_known_for_sure_is_for_people(
    fault: str, answer: str
) -> None:
    assert cause(fault) == answer


def test_a_program_that_was_told_its_port_is_not_asked_its_default() -> None:
    assert proposed("readiness_probe_port/the program is known and was told a port") == []


@pytest.mark.parametrize(
    ("container", "wrong"),
    [
        ({"args": ["--port", "6399"]}, True),
        ({"args": ["--port", "6380"]}, False),
        ({"args": ["/etc/redis.conf"]}, False),
        ({"args": ["--port", "6399"], "envFrom": [{"secretRef": {"name": "more"}}]}, False),
        ({"args": ["--port", "6399"], "env": [{"name": "X", "valueFrom": {}}]}, False),
        ({"args": ["--port", "6399"], "env": [{"name": "Y", "value": "--tls-port=6380"}]}, False),
        ({"command": ["/run.sh"], "args": ["--port", "6399"]}, False),
        ({"args": ["--port", "6399"], "image": "registry.example/redis:7.4"}, False),
    ],
)
def test_a_probe_is_wrong_that_asks_what_the_known_program_was_never_told(
    container: dict[str, object], wrong: bool
) -> None:
    cluster, app = suffering("readiness_probe_port/the program is known and was told a port")
    cluster.container(app).update(container)
    analysis = diagnose(cluster.bundle()).analysis
    assert analysis is not None
    assert (analysis.failure_class == "readiness_probe_port") is wrong


def test_the_other_probe_that_is_well_lends_its_path() -> None:
    assert proposed("readiness_probe_path/the other probe is well") == [
        {f"{READY}.httpGet.path": "/livez"}
    ]


def test_a_ready_sibling_of_the_same_image_lends_its_path() -> None:
    (plan,) = proposed("liveness_probe_path/a sibling is asked another")
    assert plan == {":containers[name=main].livenessProbe.httpGet.path": "/api/live"}


def test_a_misspelt_port_name_leads_to_the_port_that_is_named_nearly_so() -> None:
    first, *_ = proposed("readiness_probe_port/a name that is nearly a port's")
    assert first == {f"{READY}.httpGet.port": 8080}


def test_the_scheme_that_the_answer_shows_is_asked_and_nothing_less() -> None:
    assert proposed("readiness_probe_protocol/it speaks TLS") == [
        {f"{READY}.httpGet.scheme": "HTTPS"}
    ]
    assert proposed("startup_probe_protocol/it speaks no TLS") == [
        {":containers[name=main].startupProbe.httpGet.scheme": "HTTP"}
    ]


def test_an_exec_probes_misspelt_program_is_the_known_one() -> None:
    assert proposed("readiness_probe_command/slip") == [
        {f"{READY}.exec.command": ["/usr/bin/pg_isready", "-U", "shop"]}
    ]
