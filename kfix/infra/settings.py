"""Settings of the house: where the outside services are. What a stage does with them is in the stage's own settings.

Read from the environment, from ``.env`` and from files as Kubernetes mounts Secrets (one file a setting, named like
the variable, under ``KFIX_SECRETS_DIR``, default ``/run/secrets/kfix``); the environment wins.
With nothing set everything runs embedded on this machine. Each field says its unit and why its default.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import (
    BeforeValidator,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    DotEnvSettingsSource,
    EnvSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SecretsSettingsSource,
    SettingsConfigDict,
)

from kfix.incident.judgement_links import LinkKeys
from manifests.repository.environments import words_refused


def _secrets_dir() -> str | None:
    folder = os.environ.get("KFIX_SECRETS_DIR", "/run/secrets/kfix")
    return folder if Path(folder).is_dir() else None


class _Undecoded(PydanticBaseSettingsSource):
    """A list or a mapping that is no JSON stays text, so that it is judged with all the other values."""

    def decode_complex_value(self, field_name: str, field: FieldInfo, value: Any) -> Any:
        try:
            return super().decode_complex_value(field_name, field, value)
        except ValueError:
            return value


class _Environment(_Undecoded, EnvSettingsSource):
    pass


class _DotEnv(_Undecoded, DotEnvSettingsSource):
    pass


class _Secrets(_Undecoded, SecretsSettingsSource):
    pass


class Settings(BaseSettings):
    """Base of all settings models: frozen, unknown variables ignored."""

    model_config = SettingsConfigDict(
        frozen=True, extra="ignore", env_file=".env", env_prefix="KFIX_"
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The library's own sources in its own order, with values left for validation to judge."""
        file = getattr(dotenv_settings, "env_file", None)
        folder = getattr(file_secret_settings, "secrets_dir", None)
        return (
            init_settings,
            _Environment(settings_cls),
            _DotEnv(settings_cls, env_file=file),
            _Secrets(settings_cls, secrets_dir=folder),
        )


S = TypeVar("S", bound=Settings)


#: Errors of values that are written as JSON.
_COMPOUND = ("tuple_type", "dict_type", "list_type")


class BadSettings(ValueError):
    """Variables have values that they cannot have. ``lines`` has one for each: its name and what is wrong, never its value."""

    def __init__(self, lines: Iterable[str]) -> None:
        self.lines = tuple(lines)
        super().__init__("; ".join(self.lines))


def load(model: type[S]) -> S:
    """Reads one settings model. Raises BadSettings."""
    try:
        return model(_secrets_dir=_secrets_dir())
    except ValidationError as failure:
        prefix = model.model_config.get("env_prefix", "")
        raise BadSettings(
            f"{(prefix + '.'.join(map(str, error['loc']))).upper()}: {error['msg']}"
            f"{', as JSON' if error['type'] in _COMPOUND else ''}"
            for error in failure.errors(include_input=False, include_url=False)
        ) from None


def check(models: Iterable[type[Settings]]) -> None:
    """Reads all of them, each once. Raises BadSettings with every line that there is to say."""
    lines: list[str] = []
    for model in dict.fromkeys(models):
        try:
            load(model)
        except BadSettings as bad:
            lines += bad.lines
    if lines:
        raise BadSettings(lines)


def _several(value: object) -> object:
    return (
        tuple(p.strip() for p in value.split(",") if p.strip()) if isinstance(value, str) else value
    )


#: One token, or several separated by commas: all of them are valid, so that they can be rotated without a gap.
Tokens = Annotated[tuple[SecretStr, ...], NoDecode, BeforeValidator(_several)]


