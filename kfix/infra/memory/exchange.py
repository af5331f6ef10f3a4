"""The memory as a file, and back: JSON lines with a version and a checksum, in any store and for any embedder.

The first line says what it is, then one line for a vector (id, the masked text it was made of, metadata), the last line
how many there are and the SHA-256 of all lines before it. Vectors themselves are not in it: they are made anew from the
texts by the embedder of whoever reads it.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from kfix.incident.redaction import mask
from kfix.infra.memory.index import batches
from kfix.infra.memory.opening import OpenedMemory
from schemas import errors

_FORMAT = "kfix-memory"
_PAGE = 100
#: Characters of a line: a text has some thousand, metadata less.
_LONGEST = 200_000
#: Errors that are told; the rest is counted.
_TOLD = 20

Value = Annotated[str, Field(max_length=2000)] | float | bool


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class _First(_Strict):
    format: Literal["kfix-memory"]
    version: Literal[1]
    model: str
    made_at: datetime


class _Line(_Strict):
    id: str = Field(pattern=r"^[A-Za-z0-9._:-]{1,128}$")
    text: str = Field(max_length=50_000)
    metadata: dict[Annotated[str, Field(pattern=r"^[a-z_]{1,64}$")], Value] = Field(max_length=64)


class _Last(_Strict):
    lines: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Exported:
    """So far: ``written`` lines, and ``without_text`` that nobody could make anew and that were left out."""

    written: int
    without_text: int


@dataclass(frozen=True, slots=True)
class Imported:
    """So far: ``made`` anew, ``there`` already, ``empty`` (a text without words), of ``total`` lines."""

    made: int
    there: int
    empty: int
    total: int


class BadFile(errors.Permanent):
    """A file that is not an export, or is damaged. ``lines`` has what is wrong, each with its line's number."""

    reason = "bad_file"

    def __init__(self, lines: list[str]) -> None:
        self.lines = tuple(lines[:_TOLD])
        if len(lines) > _TOLD:
            self.lines += (f"and {len(lines) - _TOLD} more",)
        super().__init__("; ".join(self.lines))


async def export(memory: OpenedMemory, file: Path, *, at: datetime) -> AsyncIterator[Exported]:
    """Writes the vectors' texts and metadata of every model, each id once, those of the model in use first.

    Told after each page. The file appears when it is whole. Raises as the index does, and OSError.
    """
    partial = file.with_name(f"{file.name}.partial")
    digest = hashlib.sha256()
    written, without = 0, 0
    seen: set[str] = set()
    spaces = sorted(await memory.index.spaces(), key=lambda s: s.model != memory.embedder.model)
    # Masked words of logs: for their owner alone.
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as out:

        def write(value: Mapping[str, Any]) -> None:
            line = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
            digest.update(line)
            out.write(line)

        write(
            {
                "format": _FORMAT,
                "version": 1,
                "model": memory.embedder.model,
                "made_at": at.isoformat(),
            }
        )
        for space in spaces:
            after = ""
            while True:
                page = await memory.index.page(model=space.model, limit=_PAGE, after=after)
                for item in page.items:
                    if item.id in seen:
                        continue
                    seen.add(item.id)
                    if not item.text:
                        without += 1
                        continue
                    write({"id": item.id, "text": item.text, "metadata": dict(item.metadata)})
                    written += 1
                yield Exported(written, without)
                after = page.after
                if not after:
                    break
        write({"lines": written, "sha256": digest.hexdigest()})
    partial.replace(file)


async def bring_in(
    memory: OpenedMemory, file: Path, *, console_url: str, replace: bool = False
) -> AsyncIterator[Imported]:
    """Reads the whole file first and changes nothing when something is wrong with it; then vectors are made of its texts.

    What the memory has already stays unless ``replace``; told after each batch. A text is masked again, and a link
    leads to our own console. Raises BadFile, OSError, and as embedder and index do; a second call goes on.
    """
    lines = _read(file)
    made, there, empty = 0, 0, 0
    by_id = {line.id: line for line in lines}
    for ids in batches(tuple(by_id), _PAGE):
        known = set() if replace else await memory.index.known(ids, model=memory.embedder.model)
        new = [by_id[one] for one in ids if one not in known]
        texts = [mask(line.text) for line in new]
        vectors = await memory.embedder.embed_all(texts) if texts else []
        for line, text, vector in zip(new, texts, vectors, strict=True):
            if not vector.any():
                empty += 1
                continue
            await memory.index.upsert(
                id=line.id,
                model=memory.embedder.model,
                vector=vector,
                metadata=_ours(line, console_url),
                text=text,
            )
            made += 1
        there += len(known)
        yield Imported(made, there, empty, len(by_id))


def _ours(line: _Line, console_url: str) -> dict[str, str | float | bool]:
    metadata = {
        name: mask(value) if isinstance(value, str) else value
        for name, value in line.metadata.items()
    }
    return metadata | {"url": f"{console_url.rstrip('/')}/incidents/{line.id}"}


def _read(file: Path) -> tuple[_Line, ...]:
    """The lines of a file that is whole. Raises BadFile with all that is wrong."""
    reading = _Reading()
    with file.open("rb") as source:
        while raw := source.readline(_LONGEST + 1):
            reading.take(raw)
    return reading.whole()


class _Reading:
    """A file, line by line: what is in it, and what is wrong with it."""

    def __init__(self) -> None:
        self.wrong: list[str] = []
        self._count = 0
        self._last: _Last | None = None
        self._digest = hashlib.sha256()
        #: Where each id stands.
        self._found: dict[str, tuple[int, _Line]] = {}

    def take(self, raw: bytes) -> None:
        """One line. Raises BadFile where going on makes no sense."""
        self._count += 1
        if len(raw) > _LONGEST:
            raise BadFile([*self.wrong, f"line {self._count}: longer than {_LONGEST} bytes"])
        if self._last is not None:
            raise BadFile([*self.wrong, f"line {self._count}: stands after the last one"])
        try:
            self._judge(json.loads(raw))
        except ValidationError as failure:
            self.wrong += [f"line {self._count}: {_why(error)}" for error in failure.errors()]
        except (ValueError, RecursionError):
            self.wrong.append(f"line {self._count}: no JSON")
        if self.wrong and self._count == 1:
            raise BadFile(self.wrong)
        if self._last is None:
            self._digest.update(raw)

    def _judge(self, value: Any) -> None:
        if self._count == 1:
            _First.model_validate(value)
        elif isinstance(value, dict) and "sha256" in value:
            self._last = _Last.model_validate(value)
        else:
            line = _Line.model_validate(value)
            at, _ = self._found.setdefault(line.id, (self._count, line))
            if at != self._count:
                self.wrong.append(f"line {self._count}: {line.id} is in line {at}")

    def whole(self) -> tuple[_Line, ...]:
        """All lines. Raises BadFile."""
        if self._last is None:
            self.wrong.append(f"line {self._count + 1}: the file is cut off before its last line")
        elif not self.wrong and self._last != _Last(
            lines=len(self._found), sha256=self._digest.hexdigest()
        ):
            self.wrong.append(f"line {self._count}: the checksum is of another content")
        if self.wrong:
            raise BadFile(self.wrong)
        return tuple(line for _, line in self._found.values())


def _why(error: Mapping[str, Any]) -> str:
    """Field and rule; never the value."""
    return f"{'.'.join(map(str, error['loc'])) or 'the line'}: {error['msg']}"
