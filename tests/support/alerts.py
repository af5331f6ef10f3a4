"""Payloads as Datadog's webhooks integration writes them for alerts that name no namespace.

Kinds and titles: https://docs.datadoghq.com/monitors/types/, variables:
https://docs.datadoghq.com/integrations/webhooks/.
"""

from __future__ import annotations

from typing import Any

#: Kind → monitor id (0: no monitor), group, title, tags, event type.
_KINDS: dict[str, tuple[int, str, str, str, str]] = {
    "slo": (
        501,
        "",
        "SLO checkout availability: error budget",
        "service:checkout,slo:a1",
        "slo_alert",
    ),
    "slo_burn_rate": (
        502,
        "",
        "SLO checkout availability: burn rate",
        "service:checkout",
        "slo_alert",
    ),
    "composite": (503, "", "Checkout slow and queue long", "team:shop", "composite_monitor"),
    "apm": (
        504,
        "env:prod,service:checkout",
        "Service checkout has a high p95 on env:prod",
        "",
        "apm_monitor",
    ),
    "apm_other_group": (
        504,
        "env:prod,service:cart",
        "Service cart has a high p95 on env:prod",
        "",
        "apm_monitor",
    ),
    "watchdog": (
        0,
        "",
        "Watchdog: latency anomaly on checkout",
        "service:checkout,source:watchdog",
        "watchdog",
    ),
    "watchdog_other": (
        0,
        "",
        "Watchdog: latency anomaly on search",
        "service:search,source:watchdog",
        "watchdog",
    ),
    "synthetics_api": (
        505,
        "",
        "Synthetics: API test on shop.test",
        "check_type:api,probe_dc:aws",
        "synthetics_alert",
    ),
    "synthetics_browser": (
        506,
        "",
        "Synthetics: browser test on shop.test",
        "check_type:browser",
        "synthetics_alert",
    ),
    "host": (507, "host:web-1", "Host is down", "", "metric_alert_monitor"),
    "host_other": (507, "host:web-2", "Host is down", "", "metric_alert_monitor"),
    "event": (508, "", "Deploy failed event", "source:jenkins", "event_v2_alert"),
    "posted_event": (0, "", "Backup of billing did not end", "job:billing-backup", "event"),
    "service_check": (509, "host:db-1,port:5432", "postgres.can_connect", "", "service_check"),
    "process": (510, "host:db-1", "Process pgbouncer is not running", "", "process_alert"),
    "network": (511, "client:shop,server:pay", "TCP retransmits", "", "metric_alert_monitor"),
    "logs": (512, "@http.url:/pay", "Errors in payment logs", "", "log_alert"),
    "rum": (513, "@view.name:/cart", "Slow page /cart", "", "rum_alert"),
    "ci": (514, "@ci.pipeline.name:release", "Pipeline release fails", "", "ci-pipelines alert"),
    "outlier": (515, "host:cache-3", "Outlier: evictions", "", "metric_alert_monitor"),
    "forecast": (
        516,
        "device:/dev/sda1,host:db-1",
        "Disk full in a week",
        "",
        "metric_alert_monitor",
    ),
    "cost": (517, "", "Cloud cost changed by 30 %", "team:platform", "cost_alert"),
}
WITHOUT_NAMESPACE = tuple(_KINDS)
_ALERT_TYPES = {"Triggered": "error", "Re-Triggered": "error", "Recovered": "success"}


def payload_of(kind: str, *, event: int = 1, transition: str = "Triggered") -> dict[str, Any]:
    """One delivery of a kind. ``event`` numbers its events: each notification is an event of its own."""
    monitor, group, title, tags, event_type = _KINDS[kind]
    number = 7_000_000 + 100 * WITHOUT_NAMESPACE.index(kind) + event
    announced = f"[{transition} on {{{group}}}] {title}" if group else f"[{transition}] {title}"
    body: dict[str, Any] = {
        "id": str(number),
        "event_type": event_type,
        "title": announced,
        "body": f"%%%\n{title}\n%%%",
        "date": str(1_795_680_000_000 + 60_000 * event),
        "last_updated": str(1_795_680_000_000 + 60_000 * event),
        "alert_transition": transition,
        "alert_type": _ALERT_TYPES[transition],
        "tags": ",".join(part for part in (group, tags, "monitor") if part),
        "org": {"id": "314", "name": "shop"},
    }
    if monitor:
        body |= {"alert_id": str(monitor), "alert_scope": group}
    return body
