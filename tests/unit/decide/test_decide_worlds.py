"""Which incident an alert belongs to, and what a model said, are told again as they were."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from decide.adapters.worlds import LedgerOfThen, NotedLedger, NotedReasoner, reasoner_of_then
from decide.core.question import ModelAnswer, Opinion, Question
from decide.ports import Membership, Recovered, Role
from kfix.engine.runtime.worlds import NeverAsked, Notebook, Told

NOW = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)
BASIS = {"model": "mistral/large"}


class Ledger:
    """Knows one incident, and who was asked of it."""

    def __init__(self, role: Role = "first", fingerprint: str = "fp-1") -> None:
        self.answer = Membership("inc-1", fingerprint, role)
        self.recovered: Recovered | None = None
        self.told: list[str] = []

    async def join(self, **_: Any) -> Membership:
        return self.answer

    async def recover(self, **_: Any) -> Recovered | None:
        return self.recovered

    async def propose(self, incident_id: str) -> None:
        self.told.append(f"proposed {incident_id}")

    async def close(self, incident_id: str, *, at: datetime) -> None:
        self.told.append(f"closed {incident_id}")


class Model:
    def __init__(self, said: Opinion) -> None:
        self.said = said

    async def consider(self, question: Question) -> Opinion:
        return self.said


def question(text: str = "why?") -> Question:
    return Question("system", text, "v2", ("H1",), ("P1",))


async def joined(ledger: Any, fingerprint: str, delivery: str = "d-1") -> Membership:
    found: Membership = await ledger.join(
        fingerprint=fingerprint, cycle="c", delivery_id=delivery, at=NOW, trouble="fp-t"
    )
    return found


@pytest.mark.parametrize(
    ("role", "named", "today", "fingerprint"),
    [
        ("first", "fp-1", "fp-1", "fp-1"),
        ("repeat", "fp-0", "fp-1", "fp-0"),
        ("after_recovery", "fp-1", "fp-1", "fp-1"),
        # Another cause is named today: the incident that had its name from this alert has today's.
        ("first", "fp-1", "fp-2", "fp-2"),
        ("repeat", "fp-0", "fp-2", "fp-0"),
    ],
)
async def test_an_alert_is_in_the_incident_it_was_in(
    role: Role, named: str, today: str, fingerprint: str
) -> None:
    book = Notebook(BASIS)
    inner = Ledger(role, named)
    noted = NotedLedger(inner, book)
    await joined(noted, "fp-1")
    await noted.propose("inc-1")
    await noted.close("inc-1", at=NOW)
    assert inner.told == ["proposed inc-1", "closed inc-1"]
    then = LedgerOfThen(Told(book.world()))
    assert await joined(then, today) == Membership("inc-1", fingerprint, role)
    await then.propose("inc-1")
    await then.close("inc-1", at=NOW)
    with pytest.raises(NeverAsked):
        await joined(then, today, "d-2")


@pytest.mark.parametrize("found", [None, Recovered("inc-1", "fp-1", NOW)])
async def test_a_recovery_ends_what_it_ended(found: Recovered | None) -> None:
    book, inner = Notebook(BASIS), Ledger()
    inner.recovered = found
    await NotedLedger(inner, book).recover(cycle="c", at=NOW)
    then = LedgerOfThen(Told(book.world()))
    assert await then.recover(cycle="c", at=NOW) == found
    with pytest.raises(NeverAsked):
        await then.recover(cycle="other", at=NOW)


@pytest.mark.parametrize(
    "said",
    [
        Opinion("mistral", "large", failure="timed_out"),
        Opinion(
            "mistral",
            "large",
            ModelAnswer(
                hypothesis="H1", plan="none", verdict="fix", confidence=0.4, explanation="since"
            ),
        ),
    ],
)
async def test_an_opinion_is_told_again_and_another_question_has_none(said: Opinion) -> None:
    book = Notebook(BASIS)
    await NotedReasoner(Model(said), "mistral/large", book).consider(question())
    told = Told(book.world())
    then = reasoner_of_then(told, "when_unsure", "mistral/large")
    assert then is not None
    assert await then.consider(question()) == said
    assert told.never_asked == []
    assert (await then.consider(question("how?"))).failure == "never_asked"
    assert told.never_asked == ["model about mistral/large"]


async def test_who_is_asked_today_is_another_question_and_a_missing_key_is_not() -> None:
    book = Notebook(BASIS)
    said = Opinion("mistral", "large", failure="refused")
    await NotedReasoner(Model(said), "mistral/large", book).consider(question())
    other = reasoner_of_then(Told(book.world()), "always", "openai/gpt")
    assert other is not None
    assert (await other.consider(question())).failure == "never_asked"
    without_key = reasoner_of_then(Told(book.world()), "always", "")
    assert without_key is not None
    assert await without_key.consider(question()) == said
    assert reasoner_of_then(Told(book.world()), "never", "") is None
    assert reasoner_of_then(Told(Notebook({"model": ""}).world()), "always", "") is None
