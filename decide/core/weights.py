"""The numbers of ``confidence.py``. Written by ``python -m tools.evaluation calibrate --write``; not by hand."""

#: Constant, belief, lead, blind, missing, quiet.
WEIGHTS = (-0.852, 3.191, 1.308, 2.168, 1.976, 0.426)
