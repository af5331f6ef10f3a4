"""No field of a bundle is a way out for a secret, whichever source it came from."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from enrich.core.bundle import GatheredEvidence, Rules, assemble
from schemas.alerts import Alert, FiredRule
from schemas.context import (
    Change,
    ContextBundle,
    DeclaredObject,
    LogExcerpt,
    Monitor,
    Series,
    SourceStatus,
)
from schemas.identity import cycle_of

_CANARY = "c4naryq7"
_PAIR = f"password={_CANARY}"
_LINK = f"http://datadog.example/monitors/1?token={_CANARY}"
_NOW = datetime(2026, 11, 24, tzinfo=UTC)
_TEXTS = tuple(name for name, info in Alert.model_fields.items() if info.annotation is str)
_PARTS: dict[str, dict[str, object]] = {
    "objects": {
        "objects": {
            "pods": [{"kind": "Pod", "metadata": {"name": "p", "annotations": {"a": _PAIR}}}],
            "secrets": [
                {"kind": "Secret", "metadata": {"name": "s"}, "data": {"user": _CANARY}},
            ],
        }
    },
    "logs": {"logs": (LogExcerpt(lines=("start", _PAIR)),)},
    "metrics": {"metrics": (Series(metric="m", query=_PAIR, tags={"a": _PAIR}),)},
    "monitor": {
        "monitor": Monitor(
            rule_id="1",
            name=_PAIR,
            message=_PAIR,
            query=_PAIR,
            history=(_PAIR,),
            tags=(f"a:{_PAIR}",),
            group_states={"g": _PAIR},
            url=_LINK,
        )
    },
    "commits": {
        "commits": (
            Change(
                kind="commit", author=_PAIR, summary=_PAIR, detail={"diff": f"+ {_PAIR}"}, url=_LINK
            ),
        )
    },
    "declared": {"declared": (DeclaredObject(path="a.yaml", object={"kind": "Pod", "a": _PAIR}),)},
    "sources": {"sources": (SourceStatus(name="x", state="degraded", reason=_PAIR),)},
    "extra": {"extra": {"output": _PAIR, "db_password": _CANARY}},
    "links": {"links": {"monitor": _LINK}},
    "tags": {"alert": Alert(labels={"note": _PAIR, "secret_token": _CANARY})},
    "anomalies": {"alert": Alert(anomalies=(_PAIR,))},
}


def bundle_with(part: dict[str, object]) -> ContextBundle:
    known: dict[str, object] = {"alert": Alert(), "delivery_id": "d", "received_at": _NOW}
    return assemble(GatheredEvidence(**(known | part)), Rules())  # type: ignore[arg-type]


@pytest.mark.parametrize("part", _PARTS)
def test_a_secret_in_a_source_is_masked(part: str) -> None:
    text = bundle_with(_PARTS[part]).model_dump_json()
    assert _CANARY not in text
    assert "[masked:" in text


@pytest.mark.parametrize("name", _TEXTS)
def test_a_secret_in_a_field_of_the_alert_is_masked(name: str) -> None:
    text = bundle_with({"alert": Alert.model_validate({name: _PAIR})}).model_dump_json()
    assert _CANARY not in text
    assert "[masked:" in text


def test_masking_leaves_the_episode_and_the_plain_fields_alone() -> None:
    alert = Alert(
        fingerprint="c",
        title="CPU is high",
        labels={"kube_namespace": "shop", "kube_deployment": "api"},
        happened_at=_NOW,
        rule=FiredRule(id="7", group="kube_namespace:shop,token:abcdef1"),
    )
    bundle = bundle_with({"alert": alert})
    assert bundle.cycle == cycle_of(
        rule_id="7", group=alert.rule.group, fingerprint="c", delivery_id="d"
    )
    assert bundle.alert.labels == alert.labels
    assert (bundle.alert.title, bundle.alerted_at) == ("CPU is high", _NOW)
