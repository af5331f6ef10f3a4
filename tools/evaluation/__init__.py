"""Scores folders of captured cases with answers: how often the first hypothesis is right, and how honest its confidence is.

``python -m tools.evaluation --cases DIR --expected DIR [--against REV]``. Diagnosing runs first, in a process that is given
the cases alone; the answers are read afterwards.
"""
