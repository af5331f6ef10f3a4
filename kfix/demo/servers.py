"""What the demo asks: the sandbox's control API and the console's JSON. Read-only but for breaking and merging."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

import httpx

from kfix.demo.children import DemoFailed
from schemas.context import OutcomeResult

RESULTS: tuple[OutcomeResult, ...] = get_args(OutcomeResult)
_TIMEOUT_S = 10.0
Document = dict[str, Any]


@dataclass(slots=True)
class SandboxServer:
    """The sandbox, from outside."""

    client: httpx.Client

    def _post(self, path: str, body: Document) -> Document:
        answer = self.client.post(f"/_sandbox/{path}", json=body)
        if answer.status_code != 200:
            raise DemoFailed(f"sandbox: {path}: {answer.text}")
        found: Document = answer.json()
        return found

    def connect(self, hooks: Document) -> None:
        """Says where Datadog, Alertmanager and GitLab deliver. Raises DemoFailed."""
        self._post("hooks", hooks)

    def break_(self, scenario: str, growth: float, source: str) -> Document:
        """Breaks a service; the system ``source`` watches it and sends its webhook. Raises DemoFailed."""
        return self._post("break", {"scenario": scenario, "growth": growth, "source": source})

    def merge(self, iid: int) -> Document:
        """Approves and merges as a reviewer. Raises DemoFailed."""
        return self._post("merge", {"iid": iid})

    def state(self) -> Document:
        """Services, monitors, merge requests, messages, deliveries."""
        found: Document = self.client.get("/_sandbox/state").raise_for_status().json()
        return found

    def scenarios(self) -> list[Document]:
        """What can be broken."""
        found: list[Document] = self.client.get("/_sandbox/scenarios").raise_for_status().json()
        return found


@dataclass(slots=True)
class ConsoleServer:
    """The console's JSON."""

    client: httpx.Client

    def incidents(self) -> list[Document]:
        """All incidents the console knows, as its list shows them."""
        answer = self.client.get("/incidents.json")
        if answer.status_code != 200:
            return []
        found = answer.json()
        listed = found.get("incidents", []) if isinstance(found, dict) else found
        return [item for item in listed if isinstance(item, dict)]

    def incident(self, incident_id: str) -> Document:
        """One incident whole; empty while it is not there."""
        answer = self.client.get(f"/incidents/{incident_id}.json")
        found = answer.json() if answer.status_code == 200 else {}
        return found if isinstance(found, dict) else {}


def open_client(base_url: str) -> httpx.Client:
    """A client that goes nowhere but there."""
    return httpx.Client(base_url=base_url, timeout=_TIMEOUT_S, trust_env=False)


Reached = Literal["evidence", "diagnosis", "plans", "checks"]
_FIELDS: dict[Reached, str] = {
    "evidence": "context_bundle",
    "diagnosis": "ai_analysis",
    "plans": "recommended_action",
    "checks": "safety_checks",
}


def reached(incident: Document) -> list[Reached]:
    """Which parts of the incident's output are filled."""
    return [name for name, key in _FIELDS.items() if incident.get(key)]


def outcome_of(incident: Document) -> str:
    """The stored outcome's result; empty while there is none."""
    learning = incident.get("learning") or {}
    for holder in (incident.get("outcome"), learning.get("outcome"), learning):
        result = holder.get("result") if isinstance(holder, dict) else holder
        if result in RESULTS:
            return str(result)
    return ""


def outcome_of_attempt(incident: Document, number: int) -> str:
    """The result of an attempt at the incident, counted from 1; empty while there is none."""
    attempts = incident.get("attempts") or [incident]
    return outcome_of(attempts[number - 1]) if number <= len(attempts) else ""


def similar_found(incident: Document) -> int:
    """How many earlier incidents were found alike."""
    return int((incident.get("learning") or {}).get("similar_incidents_found") or 0)
