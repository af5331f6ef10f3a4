"""Which database the rules of dependencies blame, at which score, and where they stay silent."""

from __future__ import annotations

import pytest

from decide.core.families.dependencies.rules import database_kind, find
from decide.core.view import ClusterView
from tests.support.decide.clusters import Cluster
from tests.support.decide.rules_say import found, heads, shop, whole

_CROWDED = "SQLNonTransientConnectionException: Too many connections"
_LINK = "Communications link failure"
_REFUSED = "dial tcp 10.1.1.1:3306: connect: connection refused"


def _database(c: Cluster, name: str, image: str = "mysql:8", port: int = 3306) -> None:
    c.app(name, image=f"registry.example/{image}", port=port)


def _with_databases(*databases: str, apps: tuple[str, ...] = ("web", "cart")) -> Cluster:
    c = shop(*apps)
    for name in databases:
        _database(c, name)
    return c


@pytest.mark.parametrize(
    ("image", "port", "kind"),
    [
        ("registry.example/mysql:8", 80, "mysql"),
        ("registry.example/bitnami/mysql", 80, "mysql"),
        ("bitnami-mysql:8", 80, "mysql"),
        ("registry.example/MySQL:8", 80, "mysql"),
        ("mariadb:11", 80, "mysql"),
        ("percona:8", 80, "mysql"),
        ("postgres:16", 80, "postgres"),
        ("postgresql:16", 80, "postgres"),
        ("mongo:7", 80, "mongo"),
        ("mongodb:7", 80, "mongo"),
        ("redis:7", 80, "redis"),
        ("valkey:8", 80, "redis"),
        ("cassandra:5", 80, "cassandra"),
        ("kafka:4", 80, "kafka"),
        ("rabbitmq:4", 80, "rabbitmq"),
        ("mysql@sha256:00", 80, "mysql"),
        ("shop@sha256:mysql", 80, ""),
        ("mysql/shop:1", 80, ""),
        ("registry.example/mysql/shop:1", 80, ""),
        ("notmysql:1", 80, ""),
        ("shop:1", 3306, "mysql"),
        ("shop:1", 5432, "postgres"),
        ("shop:1", 27017, "mongo"),
        ("shop:1", 6379, "redis"),
        ("shop:1", 9042, "cassandra"),
        ("shop:1", 1433, "mssql"),
        ("shop:1", 1521, "oracle"),
        ("shop:1", 3307, ""),
        ("postgres:16", 3306, "postgres"),
    ],
)
def test_a_database_is_known_by_its_image_s_last_part_else_by_its_port(
    image: str, port: int, kind: str
) -> None:
    c = shop()
    c.app("db", image=image, port=port)
    (workload,) = ClusterView(c.bundle()).workloads
    assert database_kind(workload) == kind


def test_any_container_makes_a_workload_a_database() -> None:
    c = shop("web")
    spec = c.get("deployments", "web")["spec"]["template"]["spec"]
    spec["containers"] = [{"name": "side"}, *spec["containers"], {"name": "x", "image": "mysql:8"}]
    (workload,) = ClusterView(c.bundle()).workloads
    assert database_kind(workload) == "mysql"


@pytest.mark.parametrize(
    ("line", "class_id"),
    [
        (_CROWDED, "database_connections_exhausted"),
        ("MySQL server is running with the --read-only option", "database_read_only"),
        ("mysql: No space left on device", "database_disk_full"),
    ],
)
def test_a_state_that_callers_tell_of_is_the_only_database_s(line: str, class_id: str) -> None:
    c = _with_databases("db")
    c.log("web", "older " + line, line)
    facts = {"database_disk_full": "FullDisk", "database_read_only": "Facts"}
    told = facts.get(class_id, "Crowded sort=mysql,")
    assert whole(find, c) == [
        f"0.87 {class_id} of Deployment/shop/db",
        f"told: {line}",
        f"log Deployment/shop/web: {line}",
        f"facts: {told} workload=Deployment db",
    ]


