"""The numbers of ``confidence.py``. Written by ``python -m tools.evaluation calibrate --write``; not by hand."""

#: Constant, belief, lead, blind, missing, quiet, unexplained, strange.
WEIGHTS = (0.544, 0.777, 1.745, 2.988, 2.801, 0.586, 1.839, 3.228)
MADE_OF: tuple[tuple[float, float], ...] = ()
