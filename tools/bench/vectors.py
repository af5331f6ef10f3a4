"""The vector memory at size, on a real PostgreSQL with pgvector: the time of a search, and how many of the nearest it
finds, against an exact search of the same table in the same run. Searched as the product does, through its own adapter.

The vectors are made like the memory's own. Of real cases' masked signatures (``KFIX_BENCH_CASES``, a folder of cases)
each line goes through the offline embedder's features, as it is and in 39 variants with one word in four another one. An
incident is drawn from one case (the n-th with weight 1/n: few kinds are common), keeps each of its lines with probability
0.85, each in a variant (the n-th with weight 1/n), and has up to two lines of other cases. Its vector is the sum of its
lines' features, at length 1. So they cluster as signatures do. Questions are drawn the same way and are not among them.

``KFIX_BENCH_VECTORS``: how many, 20,000 unless said; a million take half an hour to index on two cores.
``KFIX_BENCH_VECTORS_URL``: a database whose memory is full already with vectors of this module; it is only searched.
"""

from __future__ import annotations

import asyncio
import io
import os
import struct
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Engine, Table, text
from sqlalchemy.schema import CreateIndex

from enrich.adapters.capture import read_capture
from kfix.incident.signature import signature
from kfix.infra.memory.embedding import HashingEmbedder, features_of
from kfix.infra.memory.index import VectorHit
from kfix.infra.memory.pgvector import PgvectorIndex, table_of
from kfix.infra.store.engine import open_engine
from kfix.offline.diagnose import bundle_of, opened
from tools.realparts import postgres

TITLE = "vectors: searched in pgvector, against an exact search of the same table"
MODEL, DIMENSION = HashingEmbedder.model, HashingEmbedder.dimension
COUNT = int(os.environ.get("KFIX_BENCH_VECTORS", "20000"))
CASES = Path(os.environ.get("KFIX_BENCH_CASES", "tests/corpus/cases"))
URL = os.environ.get("KFIX_BENCH_VECTORS_URL", "")
VARIANTS = 40
#: Questions for the index, and how often each is asked; as many again were asked before to warm up.
QUESTIONS, ROUNDS = 150, 3
#: Questions for the exact search, which takes seconds among a million.
EXACT = 40
CANDIDATES = (100, 200, 400)
#: Nearest that are asked for.
LIMIT = 10
#: Rows of one COPY.
_PORTION = 20_000
Matrix = NDArray[np.float32]


def run() -> dict[str, float]:
    """Milliseconds, shares and ratios."""
    with _database() as engine:
        figures = asyncio.run(_measured(engine))
    for name, value in figures.items():
        print(f"{name:32} {value:12.4f}", flush=True)
    return figures


async def _measured(engine: Engine) -> dict[str, float]:
    figures: dict[str, float] = {}
    if not URL:
        figures |= await filled(engine, Incidents(lines_of(CASES)))
    # Drawn after as many as are in the table: none of them is in it.
    questions = Incidents(lines_of(CASES), seed=11).draw(QUESTIONS)
    table = table_of(MODEL, DIMENSION)
    with engine.connect() as connection:
        figures["vectors"] = float(
            connection.scalar(text(f"SELECT count(*) FROM {table.name}")) or 0
        )
    nearest, exact_ms = _exactly(engine, table, questions[:EXACT])
    figures["exact_p50_ms"] = float(np.quantile(exact_ms, 0.5))
    for candidates in CANDIDATES:
        index = PgvectorIndex(engine, timeout_s=60, candidates=candidates)
        figures |= await _searched(index, questions, nearest, candidates)
        figures[f"ratio_{candidates}"] = (
            figures["exact_p50_ms"] / figures[f"search_{candidates}_p50_ms"]
        )
    return figures


async def _searched(
    index: PgvectorIndex, questions: Matrix, nearest: Sequence[float], candidates: int
) -> dict[str, float]:
    """Each question ``ROUNDS`` times. ``quiet``: of each the fastest, which is the search without what else runs here."""

    async def ask(question: Matrix) -> tuple[float, list[VectorHit]]:
        started = time.perf_counter()
        hits = await index.search(question, model=MODEL, limit=LIMIT, threshold=-1.0, where={})
        return (time.perf_counter() - started) * 1000, hits

    for question in questions:
        await ask(question)
    asked = [[await ask(question) for question in questions] for _ in range(ROUNDS)]
    took = np.array([[ms for ms, _ in once] for once in asked])
    found = [
        sum(hit.similarity >= least - 1e-4 for hit in hits)
        for (_, hits), least in zip(asked[0], nearest, strict=False)
    ]
    name = f"search_{candidates}"
    return {
        f"recall_{candidates}": sum(found) / (len(found) * LIMIT),
        f"{name}_p50_ms": float(np.quantile(took, 0.5)),
        f"{name}_p99_ms": float(np.quantile(took, 0.99)),
        f"{name}_quiet_p99_ms": float(np.quantile(took.min(axis=0), 0.99)),
    }


def _exactly(engine: Engine, table: Table, questions: Matrix) -> tuple[list[float], list[float]]:
    """For each question how near the last of its nearest is, by a search without the index, and its milliseconds."""
    nearest, took = [], []
    query = text(
        f"SELECT 1 - (embedding <=> CAST(:asked AS vector)) AS near FROM {table.name}"
        f" ORDER BY embedding <=> CAST(:asked AS vector) LIMIT {LIMIT}"
    )
    with engine.begin() as connection:
        connection.execute(text("SET LOCAL enable_indexscan = off"))
        for question in questions:
            asked = "[" + ",".join(f"{value:.8g}" for value in question) + "]"
            started = time.perf_counter()
            rows = connection.execute(query, {"asked": asked}).all()
            took.append((time.perf_counter() - started) * 1000)
            nearest.append(float(rows[-1].near))
    return nearest, took


