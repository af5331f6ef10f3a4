"""Settings of enrich. ``KFIX_ENRICH_*``."""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from kfix.infra.settings import Settings


class Enrich(Settings):
    """How much evidence is gathered, and how long it may take."""

    model_config = SettingsConfigDict(env_prefix="KFIX_ENRICH_")

    #: Seconds a source may take; what is not there by then is missing. Datadog's logs search takes 1 to 3.
    source_deadline_s: float = Field(default=20.0, gt=0)
    #: How often an alert is put back in line while the cluster, the monitor or the event could not be asked: after 15 s,
    #: then twice as long each time, four minutes in all. Then people are told that it could not be checked. Other
    #: sources are asked again once.
    ask_again: int = Field(default=4, ge=0, le=10)
    #: Seconds in which an event that Datadog has not indexed yet is asked for again, three times, before the alert is put back
    #: in line: most are found within two.
    index_wait_s: float = Field(default=3.5, ge=0, le=15)
    #: Seconds in which a repetition of an alert (same episode, same severity) ends before evidence is gathered. Below
    #: Datadog's shortest renotification of ten minutes, so that each of those is looked at.
    repeats_s: float = Field(default=300.0, ge=0)
    #: Days that an alert is kept, masked, to gather its evidence anew when its merged fix does not hold: a merge request
    #: that nobody decides on expires after 14 days, and one that is merged late is looked at for a day.
    keep_alerts_days: float = Field(default=30.0, gt=0, le=366)
    #: Seconds that a list of objects, or a monitor, is shared among alerts. None gets a read from before it came.
    share_reads_s: float = Field(default=5.0, ge=0)
    #: Requests to the API server, to Datadog and to GitLab that are under way at once, for all alerts of this process;
    #: the rest waits in line, inside its deadline. Those to the API server are a share of ``KFIX_KUBERNETES_AT_ONCE``.
    kubernetes_at_once: int = Field(default=16, ge=1)
    datadog_at_once: int = Field(default=8, ge=1)
    gitlab_at_once: int = Field(default=8, ge=1)
    #: Seconds that one of several clusters is left alone after it did not answer, so that its alerts do not hold up the
    #: others'; they are asked again (``ask_again``). Below the 15 s after which the first of them is.
    silent_cluster_s: float = Field(default=10.0, ge=0)
    #: Minutes of metrics and logs before the alert: long enough to see normal behaviour before the trouble.
    lookback_minutes: int = Field(default=60, ge=1, le=1440)
    #: Log events from Datadog, and lines of each container's log from the cluster.
    log_events: int = Field(default=200, ge=0, le=5000)
    log_lines: int = Field(default=200, ge=0, le=5000)
    #: Containers whose logs are read from the cluster: crashing ones first. Bounds the number of calls.
    log_containers: int = Field(default=6, ge=0, le=50)
    #: Earlier events of the monitor.
    monitor_events: int = Field(default=20, ge=0, le=200)
    #: Commits of the workload's manifest.
    commits: int = Field(default=5, ge=0, le=50)
    #: Bytes of a bundle as JSON; under Kafka's largest record.
    max_bundle_bytes: int = Field(default=3_000_000, ge=10_000)
    #: Namespace to environment (``production``, ``staging``, ``development``): one voice more. It has to agree with the others.
    environments: dict[str, str] = Field(default_factory=dict)
    #: Namespace to team, before the ``team`` tag.
    teams: dict[str, str] = Field(default_factory=dict)
