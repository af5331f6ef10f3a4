"""Lines for people on a terminal: what they quote was written outside, and writes no line of ours."""

from __future__ import annotations

import typer

#: Columns are set apart by tabs; French has these blanks before its marks and in its numbers.
_BLANKS = ("\t", " ", "\N{NO-BREAK SPACE}", "\N{NARROW NO-BREAK SPACE}")


def tell(line: str, *, err: bool = False) -> None:
    """Prints one line, whatever is in it: ends of lines are blanks, other characters that are not printed show as such."""
    typer.echo("".join(map(_shown, line)), err=err)


def _shown(char: str) -> str:
    if char.isprintable() or char in _BLANKS:
        return char
    return " " if char.isspace() else "\N{REPLACEMENT CHARACTER}"
