"""What a failing probe could ask instead: ports, paths and programs that somebody is known to answer at."""

from __future__ import annotations

from collections.abc import Iterator

from decide.core.drafting.drafts import RESTART, Phrase, PlanDraft, container_path, patch_workload
from decide.core.families.probes.asking import PROBES, handler, resolved
from decide.core.families.probes.facts import FailingProbe, Probe
from decide.core.families.probes.known import served
from decide.core.families.probes.rules import failures
from decide.core.families.probes.serving import said_ports
from decide.core.families.probes.twins import twins_probes
from decide.core.families.startup.programs import KNOWN
from decide.core.names import alike, meant
from decide.core.view import ClusterView
from kfix.texts import say
from manifests.objects.pods import Container
from manifests.objects.shapes import Obj, at, items, mapping, number


def place(facts: FailingProbe, probe_: str = "") -> str:
    """The path of the container's probe, of another kind where one is named."""
    return container_path(facts.workload, facts.container, f"{probe_ or facts.probe}Probe")


def port_field(facts: FailingProbe) -> str:
    """The probe's field that has a port; empty for one that asks none."""
    return _FIELDS.get(handler(facts.spec)[0], "")


#: The field of each kind that has a port.
_FIELDS = {"http": "httpGet", "tcp": "tcpSocket", "grpc": "grpc"}


def others(facts: FailingProbe, container: Container) -> list[tuple[Probe, Obj]]:
    """The container's other probes that ask a port, by their kind."""
    specs = [(o, mapping(container.spec.get(f"{o}Probe"))) for o in PROBES if o != facts.probe]
    return [(o, spec) for o, spec in specs if handler(spec)[0] in ("http", "tcp", "grpc")]


def ports(facts: FailingProbe, view: ClusterView, container: Container) -> list[PlanDraft]:
    """The port that others give for the container: at most three, the surest first."""
    field, port = port_field(facts), handler(facts.spec)[1]
    if not field:
        return []
    asked = resolved(container, port)
    good: dict[int, str] = {}
    for candidate, why in _port_sources(facts, view, container):
        if candidate and candidate != asked:
            good.setdefault(candidate, why)
    return [
        PlanDraft(
            fix_kind="set_probe",
            title=say(
                "probes.port.title",
                probe=facts.probe,
                container=facts.container,
                port=str(candidate),
            ),
            why=why,
            changes=patch_workload(
                view,
                facts.workload,
                [(one, candidate) for one in _same_port(facts, view, container)],
            ),
            weight=0.93 - 0.2 * rank,
            risks=[RESTART],
        )
        for rank, (candidate, why) in enumerate(list(good.items())[:3])
    ]


def _same_port(facts: FailingProbe, view: ClusterView, container: Container) -> list[str]:
    """The port of the probe, and of each other one that fails for asking the same."""
    asked = resolved(container, handler(facts.spec)[1])
    found = [f"{place(facts)}.{port_field(facts)}.port"]
    for name, spec in others(facts, container):
        same = asked is not None and resolved(container, handler(spec)[1]) == asked
        if same and failures(view, facts.workload, name, container.name):
            field = _FIELDS[handler(spec)[0]]
            found.append(f"{place(facts, name)}.{field}.port")
    return found


def _port_sources(
    facts: FailingProbe, view: ClusterView, container: Container
) -> Iterator[tuple[int | None, str]]:
    """Ports with the reason of each: the container's own first one, ready twins', the program's, a second one of its own."""
    own = [
        *(resolved(container, handler(other)[1]) for _, other in others(facts, container)),
        *_declared(container, handler(facts.spec)[1]),
    ]
    asked = resolved(container, handler(facts.spec)[1])
    said = said_ports(view, facts.workload, container)
    own += [port for port in _sent_to(facts, view) if port in said]
    own.sort(key=lambda port: port not in said)  # a log tells which of the cluster's own is meant
    first, second = ([*dict.fromkeys(p for p in own if p and p != asked), None, None])[:2]
    yield first, say("probes.port.why", why=facts.why, port=str(first))
    for twin in twins_probes(view, facts.workload, container, facts.probe):
        if handler(twin.spec)[0] == handler(facts.spec)[0]:
            yield twin.port, say("probes.port.twin", why=facts.why, workload=twin.name)
    known = served(facts.workload, container)
    if known is not None:
        told = {"port": str(known.port), "source": known.source}
        yield known.port, say("probes.port.known", why=facts.why, **told)
    yield second, say("probes.port.why", why=facts.why, port=str(second))


