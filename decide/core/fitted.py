"""The numbers of ``confidence.py``. Written by ``python -m kfix.eval calibrate --write``; not by hand."""

#: Constant, belief, lead, blind, missing, quiet.
WEIGHTS = (-0.701, 2.116, 1.421, 2.315, 1.348, 0.0)
