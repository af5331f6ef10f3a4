"""The numbers of ``confidence.py``. Written by ``python -m tools.evaluation calibrate --write``; not by hand."""

#: Constant, belief, lead, blind, missing, quiet, unexplained, strange.
WEIGHTS = (-0.331, 2.046, 1.355, 2.434, 2.459, 0.263, 0.62, 3.615)
#: Least and most of each number of a case's make-up, by collection.
MADE_OF: dict[str, tuple[tuple[float, float], ...]] = {
    "captured": (
        (3.6, 5.5),
        (7.0, 9.8),
        (4.4, 4.5),
        (3.9, 9.0),
        (0.0, 12.3),
        (0.0, 8.8),
        (0.0, 1.0),
    ),
}
