"""The memory goes into a file and comes back, in another store and for another embedder; a bad file changes nothing."""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import Engine
from typer import Typer
from typer.testing import CliRunner

from kfix.cli.memory import register
from kfix.infra.memory.embedding import HashingEmbedder, hashed
from kfix.infra.memory.exchange import BadFile, Exported, Imported, bring_in, export
from kfix.infra.memory.index import Space, VectorIndex
from kfix.infra.memory.opening import OpenedMemory
from kfix.infra.memory.sql import SqlIndex
from kfix.infra.store.engine import open_store
from tests.contract.test_memory_reembedding import OOM, PULL, Small, memory
from tests.support.logs import logs_as_they_were
from tests.support.remembered import NOW
from tests.support.vector_stores import stores

CONSOLE = "https://kfix.example.com"


@pytest.fixture(params=stores())
async def index(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[VectorIndex]:
    async with request.param(request, tmp_path) as made:
        yield made


async def written(opened: OpenedMemory, file: Path) -> Exported:
    return [step async for step in export(opened, file, at=NOW)][-1]


async def read(opened: OpenedMemory, file: Path, *, replace: bool = False) -> Imported:
    steps = bring_in(opened, file, console_url=CONSOLE, replace=replace)
    return [step async for step in steps][-1]


async def test_from_every_store_into_another_with_another_embedder(
    index: VectorIndex, store: Engine, tmp_path: Path
) -> None:
    file, old = tmp_path / "memory.jsonl", memory(index, Small("old"))
    for n in range(7):
        said = {"result": "success", "n": float(n), "held": True, "lesson": "é ✓"}
        await old.remember(f"inc-{n}", f"{OOM} é {n}", said)
    assert await written(old, file) == Exported(7, 0)
    assert file.stat().st_mode & 0o077 == 0
    new = memory(SqlIndex(store), Small("new"))
    assert await read(new, file) == Imported(made=7, there=0, empty=0, total=7)
    assert await new.index.spaces() == (Space("new", 3, 7),)
    page = await new.index.page(model="new", limit=100)
    kept = {item.id: item for item in page.items}
    assert kept["inc-3"].text == f"{OOM} é 3"
    link = {"url": f"{CONSOLE}/incidents/inc-3"}
    assert (
        kept["inc-3"].metadata
        == {"result": "success", "n": 3.0, "held": True, "lesson": "é ✓"} | link
    )
    assert await read(new, file) == Imported(made=0, there=7, empty=0, total=7)


async def test_what_is_known_better_stays_unless_it_is_to_be_replaced(
    store: Engine, tmp_path: Path
) -> None:
    file, index = tmp_path / "memory.jsonl", SqlIndex(store)
    await memory(index, Small("old")).remember("inc-1", OOM, {"result": "success"})
    await written(memory(index, Small("old")), file)
    new = memory(index, Small("new"))
    await new.remember("inc-1", OOM, {"result": "failure"})
    await read(new, file)
    assert (await index.page(model="new", limit=1)).items[0].metadata["result"] == "failure"
    await read(new, file, replace=True)
    assert (await index.page(model="new", limit=1)).items[0].metadata["result"] == "success"


async def test_each_incident_is_written_once_by_the_model_in_use_and_one_without_text_is_counted(
    store: Engine, tmp_path: Path
) -> None:
    file, index = tmp_path / "memory.jsonl", SqlIndex(store)
    await memory(index, Small("a")).remember("inc-1", PULL, {"result": "failure"})
    await memory(index, Small("z")).remember("inc-1", OOM, {"result": "success"})
    await index.upsert(id="older", model="a", vector=hashed(PULL, 3), metadata={})
    assert await written(memory(index, Small("z")), file) == Exported(1, 1)
    (line,) = file.read_text().splitlines()[1:-1]
    assert json.loads(line)["metadata"] == {"result": "success"}


def signed(*lines: object) -> bytes:
    """A file with these lines and a right checksum."""
    raw = b"".join(json.dumps(line).encode() + b"\n" for line in lines)
    last = {"lines": len(lines) - 1, "sha256": hashlib.sha256(raw).hexdigest()}
    return raw + json.dumps(last).encode() + b"\n"


FIRST = {"format": "kfix-memory", "version": 1, "model": "m", "made_at": NOW.isoformat()}


def line(id: str = "inc-1", **fields: object) -> dict[str, object]:
    return {"id": id, "text": OOM, "metadata": {"result": "success"}} | fields


GOOD = signed(FIRST, line(), line("inc-2"))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "line 1: the file is cut off before its last line"),
        (b"PK\x03\x04\n", "line 1: no JSON"),
        (signed({**FIRST, "version": 2}), "line 1: version: Input should be 1"),
        (GOOD[: GOOD.rindex(b'{"lines"')], "line 4: the file is cut off before its last line"),
        (GOOD.replace(b"success", b"failure"), "line 4: the checksum is of another content"),
        (GOOD + GOOD, "line 5: stands after the last one"),
        (signed(FIRST, line(), line()), "line 3: inc-1 is in line 2"),
        (signed(FIRST, line("../../x")), "line 2: id: String should match pattern"),
        (signed(FIRST, line(metadata={"a": {"b": 1}})), "line 2: metadata.a"),
        (signed(FIRST, line(metadata={"a": None})), "line 2: metadata.a"),
        (signed(FIRST, line(vector=[1.0])), "line 2: vector: Extra inputs are not permitted"),
        (signed(FIRST, line(text="x" * 50_001)), "line 2: text: String should have at most"),
        (signed(FIRST, line(), [1], "x"), "line 3: the line: Input should be"),
        (
            GOOD.replace(b'"id": "inc-2"', b'"id": NaN'),
            "line 3: id: Input should be a valid string",
        ),
        (b"[" * 100_000 + b"\n", "line 1: no JSON"),
        (b"x" * 300_000, "line 1: longer than 200000 bytes"),
    ],
)
async def test_a_bad_file_is_told_line_by_line_and_changes_nothing(
    store: Engine, tmp_path: Path, content: bytes, said: str
) -> None:
    file, opened = tmp_path / "memory.jsonl", OpenedMemory(HashingEmbedder(), SqlIndex(store), 0, 3)
    await opened.remember("inc-1", PULL, {"result": "failure"})
    file.write_bytes(content)
    with pytest.raises(BadFile) as bad:
        await read(opened, file, replace=True)
    assert any(one.startswith(said) for one in bad.value.lines), bad.value.lines
    assert OOM not in str(bad.value)
    page = await opened.index.page(model=opened.embedder.model, limit=9)
    assert [(item.id, item.metadata) for item in page.items] == [("inc-1", {"result": "failure"})]


