"""The numbers of ``confidence.py``. Written by ``python -m kfix.eval calibrate --write``; not by hand."""

#: Constant, belief, lead, blind, missing, quiet.
WEIGHTS = (-0.527, 2.609, 1.1, 2.137, 1.663, 0.804)
