"""Answers that never change are kept while there is room, and failures are not."""

from __future__ import annotations

import asyncio

import pytest

from kfix.infra.forges.gitlab.histories import Kept


class Asked:
    """Answers a word with itself, and counts."""

    def __init__(self) -> None:
        self.words: list[str] = []

    async def __call__(self, word: str) -> str:
        self.words.append(word)
        await asyncio.sleep(0)
        if word == "bad":
            raise ValueError(word)
        return word


async def get(kept: Kept[str, str], asked: Asked, word: str) -> str:
    return await kept.get(word, lambda: asked(word))


async def test_those_not_asked_for_longest_go_first() -> None:
    kept: Kept[str, str] = Kept(room=6, weight=len)
    asked = Asked()
    for word in ("aaa", "bbb", "aaa", "ccc", "aaa", "bbb"):
        assert await get(kept, asked, word) == word
    assert asked.words == ["aaa", "bbb", "ccc", "bbb"]


async def test_what_is_heavier_than_all_room_is_answered_and_not_kept() -> None:
    kept: Kept[str, str] = Kept(room=2, weight=len)
    asked = Asked()
    assert [await get(kept, asked, "long") for _ in range(2)] == ["long", "long"]
    assert await get(kept, asked, "x") == await get(kept, asked, "x")
    assert asked.words == ["long", "long", "x"]


async def test_all_who_wait_get_one_failure_and_the_next_asks_again() -> None:
    kept: Kept[str, str] = Kept(room=10, weight=len)
    asked = Asked()
    both = await asyncio.gather(*(get(kept, asked, "bad") for _ in "ab"), return_exceptions=True)
    assert [type(one) for one in both] == [ValueError, ValueError]
    with pytest.raises(ValueError, match="bad"):
        await get(kept, asked, "bad")
    assert asked.words == ["bad", "bad"]


async def test_a_caller_that_leaves_takes_no_answer_from_the_others() -> None:
    kept: Kept[str, str] = Kept(room=10, weight=len)
    asked = Asked()
    first = asyncio.create_task(get(kept, asked, "a"))
    second = asyncio.create_task(get(kept, asked, "a"))
    await asyncio.sleep(0)
    first.cancel()
    assert await second == "a"
    assert asked.words == ["a"]