async def test_secrets_and_strange_links_of_a_file_do_not_come_in(
    store: Engine, tmp_path: Path
) -> None:
    file, opened = tmp_path / "memory.jsonl", memory(SqlIndex(store), Small("m"))
    secret = "password=hunter2hunter2"
    metadata = {"url": "https://evil.example.com/x", "lesson": f"use {secret}"}
    file.write_bytes(signed(FIRST, line(text=f"{OOM} {secret}", metadata=metadata)))
    await read(opened, file)
    (item,) = (await opened.index.page(model="m", limit=9)).items
    assert "hunter2" not in item.text + str(item.metadata)
    assert item.metadata["url"] == f"{CONSOLE}/incidents/inc-1"


def test_the_commands_write_a_file_and_read_it_in_another_store(
    store: Engine, store_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app, file = Typer(), tmp_path / "memory.jsonl"
    register(app)

    def run(url: str, *arguments: str) -> tuple[int, str]:
        monkeypatch.setenv("KFIX_DATABASE_URL", url)
        with logs_as_they_were():
            done = CliRunner().invoke(app, ["memory", *arguments])
        return done.exit_code, done.output

    file.write_bytes(GOOD)
    assert run(store_url, "import", str(file)) == (
        0,
        "2 made, 0 there already, 0 without words left out\n",
    )
    assert run(store_url, "export", str(file)) == (0, "2 written, 0 without text left out\n")
    other = f"sqlite:///{tmp_path / 'other.db'}"
    open_store(other).dispose()
    assert run(other, "import", str(file))[0] == 0
    assert run(other, "import", str(file))[1].startswith("0 made, 2 there already")
    file.write_bytes(file.read_bytes()[:-9])
    code, said = run(other, "import", str(file))
    assert (code, said) == (
        3,
        "kfix: line 4: no JSON\nkfix: line 5: the file is cut off before its last line\n",
    )
    code, said = run(other, "export", str(tmp_path / "no" / "memory.jsonl"))
    assert code == 1
    assert said.endswith("No such file or directory\n")
