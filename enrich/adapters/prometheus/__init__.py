"""Prometheus' evidence."""

from enrich.adapters.prometheus.evidence import (
    PrometheusEvidence,
    PrometheusReads,
    PrometheusWatcher,
)

__all__ = ["PrometheusEvidence", "PrometheusReads", "PrometheusWatcher"]
