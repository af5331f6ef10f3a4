"""A small Prometheus with its Alertmanager: the HTTP API over the company's series and rules, and webhooks as it sends them."""

from sandbox.prometheus.alertmanager import Alertmanager
from sandbox.prometheus.api import create_app
from sandbox.prometheus.exposition import Exposition
from sandbox.prometheus.state import Prometheus, company_rules

__all__ = ["Alertmanager", "Exposition", "Prometheus", "company_rules", "create_app"]
