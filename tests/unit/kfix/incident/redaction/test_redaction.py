"""What the masker takes, what it leaves, and that it costs linear time."""

from __future__ import annotations

import base64
import json
import random
import string
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kfix.incident import redaction
from kfix.incident.redaction import mask, mask_json, secret_name

_ALNUM = string.ascii_letters + string.digits


def _word(rng: random.Random, alphabet: str, length: int) -> str:
    return "".join(rng.choice(alphabet) for _ in range(length))


def _basic(rng: random.Random) -> str:
    return base64.b64encode(f"svc:{_word(rng, _ALNUM, 14)}".encode()).decode()


def _canary(rng: random.Random) -> tuple[str, str]:
    """A text with one secret in it, and the secret."""
    password = _word(rng, _ALNUM + "!$%^*-_+.", rng.randint(6, 24)).strip(".") + "q7"
    hex32, hex40 = _word(rng, "0123456789abcdef", 32), _word(rng, "0123456789abcdef", 40)
    b64 = _word(rng, _ALNUM + "+/", 40)
    prefixed = {
        "AKIA" + _word(rng, string.ascii_uppercase + string.digits, 16): "using key {}",
        "AIza" + _word(rng, _ALNUM, 35): "GET https://maps.googleapis.com/v1?key={}",
        "glpat-" + _word(rng, _ALNUM, 20): "remote: HTTP Basic: denied for {}",
        "ghp_" + _word(rng, _ALNUM, 36): "cloning with {} failed",
        "xoxb-" + _word(rng, string.digits, 12) + "-" + _word(rng, _ALNUM, 24): "slack {}",
        "eyJ"
        + _word(rng, _ALNUM, 20)
        + ".eyJ"
        + _word(rng, _ALNUM, 30)
        + "."
        + b64[:20].replace("+", "a").replace("/", "b"): "jwt={}",
        "sk_live_" + _word(rng, _ALNUM, 24): "stripe said no to {}",
        "hvs." + _word(rng, _ALNUM, 24): "vault: {} expired",
    }
    shapes = {
        password: (
            "password={}",
            "DB_PASSWORD={}",
            "spring.datasource.password: {}",
            "MYSQL_ROOT_PASSWORD={} make run",
            '{{"user":"app","password":"{}"}}',
            '{{\\"dbPassword\\":\\"{}\\"}}',
            "postgres://app:{}@db:5432/orders",
            "Server=db;User Id=sa;Password={};Encrypt=true",
            "app:{}@tcp(mysql:3306)/orders",
            "mysql --password {} -h db",
            "- name: REDIS_PASS\n  value: {}",
            '{{"name":"SMTP_PASSWORD","value":"{}"}}',
            "curl -u admin:{} http://x",
        ),
        hex32: (
            "DD_API_KEY={}",
            "DD-API-KEY: {}",
            '"api_key": "{}"',
            "level=debug apiKey={} sent",
            "CLIENT_SECRET={}",
        ),
        hex40: (
            "DD_APP_KEY={}",
            '"dd-application-key":"{}"',
            "token: {}",
            "auth_token={}",
            "--token={}",
        ),
        b64: (
            "aws_secret_access_key = {}",
            "AccountKey={};EndpointSuffix=core",
            "Authorization: Bearer {}",
            "private_key={}",
        ),
        _basic(rng): (
            "Authorization: Basic {}",
            '"authorization":["Basic {}"]',
            "sent header Basic {}",
        ),
    }
    if rng.random() < 0.4:
        secret, template = rng.choice(list(prefixed.items()))
    else:
        secret = rng.choice(list(shapes))
        template = rng.choice(shapes[secret])
    return template.format(secret), secret


_BENIGN = """
Back-off restarting failed container api in pod api-6d4cf56db6-x2x8k_shop(0b5bb7a0-7d5e-4a53-9c4f-6f3d4c3f9a11)
Failed to pull image "registry.example.com/shop/api:v1.2.3": rpc error: code = NotFound desc = failed to resolve reference
Error: secret "db-credentials" not found
MountVolume.SetUp failed for volume "tls" : secret "api-tls" not found
couldn't find key password in Secret shop/db-credentials
0/3 nodes are available: 1 node(s) had untolerated taint {dedicated: gpu}, 2 Insufficient cpu. preemption: 0/3 nodes
Readiness probe failed: Get "http://10.42.0.17:8080/healthz": dial tcp 10.42.0.17:8080: connect: connection refused
Successfully pulled image "nginx@sha256:4c0fdaa8b6341bfdeca5f18f7837462c80cff90527ee35ef185571e1c327beac" in 1.2s
java.lang.OutOfMemoryError: Java heap space at com.example.orders.TokenBucket.refill(TokenBucket.java:88)
Access denied for user 'app'@'10.1.2.3' (using password: YES)
pods "api-7c" is forbidden: exceeded quota: compute, requested: requests.cpu=500m, used: requests.cpu=2, limited: requests.cpu=2
FATAL: password authentication failed for user "orders"
invalid token: unexpected end of JSON input
GET /api/v1/users?page=2&size=50 200 12ms trace_id=4bf92f3577b34da6a3ce929d0e0e4736 span_id=00f067aa0ba902b7
level=info ts=2026-11-24T08:00:00Z caller=main.go:42 msg="listening" addr=:8080 max_tokens=512
Container limit exceeded: memory working set 268435456 bytes, limit 256Mi, exit code 137, reason OOMKilled
kubelet: E1124 08:00:01.000 pod_workers.go:951] "Error syncing pod, skipping" err="failed to StartContainer"
serviceAccountName: orders automountServiceAccountToken: true secretName: orders-tls tokenExpirationSeconds: 3607
GitLab commit 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b merged by a reviewer, rollout revision 14 of deployment api
HPA was unable to compute the replica count: failed to get cpu utilization: missing request for cpu in container app
Basic authentication is disabled; bearer tokens are required for this endpoint
"""


