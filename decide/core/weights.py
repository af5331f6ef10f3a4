"""The numbers of ``confidence.py``. Written by ``python -m tools.evaluation calibrate --write``; not by hand."""

#: Constant, belief, lead, blind, missing, quiet, unexplained, strange.
WEIGHTS = (-0.071, 0.95, 1.46, 2.271, 1.497, 0.101, 2.691, 1.143)
#: Least and most of each number of a case's make-up where rules are at home (``makeup.py``).
MADE_OF: tuple[tuple[float, float], ...] = (
    (2.0, 5.5),
    (5.0, 9.8),
    (4.1, 4.9),
    (0.0, 9.0),
    (0.0, 12.3),
    (0.0, 8.8),
    (0.0, 1.0),
)
