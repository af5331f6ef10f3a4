"""Databases and other dependencies: many callers complain, one object is to blame."""

from __future__ import annotations

import re
from collections.abc import Iterator

from decide.core.facts import Facts
from decide.core.families.dependencies.facts import Crowded, FullDisk, WrongPort
from decide.core.families.upstreams.rules import foreign_host, foreign_hosts
from decide.core.findings import Fact, Finding, quote
from decide.core.graph import calls
from decide.core.signals import SignalHit, read
from decide.core.view import ClusterView
from kfix.texts import say
from manifests.objects.meta import name_of
from manifests.objects.shapes import at, number
from manifests.objects.workloads import Workload
from schemas.context import LogExcerpt

_DB_IMAGE = re.compile(
    r"(?:^|[/-])(mysql|mariadb|percona|postgres(?:ql)?|mongo(?:db)?|redis|valkey|cassandra|mssql|oracle|cockroach|rabbitmq|kafka)",
    re.I,
)
_DB_PORTS = {
    3306: "mysql",
    5432: "postgres",
    27017: "mongo",
    6379: "redis",
    9042: "cassandra",
    1433: "mssql",
    1521: "oracle",
}
_FAMILY = {
    "mariadb": "mysql",
    "percona": "mysql",
    "postgresql": "postgres",
    "mongodb": "mongo",
    "valkey": "redis",
}
_SPEAKS = (
    ("mysql", re.compile(r"mysql|mariadb|--read-only option|Too many connections", re.I)),
    (
        "postgres",
        re.compile(r"postgres|psql|PSQLException|pq:|read-only transaction|too many clients", re.I),
    ),
    ("mongo", re.compile(r"mongo", re.I)),
    ("redis", re.compile(r"redis|READONLY You|NOAUTH|jedis|lettuce", re.I)),
)


def find(view: ClusterView) -> Iterator[Finding[Facts]]:
    """Findings about what workloads depend on."""
    databases = {w.ref.key: kind for w in view.workloads if (kind := database_kind(w))}
    yield from _database_wide(view, databases)
    for workload in view.workloads:
        if not workload.available:
            yield from _link(view, workload, databases)


def database_kind(workload: Workload) -> str:
    """``mysql``, ``postgres``, …, or empty: told by the image's name or the container's port."""
    for container in workload.containers():
        image = str(container.spec.get("image") or "").split("@")[0]
        match = _DB_IMAGE.search(image.rpartition("/")[2])
        if match:
            found = match[1].lower()
            return _FAMILY.get(found, found)
        for port in container.ports:
            if number(port.get("containerPort")) in _DB_PORTS:
                return _DB_PORTS[number(port.get("containerPort"))]
    return ""


def _speaks(line: str) -> str:
    return next((kind for kind, pattern in _SPEAKS if pattern.search(line)), "")


#: Errors that are a database's own state, with the signal of its words.
_STATES = (
    ("database_connections_exhausted", "db_too_many_connections"),
    ("database_read_only", "db_read_only"),
    ("database_disk_full", "disk_full"),
)


def _database_wide(view: ClusterView, databases: dict[str, str]) -> Iterator[Finding[Facts]]:
    """Errors that are the database's own state, whoever reports them."""
    for class_id, signal in _STATES:
        told = [
            (workload, hit)
            for workload in view.workloads
            for hit in [h for h in view.hits(workload) if h.signal == signal][-1:]
        ]
        probed = _from_probes(view, signal)
        if told or probed:
            yield from _state(view, class_id, told, probed, databases)


def _state(
    view: ClusterView,
    class_id: str,
    told: list[tuple[Workload, SignalHit]],
    probed: Workload | None,
    databases: dict[str, str],
) -> Iterator[Finding[Facts]]:
    """One state. ``told``: who complains in which words; ``probed``: whose own probe says so."""
    speaks = _speaks(told[0][1].line) if told else ""
    culprit = probed or _culprit(view, [w for w, _ in told], databases, speaks)
    full = class_id == "database_disk_full"
    if full and told and (culprit is None or not database_kind(culprit)):
        return
    facts = [Fact(source="log", statement=quote(h.line), object=w.ref) for w, h in told[:3]]
    if probed:
        text = say("dependencies.own_probe", database=probed.ref.key)
        facts.append(Fact(source="event", statement=text, object=probed.ref))
    score = 0.85 + (0.08 if probed else 0.0) + 0.02 * min(3, len(told))
    found: Facts = Facts(workload=culprit)
    if full and culprit is not None:
        found = FullDisk(workload=culprit)
    if class_id == "database_connections_exhausted":
        found = Crowded(workload=culprit, sort=speaks or databases.get(_key(culprit), ""))
    yield Finding(
        failure_class=class_id,
        object=culprit.ref if culprit is not None else told[0][0].ref,
        score=min(0.96, score) if culprit is not None else 0.6,
        detail=quote(told[0][1].line) if told else facts[-1].statement,
        evidence=facts,
        facts=found,
    )


def _key(workload: Workload | None) -> str:
    return workload.ref.key if workload is not None else ""


def _from_probes(view: ClusterView, signal: str) -> Workload | None:
    for event in view.events:
        if event.kind == "Pod" and event.reason == "Unhealthy":
            hits = read([LogExcerpt(lines=(event.message,))])
            owner = view.owner(event)
            if owner and any(h.signal == signal for h in hits):
                return owner
    return None


