"""The clusters that this instance is connected to: one by variables, or several by the file of ``KFIX_CLUSTERS_FILE``.

    - name: prod-eu
      aliases: [eks-prod-eu]
      environment: production
      kubernetes: {url: "https://10.0.0.1:6443", token_file: /run/secrets/kfix/prod-eu/token}
      repositories: [shop/deployments]

What the file cannot say is refused with the number and the name of the entry, and nothing starts.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from kfix.incident.cluster_names import OTHER, Fleet, Own, are_confused
from kfix.incident.cluster_tags import LONGEST
from kfix.infra.settings import (
    AppSettings,
    BadSettings,
    ConnectedCluster,
    KubernetesConnection,
    Settings,
    load,
)
from manifests.refused import NotEditable
from manifests.repository.environments import PlaceNames
from manifests.text import equivalence
from manifests.text.read import decode, read
from schemas import errors

_VARIABLE = "KFIX_CLUSTERS_FILE"


class ClustersFile(Settings):
    """Which clusters alerts may be about: several, in place of ``KFIX_KUBERNETES_…`` and ``KFIX_CLUSTER_…``; see [clusters](clusters.md)."""

    model_config = SettingsConfigDict(env_prefix="KFIX_CLUSTERS_")
    #: YAML file: a list of clusters, each with `name`, `aliases`, `environment` and `uid` as in `KFIX_CLUSTER_…`, with
    #: `kubernetes`, whose names are those of `KFIX_KUBERNETES_…` (secrets by file only; left out: the cluster that K-Fix
    #: runs in), and with `repositories`, the projects that deploy to it (empty: all). An alert is about one of them by name.
    file: str = ""
    #: Names in tags like `cluster` that mean no Kubernetes cluster (a search cluster, a broker), as JSON: they do not count.
    ignored: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class KnownCluster:
    """A cluster as the settings tell of it. ``repositories``: projects that deploy to it; empty: all."""

    own: Own
    connection: KubernetesConnection
    repositories: tuple[str, ...] = ()

    def projects(self, configured: Sequence[str]) -> tuple[str, ...]:
        """Those of the forge's ``configured`` projects that deploy to it. Raises errors.Rejected for one that is none."""
        unknown = [project for project in self.repositories if project not in configured]
        if unknown:
            text = f"{_VARIABLE}: cluster {self.own.name}: {unknown[0]} is no project of the forge's settings"
            raise errors.Rejected(text, reason="unknown_repository")
        return self.repositories or tuple(configured)


def clusters() -> tuple[KnownCluster, ...]:
    """All clusters, at least one; alone, it may have no name and no connection. Raises BadSettings."""
    file = load(ClustersFile).file
    told, connection = load(ConnectedCluster), load(KubernetesConnection)
    if file:
        _only_one_way(told, connection)
        return _listed(file)
    aliases = told.aliases
    if told.name and connection.cluster:
        aliases = (*aliases, connection.cluster)
    own = Own(told.name or connection.cluster, aliases, told.environment, told.uid)
    return (KnownCluster(own, connection),)


def place_names(one: KnownCluster, known: Iterable[KnownCluster]) -> PlaceNames:
    """What folders of deployments may call the cluster, the others and the environments. Raises BadSettings."""
    others = [name for other in known if other is not one for name in _names_of(other.own)]
    return PlaceNames(load(AppSettings).environment_words, _names_of(one.own), others)


def _names_of(own: Own) -> tuple[str, ...]:
    return tuple(name for name in (own.name, *own.aliases) if name)


def fleet() -> Fleet:
    """What they are called. Raises BadSettings."""
    known, ignored = Fleet(tuple(one.own for one in clusters())), load(ClustersFile).ignored
    ours = [name for name in ignored if known.has(name)]
    if ours:
        raise BadSettings(
            [f"KFIX_CLUSTERS_IGNORED: {ours[0][:LONGEST]!a} is a name of a cluster of ours"]
        )
    return replace(known, ignored=ignored)


def _only_one_way(*variables: Settings) -> None:
    """Two descriptions of clusters would be two truths."""
    lines = [
        f"{prefix}{name}".upper() + f": {_VARIABLE} is set, too, and takes its place: say it there"
        for settings in variables
        for prefix in [settings.model_config.get("env_prefix", "")]
        for name, field in type(settings).model_fields.items()
        if getattr(settings, name) != field.get_default(call_default_factory=True)
    ]
    if lines:
        raise BadSettings(lines)


