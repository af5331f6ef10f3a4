"""`python -m tools.bench [names…]`: runs the benchmarks and keeps their figures in ``var/bench.json``."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path

#: Modules of this package, in the order they are run.
MODULES: tuple[str, ...] = (
    "rules",
    "playbooks",
    "editor",
    "index",
    "enrich",
    "vectors",
    "ingest",
    "runtime",
    "renderers",
    "checks",
    "chain",
)
RESULTS = Path("var/bench.json")


def main(names: list[str]) -> int:
    """Runs the named benchmarks, all when none is named."""
    unknown = [name for name in names if name not in MODULES]
    if unknown:
        print(f"no benchmark {', '.join(unknown)}; there are {', '.join(MODULES)}", file=sys.stderr)
        return 2
    figures = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    for name in names or MODULES:
        module = importlib.import_module(f"tools.bench.{name}")
        print(f"== {module.TITLE}", flush=True)
        figures[name] = module.run()
        RESULTS.parent.mkdir(parents=True, exist_ok=True)
        RESULTS.write_text(json.dumps(figures, indent=2, sort_keys=True) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
