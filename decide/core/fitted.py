"""The numbers of ``confidence.py``. Written by ``python -m kfix.eval calibrate --write``; not by hand."""

#: Constant, belief, lead, blind, missing, quiet.
WEIGHTS = (-0.418, 2.846, 0.849, 2.073, 1.469, 1.157)