class ListedConnection(KubernetesConnection):
    """``KubernetesConnection`` as an entry of the file says it: nothing of it comes from the environment."""

    model_config = SettingsConfigDict(extra="forbid")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The entry alone."""
        return (init_settings,)

    @model_validator(mode="after")
    def _check(self) -> ListedConnection:
        said = self.model_fields_set
        if "token" in said:
            raise ValueError("token: no secret stands in this file; name its file as token_file")
        if "cluster" in said:
            raise ValueError("cluster: the entry's name and aliases say it")
        if self.url and self.kubeconfig:
            raise ValueError("url and kubeconfig: one of them")
        if self.url and not self.url.startswith(("https://", "http://")):
            raise ValueError("url: neither https:// nor http://")
        if "@" in self.url:
            raise ValueError("url: no secret stands in this file")
        lost = said & {"token_file", "ca_file", "client_cert_file", "client_key_file"}
        if lost and not self.url:
            raise ValueError(f"{', '.join(sorted(lost))}: only with url")
        if self.context and not self.kubeconfig:
            raise ValueError("context: only with kubeconfig")
        return self

    @field_validator(
        "token_file",
        "ca_file",
        "client_cert_file",
        "client_key_file",
        "kubeconfig",
        check_fields=False,
    )
    @classmethod
    def _check_file(cls, path: str) -> str:
        if path and not os.access(path, os.R_OK):
            raise ValueError("no file that can be read")
        return path


def _called(name: str) -> str:
    name = name.strip()
    if not name or len(name) > LONGEST or not name.isprintable() or set(name) & set(",*?$"):
        raise ValueError(f"no name of a cluster: 1 to {LONGEST} characters, none of , * ? $")
    if name.casefold() == OTHER:
        raise ValueError(f"{OTHER} is what metrics call all clusters that are not ours")
    return name


_Name = Annotated[str, AfterValidator(_called)]


class ListedCluster(BaseModel):
    """One entry of the file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: _Name
    aliases: tuple[_Name, ...] = ()
    environment: str = ""
    uid: str = ""
    kubernetes: ListedConnection = Field(default_factory=ListedConnection)
    repositories: tuple[str, ...] = ()

    @property
    def known(self) -> KnownCluster:
        """The cluster."""
        own = Own(self.name, self.aliases, self.environment, self.uid, said_in=_VARIABLE)
        return KnownCluster(own, self.kubernetes, self.repositories)


def _listed(file: str) -> tuple[KnownCluster, ...]:
    entries = _entries(file)
    found, lines = [], []
    for number, entry in enumerate(entries, start=1):
        try:
            found.append(ListedCluster.model_validate(entry).known)
        except ValidationError as failure:
            lines += [f"{_VARIABLE}: {_place(number, entry)}: {line}" for line in _told(failure)]
    lines += [f"{_VARIABLE}: {line}" for line in _twice(found)]
    if lines:
        raise BadSettings(lines)
    return tuple(found)


def _entries(file: str) -> list[Any]:
    """What the file lists. Raises BadSettings."""
    try:
        documents = read(decode(Path(file).read_bytes()))
    except OSError as failure:
        raise BadSettings([f"{_VARIABLE}: {failure.strerror or 'cannot be read'}"]) from None
    except NotEditable as failure:
        raise BadSettings([f"{_VARIABLE}: {failure.refused.reason}"]) from None
    if len(documents) != 1:
        raise BadSettings([f"{_VARIABLE}: {len(documents)} YAML documents in place of one list"])
    if documents[0].duplicate:
        raise BadSettings([f"{_VARIABLE}: a key stands twice in one place"])
    entries = equivalence.filled(documents[0].root)
    if not isinstance(entries, list) or not entries:
        raise BadSettings([f"{_VARIABLE}: no list of clusters"])
    return entries


def _place(number: int, entry: Any) -> str:
    name = entry.get("name") if isinstance(entry, dict) else None
    return (
        f"cluster {number} ({name[:LONGEST]!a})" if isinstance(name, str) else f"cluster {number}"
    )


def _told(failure: ValidationError) -> Iterator[str]:
    """What is wrong, by the path of its field and never with its value."""
    for error in failure.errors(include_input=False, include_url=False):
        path, why = ".".join(map(str, error["loc"])), error["msg"].removeprefix("Value error, ")
        yield f"{path}: {why}" if path else why


def _twice(found: Iterable[KnownCluster]) -> Iterator[str]:
    """Entries that are one cluster, or that no name tells apart."""
    for one, other in combinations(found, 2):
        both = f"clusters {one.own.name!a} and {other.own.name!a}"
        if are_confused(one.own, other.own):
            yield f"{both} have a name or an alias in common"
        if one.own.has_uid(other.own.uid):
            yield f"{both} have one uid"
        if _reached(one.connection) == _reached(other.connection):
            yield f"{both} have one connection"


def _reached(connection: KubernetesConnection) -> tuple[str, ...]:
    """What leads to a cluster; a proxy may tell them apart by the client's certificate."""
    url = connection.url.rstrip("/").casefold()
    return (url, connection.client_cert_file, connection.kubeconfig, connection.context)