def test_two_hundred_canary_secrets_are_masked() -> None:
    rng = random.Random(20261124)
    canaries = [_canary(rng) for _ in range(200)]
    leaked = [text for text, secret in canaries if secret in mask(text)]
    assert len(leaked) <= 2, leaked


def test_canaries_are_masked_inside_long_logs_and_json() -> None:
    rng = random.Random(7)
    lines = _BENIGN.strip().splitlines()
    canaries = [_canary(rng) for _ in range(200)]
    log = "\n".join(f"{rng.choice(lines)}\n{text}" for text, _ in canaries)
    masked = mask(log)
    assert sum(secret in masked for _, secret in canaries) <= 2
    as_json = json.dumps(mask_json({"lines": [text for text, _ in canaries]}))
    assert sum(secret in as_json for _, secret in canaries) <= 2


def test_benign_words_stay() -> None:
    masked = mask(_BENIGN)
    before, after = _BENIGN.split(), masked.split()
    lost = sum(b != a for b, a in zip(before, after, strict=True))
    assert lost / len(before) < 0.005, [b for b, a in zip(before, after, strict=True) if a != b]


@given(st.text(max_size=300))
def test_masking_twice_changes_nothing(text: str) -> None:
    assert mask(mask(text)) == mask(text)


@settings(max_examples=300)
@given(
    st.lists(
        st.sampled_from(
            [
                "password",
                "token",
                "=",
                ": ",
                '"',
                "'",
                "\\",
                "\n",
                "@",
                "://",
                "Bearer ",
                "x1",
                "basic ",
                "[masked:",
                "Authorization: ",
                "name: ",
                "value: ",
                "--secret ",
                "api_key",
                "-u a:b",
                "tcp(",
                ":",
                ",",
                "[",
                "]",
                "-----BEGIN PRIVATE KEY-----",
                "eyJhbGciOi.abcd.efg",
                "cookie: a=b",
                "AKIAABCDEFGHIJKLMNOP",
                "REDACTED-",
                "}",
            ]
        ),
        max_size=14,
    )
)
def test_masking_twice_changes_nothing_on_hostile_mixtures(parts: list[str]) -> None:
    once = mask("".join(parts))
    assert mask(once) == once


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=20),
        lambda inner: (
            st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4)
        ),
        max_leaves=12,
    )
)
def test_masking_json_twice_changes_nothing(value: object) -> None:
    assert mask_json(mask_json(value)) == mask_json(value)


def test_env_values_with_secret_names_and_secrets_data_go() -> None:
    pod = {
        "kind": "Pod",
        "spec": {
            "containers": [
                {
                    "args": ["--api-key", "abc-def", "--port", "80"],
                    "env": [
                        {"name": "DB_PASSWORD", "value": "hunter2"},
                        {"name": "DB_HOST", "value": "mysql.shop.svc"},
                        {"name": "TOKEN_URL", "value": "http://idp/token"},
                        {"name": "API_KEY", "value": "$(FROM_VAULT)"},
                        {
                            "name": "X",
                            "valueFrom": {"secretKeyRef": {"name": "s", "key": "password"}},
                        },
                    ],
                }
            ],
            "volumes": [{"secret": {"secretName": "tls"}}],
        },
    }
    masked = mask_json(pod)
    container = masked["spec"]["containers"][0]
    assert [e.get("value") for e in container["env"]] == [
        "[masked:password]",
        "mysql.shop.svc",
        "http://idp/token",
        "$(FROM_VAULT)",
        None,
    ]
    assert container["env"][4] == pod["spec"]["containers"][0]["env"][4]  # type: ignore[index]
    assert container["args"] == ["--api-key", "[masked:option]", "--port", "80"]
    assert masked["spec"]["volumes"] == pod["spec"]["volumes"]  # type: ignore[index]
    secret = {"kind": "Secret", "metadata": {"name": "s"}, "data": {"user": "YWRtaW4="}}
    assert mask_json(secret)["data"] == {"user": "[masked:secret]"}


