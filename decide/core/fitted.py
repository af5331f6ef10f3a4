"""The numbers of ``confidence.py``. Written by ``python -m kfix.eval calibrate --write``; not by hand."""

#: Constant, belief, lead, blind, missing, quiet.
WEIGHTS = (-0.421, 2.847, 0.847, 2.06, 1.455, 1.155)
