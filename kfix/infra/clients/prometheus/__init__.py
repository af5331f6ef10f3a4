"""Prometheus: its HTTP API and where it is."""

from kfix.infra.clients.prometheus.client import (
    Prometheus,
    PromSeries,
    app_url,
    complaint,
    configured,
    open_prometheus,
)
from kfix.infra.clients.prometheus.settings import PrometheusConnection

__all__ = [
    "PromSeries",
    "Prometheus",
    "PrometheusConnection",
    "app_url",
    "complaint",
    "configured",
    "open_prometheus",
]