def test_each_caller_up_to_three_makes_it_surer_and_three_are_quoted() -> None:
    c = _with_databases("db", apps=("a", "b", "d", "e"))
    for number, app in enumerate(("a", "b", "d", "e"), 1):
        c.log(app, f"{app} {_CROWDED}")
        (one,) = found(find, c)
        assert one.score == pytest.approx(0.85 + 0.02 * min(3, number))
    assert [fact.object.name for fact in one.evidence if fact.object] == ["a", "b", "d"]
    assert one.detail == f"a {_CROWDED}"


def _probe(c: Cluster, app: str, words: str, **event: str) -> None:
    c.event("Pod", c.pod(app)["metadata"]["name"], "Unhealthy", f"Liveness probe failed: {words}")
    c.objects["events"][-1] |= event


def test_a_database_whose_own_probe_says_so_is_blamed_before_others() -> None:
    c = _with_databases("other-db", "db")
    _probe(c, "db", "Too many connections")
    text = "dependencies.own_probe database=Deployment/shop/db"
    assert whole(find, c) == [
        "0.93 database_connections_exhausted of Deployment/shop/db",
        f"told: {text}",
        f"event Deployment/shop/db: {text}",
        "facts: Crowded sort=mysql, workload=Deployment db",
    ]
    c.log("web", _CROWDED)
    assert whole(find, c) == [
        "0.95 database_connections_exhausted of Deployment/shop/db",
        f"told: {_CROWDED}",
        f"log Deployment/shop/web: {_CROWDED}",
        f"event Deployment/shop/db: {text}",
        "facts: Crowded sort=mysql, workload=Deployment db",
    ]
    c.log("cart", _CROWDED)
    assert [one.score for one in found(find, c)] == [0.96]


@pytest.mark.parametrize(
    "event",
    [
        {"reason": "Killing"},
        {"involvedObject": {"kind": "Node", "namespace": "shop", "name": "db"}},
        {"involvedObject": {"kind": "Pod", "namespace": "shop", "name": "gone"}},
        {"message": "Liveness probe failed: no route"},
    ],
)
def test_only_a_failed_probe_of_a_pod_that_is_known_says_so(event: dict[str, str]) -> None:
    c = _with_databases("db")
    _probe(c, "db", "Too many connections", **event)
    assert heads(find, c) == []


def test_the_first_probe_that_says_so_is_taken_whoever_was_probed_before() -> None:
    c = _with_databases("other-db", "db")
    _probe(c, "web", "no route", lastTimestamp="2026-05-04T11:00:00Z")
    _probe(c, "db", "Too many connections")
    assert heads(find, c) == ["0.93 database_connections_exhausted of Deployment/shop/db"]


def test_without_a_database_the_first_caller_is_told_at_a_lower_score() -> None:
    c = shop("web", "cart")
    c.log("web", "read: unexpected EOF")
    c.log("cart", _CROWDED)
    assert whole(find, c) == [
        "0.6 database_connections_exhausted of Deployment/shop/cart",
        f"told: {_CROWDED}",
        f"log Deployment/shop/cart: {_CROWDED}",
        "facts: Crowded sort=mysql",
    ]
    c = shop("web", "cart")
    for app in ("web", "cart"):
        c.log(app, _CROWDED)
    assert heads(find, c) == ["0.6 database_connections_exhausted of Deployment/shop/web"]


def test_the_first_caller_s_words_tell_which_database_all_of_them_speak_to() -> None:
    c = shop("web", "cart")
    _database(c, "old", "mysql:8", 3306)
    _database(c, "new", "postgres:16", 5432)
    c.log("web", "psql: FATAL: sorry, too many clients already")
    c.log("cart", _CROWDED)
    assert heads(find, c) == ["0.89 database_connections_exhausted of Deployment/shop/new"]


def test_a_full_disk_of_a_program_that_is_no_database_is_not_told_here() -> None:
    c = shop("web")
    c.log("web", "write /tmp/x: No space left on device")
    assert heads(find, c) == []
    _probe(c, "web", "No space left on device")
    assert heads(find, c) == []


