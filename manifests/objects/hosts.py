"""Hosts that a pod template names besides its variables: in commands, arguments and mounted configuration. Pure.

A start that waits for another program says so in its command (``until nc -z db 5432``), a proxy in its configuration.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from manifests.objects.shapes import Obj, at, items, mapping
from manifests.objects.workloads import Workload

#: ``scheme://user:word@host:port``, all but host and port optional. Hosts begin with a letter: no numeric addresses.
ADDRESS = re.compile(
    r"(?:^|[\s,;\"'@/=({])(?:(?P<scheme>[a-z][a-z0-9+.:-]*)://(?:[^@/\s]*@)?)?"
    r"(?P<host>[a-z][a-z0-9-]*(?:\.[a-z0-9-]+)*):(?P<port>\d{2,5})(?=$|[\s,;\"'/)}?])"
)
#: The same with a scheme and without a port.
URL = re.compile(
    r"[a-z][a-z0-9+.:-]*://(?:[^@/\s]*@)?(?P<host>[a-z][a-z0-9-]*(?:\.[a-z0-9-]+)*)(?=$|[\s,;\"'/?])"
)
#: What programs that look for a host are told: ``nc -z db 5432``, ``pg_isready -h db``, ``nslookup db``, ``host: db``.
_ASKED = re.compile(
    r"(?:\b(?:nc|ncat|netcat|telnet|nslookup|dig|getent hosts|ping)(?:\s+-\S+(?:\s+\d+)?)*\s+|"
    r"(?:^|\s)(?:-h|--host|--hostname|--server)[\s=]+|"
    r"(?:^|\n)[\s-]*[\w.-]*(?:host|hostname|server|endpoint|addr|address)[\"']?\s*[:=]\s*[\"']?)"
    r"(?P<host>[a-z][a-z0-9-]*(?:\.[a-z0-9-]+)*)(?:\s+(?P<port>\d{2,5}))?(?=$|[\s,;\"'/)}])",
    re.I,
)
_SELF = "localhost"
#: Characters of one text, and texts of one workload, that are read.
_LONGEST, _MOST = 20_000, 40
#: A namespace's ConfigMap by its name; ``None`` where it was not collected.
Configured = Callable[[str], Obj | None]


@dataclass(frozen=True, slots=True)
class Host:
    """A host that a text names, with the port where one is said."""

    name: str
    port: int | None


def hosts_in(text: str) -> Iterator[Host]:
    """Hosts of a text, the first mention of each."""
    seen = {_SELF}
    for pattern in (ADDRESS, URL, _ASKED):
        for match in pattern.finditer(text[:_LONGEST]):
            said = match.groupdict()
            if said["host"] not in seen:
                seen.add(said["host"])
                yield Host(said["host"], int(said["port"]) if said.get("port") else None)


def mentioned(workload: Workload, config: Configured) -> list[Host]:
    """Hosts that its commands, arguments and mounted configuration name; a bare word may be no host at all."""
    texts = [*_commands(workload), *_mounted(workload, config)]
    return list(dict.fromkeys(host for text in texts[:_MOST] for host in hosts_in(text)))


def _commands(workload: Workload) -> Iterator[str]:
    for container in workload.containers(init=True):
        words = [*items(container.spec.get("command")), *items(container.spec.get("args"))]
        if words:
            yield " ".join(map(str, words))


def _mounted(workload: Workload, config: Configured) -> Iterator[str]:
    for volume in map(mapping, items(workload.spec.get("volumes"))):
        sources = [volume, *map(mapping, items(at(volume, "projected", "sources")))]
        for source in sources:
            name = str(at(source, "configMap", "name") or "")
            found = config(name) if name else None
            yield from (v for v in mapping(found, "data").values() if isinstance(v, str))
