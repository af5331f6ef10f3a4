"""Hosts that a command waits for or asks, and that do not resolve: the log names them, the command has them, no Service is called so.

A start that waits for another program says so in its command (``until nc -z db 5432``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from decide.core.families.services.facts import WrongAddress
from decide.core.findings import Fact, Finding, quote
from decide.core.graph import Address, service_name
from decide.core.names import alike
from decide.core.signals import SignalHit
from decide.core.view import ClusterView
from kfix.texts import say
from manifests.objects.hosts import hosts_in
from manifests.objects.meta import name_of
from manifests.objects.pods import Container
from manifests.objects.shapes import items, mappings, number
from manifests.objects.workloads import Workload

#: Fields of a container that make its command line.
COMMANDS = ("command", "args")
#: How much alike a Service's name must be to the host to be meant; the port that is asked counts as much.
_ALIKE, _PORT = 0.8, 0.15


def find(view: ClusterView) -> Iterator[Finding[WrongAddress]]:
    """Findings about hosts in commands, at the workload that has them, once for each host."""
    if not view.collected("services"):
        return
    for workload in view.workloads:
        hits = {
            h.subject: h for h in view.hits(workload) if h.signal == "unknown_host" and h.subject
        }
        for host, hit in hits.items():
            place = service_name(host, workload.namespace)
            if place is None or place[0] != workload.namespace or view.get("services", *place):
                continue
            found = (one for name in (host, place[1]) for one in _addresses(workload, name))
            address = next(found, None)
            if address is not None:
                yield _finding(view, workload, address, hit)


def _addresses(workload: Workload, host: str) -> Iterator[Address]:
    """Words of the command lines that name the host."""
    for container in workload.containers(init=True):
        group = "initContainers" if container.init else "containers"
        for field, n, word in _words(container):
            port = next((h.port for h in hosts_in(word) if h.name == host), None)
            if re.search(rf"(?<![\w.-]){re.escape(host)}(?![\w.-])", word):
                path = f"{group}[name={container.name}].{field}[{n}]"
                yield Address(host, port, path, field, word, container.name)


def _words(container: Container) -> Iterator[tuple[str, int, str]]:
    for field in COMMANDS:
        for n, word in enumerate(items(container.spec.get(field))):
            if isinstance(word, str):
                yield field, n, word


def _finding(
    view: ClusterView, workload: Workload, address: Address, hit: SignalHit
) -> Finding[WrongAddress]:
    near = _near(view, workload, address)
    text = say(
        "services.address.in_command",
        container=address.container,
        host=address.host,
        workload=workload.ref.key,
    )
    waits = not workload.available
    return Finding(
        failure_class="env_address_mismatch",
        object=workload.ref,
        score=0.55 + 0.2 * waits + 0.2 * bool(near and waits),
        detail=text,
        evidence=[
            Fact(source="object", statement=text, object=workload.ref),
            Fact(source="log", statement=quote(hit.line), object=workload.ref),
        ],
        facts=WrongAddress(workload=workload, address=address, near=near),
    )


def _near(view: ClusterView, workload: Workload, address: Address) -> str:
    """The only Service that is called nearly so, the port that is asked counting for it; empty where none or several are."""
    host = address.host.split(".")[0]
    own = {name_of(s) for s in view.services_of.get(workload.ref.key, [])}
    ranked: list[tuple[float, str]] = []
    for service in view.inside("services", workload.namespace):
        ports = {number(p.get("port")) for p in mappings(service, "spec", "ports")}
        bonus = _PORT if address.port in ports else 0.0
        ranked.append((alike(name_of(service), host) + bonus, name_of(service)))
    close = sorted((one for one in ranked if one[0] >= _ALIKE and one[1] not in own), reverse=True)
    clear = len(close) == 1 or (len(close) > 1 and close[0][0] - close[1][0] > _PORT / 2)
    return close[0][1] if close and clear else ""
