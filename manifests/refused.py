"""Why an edit is refused. A refusal is an answer: a code for metrics and one sentence for people."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

RefusalCode = Literal[
    "ALIASED",  # the value comes from an alias or a merge key: editing it would change its anchor
    "ANCHOR_FANOUT",  # the value carries an anchor that is used elsewhere
    "TEMPLATED",  # a template makes the value: {{ }} or ${VAR}
    "BLOCK_SCALAR",  # the value spans several lines of text
    "DUPLICATE_KEY",  # the document has a key twice: parsers disagree about it
    "GENERATED",  # a tool writes this file again
    "ENCRYPTED",  # sops, SealedSecret, vault
    "AMBIGUOUS_DOC",  # more than one file or document fits
    "STALE",  # the value is not what the plan saw
    "HPA_OWNED",  # an autoscaler owns the replicas
    "OVERRIDDEN",  # a Kustomization sets the same field on top of this file
    "VALUE_FANOUT",  # a Helm value reaches more than the planned field, or more than this environment
    "NOT_RENDERED",  # only a rendering could tell, and there is none
    "IGNORED",  # a "kfix: ignore" comment asks to leave it alone
    "NOT_UTF8",
    "TAB_INDENT",
    "TOO_BIG",  # more bytes, depth, aliases or nodes than a manifest has
    "INVALID_YAML",
    "NOT_FOUND",  # no such file, document or field
    "UNSAFE_PATH",  # symlink, submodule, "..", .git, names that differ only in case
    "NOT_MINIMAL",  # the verified result would not be exactly the intended change
    "UNSUPPORTED",  # a shape that the editor does not write
]


@dataclass(frozen=True, slots=True)
class EditRefused:
    """Why an edit will not be made. ``reason`` is one sentence for people; it may quote file content."""

    code: RefusalCode
    reason: str

    def __str__(self) -> str:
        return f"{self.code}: {self.reason}"


class NotEditable(Exception):
    """Raised in the middle of reading or editing, where nothing can be answered yet. ``refused`` is the answer it becomes."""

    def __init__(self, code: RefusalCode, reason: str) -> None:
        super().__init__(f"{code}: {reason}")
        self.refused = EditRefused(code, reason)

    @classmethod
    def of(cls, refused: EditRefused) -> NotEditable:
        """To raise an answer that was given before."""
        return cls(refused.code, refused.reason)

    @property
    def code(self) -> RefusalCode:
        """The answer's code."""
        return self.refused.code

    @property
    def reason(self) -> str:
        """The answer's sentence."""
        return self.refused.reason
