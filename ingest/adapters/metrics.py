"""What the door counts. ``reason`` is one of the closed vocabularies of ``ingest.core.outcomes``."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

WEBHOOKS = Counter(
    "kfix_webhooks_total",
    "Webhook requests by sender, result (accepted, ignored, dead_lettered, refused) and reason",
    ["sender", "result", "reason"],
)
SECONDS = Histogram(
    "kfix_webhook_seconds",
    "From the request's head to its answer; senders give up after 15 or so",
    ["sender"],
    buckets=(0.001, 0.005, 0.02, 0.1, 0.5, 1, 2.5, 5, 10, 15),
)
IN_FLIGHT = Gauge("kfix_webhooks_in_flight", "Webhook requests being handled")
