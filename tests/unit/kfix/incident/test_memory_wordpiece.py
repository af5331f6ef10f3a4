"""Texts become the tokens that the model was trained on. The numbers are those of the ``tokenizers`` library 0.23."""

from __future__ import annotations

import pytest

from kfix.infra.memory.wordpiece import MOST, tokens, vocabulary


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        (
            "state OOMKilled exit_code_137",
            [101, 2110, 1051, 5358, 15872, 2098, 6164, 1035, 3642, 1035, 14989, 102],
        ),
        ("Hello, wörld! ÉTAT", [101, 7592, 1010, 2088, 999, 17997, 102]),
        ("中文 pod", [101, 1746, 1861, 17491, 102]),
        (
            "x509: certificate has expired\n(back-off)",
            [101, 1060, 12376, 2683, 1024, 8196, 2038, 13735, 1006, 2067, 1011, 2125, 1007, 102],
        ),
        ("a\x00b�c\u200bd\xa0e", [101, 5925, 2094, 1041, 102]),
        ("", [101, 102]),
    ],
)
def test_tokens_are_those_of_the_reference(text: str, numbers: list[int]) -> None:
    assert tokens(text) == numbers


def test_a_word_without_end_is_one_unknown() -> None:
    assert tokens("a" * 101) == [101, 100, 102]


def test_what_is_beyond_the_models_reach_is_not_read() -> None:
    assert len(tokens("restart " * 1000)) == MOST
    assert tokens("restart " * 1000)[-1] == vocabulary()["[SEP]"]
