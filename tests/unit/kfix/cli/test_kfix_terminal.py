"""A line for people is one line, and moves no cursor."""

from __future__ import annotations

import pytest

from kfix.cli.terminal import tell


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("a\n# Fake: no_action", "a # Fake: no_action"),
        ("a\r\u2028b\x0bc\x85d", "a  b c d"),
        ("\x1b[2Ja\u202eb", "\N{REPLACEMENT CHARACTER}[2Ja\N{REPLACEMENT CHARACTER}b"),
        ("a\tb\u202f: c", "a\tb\u202f: c"),
    ],
)
@pytest.mark.parametrize("err", [True, False])
def test_a_line_is_one_line(
    said: str, shown: str, err: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    tell(said, err=err)
    out = capsys.readouterr()
    assert (out.err if err else out.out) == f"{shown}\n"
    assert (out.out if err else out.err) == ""
