"""Which part of a probe is wrong, by the probe and the kubelet's words.

Messages: kubelet pkg/kubelet/prober, pkg/probe/{http,tcp,grpc,exec}.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from decide.core.families.probes.asking import AskedProbe, patience_s
from decide.core.findings import quote
from kfix.texts import say
from manifests.objects.shapes import at, number

_PROTOCOL = re.compile(
    r"malformed HTTP (response|status|version)|transport connection broken|"
    r"server gave HTTP response to HTTPS client|"
    r"does not look like a TLS handshake|HTTP/0\.9|error reading server preface|frame too large|"
    r"client sent an HTTP request to an HTTPS server|unsupported protocol|service unimplemented|"
    r"Unimplemented|does not implement the grpc health protocol|"
    r"http2: |PRI \* HTTP|connection reset by peer|: EOF$",
    re.I,
)
_STATUS = re.compile(r"statuscode: (\d{3})")
#: Statuses of a server that has no such page there, or none for a probe.
_OTHER_PATH = ("404", "405", "301", "302", "401", "403")
_DEAD = re.compile(r"connection refused|failed to connect service|no route to host", re.I)
#: The node answered that nobody listens there: of the protocol and of the path that says nothing.
_REFUSED = re.compile(r"connection refused", re.I)
_SLOW = re.compile(
    r"context deadline exceeded|Client\.Timeout|did not complete within|timed out|i/o timeout", re.I
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeVerdict:
    """What is wrong, the belief, and the reason.

    ``what``: the part of the probe (``port``, ``protocol``, ``path``, ``timing``), or ``unwell``: the program, not the probe.
    """

    what: str
    score: float
    why: str
    scheme: Literal["", "HTTP", "HTTPS"] = ""
    program: str = ""


#: What shows that TLS is spoken where none was asked, and the other way round. A TLS record of the kind "alert" begins with
#: 0x15, 0x03 (RFC 8446, 5.1), and Go's client quotes it.
_TLS = re.compile(
    r"HTTP request to an HTTPS server|malformed HTTP response \"\\x15\\x03|"
    r"plain HTTP request was sent to HTTPS port|combination of host and port requires TLS",
    re.I,
)
_NO_TLS = re.compile(r"server gave HTTP response to HTTPS client", re.I)
#: An ``exec`` probe whose program the container does not have.
_PROGRAM = re.compile(r'exec: "(?P<program>[^"]+)": (?:executable file not found|stat )')


def _another_scheme(asked: AskedProbe, text: str) -> ProbeVerdict | None:
    https = str(at(asked.spec, "httpGet", "scheme") or "HTTP").upper() == "HTTPS"
    pattern: re.Pattern[str] = _NO_TLS if https else _TLS
    if asked.kind != "http" or not pattern.search(text):
        return None
    scheme: Literal["HTTP", "HTTPS"] = "HTTP" if https else "HTTPS"
    why = say("probes.protocol.scheme", scheme=scheme)
    return ProbeVerdict(what="protocol", score=0.93, why=why, scheme=scheme)


def _no_program(asked: AskedProbe, text: str) -> ProbeVerdict | None:
    said = _PROGRAM.search(text)
    if asked.kind != "exec" or said is None:
        return None
    why = say("probes.command.missing", program=quote(said["program"]))
    return ProbeVerdict(what="command", score=0.93, why=why, program=said["program"])


def _known_elsewhere(asked: AskedProbe, text: str) -> ProbeVerdict | None:
    """Nothing listens where it asks, and the program listens elsewhere: by ready twins, or by what it is known to serve or was told."""
    if not _DEAD.search(text) or asked.number is None:
        return None
    ports = {port for kind, port in asked.twins if kind == asked.kind} - {None}
    if ports and asked.number not in ports:
        return ProbeVerdict(what="port", score=0.88, why=say("probes.port.of_twins"))
    if asked.known is not None and asked.number != asked.known.port:
        why = say("probes.port.of_program", port=str(asked.known.port), source=asked.known.source)
        return ProbeVerdict(what="port", score=0.86, why=why)
    if asked.listened and asked.number not in asked.listened:
        told = [str(port) for port in sorted(asked.listened)]
        return ProbeVerdict(what="port", score=0.8, why=say("probes.port.never_told", ports=told))
    return None


def _no_such_port(asked: AskedProbe, text: str) -> ProbeVerdict | None:
    if asked.number is not None or asked.kind not in ("http", "tcp", "grpc"):
        return None
    return ProbeVerdict(
        what="port", score=0.93, why=say("probes.port.no_name", port=str(asked.port))
    )


def _another_protocol(asked: AskedProbe, text: str) -> ProbeVerdict | None:
    if not _PROTOCOL.search(text) or _DEAD.search(text):
        return None
    return ProbeVerdict(what="protocol", score=0.93, why=say("probes.protocol.other"))


def _nothing_listens(asked: AskedProbe, text: str) -> ProbeVerdict | None:
    if not asked.declared or asked.number is None or asked.number in asked.declared:
        return None
    if not _DEAD.search(text) and not _SLOW.search(text):
        return None
    ports = [str(port) for port in asked.declared]
    why = say("probes.port.nothing_listens", port=str(asked.number), ports=ports)
    return ProbeVerdict(what="port", score=0.93, why=why)


def _said_elsewhere(asked: AskedProbe, text: str) -> ProbeVerdict | None:
    """Nobody listens where it asks, and the program says where it serves."""
    if not _REFUSED.search(text) or asked.number is None or not asked.said:
        return None
    if asked.number in asked.said:
        return None
    why = say(
        "probes.port.said", ports=[str(p) for p in sorted(asked.said)], port=str(asked.number)
    )
    return ProbeVerdict(what="port", score=0.91, why=why)


def _up_already(asked: AskedProbe, text: str) -> ProbeVerdict | None:
    """It was up long before the probe gave up, and nobody listens where that asks: more time changes nothing."""
    if not _REFUSED.search(text) or asked.started_s is None or asked.number in asked.said:
        return None
    wait, period = patience_s(asked.spec), number(asked.spec.get("periodSeconds"), 10)
    if asked.number is None or asked.started_s + 2 * period > wait:
        return None
    port, started = str(asked.number), round(asked.started_s)
    why = say("probes.port.up_already", port=port, started=started, wait=wait)
    return ProbeVerdict(what="port", score=0.62, why=why)


def _another_port(asked: AskedProbe, text: str) -> ProbeVerdict | None:
    """Of a container that declares none, the other probes tell; of one that does, those that succeed."""
    if not _DEAD.search(text) or asked.number in asked.said:
        return None
    for other, kind, port in asked.others():
        if asked.declared and (not _REFUSED.search(text) or other not in asked.well):
            continue
        if kind in (asked.kind, *_ALSO_OPEN.get(asked.kind, ())) and port not in (
            asked.number,
            None,
        ):
            return ProbeVerdict(
                what="port", score=0.85, why=say("probes.port.of_other", other=other)
            )
    return None


#: Who is answered by these at a port is answered there by this one too.
_ALSO_OPEN = {"tcp": ("http", "grpc")}


def _spoken_otherwise(asked: AskedProbe, text: str) -> ProbeVerdict | None:
    if asked.kind not in ("http", "grpc", "tcp") or _REFUSED.search(text):
        return None
    for other, kind, port in asked.others():
        if kind not in (asked.kind, "exec", "") and port == asked.number:
            return ProbeVerdict(
                what="protocol", score=0.85, why=say("probes.protocol.of_other", other=other)
            )
    return None


def _path(asked: AskedProbe, text: str) -> ProbeVerdict | None:
    status = _STATUS.search(text)
    if status is None or status[1] not in _OTHER_PATH:
        return None
    path = str(at(asked.spec, "httpGet", "path") or "/")
    return ProbeVerdict(
        what="path", score=0.88, why=say("probes.path", status=status[1], path=path)
    )


def _answered(asked: AskedProbe, text: str) -> ProbeVerdict | None:
    """A status is an answer in HTTP: port, scheme and protocol are right, and the program says that it is not well."""
    status = _STATUS.search(text)
    if status is None or asked.kind != "http":
        return None
    path = str(at(asked.spec, "httpGet", "path") or "/")
    why = say("probes.unwell", status=status[1], path=path, container=asked.container.name)
    return ProbeVerdict(what="unwell", score=0.7, why=why)


def _impatient(asked: AskedProbe, text: str) -> ProbeVerdict | None:
    """A probe whose failing restarts the container, and that gives it little time."""
    if asked.name == "readiness" or not (_DEAD.search(text) or _SLOW.search(text)):
        return None
    if asked.name == "liveness" and any(other == "startup" for other, _, _ in asked.others()):
        return ProbeVerdict(what="timing", score=0.4, why=say("probes.timing.guarded"))
    wait = patience_s(asked.spec)
    tight = (
        number(asked.spec.get("failureThreshold"), 3) <= 1
        or number(asked.spec.get("periodSeconds"), 10) <= 2
    )
    score = 0.9 if wait <= 15 or tight else 0.6 if wait <= 45 else 0.35
    return ProbeVerdict(what="timing", score=score, why=say("probes.timing.gives_up", seconds=wait))


def _slow_answer(asked: AskedProbe, text: str) -> ProbeVerdict | None:
    short = number(asked.spec.get("timeoutSeconds"), 1) <= 1
    if asked.name != "readiness" or not short or not _SLOW.search(text):
        return None
    return ProbeVerdict(what="timing", score=0.45, why=say("probes.timing.slow"))


#: Which part of a probe is wrong, by the probe and the kubelet's words; the first that knows answers.
JUDGES: tuple[Callable[[AskedProbe, str], ProbeVerdict | None], ...] = (
    _no_such_port,
    _no_program,
    _another_scheme,
    _path,
    _answered,
    _another_protocol,
    _nothing_listens,
    _said_elsewhere,
    _another_port,
    _known_elsewhere,
    _up_already,
    _spoken_otherwise,
    _impatient,
    _slow_answer,
)
#: Of a template whose pods were ready for long: it asks nothing wrong, whatever the probe is told now.
PROVEN = (_answered, _slow_answer)
