"""The expression in a rule's link, as Prometheus and Thanos write it (``generatorURL``): ``/graph?g0.expr=up+%3D%3D+0``. Pure."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

_LONGEST = 10_000


def expression_in(link: str) -> str:
    """The first expression of the link; empty where it has none. Never raises."""
    try:
        asked = parse_qs(urlsplit(link[:_LONGEST]).query, max_num_fields=100)
    except ValueError:
        return ""
    return asked.get("g0.expr", [""])[0]
