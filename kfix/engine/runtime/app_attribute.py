"""The attribute ``app`` of a stage's package: what ``faust -A decide worker`` asks for. Imports nothing until it is asked."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module


def app_of(package: str) -> Callable[[str], object]:
    """The ``__getattr__`` of a stage's package. ``app`` is made when it is asked for, as it reads settings.

    Raises AttributeError for every other name.
    """

    def attribute(name: str) -> object:
        if name != "app":
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        from kfix.engine.runtime.command_line import faust_app

        return faust_app(import_module(f"{package}.agent").app)

    return attribute
