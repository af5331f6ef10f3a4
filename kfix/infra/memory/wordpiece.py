"""Texts as the numbers that BERT's models read: the uncased English vocabulary, longest piece first.

Source: Devlin et al. 2019, "BERT"; google-research/bert, ``tokenization.py``. The vocabulary of 30,522 pieces is Google's,
under the Apache License 2.0.
"""

from __future__ import annotations

import gzip
import unicodedata
from collections.abc import Iterator
from functools import cache
from importlib import resources

#: Tokens with those at both ends; what is beyond is not read. The model's own limit (its ``sentence_bert_config.json``).
MOST = 256
_LONGEST_WORD = 100
#: CJK ideographs are words of their own (``tokenization.py``, ``_is_chinese_char``).
_IDEOGRAPHS = (
    (0x4E00, 0x9FFF),
    (0x3400, 0x4DBF),
    (0x20000, 0x2A6DF),
    (0x2A700, 0x2B73F),
    (0x2B740, 0x2B81F),
    (0x2B820, 0x2CEAF),
    (0xF900, 0xFAFF),
    (0x2F800, 0x2FA1F),
)


@cache
def vocabulary() -> dict[str, int]:
    """Each piece's number."""
    packed = resources.files("kfix.infra.memory") / "wordpiece_vocabulary.txt.gz"
    pieces = gzip.decompress(packed.read_bytes()).decode().split("\n")[:-1]
    return {piece: number for number, piece in enumerate(pieces)}


def tokens(text: str) -> list[int]:
    """The text's tokens between those for its beginning and its end, at most ``MOST``."""
    known = vocabulary()
    body = [number for word in _words(text) for number in _pieces(word, known)]
    return [known["[CLS]"], *body[: MOST - 2], known["[SEP]"]]


def _words(text: str) -> Iterator[str]:
    """Words and marks, without case and accents."""
    spaced = "".join(map(_spaced, text)).lower()
    plain = (c for c in unicodedata.normalize("NFD", spaced) if unicodedata.category(c) != "Mn")
    for run in "".join(plain).split():
        word = ""
        for char in run:
            if not _is_mark(char):
                word += char
                continue
            if word:
                yield word
            yield char
            word = ""
        if word:
            yield word


def _spaced(char: str) -> str:
    if char in "\t\n\r" or unicodedata.category(char) == "Zs":
        return " "
    if char in "\0\N{REPLACEMENT CHARACTER}" or unicodedata.category(char).startswith("C"):
        return ""
    ideograph = any(first <= ord(char) <= last for first, last in _IDEOGRAPHS)
    return f" {char} " if ideograph else char


def _is_mark(char: str) -> bool:
    ascii_mark = char.isascii() and not char.isalnum() and char.isprintable() and char != " "
    return ascii_mark or unicodedata.category(char).startswith("P")


def _pieces(word: str, known: dict[str, int]) -> list[int]:
    if len(word) > _LONGEST_WORD:
        return [known["[UNK]"]]
    found: list[int] = []
    at = 0
    while at < len(word):
        start = "##" if at else ""
        ends = range(len(word), at, -1)
        end = next((end for end in ends if start + word[at:end] in known), 0)
        if not end:
            return [known["[UNK]"]]
        found.append(known[start + word[at:end]])
        at = end
    return found