def _sent_to(facts: FailingProbe, view: ClusterView) -> Iterator[int]:
    """The numbers that Services send to at the workload's pods."""
    for service in view.services_of.get(facts.workload.ref.key, []):
        for port in items(at(service, "spec", "ports")):
            target = mapping(port).get("targetPort", mapping(port).get("port"))
            if str(target).isdigit():
                yield number(target)


#: Names of ports that a probe is more likely meant for than for others.
_PROBED = ("health", "healthz", "probe", "management", "http", "https", "web", "main", "grpc")


def _declared(container: Container, asked: object) -> list[int]:
    """The container's ports: one whose name is like the one that was asked for, then those that probes are named for."""

    def order(port: Obj) -> tuple[float, int]:
        name = str(port.get("name") or "")
        like = alike(name, asked) if isinstance(asked, str) and name else 0.0
        place = _PROBED.index(name) if name in _PROBED else len(_PROBED)
        return -like if like >= _LIKE else 0.0, place

    return [number(p.get("containerPort")) for p in sorted(container.ports, key=order)]


#: How much alike a port's name must be to the one that was meant.
_LIKE = 0.6


def paths(facts: FailingProbe, view: ClusterView, container: Container) -> list[PlanDraft]:
    """A page that answers: at most three, the surest first. None where nobody knows one: a weaker probe is no repair."""
    now = str(at(facts.spec, "httpGet", "path") or "/")
    good: dict[str, tuple[str, float, list[Phrase]]] = {}
    for path, why, weight, risks in _path_sources(facts, view, container):
        if path and path != now:
            good.setdefault(path, (why, weight, risks))
    return [
        PlanDraft(
            fix_kind="set_probe",
            title=say("probes.path_title", probe=facts.probe, container=facts.container, path=path),
            why=why,
            changes=patch_workload(view, facts.workload, [(f"{place(facts)}.httpGet.path", path)]),
            weight=weight,
            risks=[*risks, RESTART],
        )
        for path, (why, weight, risks) in list(good.items())[:3]
    ]


def _path_sources(
    facts: FailingProbe, view: ClusterView, container: Container
) -> Iterator[tuple[str, str, float, list[Phrase]]]:
    """Paths with reason, weight and risks: ready twins, what the program is known to serve, the other probe that is well."""
    port = resolved(container, handler(facts.spec)[1])
    for twin in twins_probes(view, facts.workload, container, facts.probe):
        if handler(twin.spec)[0] == "http" and twin.port == port:
            why = say("probes.path_twin", why=facts.why, workload=twin.name)
            yield _asked_path(twin.spec), why, 0.9, []
    known = served(facts.workload, container)
    if known is not None and port == known.port:
        path = known.paths.get(facts.probe, "")
        yield path, say("probes.path_known", why=facts.why, path=path, source=known.source), 0.9, []
    for other in PROBES:
        spec = mapping(container.spec.get(f"{other}Probe"))
        if other == facts.probe or handler(spec)[0] != "http":
            continue
        if resolved(container, handler(spec)[1]) == port and not failures(
            view, facts.workload, other, container.name
        ):
            why = say("probes.path_other", why=facts.why, other=other)
            risk = say("probes.path_other_risk", probe=facts.probe, other=other)
            yield _asked_path(spec), why, 0.8, [risk]


def _asked_path(spec: Obj) -> str:
    return str(at(spec, "httpGet", "path") or "/")


def programs(facts: FailingProbe, view: ClusterView, container: Container) -> list[PlanDraft]:
    """The program of an ``exec`` probe: the known one that the word is a slip of, else what ready twins run."""
    words = [str(word) for word in items(at(facts.spec, "exec", "command"))]
    folder, slash, name = facts.program.rpartition("/")
    right = meant(name, KNOWN)
    commands = [
        [f"{folder}{slash}{right}" if word == facts.program else word for word in words]
        for _ in [right]
        if right and facts.program in words
    ]
    commands += [
        [str(word) for word in items(at(twin.spec, "exec", "command"))]
        for twin in twins_probes(view, facts.workload, container, facts.probe)
        if handler(twin.spec)[0] == "exec"
    ]
    return [
        PlanDraft(
            fix_kind="set_probe",
            title=say("probes.command.title", container=facts.container, program=command[0]),
            why=say("probes.command.why", why=facts.why, program=command[0]),
            changes=patch_workload(
                view, facts.workload, [(f"{place(facts)}.exec.command", command)]
            ),
            weight=0.9 - 0.05 * rank,
            risks=[RESTART],
        )
        for rank, command in enumerate(commands[:2])
        if command and command != words
    ]
