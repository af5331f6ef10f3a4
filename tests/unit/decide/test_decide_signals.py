"""Lines as programs print them are recognised, quickly and alone; selectors follow the API's semantics."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from decide.core.formats import FORMATS
from decide.core.selectors import plain, requirement, selects, stated
from decide.core.signals import read
from schemas.context import LogExcerpt

LINES = {
    "db_too_many_connections": ("FATAL: sorry, too many clients already", "ERROR 1040 (HY000): Too many connections", "ERR max number of clients reached"),
    "db_read_only": ("ERROR 1290 (HY000): The MySQL server is running with the --super-read-only option", "ERROR: cannot execute INSERT in a read-only transaction", "READONLY You can't write against a read only replica."),
    "db_access_denied": ("ERROR 1045 (28000): Access denied for user 'kyr'@'10.1.2.3' (using password: YES)", 'FATAL: password authentication failed for user "kyr"', "(NOAUTH) NOAUTH Authentication required.", "MongoServerError: not authorized on wares to execute command { find: 'x' }"),
    "db_missing": ("ERROR 1049 (42000): Unknown database 'wares'", 'FATAL: database "wares" does not exist'),
    "disk_full": ("write /var/lib/x: no space left on device", "ERROR: could not extend file: No space left on device"),
    "port_in_use": ("listen tcp :8123: bind: address already in use", "Error: listen EADDRINUSE: address already in use :::8123", "OSError: [Errno 98] Address already in use"),
    "unknown_host": ("dial tcp: lookup kyr on 10.96.0.10:53: no such host", "java.net.UnknownHostException: kyr", "Error: getaddrinfo ENOTFOUND kyr", "psycopg2.OperationalError: could not translate host name \"kyr\" to address: Name or service not known"),
    "db_link_failure": ("com.mysql.cj.jdbc.exceptions.CommunicationsException: Communications link failure", "ERROR 2003 (HY000): Can't connect to MySQL server on 'kyr:3306' (111)", "pymongo.errors.ServerSelectionTimeoutError: kyr:27017"),
    "connection_refused": ("dial tcp 10.2.3.4:8123: connect: connection refused", "connect ECONNREFUSED 10.2.3.4:8123"),
    "timeout": ("dial tcp 10.2.3.4:8123: i/o timeout", "connect ETIMEDOUT 10.2.3.4:8123", "java.net.SocketTimeoutException: connect timed out", "rpc error: code = DeadlineExceeded desc = context deadline exceeded"),
    "reset": ("read tcp 10.2.3.4:41->10.2.3.5:8123: read: connection reset by peer", "Error: socket hang up"),
    "denied_file": ("open /data/x: permission denied", "mkdir: can't create directory '/data/x': Read-only file system"),
    "certificate": ("x509: certificate has expired or is not yet valid: current time 2026-05-04T12:00:00Z is after 2026-05-01T00:00:00Z", "sun.security.validator.ValidatorException: PKIX path building failed", "Error: unable to verify the first certificate UNABLE_TO_VERIFY_LEAF_SIGNATURE", "ssl.SSLCertVerificationError: [SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed", "remote error: tls: bad certificate", "curl: (60) SSL certificate problem: certificate has expired"),
    "heap": ("java.lang.OutOfMemoryError: Java heap space", "FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory"),
    "open_files": ("accept tcp [::]:8123: accept4: too many open files",),
    "threads": ("java.lang.OutOfMemoryError: unable to create native thread",),
    "pool_exhausted": ("HikariPool-1 - Connection is not available, request timed out after 30000ms.", "sqlalchemy.exc.TimeoutError: QueuePool limit of size 5 overflow 10 reached", "JedisException: Could not get a resource from the pool"),
    "bad_config": ('nginx: [emerg] unknown directive "lisen"', "yaml: line 3: mapping values are not allowed", "failed to load config: no such key"),
    "missing_env": ("environment variable WARES_URL is not set", "KeyError: 'WARES_URL'", "/entry.sh: line 3: WARES_URL: unbound variable", "Error: Missing required environment variable: WARES_URL"),
    "panic": ("panic: runtime error: index out of range", "Traceback (most recent call last):"),
    "exec_format": ("exec /bin/kyr: exec format error",),
    "api_forbidden": ('pods is forbidden: User "system:serviceaccount:wares:kyr" cannot list resource "pods" in API group ""',),
    "mesh_denied": ("RBAC: access denied",),
    "mesh_flag": ("upstream connect error or disconnect/reset before headers. reset reason: connection failure", '"GET / HTTP/1.1" 503 UF "-"'),
    "broker_down": ("[Producer clientId=p-1] Connection to node -1 (kyr/10.2.3.4:9092) could not be established. Broker may not be available.", "kafka.errors.NoBrokersAvailable: NoBrokersAvailable", "nats: no servers available for connection", "pika.exceptions.AMQPConnectionError"),
    "broker_alarm": ("memory resource limit alarm set on node rabbit@kyr",),
    "cache_down": ("redis.exceptions.ConnectionError: Error 111 connecting to kyr:6379. Connection refused.", "io.lettuce.core.RedisConnectionException: Unable to connect to kyr:6379"),
    "upstream_error": ("connect() failed (111: Connection refused) while connecting to upstream", "rpc error: code = Unavailable desc = connection error", "Request failed with status code 503"),
}  # fmt: skip


def _signals(line: str) -> set[str]:
    return {hit.signal for hit in read([LogExcerpt(lines=("all is well", line, "bye"))])}


@pytest.mark.parametrize(
    ("signal", "line"), [(s, line) for s, lines in LINES.items() for line in lines]
)
def test_a_line_gives_its_signal(signal: str, line: str) -> None:
    assert signal in _signals(line)


def test_every_signal_has_a_line_here() -> None:
    assert {name for name, _, _ in FORMATS} == set(LINES)


@pytest.mark.parametrize("line", [
    "listening on :8080", "GET /config 200 3ms", "connected to database", "0 errors, 0 warnings", "cache hit ratio 0.97",
    "retry 0 of 3", "readiness ok", "loaded 12 certificates", "pool size 10, idle 8", "user kyr logged in", "timeout=30s max=10",
])  # fmt: skip
def test_a_calm_line_gives_none(line: str) -> None:
    assert _signals(line) == set()


def test_the_last_of_equal_lines_counts_and_frames_are_left_out() -> None:
    lines = ("a: connection refused", "b: connection refused", "\tat com.kyr.Refused.connection refused(X.java:3)", "a: connection refused")  # fmt: skip
    assert [h.line[0] for h in read([LogExcerpt(lines=lines)])] == ["b", "a"]


LABELS = st.dictionaries(st.sampled_from("abc"), st.sampled_from("xyz"), max_size=3)


@given(LABELS, st.sampled_from("abc"), st.lists(st.sampled_from("xyz"), min_size=1))
def test_expressions_come_in_pairs_of_opposites(labels: dict[str, str], key: str, values: list[str]) -> None:  # fmt: skip
    for one, other in (("In", "NotIn"), ("Exists", "DoesNotExist")):
        say = [requirement(labels, {"key": key, "operator": o, "values": values}) for o in (one, other)]  # fmt: skip
        assert say.count(True) == 1


@given(LABELS, LABELS)
def test_match_labels_and_expressions_agree(labels: dict[str, str], wanted: dict[str, str]) -> None:
    spelled = {"matchExpressions": [{"key": k, "operator": "In", "values": [v]} for k, v in wanted.items()]}  # fmt: skip
    assert selects({"matchLabels": wanted}, labels) == selects(spelled, labels)
    assert plain(wanted, labels) == (bool(wanted) and selects({"matchLabels": wanted}, labels))


def test_an_empty_selector_selects_all_and_an_absent_one_nothing() -> None:
    assert selects({}, {"a": "x"})
    assert not selects(None, {"a": "x"})
    assert not stated({})
    assert not plain({}, {"a": "x"})
