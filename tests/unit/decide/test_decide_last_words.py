"""What a program said last is shown, whatever its format and whether or not a class knows it."""

from __future__ import annotations

import pytest

from decide.core import diagnose
from decide.core.last_words import told_last
from tests.support.decide.clusters import Cluster

#: Ends of runs in the formats of programs, with what a reader must find and must not.
RUNS = {
    "node": (
        ["booting", "node:internal/modules:1146", "Error: Cannot read settings of tenant", "    at Object.open (node:fs:573:18)", "    at main (/srv/index.js:4:9)", "", "Node.js v22.11.0"],
        "Cannot read settings of tenant",
        "index.js",
    ),
    "python": (
        ["Traceback (most recent call last):", '  File "/srv/main.py", line 3, in <module>', "    settings = Settings()", "ValueError: tenant must be one of a, b"],
        "tenant must be one of a, b",
        "main.py",
    ),
    "python chained": (
        ["Traceback (most recent call last):", '  File "/srv/a.py", line 1, in f', "    f()", "KeyError: 'x'", "", "During handling of the above exception, another exception occurred:", "", "Traceback (most recent call last):", '  File "/srv/b.py", line 2, in g', "    g()", "RuntimeError: no tenant x"],
        "RuntimeError: no tenant x",
        "b.py",
    ),
    "go": (
        ["panic: runtime error: index out of range [3] with length 3", "", "goroutine 1 [running]:", "main.pick(0x0)", "\t/srv/main.go:12 +0x1d", "exit status 2"],
        "index out of range [3]",
        "main.go",
    ),
    "java": (
        ["Exception in thread \"main\" java.lang.IllegalStateException: cannot start", "\tat com.acme.App.main(App.java:7)", "Caused by: java.io.IOException: ledger is sealed", "\t... 12 more"],
        "ledger is sealed",
        "App.java",
    ),
    "key and value": (
        ["level=info msg=starting", "level=error msg=\"open store\" err=\"segment 4 is torn\"", "level=info msg=\"shutting down\""],
        "segment 4 is torn",
        "starting",
    ),
    "json": (
        ['{"level":"info","msg":"up"}', '{"level":"fatal","msg":"vault is sealed"}'],
        "vault is sealed",
        '"up"',
    ),
    "nginx": (
        ["/docker-entrypoint.sh: Configuration complete", "nginx: [emerg] duplicate listen options for [::]:8080 in /etc/nginx/conf.d/a.conf:3"],
        "duplicate listen options",
        "\n",
    ),
    "no word of failure": (["one", "two", "three"], "two / three", "one"),
    "no error at all is none": (
        ["could not reach peer a", "checked: 0 errors", "leaving"],
        "could not reach peer a",
        "leaving",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", RUNS)
def test_the_end_of_a_run_is_told_without_its_stack(name: str) -> None:
    lines, wanted, left_out = RUNS[name]
    told = " / ".join(told_last(lines))
    assert wanted in told
    assert left_out not in told


def words_of(cluster: Cluster, app: str) -> list[str]:
    analysis = diagnose(cluster.bundle(app)).analysis
    assert analysis is not None
    return [e.statement for e in analysis.evidence if e.statement.startswith("Last words")]


def test_a_crash_that_no_class_knows_shows_the_programs_own_words_beside_the_code() -> None:
    cluster = Cluster(seed=3)
    app = cluster.app()
    cluster.crashed(app, 64, "starting", "ledger 7 was sealed by another writer: cannot open")
    assert words_of(cluster, app) == [
        f'Last words of {cluster.container(app)["name"]}: "ledger 7 was sealed by another writer: cannot open"'
    ]


def test_the_termination_message_comes_before_the_log() -> None:
    cluster = Cluster(seed=3)
    app = cluster.app()
    cluster.crashed(app, 64, "some line that fails", message="the lease was lost: aborted")
    (said,) = words_of(cluster, app)
    assert "the lease was lost" in said
    assert "some line" not in said


def test_words_that_a_rule_quotes_are_not_said_twice() -> None:
    cluster = Cluster(seed=3)
    app = cluster.app()
    cluster.crashed(app, 1, "Error: listen EADDRINUSE: address already in use :::8080")
    verdict = diagnose(cluster.bundle(app))
    assert verdict.analysis is not None
    quoted = [e.statement for e in verdict.analysis.evidence if "EADDRINUSE" in e.statement]
    assert len(quoted) == 1


def test_a_container_that_is_well_says_nothing_last() -> None:
    cluster = Cluster(seed=3)
    app = cluster.app()
    cluster.log(app, "an error that nobody minds")
    assert words_of(cluster, app) == []


def test_a_long_reason_keeps_its_end_where_the_cause_stands() -> None:
    cluster = Cluster(seed=3)
    app = cluster.app()
    wrapped = "failed to start: " + "wrapped in a layer: " * 40 + "the socket is owned by uid 7"
    cluster.crashed(app, 64, wrapped)
    (said,) = words_of(cluster, app)
    assert "failed to start" in said
    assert "the socket is owned by uid 7" in said
    assert len(said) < 400
