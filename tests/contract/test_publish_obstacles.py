"""Plans that may not be opened: both chats say which checks stand in the way, why, and what to do about it.

The way is the real one: safety's examination, its record, the publish stage, Slack and Teams over loopback.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest

from kfix.infra.clients.kubernetes import LockProof
from kfix.infra.clients.kubernetes.lock import proof_of
from publish.agent import publish
from publish.core.inert import BREAK
from publish.core.teams import MAX_BYTES
from publish.core.wording import Language, word
from safety.adapters.lock import LockWatch
from safety.adapters.schemas import PublishedSchemas
from safety.core import Policy
from safety.ports import SafetyPorts
from safety.service.validation import examination
from schemas import errors
from schemas.base import Json
from schemas.validated import ValidatedPlans
from tests.support import publish as sample
from tests.support.publish_world import World, done, world  # noqa: F401
from tests.unit.safety.test_safety_examination import OURS, Cluster, Repository, proposed

# ruff: noqa: F811  (fixtures are imported by name)
LOCKED = LockProof("locked")
OPEN = proof_of(None)
NO_PROBE = proof_of(errors.NotFound('configmaps "k-fix-lock" not found'))
SILENT = proof_of(errors.Unavailable("the API server answered 503"))
LANGUAGES: tuple[Language, ...] = ("en", "fr")


@dataclass(frozen=True)
class Full(Cluster):
    """A cluster whose quota has no room."""

    async def bounds(self, namespaces: Sequence[str]) -> Mapping[str, Sequence[Json]]:
        quota: dict[str, Any] = {
            "kind": "ResourceQuota",
            "metadata": {"name": "team", "namespace": "shop"},
            "spec": {"hard": {"limits.cpu": "1600m"}},
            "status": {"hard": {"limits.cpu": "1600m"}, "used": {"limits.cpu": "1500m"}},
        }
        return {"resourcequotas": [quota], "limitranges": [], "poddisruptionbudgets": []}


async def examined(
    lock: LockProof = LOCKED,
    cluster: Cluster | None = None,
    repository: Repository | None = None,
    plans: int = 3,
) -> ValidatedPlans:
    """The record that safety makes of some plans for production."""

    async def prove() -> LockProof:
        return lock

    watch = LockWatch(prove, lambda: 100.0, 60.0)
    await watch.look()
    ports = SafetyPorts(
        repository or Repository(),
        cluster or Cluster(),
        PublishedSchemas(""),
        Policy(),
        5.0,
        fleet=OURS,
        lock=watch,
    )
    candidate = proposed()
    wanted = tuple(sample.plan(f"{900 - 50 * at}m") for at in range(plans))
    objects: dict[str, Any] = {"deployments": [_live()]}
    context = candidate.context.model_copy(update={"objects": objects})
    asked = candidate.model_copy(update={"plans": wanted, "context": context})
    record = (await examination(asked, ports)).plans
    assert (record.status, record.reason) == ("needs_human", "no_safe_plan")
    return record


def _live() -> Json:
    container = {
        "name": "app",
        "image": "registry.example.com/checkout:1.8.2",
        "resources": {
            "requests": {"cpu": "250m", "memory": "256Mi"},
            "limits": {"cpu": "500m", "memory": "512Mi"},
        },
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "checkout", "namespace": "shop"},
        "spec": {"replicas": 3, "template": {"spec": {"containers": [container]}}},
    }


async def told(world: World, record: ValidatedPlans, language: Language = "en") -> dict[str, str]:
    """What each chat shows, without the joiners that keep texts inert."""
    event = await done(publish(record, replace(world.ports, language=language)))
    assert (event.action, world.merge_requests) == ("declined", [])
    assert {n.channel: n.sent for n in event.notifications} == {"slack": True, "teams": True}
    (message,), (card,) = world.slack.messages, world.teams.cards
    texts = [b["text"]["text"] for b in message.blocks if b["type"] == "section" and "text" in b]
    assert max(map(len, texts)) <= 700
    assert len(json.dumps(card)) <= MAX_BYTES
    shown = {"slack": "\n".join(texts), "teams": json.dumps(card, ensure_ascii=False)}
    return {chat: text.replace(BREAK, "").replace('\\"', '"') for chat, text in shown.items()}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("lock", "reason", "objects"),
    [
        (
            OPEN,
            {
                "en": "the cluster let a real write of K-Fix pass",
                "fr": "tant que le verrou du cluster est ouvert",
            },
            ("1-admission-policy.yaml", "ValidatingAdmissionPolicyBinding", "k-fix-dry-run-only"),
        ),
        (
            NO_PROBE,
            {
                "en": "the lock's ConfigMap is not in the cluster",
                "fr": "sa ConfigMap n'est pas dans le cluster",
            },
            ("2-access.yaml", "kfix/k-fix-lock", "1-admission-policy.yaml"),
        ),
        (
            SILENT,
            {"en": "the lock could not be tried", "fr": "il n'a pas pu être essayé"},
            ("2-access.yaml", "kfix/k-fix-lock", "1-admission-policy.yaml"),
        ),
    ],
    ids=["unlocked", "no probe", "silent"],
)
async def test_the_lock_that_is_not_proven_is_said_first_with_what_to_apply(
    world: World,
    lock: LockProof,
    reason: dict[str, str],
    objects: tuple[str, ...],
    language: Language,
) -> None:
    said = reason[language]
    for text in (await told(world, await examined(lock), language)).values():
        assert text.count(said) == 1
        assert word("next", language) in text
        assert all(name in text for name in objects)
        first = text.split("⛔")[1]
        assert said in first


CASES: dict[str, tuple[Cluster | None, Repository | None, dict[str, str], str]] = {
    "dry-run unanswered": (
        Cluster(errors.Unavailable("the API server answered 503")),
        None,
        {
            "en": "Server dry-run:* could not be checked: unavailable",
            "fr": "Essai à blanc du serveur :* n'a pas pu être contrôlé : unavailable",
        },
        "next_cluster",
    ),
    "repository silent": (
        None,
        Repository(errors.Unavailable("GitLab answered 502")),
        {
            "en": "Edit:* could not be checked: unavailable",
            "fr": "Modification :* n'a pas pu être contrôlé : unavailable",
        },
        "next_repository",
    ),
    "quota": (
        Full(),
        None,
        {"en": "quota team: limits.cpu", "fr": "quota team : limits.cpu"},
        "next_quota",
    ),
}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("case", CASES)
async def test_whatever_stands_in_the_way_is_named_with_its_reason_and_a_next_step(
    world: World, case: str, language: Language
) -> None:
    cluster, repository, reason, step = CASES[case]
    shown = await told(world, await examined(LOCKED, cluster, repository), language)
    assert reason[language] in shown["slack"]
    assert reason[language].partition(":* ")[2] in shown["teams"]
    for text in shown.values():
        assert word(step, language) in text
        assert 1 <= text.count("⛔") <= 2
        assert "no edited document" not in text
        assert "document modifié" not in text


@pytest.mark.parametrize("lock", [OPEN, SILENT], ids=["unlocked", "silent"])
async def test_a_silent_repository_beside_the_lock_hides_neither(
    world: World, lock: LockProof
) -> None:
    record = await examined(lock, None, Repository(errors.Unavailable("GitLab answered 502")))
    for text in (await told(world, record)).values():
        assert "lock is" in text
        assert "GitLab answered 502" in text
        assert text.count("⛔") == 2
        assert word("next_repository", "en") in text


async def test_many_plans_do_not_make_the_message_longer(world: World) -> None:
    one = len((await told(world, await examined(OPEN, plans=1)))["slack"])
    world.slack.messages.clear()
    world.teams.cards.clear()
    many = (await examined(OPEN, plans=9)).model_copy(update={"incident_id": "inc-many"})
    assert len((await told(world, many))["slack"]) <= one + 50


async def test_a_reason_of_the_cluster_is_inert_and_short(world: World) -> None:
    attack = "<!channel> [a](http://evil.example/x) @here **b** {{DATE()}} " * 50
    record = await examined(proof_of(errors.NotFound(attack)))
    shown = await told(world, record)
    blocks, card = json.dumps(world.slack.messages[0].blocks), json.dumps(world.teams.cards[0])
    assert "<!channel>" not in blocks
    for wire in (blocks, card):
        assert "http://evil" not in wire
        assert "@here" not in wire
    assert "[a](" not in card
    for text in shown.values():
        assert word("next_lock_unknown", "en") in text