class AppSettings(Settings):
    """What every process needs."""

    #: ``propose`` opens merge requests; ``observe`` decides and records but touches nothing outside: the kill switch.
    mode: Literal["propose", "observe"] = "propose"
    #: Language of messages for people.
    language: Literal["en", "fr"] = "en"
    #: Lowest level that is logged.
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    #: SQLAlchemy URL of the relational store. Default: one SQLite file, good for one machine.
    database_url: SecretStr = SecretStr("sqlite:///var/kfix.db")
    #: Address under which people reach the console; used in messages.
    console_url: str = "http://127.0.0.1:8080"
    #: Environments beside production in which no merge request ever merges by itself, as words (``staging``, ``uat``):
    #: they only add. Production cannot be taken out.
    protected_environments: tuple[str, ...] = ()
    #: Further words for environments in folders and names, as ``{"staging": ["uat", "integ"]}``: they choose where is
    #: edited, and never what is protected. Production's own words stay production's.
    environment_words: dict[str, tuple[str, ...]] = Field(default_factory=dict)

    @field_validator("environment_words")
    @classmethod
    def _check_words(cls, said: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        why = words_refused(said)
        if why:
            raise ValueError(why)
        return said


class JudgementLinks(Settings):
    """Links in messages by which people judge a proposal. Publish makes them, the console honours them."""

    model_config = SettingsConfigDict(env_prefix="KFIX_LINKS_")
    #: Keys that sign them, at least 32 characters each (``openssl rand -hex 32``): the first one signs, all are honoured.
    #: Empty: messages carry no such links, since without a key anybody could make one.
    signing_keys: Tokens = ()
    #: Seconds that a link is good for. Two weeks: as long as a merge request is waited for.
    valid_s: float = Field(default=14 * 86400.0, gt=0)

    @field_validator("signing_keys")
    @classmethod
    def _check_keys(cls, said: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        if any(len(key.get_secret_value()) < 32 for key in said):
            raise ValueError("a signing key has at least 32 characters")
        return said

    def keys(self) -> LinkKeys:
        """What makes and reads the links."""
        keys = tuple(key.get_secret_value().encode() for key in self.signing_keys)
        return LinkKeys(keys, timedelta(seconds=self.valid_s))


class Kafka(Settings):
    """The spine."""

    model_config = SettingsConfigDict(env_prefix="KFIX_KAFKA_")
    #: ``host:port[,host:port]``. Empty: an embedded in-memory broker is started as a child, for trial only.
    bootstrap: str = ""
    #: How clients talk to the broker.
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    #: How clients log in, with SASL.
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "SCRAM-SHA-512"
    #: User name, with SASL.
    sasl_username: str = ""
    #: Password, with SASL.
    sasl_password: SecretStr = SecretStr("")
    #: PEM file of the certificate authority; empty: the system's.
    ca_file: str = ""
    #: ``bootstrap`` points at an embedded broker that another process started: no idempotent producers there.
    embedded: bool = False
    #: Put before topic names, consumer groups and client ids, to share a cluster.
    prefix: str = ""
    #: Partitions of each topic: the ceiling of a stage's scale. 12 divides by 2, 3, 4 and 6 replicas.
    partitions: int = Field(default=12, ge=1)
    #: Copies of each record; 0: three, or as many as there are brokers.
    replication: int = Field(default=0, ge=0)
    #: What values look like on the wire.
    format: Literal["json", "avro"] = "json"
    #: Confluent-compatible schema registry; with it Avro values carry the 5-byte frame.
    registry_url: str = ""
    #: HTTP basic credentials of the registry; empty: none.
    registry_username: str = ""
    registry_password: SecretStr = SecretStr("")


class DatadogConnection(Settings):
    """Datadog's API. Empty ``url`` and empty ``site`` mean: not configured."""

    model_config = SettingsConfigDict(env_prefix="KFIX_DATADOG_")
    #: ``datadoghq.com``, ``datadoghq.eu``, … ; the API host is ``api.<site>``.
    site: str = ""
    #: Overrides the address made from ``site`` (a proxy, the sandbox).
    url: str = ""
    #: Address of the web application, for links; made from ``site`` when empty.
    app_url: str = ""
    #: Datadog's API key (who sends).
    api_key: SecretStr = SecretStr("")
    #: Datadog's application key (who may read).
    app_key: SecretStr = SecretStr("")
    #: Names of the operations by which requests come into services (``["servlet.request", "grpc.server"]``), where the
    #: monitor's query names none. Empty: Datadog is asked which trace metrics the service has.
    apm_operations: tuple[str, ...] = ()
    #: Seconds for one call. Datadog's webhook gives up after 15; queries mostly answer in 1 or 2.
    timeout_s: float = Field(default=10.0, gt=0)


class KubernetesConnection(Settings):
    """The cluster. Empty ``url`` and ``kubeconfig``: in-cluster configuration when there is one, else not configured."""

    model_config = SettingsConfigDict(env_prefix="KFIX_KUBERNETES_")
    #: Address of the API server.
    url: str = ""
    #: Bearer token of K-Fix's service account.
    token: SecretStr = SecretStr("")
    #: File with that token, before ``token``; it is read again each minute, since a mounted token is replaced.
    token_file: str = ""
    #: PEM file of the cluster's certificate authority; empty: the system's.
    ca_file: str = ""
    #: PEM file of a client certificate, instead of a token.
    client_cert_file: str = ""
    #: PEM file of its key.
    client_key_file: str = ""
    #: Path of a kubeconfig file.
    kubeconfig: str = ""
    #: Context in it; empty: the current one.
    context: str = ""
    #: ConfigMap, as ``namespace/name``, on which the lock is tried without changing it (``deploy/kubernetes`` makes it).
    lock_probe: str = Field(default="kfix/k-fix-lock", pattern=r"^[a-z0-9-]+/[a-z0-9.-]+$")
    #: The cluster's name in alerts; ``KFIX_CLUSTER_NAME`` says it better.
    cluster: str = ""
    #: Seconds for one call, from when its turn comes.
    timeout_s: float = Field(default=10.0, gt=0)
    #: Requests under way at once, of all stages in this process; the rest waits in line. 16 are a fifteenth of what
    #: an API server works at for all service accounts together (its level ``workload-low``: 245 of 600).
    at_once: int = Field(default=16, ge=1)


class ConnectedCluster(Settings):
    """Which cluster the Kubernetes connection leads to. An alert that names another is told to people and not read."""

    model_config = SettingsConfigDict(env_prefix="KFIX_CLUSTER_")
    #: Its name, as the tag ``kube_cluster_name`` says it; empty: ``KFIX_KUBERNETES_CLUSTER``'s. Without any name no alert
    #: is claimed, since it may be about somebody else's cluster.
    name: str = ""
    #: Other names that alerts have for it (``eks_cluster_name``, ``cluster``).
    aliases: tuple[str, ...] = ()
    #: What all of it is for: ``production``, ``staging``, ``development``. Empty: it is mixed, or nobody says.
    environment: str = ""
    #: UID of its namespace ``kube-system``, compared with the API server's and with the tag ``orch_cluster_id``:
    #: ``kubectl get namespace kube-system -o jsonpath={.metadata.uid}``. Empty: not compared.
    uid: str = ""


#: Days beyond a record's last return in which a stage may still act on what its ledger says: a closed merge request is
#: remembered for 14 and may be snoozed for 30.
_ACTS_LATER_DAYS = 45


class Retention(Settings):
    """How long the store's rows and the topics' records are kept, and how often old rows are swept."""

    model_config = SettingsConfigDict(env_prefix="KFIX_RETENTION_")
    #: Days for records of the topics and of their `.retry`, set when `kfix topics create` or a stage makes them. Two weeks:
    #: a replay of last week's decisions, and an outage over a holiday.
    topics_days: float = Field(default=14.0, gt=0)
    #: Days for dead letters: somebody has to look at them first.
    dead_letters_days: float = Field(default=30.0, gt=0)
    #: Days for what people read of an incident: the console's records, and what a decided merge request proposed. A
    #: quarter: the next review of what happened.
    records_days: float = Field(default=90.0, gt=0)
    #: Days for the keys by which nothing is done twice (incidents, deliveries, merge requests, messages), without which a
    #: record that comes again would open a second merge request. Longer than any record can come back.
    ledger_days: float = Field(default=400.0, gt=0)
    #: Days for how fixes ended and what people said of them. An outcome's weight halves every 180 days: a sixteenth is left.
    outcomes_days: float = Field(default=730.0, gt=0)
    #: Days for vectors of earlier incidents.
    memory_days: float = Field(default=1095.0, gt=0)
    #: Days for a model's answers, which are used again for 30.
    opinions_days: float = Field(default=30.0, ge=2)
    #: Days for who made K-Fix forget what.
    audit_days: float = Field(default=1825.0, gt=0)
    #: Seconds between sweeps of old rows; one replica at a time.
    sweep_every_s: float = Field(default=3600.0, gt=0)
    #: Rows that one transaction of a sweep deletes: locks are short, and nobody waits for it.
    sweep_batch: int = Field(default=500, ge=1, le=10_000)
    #: Rows that one sweep deletes of a table at most; the rest is the next one's.
    sweep_at_most: int = Field(default=50_000, ge=1)
    #: Seconds that a sweep holds its lease after each batch; then another replica may take over.
    sweep_lease_s: float = Field(default=300.0, gt=0)

    @model_validator(mode="after")
    def _outlast(self) -> Retention:
        comes_back = self.topics_days + self.dead_letters_days + _ACTS_LATER_DAYS
        if self.ledger_days < comes_back:
            raise ValueError(
                f"ledger_days must be {comes_back:g} or more (topics_days + dead_letters_days + {_ACTS_LATER_DAYS}): a"
                " record that comes again after its keys are gone would open a second merge request"
            )
        if self.outcomes_days < self.ledger_days:
            raise ValueError(
                "outcomes_days must not be less than ledger_days: a merge request whose outcome is gone would end twice"
            )
        return self

    def outlasts(self, days: float, variable: str) -> None:
        """Raises BadSettings when a stage acts on its ledger for longer (``days``, by ``variable``) than it is kept."""
        least = self.topics_days + self.dead_letters_days + days
        if self.ledger_days < least:
            raise BadSettings(
                [
                    f"KFIX_RETENTION_LEDGER_DAYS: must be {least:g} or more, for {variable}: keys that are gone earlier"
                    " would let something happen twice"
                ]
            )
