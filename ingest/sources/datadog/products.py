"""What Datadog's products say beside its monitors: incidents, security signals, Synthetics tests.

Variables: https://docs.datadoghq.com/integrations/webhooks/ (``$INCIDENT_*``, ``$SECURITY_*``, ``$SYNTHETICS_*``). Objects of
JSON come as such or as text, as the template has them. Who commands an incident, and whoever posted it, is not read.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from ingest.core.reading import Document
from kfix.incident.merge_request_words import clean
from schemas.alerts import State

#: Names of fields, the best first.
TITLES = (
    "incident_title",
    "security_signal_title",
    "synthetics_test_name",
    "security_rule_name",
)
TEXTS = ("incident_msg", "security_signal_msg")
IDS = ("incident_uuid", "incident_public_id", "security_signal_id")
_SEVERITIES = ("incident_severity", "security_signal_severity")
_STATES: dict[str, State] = {
    "active": "firing",
    "stable": "firing",
    "resolved": "resolved",
    "completed": "resolved",
}
#: Fields with tags in them.
_TAGGED = ("incident_fields", "security_signal_attributes", "security_rule_group_by_fields")
#: Fields whose value is an object.
OBJECTS = (*_TAGGED, "security_rule_matched_queries", "synthetics_summary")
#: What those call what a tag names; keys that begin as Kubernetes' tags do are taken as they are.
_CALLED = {
    "service": "service",
    "services": "service",
    "env": "env",
    "environment": "env",
    "environments": "env",
    "host": "host",
    "hostname": "host",
    "container_id": "container_id",
    "container.id": "container_id",
    "container_name": "container_name",
    "pod_name": "pod_name",
    "cluster_name": "cluster_name",
}
_KUBERNETES = ("kube_", "k8s.")
#: Names that go into ``Alert.details``: the field's own.
_DETAILS = (
    "incident_public_id",
    "incident_status",
    "incident_customer_impact",
    "security_rule_id",
    "security_rule_name",
    "security_rule_type",
    "security_rule_matched_queries",
    "synthetics_first_failing_step_name",
)
_TEST = re.compile(
    r"/synthetics/(?:edit|details)/(?P<id>[a-z0-9]{3}-[a-z0-9]{3}-[a-z0-9]{3})(?![a-z0-9-])"
)
_LONGEST, _DEEP, _MOST = 1_024, 4, 64
_UNSET = re.compile(r"(?:null|none|\$[A-Z][A-Z0-9_]*)?", re.IGNORECASE)


def severity(document: Document) -> str:
    """How bad the product calls it, in its own words; empty where it does not."""
    return next((word for name in _SEVERITIES if (word := _word(document, name))), "")


def state(document: Document) -> State | None:
    """An incident's status; a signal is one that fires. ``None`` for what is neither."""
    if _word(document, "security_signal_id"):
        return "firing"
    return _STATES.get(_word(document, "incident_status").lower())


def tags(document: Document) -> dict[str, str]:
    """What fields of incidents and attributes of signals say, as tags; several values joined by commas."""
    found: dict[str, str] = {}
    for name in _TAGGED:
        for key, values in _leaves(_object(document.get(name))):
            word = key.lstrip("@").lower()
            tag = _CALLED.get(word) or (word if word.startswith(_KUBERNETES) else "")
            if tag and values:
                found.setdefault(tag, ",".join(dict.fromkeys(values)))
    return found


def details(document: Document) -> dict[str, str]:
    """Further words, and ``test_id``: the Synthetics test that the summary links to."""
    found = {name: word for name in _DETAILS if (word := _word(document, name))}
    summary = _object(document.get("synthetics_summary"))
    links = (str(summary.get(key) or "") for key in ("test_url", "result_url"))
    named = next((match["id"] for link in links if (match := _TEST.search(link))), "")
    return found | ({"test_id": named} if named else {})


def _word(document: Document, name: str) -> str:
    value = document.get(name)
    if value is None or isinstance(value, bool):
        return ""
    text = clean(value if isinstance(value, str) else json.dumps(value), _LONGEST)
    return "" if _UNSET.fullmatch(text) else text


def _object(value: Any) -> Mapping[str, Any]:
    if isinstance(value, str) and value.lstrip().startswith("{"):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return {}
    return value if isinstance(value, Mapping) else {}


def _leaves(value: Mapping[str, Any], depth: int = 0) -> Iterator[tuple[str, list[str]]]:
    """(key, words) of everything inside; keys of inner objects are joined by dots."""
    for key, inner in list(value.items())[:_MOST]:
        if isinstance(inner, Mapping):
            if depth < _DEEP:
                yield from ((f"{key}.{name}", words) for name, words in _leaves(inner, depth + 1))
            continue
        each = inner if isinstance(inner, list) else [inner]
        words = [clean(str(one), _LONGEST) for one in each[:_MOST] if isinstance(one, str | int)]
        yield str(key), [word for word in words if word and "," not in word]
