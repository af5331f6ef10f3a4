"""The stages of the product by name. A stage is imported only when it is run."""

from __future__ import annotations

import importlib
from typing import Any

from kfix.engine.runtime.stage import Stage
from schemas import errors

#: In the pipeline's order.
NAMES: tuple[str, ...] = ("ingest", "enrich", "decide", "safety", "publish", "learn", "console")


def find(name: str) -> Stage[Any]:
    """The stage ``<name>.agent:app``, or ``module:attribute`` as written, for stages of one's own.

    Raises errors.NotFound when there is none of this name.
    """
    module_name, _, attribute = name.partition(":")
    if not attribute:
        if name not in NAMES:
            raise errors.NotFound(f"no stage {name!r}; there are {', '.join(NAMES)}")
        module_name, attribute = f"{name}.agent", "app"
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as missing:
        if missing.name and not module_name.startswith(missing.name):
            raise
        raise errors.NotFound(f"there is no module {module_name}") from missing
    stage = getattr(module, attribute, None)
    if not isinstance(stage, Stage):
        raise errors.NotFound(f"{module_name}:{attribute} is no stage")
    return stage