def test_the_kind_that_callers_speak_chooses_among_databases() -> None:
    c = shop("web")
    _database(c, "old", "mysql:8", 3306)
    _database(c, "new", "postgres:16", 5432)
    c.log("web", "psql: FATAL: sorry, too many clients already")
    assert heads(find, c) == ["0.87 database_connections_exhausted of Deployment/shop/new"]


@pytest.mark.parametrize(
    ("line", "image", "port"),
    [
        ("MySQL: too many clients already", "mysql:8", 3306),
        ("mariadb: too many clients already", "mysql:8", 3306),
        ("the server runs, running with the --read-only option", "mysql:8", 3306),
        (_CROWDED, "mysql:8", 3306),
        ("postgres: remaining connection slots are reserved", "postgres:16", 5432),
        ("psql: remaining connection slots are reserved", "postgres:16", 5432),
        ("PSQLException: remaining connection slots are reserved", "postgres:16", 5432),
        ("pq: remaining connection slots are reserved", "postgres:16", 5432),
        ("cannot execute UPDATE in a read-only transaction", "postgres:16", 5432),
        ("FATAL: sorry, too many clients already", "postgres:16", 5432),
        ("MongoError: not primary", "mongo:7", 27017),
        ("READONLY You can't write against a read only replica.", "redis:7", 6379),
        ("jedis: max number of clients reached", "redis:7", 6379),
        ("lettuce: max number of clients reached", "redis:7", 6379),
    ],
)
def test_words_tell_which_database_is_spoken_to(line: str, image: str, port: int) -> None:
    c = shop("web")
    kinds = {"mysql:8": 3306, "postgres:16": 5432, "mongo:7": 27017, "redis:7": 6379}
    for number, (other, at) in enumerate(kinds.items()):
        _database(c, "right" if other == image else f"wrong{number}", other, at)
    c.log("web", line)
    (head,) = heads(find, c)
    assert head.endswith(" of Deployment/shop/right")
    assert port == kinds[image]


def test_a_database_that_complains_itself_is_the_one() -> None:
    c = _with_databases("a-db", "b-db")
    c.log("b-db", _CROWDED)
    c.calls("web", "a-db")
    c.log("web", _CROWDED)
    (head,) = heads(find, c)
    assert head.endswith(" of Deployment/shop/b-db")


@pytest.mark.parametrize("databases", [("a-db",), ("a-db", "b-db")])
def test_a_database_of_another_kind_that_complains_is_a_caller_like_others(
    databases: tuple[str, ...],
) -> None:
    c = shop("web")
    for name in databases:
        _database(c, name, "postgres:16", 5432)
    _database(c, "feed", "kafka-connect:3", 8083)
    c.calls("feed", databases[-1])
    c.log("feed", "psql: FATAL: sorry, too many clients already")
    (head,) = heads(find, c)
    assert head.endswith(f" of Deployment/shop/{databases[-1]}")


def _blamed(c: Cluster) -> str:
    (one,) = found(find, c)
    return one.object.name


def test_the_address_that_a_caller_has_tells_more_than_anything_else() -> None:
    c = _with_databases("a-db", "b-db", "web-db")
    c.pod("a-db")["status"]["startTime"] = "2026-05-04T11:00:00Z"
    c.event("Deployment", "a-db", "ScalingReplicaSet", "scaled up")
    c.log("web", _CROWDED)
    c.calls("web", "b-db")
    assert _blamed(c) == "b-db"


def test_the_name_in_a_caller_s_last_lines_tells_more_than_a_late_start() -> None:
    c = _with_databases("a-db", "b-db")
    c.pod("a-db")["status"]["startTime"] = "2026-05-04T11:00:00Z"
    c.log("web", "connected to b-db", _CROWDED)
    assert _blamed(c) == "b-db"
    c = _with_databases("a-db", "b-db")
    c.log("web", "connected to b-db", *["line"] * 199, _CROWDED)
    assert _blamed(c) == "a-db", "too long ago"
    c = _with_databases("a-db", "b-db")
    c.log("web", "connected to b-db", *["line"] * 198, _CROWDED)
    assert _blamed(c) == "b-db"


