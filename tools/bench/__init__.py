"""Benchmarks: each prints ratios against a baseline of the same run, so that figures of two machines can be compared.

A benchmark is a module of this package with ``TITLE: str`` and ``run() -> dict[str, float]`` (its figures by name), named in
``tools.bench.__main__.MODULES``. ``python -m tools.bench [names]`` runs them and writes ``var/bench.json``.
"""
