"""The recipe of a vector store works as it is written: it is chosen by settings and keeps the promises of all stores."""

from __future__ import annotations

from pathlib import Path

import pytest

from kfix.infra.memory.indexes import INDEXES
from tests.support.recipes import changed, copied, failed, follow, pytest_words, run, settings_page

COPIED = (
    "kfix",
    "docs",
    "pyproject.toml",
    "tests/__init__.py",
    "tests/conftest.py",
    "tests/run.py",
    "tests/support",
    "tests/contract/__init__.py",
    "tests/contract/conftest.py",
    "tests/contract/test_memory_index.py",
)
OWN = {"kfix/infra/memory/indexes/journal.py", "tests/support/vector_stores/journal.py"}
#: Remembers two incidents and recalls one, in the store that the settings name.
REMEMBER = """
import asyncio, sys
from kfix.infra.memory.opening import open_memory
from kfix.infra.store.engine import open_store

async def main():
    engine = open_store("sqlite:///" + sys.argv[1])
    async with open_memory(engine) as memory:
        await memory.remember("inc-1", "state OOMKilled exit 137", {"result": "success"})
        await memory.remember("inc-2", "x509 certificate has expired", {"result": "success"})
        hits = await memory.recall("state OOMKilled exit 137")
        print(type(memory.index).__name__, [hit.id for hit in hits])

asyncio.run(main())
"""


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy in which the recipe was followed."""
    root = copied(tmp_path_factory.mktemp("store"), *COPIED)
    follow(root, "A vector store")
    settings_page(root)
    return root


def test_a_store_of_the_recipe_keeps_the_promises_of_all_stores(copy: Path) -> None:
    words = pytest_words("tests/contract/test_memory_index.py", "-k", "journal")
    assert "19 passed" in run(copy, *words)


def test_a_store_that_breaks_a_promise_fails_there(copy: Path, tmp_path: Path) -> None:
    broken = copied(tmp_path, *COPIED)
    follow(broken, "A vector store")
    module = broken / "kfix/infra/memory/indexes/journal.py"
    module.write_text(
        module.read_text().replace("kept = await self._of(model)", "kept = self._read()")
    )
    told = failed(broken, *pytest_words("tests/contract/test_memory_index.py", "-k", "journal"))
    assert "3 failed, 16 passed" in told
    assert "test_models_are_never_compared" in told


def test_it_is_opened_where_the_settings_name_it(copy: Path, tmp_path: Path) -> None:
    file = tmp_path / "vectors.jsonl"
    named = {"KFIX_MEMORY_INDEX": "journal", "KFIX_MEMORY_JOURNAL_PATH": str(file)}
    store = str(tmp_path / "store.db")
    assert run(copy, "-c", REMEMBER, store, **named) == "JournalIndex ['inc-1']\n"
    assert len(file.read_text().splitlines()) == 2
    assert run(copy, "-c", REMEMBER, store) == "SqlIndex ['inc-1']\n"


def test_a_store_that_nobody_has_is_refused_and_the_choices_are_told(
    copy: Path, tmp_path: Path
) -> None:
    store = str(tmp_path / "store.db")
    told = failed(copy, "-c", REMEMBER, store, KFIX_MEMORY_INDEX="nobodys")
    assert "KFIX_MEMORY_INDEX: " in told
    assert ", ".join(sorted((*INDEXES, "journal"))) in told


def test_a_store_touches_no_module_of_the_tree(copy: Path) -> None:
    assert changed(copy) == {*OWN, "docs/settings.md"}
    assert "`KFIX_MEMORY_JOURNAL_PATH`" in (copy / "docs/settings.md").read_text()