def test_the_name_of_its_service_in_a_caller_s_lines_tells_too() -> None:
    c = _with_databases("a-db", "b-db")
    service = c.get("services", "b-db")
    service["metadata"]["name"] = "ledger"
    c.log("web", "connected to ledger", _CROWDED)
    assert _blamed(c) == "b-db"


@pytest.mark.parametrize(
    ("databases", "blamed"),
    [
        (("a-db", "we-db"), "we-db"),
        (("a-db", "w-db"), "a-db"),
        (("we-db", "web-db"), "we-db"),  # a longer one is not nearer
        (("a-db", "xebsi-db"), "a-db"),  # letters after a wrong one do not count
    ],
)
def test_a_name_that_begins_with_two_letters_of_the_caller_s_tells_a_little(
    databases: tuple[str, ...], blamed: str
) -> None:
    c = _with_databases(*databases, apps=("website", "weblog"))
    for app in ("website", "weblog"):
        c.log(app, _CROWDED)
    assert _blamed(c) == blamed


def test_every_caller_has_a_vote() -> None:
    c = _with_databases("a-db", "b-db", apps=("one", "two", "three"))
    for app, database in (("one", "a-db"), ("two", "b-db"), ("three", "b-db")):
        c.calls(app, database)
        c.log(app, _CROWDED)
    assert _blamed(c) == "b-db"


def test_a_database_of_which_events_tell_lately_is_likelier_than_the_youngest() -> None:
    c = _with_databases("a-db", "b-db", "d-db")
    c.log("web", _CROWDED)
    assert _blamed(c) == "a-db", "the first where nothing tells"
    c.pod("b-db")["status"]["startTime"] = "2026-05-04T11:00:00Z"
    c.pod("a-db")["status"]["startTime"] = "2026-05-04T10:00:00Z"
    assert _blamed(c) == "b-db", "the youngest"
    c.event("Pod", c.pod("d-db")["metadata"]["name"], "Started", "started")
    assert _blamed(c) == "d-db", "the one that events tell of"


def test_the_youngest_pod_tells_how_young_a_database_is() -> None:
    c = _with_databases("a-db", "b-db")
    c.pod("a-db")["status"]["startTime"] = "2026-05-04T10:00:00Z"
    for app, at in (("b-db", "2026-05-04T09:00:00Z"), ("b-db", "2026-05-04T11:00:00Z")):
        more = {**c.pod(app), "metadata": {**c.pod(app)["metadata"], "name": f"{app}-{at}"}}
        more["status"] = {**more["status"], "startTime": at}
        c.objects["pods"].append(more)
    c.log("web", _CROWDED)
    assert _blamed(c) == "b-db"


@pytest.mark.parametrize(
    ("owned", "owner"),
    [("cart-db", "cart"), ("cartdb", "cart"), ("cart-mysql", "cart"), ("cartmysql", "cart")],
)
def test_a_database_named_after_another_workload_is_that_one_s(owned: str, owner: str) -> None:
    c = _with_databases(owned, "zoo-db", apps=("zoom", owner))
    c.log("zoom", _CROWDED)
    assert _blamed(c) == "zoo-db"
    c.drop("deployments", owner)
    c.objects["pods"] = [p for p in c.objects["pods"] if p["metadata"]["labels"]["app"] != owner]
    assert _blamed(c) == owned


def _down(c: Cluster, *lines: str) -> None:
    c.stopped("web")
    c.log("web", *lines)


def test_a_database_without_ready_pods_is_the_cause_of_a_broken_link() -> None:
    c = _with_databases("db")
    c.stopped("db")
    _down(c, f"1 {_LINK}", f"2 {_LINK}")
    text = "dependencies.no_ready_pod workload=Deployment/shop/db"
    assert whole(find, c) == [
        "0.6 dependency_unavailable of Deployment/shop/db",
        f"told: {text}",
        f"log Deployment/shop/web: 2 {_LINK}",
        "facts: Facts workload=Deployment web",
    ]


