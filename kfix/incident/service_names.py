"""How pods say which service they are, the surest first."""

from __future__ import annotations

#: Datadog's unified service tagging: said on purpose, by a label or to the tracer
#: (docs.datadoghq.com/getting_started/tagging/unified_service_tagging).
LABEL, VARIABLE = "tags.datadoghq.com/service", "DD_SERVICE"
#: Kubernetes' recommended label (kubernetes.io "Recommended Labels"), and what people write by hand.
NAME_LABEL = "app.kubernetes.io/name"
APP_LABELS = ("app", "service", "k8s-app")
#: The same of the environment.
ENVIRONMENT_LABEL, ENVIRONMENT_VARIABLE = "tags.datadoghq.com/env", "DD_ENV"
