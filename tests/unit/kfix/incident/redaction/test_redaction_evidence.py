"""What must stay readable: ordinary log lines of many programs, and the leaves of captured objects."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kfix.incident.redaction import mask, mask_json

CASES = Path(__file__).parents[4] / "corpus" / "cases"
LINES = 50_000
_HEX = "0123456789abcdef"
_SMALL = "bcdfghjklmnpqrstvwxz2456789"
_WORDS = [
    "api",
    "web",
    "cart",
    "orders",
    "payments",
    "auth",
    "token",
    "secret",
    "key",
    "session",
    "login",
    "gateway",
    "user",
    "cache",
    "worker",
]

TEMPLATES = (
    '{ip} - - [{date}] "GET /v1/{word}/{uuid}?page={n}&size=50 HTTP/1.1" 200 {n} "-" "curl/8.5.0"',
    '{ts} level=info caller=main.go:{n} msg="request done" trace_id={hex32} span_id={hex16} took={n}ms',
    'I1129 10:00:{n2}.{n6}       1 controller.go:{n}] "Reconciled" pod="shop/{pod}" uid="{uuid}"',
    'E1129 10:00:{n2}.{n6} 1 pod_workers.go:1298] "Error syncing pod, skipping" err="failed to StartContainer"',
    '{{"ts":"{ts}","level":"warn","msg":"slow query","db":"orders","rows":{n},"trace":"{hex32}","pod":"{pod}"}}',
    '{{"time":"{ts}","severity":"ERROR","message":"token expired","user_id":"{uuid}","session":"{uuid}"}}',
    "{ts} ERROR [{word}-service,{hex16},{hex16}] 1 --- [nio-8080-exec-{n}] c.e.o.TokenService : Invalid token",
    "\tat com.example.{word}.PasswordEncoder.matches(PasswordEncoder.java:{n})",
    "Caused by: java.sql.SQLException: Access denied for user 'app'@'{ip}' (using password: YES)",
    "Pulling image registry.example.com/{word}/api@sha256:{hex64}",
    'Successfully pulled image "nginx@sha256:{hex64}" in {n}ms',
    "Back-off restarting failed container {word} in pod {pod}_shop({uuid})",
    'MountVolume.SetUp failed for volume "{word}-tls" : secret "{word}-tls-{small5}" not found',
    'Error: secret "{word}-credentials" not found',
    "couldn't find key DB_PASSWORD in Secret shop/{word}-{small5}",
    'FATAL:  password authentication failed for user "{word}"',
    "{ts} [error] {n}#{n}: *{n} connect() failed (111: Connection refused) while connecting to upstream, server: _",
    "commit {hex40} by ada: raise memory of {word} (#{n})",
    'resourceVersion: "{n9}" generation: {n2} observedGeneration: {n2} controller-revision-hash: {hex10}',
    'etcdserver: request "header:<ID:{n9} > txn:<compare:<key:/registry/secrets/shop/{word} >>" took too long',
    "Deployment {word} rolled out revision {n}: pod-template-hash={hex10} replicas={n2}",
    "kafka: consumer group {word} partition {n2} offset {n9} key={uuid} lag={n}",
    "GET https://api.example.com/v2/{word}?cursor={b64}&limit=100 -> 429 retry-after: {n2}",
    'x-request-id: {uuid} x-amzn-trace-id: Root=1-{hex8}-{hex24} etag: W/"{hex32}"',
    'time="{ts}" level=warning msg="keyring not found" key=/run/secrets/{word} tokens={n} max_tokens={n}',
    "[{ts}] WARN  (7 on {pod}): cache miss key={word}:{n9} ttl={n}s",
    "SELECT id, token_id FROM sessions WHERE user_id = ${n2} AND key = $1 -- {n}ms",
    "--leader-elect=true --secure-port={n} --token-auth-file=/etc/{word}/tokens --tls-private-key-file=/etc/tls/key",
    "serviceAccountName: {word} automountServiceAccountToken: true tokenExpirationSeconds: {n}",
    "Started container {word} with id containerd://{hex64}",
    "{ts} {n} [Note] InnoDB: Buffer pool(s) load completed at 261129 10:00:00, LSN={n9}",
    "{ip}:{n4} > {ip}:5432: Flags [S], seq {n9}, win 64240, options [mss 1460,sackOK,TS val {n9} ecr 0]",
    'Traceback (most recent call last): File "/app/{word}/auth.py", line {n}, in verify_password',
    "KeyError: '{word}_key'",
    "Warning: key '{word}' is missing a password policy; the secret rotates in {n} days",
    "vault: sealed=true, unseal progress 1/3, version 1.17.{n2}",
    "Node ip-10-0-{n2}-{n2}.eu-west-1.compute.internal status is now: NodeNotReady",
    "cpu: 250m memory: 512Mi limits exceeded on {pod}, exit code 137, reason OOMKilled at {ts}",
    "certificate serial {hex32} fingerprint SHA256:{b64} expires {ts}",
    "build {hex8} pushed to {word}/web:{hex40} digest: sha256:{hex64} size: {n}",
)


def _line(rng: random.Random) -> str:
    def chosen(letters: str, length: int) -> str:
        return "".join(rng.choices(letters, k=length))

    def hexed(length: int) -> str:
        return chosen(_HEX, length)

    values: dict[str, Any] = {f"hex{n}": hexed(n) for n in (8, 10, 16, 24, 32, 40, 64)}
    values |= {f"n{n}": chosen("123456789", n) for n in (2, 4, 6, 9)}
    return rng.choice(TEMPLATES).format(
        **values,
        n=rng.randint(1, 5000),
        ip=".".join(str(rng.randint(1, 254)) for _ in range(4)),
        ts=f"2026-11-{rng.randint(10, 30)}T{rng.randint(10, 23)}:{rng.randint(10, 59)}:{rng.randint(10, 59)}Z",
        date=f"{rng.randint(10, 30)}/Nov/2026:10:00:{rng.randint(10, 59)} +0000",
        word=rng.choice(_WORDS),
        uuid=f"{hexed(8)}-{hexed(4)}-4{hexed(3)}-a{hexed(3)}-{hexed(12)}",
        pod=f"{rng.choice(_WORDS)}-{hexed(9)}-{chosen(_SMALL, 5)}",
        small5=chosen(_SMALL, 5),
        b64=chosen("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", 43),
    )


def test_of_fifty_thousand_ordinary_log_lines_one_in_a_thousand_changes_at_most() -> None:
    rng = random.Random(20261130)
    lines = [_line(rng) for _ in range(LINES)]
    changed = [
        (line, told) for line, told in zip(lines, map(mask, lines), strict=True) if line != told
    ]
    assert len(changed) <= LINES // 1000, changed[:20]


def _leaves(before: Any, after: Any, path: str = "") -> Iterator[tuple[str, Any, Any]]:
    if isinstance(before, dict):
        for name, item in before.items():
            yield from _leaves(item, after[name], f"{path}/{name}")
    elif isinstance(before, list):
        for old, new in zip(before, after, strict=True):
            yield from _leaves(old, new, f"{path}/*")
    else:
        yield path, before, after


def test_no_leaf_of_a_captured_object_changes() -> None:
    found = [
        leaf
        for value in (json.loads(f.read_text("utf-8")) for f in sorted(CASES.rglob("*.json")))
        for leaf in _leaves(value, mask_json(value))
    ]
    assert len(found) > 1000
    assert [leaf for leaf in found if leaf[1] != leaf[2]] == []


REFERENCES: tuple[Any, ...] = (
    {"name": "DB_PASSWORD", "valueFrom": {"secretKeyRef": {"name": "db", "key": "password"}}},
    {"volumes": [{"secret": {"secretName": "api-tls-7x2kq", "defaultMode": 420}}]},
    {"imagePullSecrets": [{"name": "registry-x8f2k"}]},
    {"secrets": [{"name": "default-token-x8f2k"}]},
    {"sources": [{"serviceAccountToken": {"path": "token", "expirationSeconds": 3607}}]},
    {"properties": {"password": {"type": "string", "description": "The password of the user."}}},
    {"usage": {"tokens": 512, "max_tokens": 1024}},
    {"secret": {"secretStoreRef": {"kind": "ClusterSecretStore", "name": "vault"}}},
    {
        "env": [
            {"name": "API_KEY", "value": "$(FROM_VAULT)"},
            {"name": "KEY", "value": "/etc/tls/tls.key"},
        ]
    },
    {"env": [{"name": "TOPOLOGY_KEY", "value": "topology.kubernetes.io/zone"}]},
    {"rules": [{"resources": ["secrets", "serviceaccounts/token"], "verbs": ["get"]}]},
    {"kind": "ServiceAccount", "automountServiceAccountToken": False},
)


@pytest.mark.parametrize("value", REFERENCES)
def test_references_to_secrets_stay(value: Any) -> None:
    assert mask_json(value) == value


HIDDEN: tuple[Any, ...] = (
    {"passwords": ["Wq7xK2mP9z", "Lr4tN8vB1c"]},
    {"secrets": {"a": "Wq7xK2mP9z"}},
    {"password": {"value": "Wq7xK2mP9z"}},
    {"credentials": {"user": "ada", "pin": "Wq7xK2mP9z"}},
    {"headers": {"Authorization": "Wq7xK2mP9z"}},
    {"headers": {"Authorization": ["Bearer Wq7xK2mP9z"]}},
    {"httpHeaders": [{"name": "Authorization", "value": "Wq7xK2mP9z"}]},
    {"auths": {"reg.example": {"auth": "Wq7xK2mP9zWq7xK2mP9z"}}},
    {"users": [{"user": {"client-key-data": "Wq7xK2mP9zWq7xK2mP9z"}}]},
    {"command": ["mysql", "-uroot", "-pWq7xK2mP9z"]},
    {"command": ["sshpass", "-p", "Wq7xK2mP9z", "ssh", "h"]},
    {"command": ["redis-cli", "-a", "Wq7xK2mP9z"]},
    {"command": ["curl", "-u", "ada:Wq7xK2mP9z", "http://x"]},
    {"args": ["--password", "Wq7xK2mP9z"]},
    {"args": ["--db-password=Wq7xK2mP9z"]},
    {"command": ["sh", "-c", "export T=Wq7xK2mP9z; run --token $T"]},
    {"data": {".netrc": "machine x\n  login ada\n  password Wq7xK2mP9z\n"}},
    {"data": {".pgpass": "db:5432:*:app:Wq7xK2mP9z"}},
    {"data": {"a.yaml": "db:\n  passwords:\n  - Wq7xK2mP9z\n"}},
    {"data": {"a.xml": "<db><password>Wq7xK2mP9z</password></db>"}},
    {"data": {"a.json": '{"db": {"secrets": {"a": "Wq7xK2mP9z"}}}'}},
    {"metadata": {"annotations": {"x": '{"env":[{"value":"Wq7xK2mP9z","name":"DB_PASSWORD"}]}'}}},
    {"kind": "SecretList", "items": [{"data": {"x": "Wq7xK2mP9z"}}]},
    {"kind": "List", "items": [{"kind": "Secret", "stringData": {"x": "Wq7xK2mP9z"}}]},
    {"env": [{"name": "STRIPE_KEY", "value": "Wq7xK2mP9z"}]},
)


@pytest.mark.parametrize("value", HIDDEN)
def test_secrets_in_objects_go(value: Any) -> None:
    masked = mask_json(value)
    assert "Wq7xK2mP9z" not in json.dumps(masked)
    assert mask_json(masked) == masked


def test_json_in_a_line_keeps_every_other_byte() -> None:
    line = 'ts=1 {"a" :1.50, "password":"Wq7xK2mP9z",  "b":["é", "\\u00e9"]} end'
    assert mask(line) == line.replace("Wq7xK2mP9z", "[masked:password]")