def test_a_database_that_is_meant_to_have_no_pods_is_not_down() -> None:
    c = _with_databases("db")
    c.get("deployments", "db")["spec"]["replicas"] = 0
    c.objects["pods"].remove(c.pod("db"))
    c.get("deployments", "db")["status"] = {}
    _down(c, _LINK)
    (head,) = heads(find, c)
    assert head == "0.55 database_port_wrong of Deployment/shop/web"


def test_a_link_to_a_database_that_runs_is_a_wrong_port_and_refusals_make_it_surer() -> None:
    c = _with_databases("db")
    _down(c, f"1 {_REFUSED}", _LINK, f"2 {_REFUSED}")
    text = "dependencies.ready_pods n=1, workload=Deployment/shop/db"
    assert whole(find, c) == [
        "0.85 database_port_wrong of Deployment/shop/web",
        f"told: {_LINK}",
        f"log Deployment/shop/web: {_LINK}",
        f"log Deployment/shop/web: 2 {_REFUSED}",
        f"object Deployment/shop/db: {text}",
        "facts: WrongPort database=Deployment db, workload=Deployment web",
    ]


def test_a_wrong_port_is_a_guess_without_refusals_without_database_or_without_others_that_run() -> (
    None
):
    c = _with_databases("db")
    _down(c, _LINK)
    assert heads(find, c) == ["0.55 database_port_wrong of Deployment/shop/web"]
    c = shop("web", "cart")
    _down(c, _LINK, _REFUSED)
    assert whole(find, c) == [
        "0.55 database_port_wrong of Deployment/shop/web",
        f"told: {_LINK}",
        f"log Deployment/shop/web: {_LINK}",
        f"log Deployment/shop/web: {_REFUSED}",
        "facts: WrongPort workload=Deployment web",
    ]
    c = _with_databases("db", apps=("web",))
    _down(c, _LINK, _REFUSED)
    assert heads(find, c) == ["0.55 database_port_wrong of Deployment/shop/web"]


def test_the_kind_that_the_link_speaks_chooses_the_database() -> None:
    c = shop("web")
    _database(c, "old", "mysql:8", 3306)
    _database(c, "new", "postgres:16", 5432)
    c.stopped("new")
    _down(c, 'psql: connection to server at "x" failed')
    assert heads(find, c) == ["0.6 dependency_unavailable of Deployment/shop/new"]


def test_a_host_that_does_not_resolve_is_another_trouble() -> None:
    c = _with_databases("db")
    _down(c, _LINK, "java.net.UnknownHostException: dbx")
    assert heads(find, c) == []


def test_a_caller_that_is_well_has_no_broken_link() -> None:
    c = _with_databases("db")
    c.log("web", _LINK, _REFUSED)
    assert heads(find, c) == []


def test_a_refused_connection_to_a_callee_without_ready_pods_is_told_at_the_callee() -> None:
    c = shop("web", "cart", "shelf")
    c.calls("web", "shelf")
    c.calls("web", "cart")
    c.stopped("cart")
    _down(c, *(f"{number} connection refused" for number in (0, 1, 2)))
    text = "dependencies.needs target=Deployment/shop/cart, workload=Deployment/shop/web"
    assert whole(find, c) == [
        "0.4 dependency_unavailable of Deployment/shop/cart",
        f"told: {text}",
        "log Deployment/shop/web: 2 connection refused",
        "facts: Facts workload=Deployment cart",
    ]


def test_a_callee_that_runs_or_a_caller_that_waits_for_something_else_tells_nothing() -> None:
    c = shop("web", "cart")
    c.calls("web", "cart")
    _down(c, "connection refused")
    assert heads(find, c) == []
    c.stopped("cart")
    c.logs.clear()
    c.log("web", "GET cart: i/o timeout")
    assert heads(find, c) == []


def test_a_broken_link_to_a_database_is_told_instead_of_refusals() -> None:
    c = _with_databases("db")
    c.calls("web", "cart")
    c.stopped("cart")
    _down(c, _LINK, _REFUSED)
    assert [head.split()[1] for head in heads(find, c)] == ["database_port_wrong"]
