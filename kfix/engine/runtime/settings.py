"""Settings of the runtime, the same for each stage. ``KFIX_RUNTIME_*``."""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from kfix.infra.settings import Settings


class Runtime(Settings):
    """How records are taken, retried and given up. Each field says its unit and why its default."""

    model_config = SettingsConfigDict(env_prefix="KFIX_RUNTIME_")

    #: Handlers running at once in one stage of one process. They mostly wait for services; 32 keeps one slow model
    #: call from holding up the others and stays under the services' rate limits.
    concurrency: int = Field(default=32, ge=1)
    #: Records of one partition that may be under way, those of one key counted once: a storm of one alert's repetitions
    #: does not keep the next alert out.
    window: int = Field(default=500, ge=1)
    #: The same with every record counted: what is done again after a crash, at most.
    window_most: int = Field(default=5000, ge=1)
    #: Bytes of one partition's records under way; bundles have up to three million each.
    window_bytes: int = Field(default=64 * 1024 * 1024, ge=1)
    #: Records taken from the broker in one poll.
    max_poll_records: int = Field(default=2000, ge=1)
    #: Seconds between commits. Half a second of work is repeated after a crash, besides the window.
    commit_interval_s: float = Field(default=0.5, gt=0)

    #: Attempts in place, the first included, before a record goes to the retry topic.
    attempts: int = Field(default=3, ge=1)
    #: Seconds before the second attempt; doubles each time, with up to half of it taken off by chance.
    backoff_s: float = Field(default=0.5, ge=0)
    #: The longest wait in place, in seconds: the record's key waits with it. Longer wishes go to the retry topic.
    backoff_max_s: float = Field(default=10.0, ge=0)
    #: Rounds through the retry topic before the dead letters.
    retry_rounds: int = Field(default=5, ge=0)
    #: Seconds a record waits in the retry topic the first time; doubles each round: half an hour in five rounds.
    retry_delay_s: float = Field(default=60.0, ge=0)
    #: The longest wait in the retry topic, in seconds.
    retry_delay_max_s: float = Field(default=900.0, ge=0)

    #: Event ids remembered per partition to drop repeats. 64 bytes each.
    remembered: int = Field(default=10_000, ge=0)

    #: Seconds without an answer after which the group gives a worker's partitions away. Kafka's default of 45
    #: leaves a dead worker's alerts waiting that long.
    session_timeout_s: float = Field(default=10.0, ge=1)
    #: Seconds between signs of life to the group.
    heartbeat_s: float = Field(default=2.0, gt=0)
    #: Name of this replica within its stage (a pod's name). With it the broker knows a restarted replica again and
    #: hands it its partitions without a rebalance. Empty: none; two replicas must never share one.
    instance: str = ""
    #: Milliseconds a fetch may wait for data. The embedded broker does not wake a waiting fetch, so this is what an
    #: idle hop costs there; Apache Kafka wakes it.
    embedded_fetch_wait_ms: int = Field(default=40, ge=1)
    #: The same on Apache Kafka.
    fetch_wait_ms: int = Field(default=500, ge=1)

    #: Seconds one request of a consumer may go without an answer before its connection is given up and it asks again.
    #: Longer than a rebalance, whose answers wait for the slowest member.
    request_timeout_s: float = Field(default=40.0, gt=0)
    #: Seconds the group waits for its members when it rebalances. Kafka's clients wait for their poll interval;
    #: half a minute is several times what a member needs to finish and commit what is under way.
    rebalance_timeout_s: float = Field(default=30.0, gt=0)
    #: Seconds one produce request may go without an answer. An idempotent producer repeats it for as long as it takes.
    produce_timeout_s: float = Field(default=30.0, gt=0)

    #: Seconds the broker has to acknowledge a result before the process gives up and exits for its supervisor.
    delivery_timeout_s: float = Field(default=120.0, gt=0)
    #: Seconds a door waits for the broker. Datadog gives up after 15 and tries again on 503.
    door_timeout_s: float = Field(default=5.0, gt=0)
    #: Records of doors that may wait for the broker at once; more are refused, so memory stays bounded.
    door_pending: int = Field(default=1000, ge=1)
    #: Milliseconds a batch waits for company. Handlers never wait for one record, so batches fill by themselves.
    linger_ms: int = Field(default=0, ge=0)
    #: The largest record, in bytes. Alerts are capped at 1 MiB; a bundle with its objects may reach two.
    max_record_bytes: int = Field(default=4 * 1024 * 1024, ge=1024)

    #: Seconds to wait for a broker at start.
    startup_timeout_s: float = Field(default=120.0, gt=0)
    #: Seconds given to handlers under way when the process is asked to stop. Kubernetes kills after 30.
    drain_s: float = Field(default=20.0, ge=0)
    #: The same when partitions are taken away; the group waits for us meanwhile.
    revoke_drain_s: float = Field(default=4.0, ge=0)
    #: Seconds without one finished attempt, while records wait, after which the process exits for its supervisor.
    #: Longer than any handler's time-out. Also how long the lag may be unknown.
    stall_s: float = Field(default=600.0, gt=0)
    #: Seconds without an assignment, while the broker answers others, after which the process exits. A rebalance takes
    #: at most ``rebalance_timeout_s`` and a session time-out; this is several of them.
    assign_s: float = Field(default=120.0, gt=0)
    #: Seconds without a poll that ended, while partitions are assigned, after which the process exits. A poll takes one.
    poll_stall_s: float = Field(default=60.0, gt=0)
    #: Seconds that records wait while none is under way and none comes, after which the process exits: what was
    #: fetched is gone, or commits do not get through. Longer than three requests without an answer.
    idle_stall_s: float = Field(default=150.0, gt=0)
    #: Seconds that the event loop may not answer, after which the process exits. The slowest computation of a core
    #: takes a few.
    hang_s: float = Field(default=120.0, gt=0)
    #: Seconds between questions to the broker about the lag; three small requests a stage.
    lag_every_s: float = Field(default=2.0, gt=0)

    #: Where worker stages answer ``/healthz``, ``/readyz`` and ``/metrics``; -1 is off, 0 any free port.
    health_host: str = "127.0.0.1"
    health_port: int = Field(default=-1, ge=-1, le=65535)
