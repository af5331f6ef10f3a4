"""What all messages have in common. Models are frozen, refuse unknown fields' types but tolerate new fields.

A reader must accept what a newer writer sends (BACKWARD compatibility goes through defaults),
so unknown fields are ignored and every field added after version 1 needs a default.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field


class JsonText:
    """Marker: the value is free JSON; in Avro it travels as a JSON string."""


#: Free JSON, for what has no schema of ours (Kubernetes objects, field values).
Json = Annotated[Any, JsonText]


def _utc(at: datetime) -> datetime:
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


#: A point in time in UTC; a naive value is taken as UTC. Avro: timestamp-micros.
Instant = Annotated[datetime, AfterValidator(_utc)]


def _gap(value: object) -> object:
    return None if isinstance(value, float) and not math.isfinite(value) else value


#: A number of a series; ``None`` is a gap, and what is not finite is one.
Sample = Annotated[float | None, BeforeValidator(_gap)]

#: 0 to 1.
Ratio = Annotated[float, Field(ge=0.0, le=1.0)]


class Model(BaseModel):
    """A value inside a record."""

    model_config = ConfigDict(
        frozen=True,
        extra="ignore",
        ser_json_bytes="base64",
        val_json_bytes="base64",
        allow_inf_nan=False,  # no JSON has them: refused where they are made, not where they are read
    )


class Record(Model):
    """One message of a topic.

    ``event_id`` is the natural key of the event: the same cause gives the same id, so a consumer can drop
    what it has seen. ``trace_id`` ties all records that came from one webhook delivery together.
    """

    schema_version: int = 1
    event_id: str
    trace_id: str = ""
    occurred_at: Instant


class ObjectRef(Model):
    """A Kubernetes object. ``namespace`` is empty for cluster-scoped kinds."""

    api_version: str = ""
    kind: str
    namespace: str = ""
    name: str

    @property
    def key(self) -> str:
        """``Kind/namespace/name``, or ``Kind/name`` for cluster-scoped kinds."""
        return "/".join(part for part in (self.kind, self.namespace, self.name) if part)

    @property
    def resource(self) -> str:
        """``deployment/name``, the mission's short form; a custom resource's kind stands as it is declared."""
        group = self.api_version.rpartition("/")[0]
        custom = "." in group and not group.endswith(".k8s.io")
        return f"{self.kind if custom else self.kind.lower()}/{self.name}"

    @classmethod
    def parse(cls, text: str) -> ObjectRef:
        """Reads ``Kind/namespace/name`` or ``Kind/name``. Raises ValueError on anything else."""
        parts = text.strip().split("/")
        if len(parts) not in (2, 3) or not all(parts):
            raise ValueError(f"not Kind/namespace/name: {text!r}")
        return cls(kind=parts[0], namespace=parts[1] if len(parts) == 3 else "", name=parts[-1])


Severity = Literal["low", "medium", "high", "critical"]
Environment = Literal["production", "staging", "development", "unknown"]
#: The three answers K-Fix gives to an alert.
Status = Literal["solution_proposed", "no_action", "needs_human"]