def _culprit(
    view: ClusterView, callers: list[Workload], databases: dict[str, str], kind: str
) -> Workload | None:
    """The database that the callers share: by their addresses, by names in their logs, by their names."""
    candidates = [
        w for w in view.workloads if w.ref.key in databases and kind in ("", databases[w.ref.key])
    ]
    if not candidates:
        return None
    itself = next((c for c in callers if any(c is one for one in candidates)), None)
    if itself is not None:
        return itself
    youngest = max(candidates, key=_started)

    def votes(candidate: Workload) -> int:
        called = sum(_closeness(view, caller, candidate) for caller in callers)
        lately = 2 * bool(view.events_of_workload(candidate))  # events live for an hour
        return called + lately + (candidate is youngest) - _anothers(view, candidate)

    return max(candidates, key=votes)


def _closeness(view: ClusterView, caller: Workload, candidate: Workload) -> int:
    """How much tells that the caller uses the candidate: its address, a name in its logs, a name that begins alike."""
    called = candidate.ref.key in calls(view).get(caller.ref.key, set())
    services = [name_of(s) for s in view.services_of.get(candidate.ref.key, [])]
    text = "\n".join(line for log in view.logs_of(caller) for line in log.lines[-200:])
    named = any(s in text for s in [*services, candidate.name])
    return 4 * called + 2 * named + (_shared_prefix(candidate.name, caller.name) >= 2)


def _anothers(view: ClusterView, candidate: Workload) -> bool:
    """A database named after another workload serves that one."""
    stem = re.split(r"[-_.]", candidate.name)[0]
    owner = re.sub(r"db$|-?(?:mysql|sql|postgres|redis)$", "", stem)
    return any(w.name == owner for w in view.workloads)


def _started(workload: Workload) -> str:
    """When its youngest pod started, as the API server writes it; empty when unknown."""
    times = [str(at(p.obj, "status", "startTime") or "") for p in workload.pods]
    return max(times, default="")


def _shared_prefix(one: str, two: str) -> int:
    count = 0
    for a, b in zip(one, two, strict=False):
        if a != b:
            break
        count += 1
    return count


def _link(
    view: ClusterView, workload: Workload, databases: dict[str, str]
) -> Iterator[Finding[Facts]]:
    """It cannot reach its database: is the database down, or does it call the wrong port?"""
    hits = view.hits(workload)
    links = [h for h in hits if h.signal == "db_link_failure"]
    refused = [h for h in hits if h.signal == "connection_refused"]
    resolved = not any(h.signal == "unknown_host" for h in hits)
    if links and foreign_host(view, workload, links[-1].line):
        return  # whoever answers there, or drops what is sent, is outside: no Service tells its port
    outside = _set_outside(view, workload, databases) if links else ""
    if outside:
        yield _unanswered(workload, outside, links[-1].line)
    elif links and resolved:
        yield _unreached(view, workload, databases, links[-1], refused[-1:])
    elif refused and not links:
        yield from _refused(view, workload, refused)


def _set_outside(view: ClusterView, workload: Workload, databases: dict[str, str]) -> str:
    """The one host outside of the cluster that it is set to call, where it calls no database of the cluster; else empty."""
    inside = calls(view).get(workload.ref.key, set()) & databases.keys()
    hosts = foreign_hosts(view, workload)
    return hosts[0] if len(hosts) == 1 and not inside else ""


def _unanswered(workload: Workload, host: str, line: str) -> Finding[Facts]:
    return Finding(
        failure_class="external_dependency_unavailable",
        object=workload.ref,
        score=0.6,
        detail=say("upstreams.outside", host=host, line=quote(line)),
        evidence=[Fact(source="log", statement=quote(line), object=workload.ref)],
        facts=Facts(workload=workload),
    )


def _unreached(
    view: ClusterView,
    workload: Workload,
    databases: dict[str, str],
    link: SignalHit,
    refused: list[SignalHit],
) -> Finding[Facts]:
    culprit = _culprit(view, [workload], databases, _speaks(link.line))
    facts = [
        Fact(source="log", statement=quote(h.line), object=workload.ref) for h in (link, *refused)
    ]
    if culprit is not None and culprit.ready == 0 and culprit.desired:
        return Finding(
            failure_class="dependency_unavailable",
            object=culprit.ref,
            score=0.6,
            detail=say("dependencies.no_ready_pod", workload=culprit.ref.key),
            evidence=facts,
            facts=Facts(workload=workload),
        )
    if culprit is not None:
        text = say("dependencies.ready_pods", workload=culprit.ref.key, n=culprit.ready)
        facts.append(Fact(source="object", statement=text, object=culprit.ref))
    others = any(w.available and w.ref.key not in databases for w in view.workloads)
    return Finding(
        failure_class="database_port_wrong",
        object=workload.ref,
        score=0.85 if refused and culprit is not None and others else 0.55,
        detail=quote(link.line),
        evidence=facts,
        facts=WrongPort(workload=workload, database=culprit),
    )


def _refused(
    view: ClusterView, workload: Workload, refused: list[SignalHit]
) -> Iterator[Finding[Facts]]:
    for target in calls(view).get(workload.ref.key, set()):
        kind, namespace, name = target.split("/")
        callee = view.workload(kind, namespace, name)
        if callee is not None and callee.ready == 0:
            yield Finding(
                failure_class="dependency_unavailable",
                object=callee.ref,
                score=0.4,
                detail=say("dependencies.needs", workload=workload.ref.key, target=target),
                evidence=[
                    Fact(source="log", statement=quote(refused[-1].line), object=workload.ref)
                ],
                facts=Facts(workload=callee),
            )