@contextmanager
def _database() -> Iterator[Engine]:
    if URL:
        engine = open_engine(URL)
        yield engine
        engine.dispose()
        return
    with postgres.running() as server:
        engine = open_engine(server.database())
        yield engine
        engine.dispose()


async def filled(engine: Engine, incidents: Incidents) -> dict[str, float]:
    """``COUNT`` vectors in the adapter's own table, then its own index over them; seconds of both."""
    adapter = PgvectorIndex(engine, timeout_s=60)
    (first,) = incidents.draw(1)
    await adapter.upsert(id="first", model=MODEL, vector=first, metadata={})
    table = table_of(MODEL, DIMENSION)
    (index,) = table.indexes
    connection = engine.raw_connection()
    try:
        cursor = connection.cursor()
        cursor.execute(f"DROP INDEX {index.name}")
        cursor.execute(f"TRUNCATE {table.name}")
        started = time.perf_counter()
        for at in range(0, COUNT, _PORTION):
            portion = incidents.draw(min(_PORTION, COUNT - at))
            cursor.copy_expert(
                f"COPY {table.name} (id, embedding, metadata, text) FROM STDIN (FORMAT binary)",
                io.BytesIO(_copied(portion, at)),
            )
        written = time.perf_counter()
        cursor.execute("SET maintenance_work_mem = '4GB'")
        cursor.execute(str(CreateIndex(index).compile(engine)))
        indexed = time.perf_counter()
        connection.commit()
    finally:
        connection.close()
    return {"written_s": written - started, "indexed_s": indexed - written}


def _copied(vectors: Matrix, first: int) -> bytes:
    """Rows in PostgreSQL's binary COPY format (its manual, "COPY", "Binary Format"); a vector is its length and floats."""
    rows = [b"PGCOPY\n\xff\r\n\0" + struct.pack("!ii", 0, 0)]
    for number, vector in enumerate(vectors.astype(">f4"), first):
        fields = (
            f"inc-{number}".encode(),
            struct.pack("!hh", DIMENSION, 0) + vector.tobytes(),
            b"\x01{}",
            b"",
        )
        rows.append(struct.pack("!h", len(fields)))
        rows += [struct.pack("!i", len(field)) + field for field in fields]
    rows.append(struct.pack("!h", -1))
    return b"".join(rows)


def lines_of(cases: Path) -> list[list[str]]:
    """The lines of each captured case's signature."""
    found = []
    for folder in sorted(cases.iterdir()):
        with opened(folder) as case:
            told = signature(bundle_of(case, read_capture(case.dump, case.repository, case.folder)))
        if told:
            found.append(told.splitlines())
    return found


class Incidents:
    """Draws vectors. The same ``seed`` gives the same ones."""

    def __init__(self, cases: Sequence[Sequence[str]], seed: int = 7) -> None:
        self._random = np.random.default_rng(seed)
        self._words = np.array(sorted({w for case in cases for line in case for w in line.split()}))
        #: The rows of ``_features`` that are a case's lines.
        self._lines: list[NDArray[np.int64]] = []
        at, rows = 0, list[Matrix]()
        for case in cases:
            self._lines.append(np.arange(at, at + len(case)))
            at += len(case)
            rows += [self._variants(line) for line in case]
        self._features = np.stack(rows)
        weights = 1.0 / np.arange(1, len(cases) + 1)
        self._shares = weights / weights.sum()
        variants = 1.0 / np.arange(1, VARIANTS + 1)
        self._variant_shares = variants / variants.sum()

    def _variants(self, line: str) -> Matrix:
        """A line as it is, and with one word in four another one: ``VARIANTS`` rows of features."""
        told, rows = line.split(), [features_of(line, DIMENSION)]
        for _ in range(VARIANTS - 1):
            other = [
                str(self._random.choice(self._words)) if self._random.random() < 0.25 else word
                for word in told
            ]
            rows.append(features_of(" ".join(other), DIMENSION))
        return np.stack(rows)

    def draw(self, count: int) -> Matrix:
        """``count`` unit vectors."""
        made = np.zeros((count, DIMENSION), dtype=np.float32)
        chosen = self._random.choice(len(self._lines), size=count, p=self._shares)
        for case, lines in enumerate(self._lines):
            mine = np.flatnonzero(chosen == case)
            for line in lines:
                self._add(made, mine[self._random.random(len(mine)) < 0.85], line)
        strange = self._random.integers(0, 3, size=count)
        for least in (1, 2):
            rows = np.flatnonzero(strange >= least)
            self._add(made, rows, self._random.integers(0, len(self._features), size=len(rows)))
        empty = np.flatnonzero(~made.any(axis=1))
        self._add(made, empty, self._random.integers(0, len(self._features), size=len(empty)))
        return made / np.linalg.norm(made, axis=1, keepdims=True)

    def _add(self, made: Matrix, rows: NDArray[np.int64], line: Any) -> None:
        """Adds a variant of the line (one for all, or one for each row) to these rows."""
        variants = self._random.choice(VARIANTS, size=len(rows), p=self._variant_shares)
        made[rows] += self._features[line, variants]
