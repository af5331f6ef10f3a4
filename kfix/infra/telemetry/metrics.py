"""Metrics of the runtime, in Prometheus' words. One registry a process; each stage has its label.

``Meter`` binds a stage's series once, so that counting a record costs no look-up.
"""

from __future__ import annotations

import math

from prometheus_client import Counter, Gauge, Histogram

#: Seconds. Rules answer in milliseconds, a model in seconds, a handler is cut off after minutes.
_BUCKETS = (0.001, 0.005, 0.02, 0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 120)

HANDLER_SECONDS = Histogram(
    "kfix_handler_seconds", "Time of one attempt of a handler", ["stage"], buckets=_BUCKETS
)
RECORDS_IN = Counter("kfix_records_in_total", "Records taken and acknowledged", ["stage"])
RECORDS_OUT = Counter("kfix_records_out_total", "Results acknowledged by the broker", ["stage"])
REPEATS = Counter("kfix_repeats_total", "Records dropped as already handled", ["stage"])
RETRIES = Counter("kfix_retries_total", "Attempts that will be repeated", ["stage", "reason"])
DEAD_LETTERS = Counter("kfix_dead_letters_total", "Records given up", ["stage", "reason"])
TIMER_FAILURES = Counter("kfix_timer_failures_total", "Timers that failed", ["stage", "timer"])
LAG = Gauge(
    "kfix_lag_records",
    "Records of the assigned partitions not yet committed, asked from outside; NaN when it is not known",
    ["stage"],
)
LAG_UNKNOWN = Gauge("kfix_lag_unknown", "1 while the lag is not known", ["stage"])
ASSIGNED = Gauge("kfix_assigned_partitions", "Partitions assigned and polled", ["stage"])
SESSIONS = Gauge(
    "kfix_intake_sessions",
    "Consumers made since the start; more than one: it began again",
    ["stage"],
)
LOCK = Gauge(
    "kfix_lock_held",
    "1: the cluster refused K-Fix's real write; 0: it let one pass; NaN: not known, which counts as not held",
    ["cluster"],
)
LOCK_PROOFS = Counter("kfix_lock_proofs_total", "Probes of the lock", ["cluster", "state"])
RULES_BROKEN = Counter(
    "kfix_rules_broken_total", "Rules and builders of plans that broke: defects", ["where"]
)
CLUSTER_SILENT = Gauge(
    "kfix_cluster_silent",
    "1: one of several clusters did not answer and is left alone for a while; 0: it answers",
    ["cluster"],
)
DECISIONS = Counter(
    "kfix_decisions_total", "Decisions about alerts and recoveries", ["status", "cluster"]
)
SWEPT_ROWS = Counter("kfix_swept_rows_total", "Rows deleted because they were old", ["table"])
SWEPT_AT = Gauge(
    "kfix_swept_timestamp_seconds", "When this process last ended a sweep of old rows; 0: not yet"
)
IN_FLIGHT = Gauge("kfix_in_flight_records", "Records under way in the stage", ["stage"])


class Meter:
    """One stage's series. Records are counted in plain integers; ``flush`` brings them into the registry."""

    def __init__(self, stage: str) -> None:
        self.stage = stage
        #: Records acknowledged, results sent and repeats dropped since the last flush.
        self.taken = 0
        self.sent = 0
        self.repeated = 0
        self.handler_seconds = HANDLER_SECONDS.labels(stage)
        self.lag = LAG.labels(stage)
        self.lag_unknown = LAG_UNKNOWN.labels(stage)
        self.assigned = ASSIGNED.labels(stage)
        self.sessions = SESSIONS.labels(stage)
        self.in_flight = IN_FLIGHT.labels(stage)
        # Not known before it was asked; a new gauge would say 0.
        self.lag.set(math.nan)
        self.lag_unknown.set(1)
        self._counters = (
            RECORDS_IN.labels(stage),
            RECORDS_OUT.labels(stage),
            REPEATS.labels(stage),
        )

    def flush(self) -> None:
        """Adds what was counted since the last time."""
        counts = (self.taken, self.sent, self.repeated)
        self.taken = self.sent = self.repeated = 0
        for counter, count in zip(self._counters, counts, strict=True):
            counter.inc(count)

    def retry(self, reason: str) -> None:
        """Counts an attempt that will be made again."""
        RETRIES.labels(self.stage, reason).inc()

    def dead_letter(self, reason: str) -> None:
        """Counts a record given up."""
        DEAD_LETTERS.labels(self.stage, reason).inc()

    def timer_failed(self, timer: str) -> None:
        """Counts a timer's failure."""
        TIMER_FAILURES.labels(self.stage, timer).inc()
