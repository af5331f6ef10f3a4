"""Lines of logs: the quick way through them misses nothing that a pattern matches; near lines are left alone."""

from __future__ import annotations

import re

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from decide.core.log_patterns import FORMATS
from decide.core.signals import LAST_LINES, LINE, SignalHit, read
from schemas.context import LogExcerpt

EXAMPLES = settings(
    max_examples=60,
    deadline=None,
    database=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


def hits(*lines: str, container: str = "") -> list[SignalHit]:
    return list(read([LogExcerpt(container=container, lines=lines)]))


def told(line: str) -> list[tuple[str, str]]:
    """Signals of one line with what they name."""
    return [(hit.signal, hit.subject) for hit in hits(line)]


@pytest.mark.parametrize(
    ("words", "pattern"), [pytest.param(w, p, id=name) for name, w, p in FORMATS]
)
def test_whatever_a_pattern_matches_holds_one_of_its_words(
    words: tuple[str, ...], pattern: str
) -> None:
    @EXAMPLES
    @given(st.from_regex(re.compile(pattern, re.ASCII), fullmatch=True))
    def holds(line: str) -> None:
        assert any(word in line.lower() for word in words)

    holds()


@pytest.mark.parametrize(
    ("line", "signal"),
    [
        ("innodb: --transaction-read-only", "db_read_only"),
        ("mongo error 18 (AuthenticationFailed)", "db_access_denied"),
        ("yaml.parser.ParserError: expected <block end>", "bad_config"),
        ("DB_HOST is undefined", "missing_env"),
        ("env DB_HOST missing", "missing_env"),
        ("'GET / HTTP/1.1' 503 UF", "mesh_flag"),
        ("GET /x 404 NR", "mesh_flag"),
        ("Node may not be available", "broker_down"),
        ("pulsar client: Failed to connect", "broker_down"),
        ("Error -3 connecting to db:6379", "cache_down"),
        ("OOM command not allowed when used memory", "cache_down"),
        ("<h1>503 Service Temporarily Unavailable</h1>", "upstream_error"),
        ("upstream status:502", "upstream_error"),
        ("answered HTTP  504", "upstream_error"),
    ],
)
def test_what_stands_in_the_formats_is_found(line: str, signal: str) -> None:
    assert signal in [name for name, _ in told(line)]


@pytest.mark.parametrize(
    "line",
    [
        "ready for connections",
        "connection accepted",
        "read-only replica attached",
        "user app authenticated",
        "database shop exists",
        "3 GB of space left on device",
        "port 8080 is free",
        "lookup took 3 ms",
        "connected to server db",
        "timeout is set to 30 s",
        "stream was reset on purpose",
        "permission granted",
        "certificate renewed",
        "heap 300 MB of 512 MB in use",
        "12 open files",
        "thread started",
        "pool size is 10",
        "configuration loaded",
        "environment variables: 12 read",
        "no error: all is well",
        "upstream returned 200",
        "took 500 ms",
        "status 5000",
        "GET / 200 in 503 ms",
        "kafka broker 1 is available",
        "redis connected",
        "exec format is elf",
        "configmaps is forbidden: this is a log of someone else",
    ],
)
def test_a_line_that_is_near_a_signal_is_none(line: str) -> None:
    assert told(line) == []


@pytest.mark.parametrize(
    ("line", "signal", "subject"),
    [
        ("Unknown database 'shop'", "db_missing", "shop"),
        ('FATAL: database "shop" does not exist', "db_missing", "shop"),
        ('ERROR: relation "orders" does not exist', "db_missing", "orders"),
        ("Table 'shop.orders' doesn't exist", "db_missing", "shop.orders"),
        ("no such table: orders", "db_missing", "orders"),
        ("ER_BAD_DB_ERROR", "db_missing", ""),
        ("Port 8080 was already in use", "port_in_use", "8080"),
        ("Port 8081 is already in use", "port_in_use", "8081"),
        ("java.net.UnknownHostException: db.shop", "unknown_host", "db.shop"),
        ("lookup db on 10.0.0.10:53: no such host", "unknown_host", "db"),
        ("getaddrinfo ENOTFOUND db", "unknown_host", "db"),
        ("Could not resolve host: db", "unknown_host", "db"),
        ("Unknown MySQL server host 'db' (-2)", "unknown_host", "db"),
        ('could not translate host name "db" to address', "unknown_host", "db"),
        ('host not found in upstream "db:80"', "unknown_host", "db"),
        ("DNS resolution failed for db", "unknown_host", "db"),
        ("Failed to resolve 'db'", "unknown_host", "db"),
        ("bad address 'db'", "unknown_host", "db"),
        ("Name or service not known", "unknown_host", ""),
        ("environment variable DB_HOST is not set", "missing_env", "DB_HOST"),
        ("DB_HOST must be set", "missing_env", "DB_HOST"),
        ("KeyError: 'DB_HOST'", "missing_env", "DB_HOST"),
        ("sh: DBHOST: unbound variable", "missing_env", "DBHOST"),
        ("Missing required environment variable: DBHOST", "missing_env", "DBHOST"),
        (
            'pods is forbidden: User "system:serviceaccount:shop:web" cannot list',
            "api_forbidden",
            "shop:web",
        ),
    ],
)
def test_a_line_tells_what_it_names(line: str, signal: str, subject: str) -> None:
    assert (signal, subject) in told(line)


def test_one_line_may_be_several_signals_in_the_order_of_the_formats() -> None:
    line = "lookup db: i/o timeout, connection refused"
    assert [s for s, _ in told(line)] == ["unknown_host", "connection_refused", "timeout"]


def test_hits_come_in_the_order_of_lines_and_know_their_container() -> None:
    lines = ("too many open files", "fine", "connection refused")
    found = hits(*lines, container="side")
    assert [(h.signal, h.line, h.container) for h in found] == [
        ("open_files", lines[0], "side"),
        ("connection_refused", lines[2], "side"),
    ]


def test_lines_that_say_one_signal_in_different_words_are_all_hits() -> None:
    lines = ("read: i/o timeout", "connect ETIMEDOUT 10.0.0.1:80", "context deadline exceeded")
    assert [(h.signal, h.line) for h in hits(*lines)] == [("timeout", line) for line in lines]


def test_several_excerpts_are_read_each_for_itself() -> None:
    one = LogExcerpt(container="a", lines=("connection refused",))
    two = LogExcerpt(container="b", lines=("connection refused", "too many open files"))
    assert [(h.signal, h.container) for h in read([one, two])] == [
        ("connection_refused", "a"),
        ("connection_refused", "b"),
        ("open_files", "b"),
    ]


def test_a_line_that_repeats_is_one_and_stands_where_it_was_seen_last() -> None:
    again, other = "connection refused", "too many open files"
    assert [h.line for h in hits(again, again, other)] == [again, other]
    assert [h.line for h in hits(again, other, again)] == [other, again]


@pytest.mark.parametrize(("after", "found"), [(LAST_LINES - 1, 1), (LAST_LINES, 0)])
def test_only_the_last_lines_of_an_excerpt_are_read(after: int, found: int) -> None:
    assert LAST_LINES == 400
    assert len(hits("connection refused", *(f"line {n}" for n in range(after)))) == found


@pytest.mark.parametrize(("before", "found"), [(LINE - 18, 1), (LINE - 17, 0)])
def test_only_the_beginning_of_a_line_is_read(before: int, found: int) -> None:
    assert LINE == 600
    assert len(hits("." * before + "connection refused and more")) == found


def test_of_a_line_four_hundred_characters_are_quoted() -> None:
    (hit,) = hits("connection refused".ljust(500, "."))
    assert len(hit.line) == 400


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("    at Db.connect(Db.java:5) connection refused", 0),
        ("\tat connection refused", 0),
        ("  ... 12 more connection refused", 0),
        ("at last: connection refused", 1),
        ("  attached: connection refused", 1),
        ("  ... more connection refused", 1),
    ],
)
def test_frames_of_a_stack_are_passed_over(line: str, found: int) -> None:
    assert len(hits(line)) == found


def test_a_log_without_any_word_has_no_hits() -> None:
    assert hits("started", "listening") == []
    assert hits() == []
