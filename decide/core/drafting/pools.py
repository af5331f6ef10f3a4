"""Numbers of connections that configuration sets: how many a pool may hold, how many a server lets in. Pure.

Names: HikariCP, DBCP, SQLAlchemy, Prisma, pgx, Knex, Sequelize, Npgsql; PostgreSQL, MySQL, Redis, PgBouncer.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from decide.core.drafting.containers import env_path
from decide.core.drafting.drafts import container_path, exchange, patch, patch_workload
from decide.core.view import ClusterView
from manifests.objects.pods import Container
from manifests.objects.shapes import Obj, at, items, mapping
from manifests.objects.workloads import Workload
from schemas.base import ObjectRef
from schemas.plans import KubernetesChange

_POOL = re.compile(
    r"pool[-_.]?(?:max[-_.]?)?size|max(?:imum)?[-_.]?pool|pool[-_.]?(?:max|limit)|"
    r"max[-_.]?(?:open[-_.]?)?conn(?:ection)?s|connection[-_.]?limit",
    re.I,
)
#: Pools of other things, and how few a pool holds at least.
_OTHER = re.compile(
    r"redis|cache|http|kafka|amqp|rabbit|grpc|thread|worker|client|min(?:imum)?(?![a-z])|idle", re.I
)
_SERVER = re.compile(r"max[-_.]?connections|maxclients|max[-_.]?client[-_.]?conn", re.I)
#: ``name=20``, ``name: 20`` and ``name 20`` in a text.
_SAID = re.compile(
    r"(?P<name>[A-Za-z][\w.-]*)[\"']?\s*(?:[:=]|\s)\s*[\"']?(?P<value>\d{1,5})(?!\d)"
)
#: Characters of a configuration that are read.
_LONGEST = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Amount:
    """A number that configuration sets, and where it stands: in the workload's template, or in a ConfigMap."""

    name: str
    value: int
    workload: Workload
    #: Path of the text in the pod spec, or in the ConfigMap.
    path: str
    text: str
    #: Where in the text the digits begin.
    at: int
    config: Obj | None = None

    def written(self, value: int) -> str:
        """The text with another number."""
        return f"{self.text[: self.at]}{value}{self.text[self.at + len(str(self.value)) :]}"

    def changed(self, view: ClusterView, value: int) -> list[KubernetesChange]:
        """The change that sets another number."""
        if self.config is None:
            return patch_workload(view, self.workload, [(self.path, self.written(value))])
        about = mapping(self.config, "metadata")
        ref = ObjectRef(
            api_version="v1",
            kind="ConfigMap",
            namespace=self.workload.namespace,
            name=str(about.get("name")),
        )
        key = self.path
        wanted = exchange("data", {key: self.text}, {key: self.written(value)})
        return patch(view, ref, self.config, wanted)


def pool_of(view: ClusterView, workload: Workload) -> Amount | None:
    """The size of its pool of database connections; ``None`` where none is set, or several are."""
    found = [
        amount
        for amount in _amounts(view, workload)
        if _POOL.search(amount.name) and not _OTHER.search(amount.name) and 0 < amount.value < 1000
    ]
    return found[0] if len(found) == 1 else None


def most_of(view: ClusterView, server: Workload) -> Amount | None:
    """How many connections a server is told to let in; ``None`` where nobody tells it, or twice."""
    found = [amount for amount in _amounts(view, server) if _SERVER.search(amount.name)]
    return found[0] if len(found) == 1 else None


def _amounts(view: ClusterView, workload: Workload) -> Iterator[Amount]:
    for container in workload.containers():
        yield from _of_variables(workload, container)
        yield from _of_words(workload, container)
        for source in items(container.spec.get("envFrom")):
            yield from _of_config(view, workload, str(at(source, "configMapRef", "name") or ""))
        for entry in container.env:
            named = mapping(at(entry, "valueFrom", "configMapKeyRef"))
            if named:
                name, key = str(named.get("name") or ""), str(named.get("key") or "")
                yield from _of_config(
                    view, workload, name, only=key, known_as=str(entry.get("name"))
                )
    for volume in items(workload.spec.get("volumes")):
        yield from _of_config(view, workload, str(at(volume, "configMap", "name") or ""))


def _of_variables(workload: Workload, container: Container) -> Iterator[Amount]:
    for entry in container.env:
        name, value = str(entry.get("name") or ""), entry.get("value")
        if not isinstance(value, str):
            continue
        path = env_path(container, name)
        if value.isdecimal() and len(value) < 6:
            yield Amount(
                name=name, value=int(value), workload=workload, path=path, text=value, at=0
            )
        elif "?" in value or "=" in value:
            yield from _in_text(workload, path, value)


def _of_words(workload: Workload, container: Container) -> Iterator[Amount]:
    """Arguments with their numbers, in the same word or in the next."""
    for key in ("command", "args"):
        words = [str(word) for word in items(container.spec.get(key))]
        for n, word in enumerate(words):
            path = f"{container_path(workload, container.name, key)}[{n}]"
            before = words[n - 1] if n else ""
            if word.isdecimal() and before.startswith("-") and "=" not in before:
                name = before.lstrip("-")
                yield Amount(
                    name=name, value=int(word), workload=workload, path=path, text=word, at=0
                )
            else:
                yield from _in_text(workload, path, word)


def _of_config(
    view: ClusterView, workload: Workload, name: str, *, only: str = "", known_as: str = ""
) -> Iterator[Amount]:
    config = view.get("configmaps", workload.namespace, name) if name else None
    for key, value in mapping(config, "data").items():
        if not isinstance(value, str) or (only and key != only):
            continue
        if value.isdecimal() and len(value) < 6:
            yield Amount(
                name=known_as or str(key),
                value=int(value),
                workload=workload,
                path=str(key),
                text=value,
                at=0,
                config=config,
            )
        else:
            yield from _in_text(workload, str(key), value, config)


def _in_text(
    workload: Workload, path: str, text: str, config: Obj | None = None
) -> Iterator[Amount]:
    for said in _SAID.finditer(text[:_LONGEST]):
        yield Amount(
            name=said["name"].lstrip("-"),
            value=int(said["value"]),
            workload=workload,
            path=path,
            text=text,
            at=said.start("value"),
            config=config,
        )
