"""What learn keeps beside a vector comes back in a bundle: the lesson as data, and what people said of the fix."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from enrich.adapters.memory import VectorEarlierIncidents
from enrich.core.bundle import Recalled
from kfix.infra.memory.embedding import HashingEmbedder
from kfix.infra.memory.index import Metadata
from kfix.infra.memory.indexes import embedded
from kfix.infra.memory.opening import OpenedMemory
from kfix.infra.store.engine import open_store
from kfix.texts import told
from learn.core.lessons import lesson, memory_metadata
from schemas.feedback import Feedback
from tests.support.learn import PROPOSAL, after, outcome

SAID = (
    Feedback(
        author="Anna", role="developer", verdict="bad", about="cause", text="queue", at=after(3)
    ),
    Feedback(author="Bob", text="we use VPA", way="comment", at=after(4)),
)


def kept(people: Sequence[Feedback]) -> Metadata:
    """What learn keeps of an outcome that people spoke of."""
    taught = lesson(PROPOSAL, "success", "all is well.", "en", people)
    return memory_metadata(outcome(lesson=taught, feedback=tuple(people)), PROPOSAL, "https://k/i")


async def recalled(tmp_path: Path, metadata: Metadata) -> Recalled:
    engine = open_store(f"sqlite:///{tmp_path / 'm.db'}")
    index = embedded.opened(engine, timeout_s=5.0)
    memory = OpenedMemory(HashingEmbedder(), index, 0.1, 3)
    try:
        await memory.remember("inc-1", "cpu throttled", metadata)
        return await VectorEarlierIncidents(memory).recall("cpu throttled")
    finally:
        await index.close()
        engine.dispose()


async def test_people_and_the_lesson_come_back(tmp_path: Path) -> None:
    found = await recalled(tmp_path, kept(SAID))
    (one,) = found.similar
    assert one.people == tuple(f.model_copy(update={"way": f.way}) for f in SAID)
    assert "Anna (developer) says it was the wrong cause" in one.lesson
    assert "mauvaise cause" in told(one.lesson, one.lesson_text, "fr")
    assert found.lessons == (one.lesson,)


async def test_nobody_said_anything(tmp_path: Path) -> None:
    (one,) = (await recalled(tmp_path, kept(()))).similar
    assert one.people == ()


@pytest.mark.parametrize(
    ("people", "text"),
    [
        ("[{", "{"),
        ('[{"author": 1}]', "[]"),
        ("null", '{"id": "publish.denied"}'),
        ('[{"author": "x", "verdict": "merge"}]', '{"id": "{0}"}'),
    ],
)
async def test_what_a_store_has_of_somebody_elses_is_nothing(
    tmp_path: Path, people: str, text: str
) -> None:
    strange = {**kept(SAID), "people": people, "lesson_text": text}
    (one,) = (await recalled(tmp_path, strange)).similar
    assert (one.people, one.lesson_text) == ((), None)


async def test_a_store_cannot_make_a_bundle_grow(tmp_path: Path) -> None:
    many = "[" + ",".join('{"author": "x", "text": "y"}' for _ in range(500)) + "]"
    (one,) = (await recalled(tmp_path, {**kept(()), "people": many})).similar
    assert len(one.people) == 4
