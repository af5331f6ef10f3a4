"""The numbers of ``confidence.py``. Written by ``python -m tools.evaluation calibrate --write``; not by hand."""

#: Constant, belief, lead, blind, missing, quiet, unexplained, strange.
WEIGHTS = (-0.852, 3.191, 1.308, 2.168, 1.976, 0.426, 1.0, 1.0)
#: Least and most of each number of a case's make-up, by collection.
MADE_OF: dict[str, tuple[tuple[float, float], ...]] = {}
