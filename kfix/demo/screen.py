"""What people see of the demo: live steps with times in a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass, field
from typing import Any, Protocol


class Screen(Protocol):
    """Where the story is told."""

    def title(self, text: str) -> None:
        """A part of the story begins."""
        ...

    def waiting(self, text: str) -> None:
        """Something is under way."""
        ...

    def done(self, text: str, detail: str = "") -> None:
        """A step has been reached."""
        ...

    def block(self, title: str, text: str, syntax: str = "") -> None:
        """A whole text, such as a diff."""
        ...

    def close(self) -> None:
        """Takes live parts off the screen."""
        ...


@dataclass(slots=True)
class PlainScreen:
    """Plain lines with seconds since the start."""

    started: float = field(default_factory=time.monotonic)

    def _line(self, text: str) -> None:
        sys.stdout.write(f"[{time.monotonic() - self.started:6.1f} s] {text}\n")
        sys.stdout.flush()

    def title(self, text: str) -> None:
        """A heading line."""
        self._line(f"== {text}")

    def waiting(self, text: str) -> None:
        """Nothing: plain lines tell steps alone."""
        return

    def done(self, text: str, detail: str = "") -> None:
        """A line with text and detail."""
        self._line(f"{text}{': ' + detail if detail else ''}")

    def block(self, title: str, text: str, syntax: str = "") -> None:
        """Title and text, as they are."""
        sys.stdout.write(f"\n--- {title}\n{text.rstrip()}\n\n")
        sys.stdout.flush()

    def close(self) -> None:
        """Nothing is live on a plain screen."""
        return


class RichScreen:
    """A terminal: a spinner on what is under way, a tick on what is done."""

    def __init__(self) -> None:
        from rich.console import Console

        self._console = Console(highlight=False)
        self._started = time.monotonic()
        self._status: Any = None

    def title(self, text: str) -> None:
        """A rule across the screen; what was live is taken off first."""
        self.close()
        self._console.rule(f"[bold]{text}", align="left")

    def waiting(self, text: str) -> None:
        """A spinner with the text; one at a time."""
        if self._status is None:
            self._status = self._console.status(text)
            self._status.start()
        else:
            self._status.update(text)

    def done(self, text: str, detail: str = "") -> None:
        """A line with a tick, the spinner taken off."""
        from rich.markup import escape

        seconds = f"[dim]{time.monotonic() - self._started:6.1f} s[/]"
        shown = f"  [cyan]{escape(detail)}[/]" if detail else ""
        self._console.print(f"{seconds} [green]✓[/] {escape(text)}{shown}", soft_wrap=True)

    def block(self, title: str, text: str, syntax: str = "") -> None:
        """A panel: Markdown rendered, code highlighted by ``syntax``."""
        from rich.markdown import Markdown
        from rich.panel import Panel
        from rich.syntax import Syntax

        shown: Any = text
        if syntax == "markdown":
            shown = Markdown(text)
        elif syntax:
            shown = Syntax(text.rstrip(), syntax, background_color="default")
        self._console.print(Panel(shown, title=title, title_align="left"))

    def close(self) -> None:
        """Takes the spinner off; without one nothing happens."""
        if self._status is not None:
            self._status.stop()
            self._status = None


def screen_for(terminal: bool) -> Screen:
    """Rich in a terminal, plain lines elsewhere."""
    return RichScreen() if terminal else PlainScreen()