def test_a_secrets_copy_in_the_annotation_of_kubectl_apply_goes_with_its_data() -> None:
    applied = {
        "kubectl.kubernetes.io/last-applied-configuration": '{"data":{"user":"YWRtaW4="}}',
        "team": "shop",
    }
    secret = {
        "kind": "Secret",
        "metadata": {"name": "s", "annotations": applied},
        "data": {"user": "YWRtaW4="},
    }
    masked = mask_json(secret)
    assert "YWRtaW4=" not in json.dumps(masked)
    assert masked["metadata"]["annotations"] == {"team": "shop"}


def test_what_was_redacted_before_keeps_its_equality() -> None:
    assert mask("MYSQL_PASSWORD=REDACTED-1f3a") == "MYSQL_PASSWORD=REDACTED-1f3a"
    assert mask_json({"password": "***"}) == {"password": "***"}


@pytest.mark.parametrize(
    ("name", "secret"),
    [
        ("DB_PASSWORD", True),
        ("dbPwd", True),
        ("X-Api-Key", True),
        ("GITLAB_TOKEN", True),
        ("accountKey", True),
        ("SECRET_NAME", False),
        ("TOKEN_URL", False),
        ("PASSWORD_FILE", False),
        ("topologyKey", False),
        ("monkey", False),
        ("imagePullSecrets", True),
        ("bypass", False),
        ("PATH", False),
    ],
)
def test_names_tell_secrets(name: str, secret: bool) -> None:
    assert secret_name(name) is secret


def test_addresses_keep_user_and_host() -> None:
    assert mask("amqp://shop:s3cr3t@mq:5672/") == "amqp://shop:[masked:password]@mq:5672/"
    assert mask("http://host:8080/path?email=a@b.c") == "http://host:8080/path?email=a@b.c"


def test_a_private_key_goes_even_when_its_end_is_cut_off() -> None:
    text = "before -----BEGIN RSA PRIVATE KEY-----\nMIIE" + "A" * 400
    assert mask(text) == "before [masked:private_key]"


@pytest.mark.parametrize(
    "unit",
    [
        "password",
        "password=\\",
        "://a:b",
        "name: token",
        "Authorization: ",
        '\\"',
        "eyJ",
        "a.",
        "--token-",
        "Bearer a",
        "-----BEGIN ",
        '{"a":',
        '[{"password":',
        '"\\\\',
        "%2F",
        "a%20",
        "&quot;",
        "<password a",
        "<a b='c'>",
        "password,",
        "password=a,",
        "password is ",
        "- password:\n",
        "kind: Secret\ndata:\n",
        "name: DB_PASSWORD\n",
        "value: x\n",
        "password: |\n  x\n",
        'name="password"\n',
        "mysql -p",
        "curl -u a:",
        "--token $T T=x ",
        "a:5432:*:b:",
        "login a password ",
        "eyJhbGciOi.",
        "sk-",
        "LS0tLS1CRUdJTi",
        "{name: a, value: ",
        "://a:b@",
        "API_KEY",
        "$6$",
    ],
)
def test_no_text_makes_masking_quadratic(unit: str) -> None:
    """Eight times the text would cost 64 times as much; counted in this process's own CPU, not on the clock."""

    def cpu(text: str) -> float:
        costs = []
        for _ in range(3):
            start = time.process_time()
            mask(text)
            costs.append(time.process_time() - start)
        return min(costs)

    small, large = (cpu(unit * (length // len(unit))) for length in (8_000, 64_000))
    assert large < max(0.2, 40 * small)


def test_no_text_with_a_secret_in_it_is_remembered() -> None:
    rng = random.Random(11)
    canaries = [_canary(rng) for _ in range(200)]
    for text, _ in canaries:
        assert mask(text) == mask(text)
    assert mask("a plain text") == "a plain text"
    assert "a plain text" in redaction._INNOCENT
    masked = {text for text, secret in canaries if secret not in mask(text)}
    assert not masked & redaction._INNOCENT


@settings(max_examples=200)
@given(
    st.lists(
        st.sampled_from(
            [
                "password=abc1",
                "token",
                "\n",
                " ",
                "plain words",
                "glpat-abcdefghij0123456789",
                "-u a:b",
                "\r",
                "x" * 300,
            ]
        ),
        max_size=8,
    )
)
def test_a_text_is_masked_the_same_whether_short_or_long(parts: list[str]) -> None:
    """What is skipped for speed in short texts and per line in long ones hides nothing."""
    text, filling = " ".join(parts), "\n" + "z " * 200
    assert mask(text + filling) == mask(text) + filling
