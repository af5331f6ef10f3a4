"""Payloads as Alertmanager writes them, for the OpenAPI description."""

from __future__ import annotations

from typing import Any

_ALERT: dict[str, Any] = {
    "status": "firing",
    "labels": {
        "alertname": "KubeDeploymentReplicasMismatch",
        "namespace": "shop",
        "deployment": "api",
        "severity": "warning",
    },
    "annotations": {
        "summary": "Deployment has not matched the expected number of replicas.",
        "description": "Deployment shop/api has not matched the expected number of replicas.",
        "runbook_url": "https://runbooks.example.com/kubedeploymentreplicasmismatch",
    },
    "startsAt": "2026-11-24T09:00:00.123Z",
    "endsAt": "0001-01-01T00:00:00Z",
    "generatorURL": "https://prometheus.example.com/graph?g0.expr=kube_deployment_spec_replicas",
    "fingerprint": "1a30ba71cca2921f",
}
ALERTMANAGER_FIRING: dict[str, Any] = {
    "version": "4",
    "groupKey": '{}:{namespace="shop"}',
    "truncatedAlerts": 0,
    "status": "firing",
    "receiver": "kfix",
    "groupLabels": {"namespace": "shop"},
    "commonLabels": _ALERT["labels"],
    "commonAnnotations": _ALERT["annotations"],
    "externalURL": "https://alertmanager.example.com",
    "alerts": [_ALERT],
}
ALERTMANAGER_RESOLVED: dict[str, Any] = ALERTMANAGER_FIRING | {
    "status": "resolved",
    "alerts": [_ALERT | {"status": "resolved", "endsAt": "2026-11-24T09:25:00Z"}],
}
