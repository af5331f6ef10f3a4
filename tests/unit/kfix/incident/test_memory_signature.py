"""A signature says what failed, not who; near troubles are near."""

from __future__ import annotations

import string
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kfix.incident.signature import mask_identifiers, signature
from kfix.infra.memory.embedding import HashingEmbedder, hashed
from schemas.alerts import Alert
from schemas.base import ObjectRef
from schemas.context import ContextBundle, KubernetesContext, LogExcerpt

AT = datetime(2026, 1, 1, tzinfo=UTC)
OOM = {
    "lastState": {"terminated": {"reason": "OOMKilled", "exitCode": 137}},
    "state": {"waiting": {"reason": "CrashLoopBackOff"}},
}
PULL = {"state": {"waiting": {"reason": "ImagePullBackOff"}}}


def bundle(name: str, title: str, status: dict[str, Any], event: str, line: str) -> ContextBundle:
    pod = {
        "kind": "Pod",
        "metadata": {"name": f"{name}-7d9f8b6c5d-x2x8k", "namespace": f"ns-{name}"},
        "spec": {
            "containers": [
                {"name": f"{name}-main", "image": f"registry.example/{name}-image:1.2.3"}
            ]
        },
        "status": {"containerStatuses": [status]},
    }
    warning = {
        "type": "Warning",
        "reason": event,
        "involvedObject": {"name": f"{name}-7d9f8b6c5d-x2x8k"},
    }
    return ContextBundle(
        event_id="e",
        occurred_at=AT,
        alert=Alert(title=title.format(name=name), labels={"service": name}),
        alerted_at=AT,
        cycle="c",
        service=name,
        k8s_context=KubernetesContext(
            namespace=f"ns-{name}",
            subject=ObjectRef(kind="Deployment", namespace=f"ns-{name}", name=name),
            objects={"pods": [pod], "events": [warning]},
        ),
        logs=(LogExcerpt(lines=(line.format(name=name),)),),
    )


def oom(name: str) -> ContextBundle:
    return bundle(
        name,
        "[Triggered] {name} is restarting",
        OOM,
        "BackOff",
        "java.lang.OutOfMemoryError in {name}",
    )


def pull(name: str) -> ContextBundle:
    return bundle(
        name, "[Triggered] {name} is not ready", PULL, "Failed", "cannot pull image for {name}"
    )


@given(
    st.text(string.ascii_lowercase, min_size=6, max_size=14).filter(
        lambda n: n not in "restarting triggered"
    )
)
def test_the_same_trouble_of_another_service_has_the_same_signature(name: str) -> None:
    assert signature(oom(name)) == signature(oom("warehouse"))
    assert name not in signature(oom(name)).split()


def test_reasons_exit_codes_and_events_stay() -> None:
    text = signature(oom("shop"))
    for word in ("OOMKilled", "exit_code_137", "CrashLoopBackOff", "BackOff", "OutOfMemoryError"):
        assert word in text


def warned(name: str, *messages: str, lines: tuple[str, ...] = ()) -> str:
    plain = bundle(name, "{name} is down", PULL, "Failed", "")
    told = [
        {
            "type": "Warning",
            "reason": "FailedCreate",
            "message": message,
            "involvedObject": {"name": f"{name}-7d9f8b6c5d-x2x8k"},
        }
        for message in messages
    ]
    objects = {**plain.k8s_context.objects, "events": told}
    context = plain.k8s_context.model_copy(update={"objects": objects})
    return signature(
        plain.model_copy(update={"k8s_context": context, "logs": (LogExcerpt(lines=lines),)})
    )


def test_what_a_warning_says_is_told_without_who() -> None:
    quota = 'pods "{0}-7d9f8b6c5d-" is forbidden: exceeded quota: {0}-main, requested: pods=1'
    said = warned("shop", quota.format("shop"))
    assert 'event FailedCreate pods "name-" is forbidden: exceeded quota: name' in said
    assert said == warned("cart", "(combined from similar events): " + quota.format("cart"))
    assert said != warned("shop", 'error looking up service account: serviceaccount "a" not found')


def test_a_volume_that_a_controller_named_is_no_difference() -> None:
    said = 'MountVolume.SetUp failed for volume "kube-api-access-{}" : timed out'
    assert warned("shop", said.format("p9svn")) == warned("shop", said.format("w5fc8"))


def test_lines_that_differ_by_a_number_are_one_and_the_commonest_few_take_part() -> None:
    often = tuple(f"error: request {n} refused" for n in range(20))
    kinds = ("fatal: disk", "fatal: net", "fatal: dns", "fatal: tls", "fatal: zip")
    told = warned("shop", lines=(*kinds, *often)).splitlines()
    assert "error: request n refused" in told
    assert sum(line.startswith("fatal") for line in told) == 3


def test_a_flood_of_warnings_stays_short() -> None:
    flood = [f"reason {'abcdefghijklmnop'[n % 16]} {'x' * 900}" for n in range(500)]
    assert len(warned("shop", *flood)) < 12 * 170 + 200


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("pod api-7d9f8b6c5d-x2x8k on 10.1.2.3:8080", "pod name on address"),
        ("exited with code 137 after 35s", "exited with code_137 after n"),
        ("status code 503 at 2026-01-01T00:00:00Z", "status code_503 at"),
        ("image sha256:0123456789abcdef", "image digest"),
        ("CPU is 93.5% of 2 cores", "CPU is n of n cores"),
    ],
)
def test_identifiers_and_numbers_are_masked_and_telling_codes_stay(text: str, masked: str) -> None:
    assert mask_identifiers(text, ["api"]) == masked


async def test_the_offline_embedder_puts_the_same_fault_near_and_another_one_far() -> None:
    embedder = HashingEmbedder()
    first, again, other = [
        await embedder.embed(signature(b)) for b in (oom("cart"), oom("billing"), pull("cart"))
    ]
    assert float(first @ again) > embedder.threshold
    assert float(first @ other) < embedder.threshold


@given(st.text(max_size=200))
def test_a_vector_is_a_unit_or_nothing(text: str) -> None:
    norm = float((hashed(text, 384) ** 2).sum()) ** 0.5
    assert norm == pytest.approx(1.0, abs=1e-4) or norm == 0.0
