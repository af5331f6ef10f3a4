"""Shares with their uncertainty. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, floor, sqrt

#: The normal distribution's 97.5 % quantile: two-sided 95 %.
Z95 = 1.959963984540054


@dataclass(frozen=True, slots=True)
class Rate:
    """``hits`` of ``of``."""

    hits: int
    of: int

    @property
    def share(self) -> float | None:
        """From 0 to 1; ``None`` of nothing."""
        return self.hits / self.of if self.of else None

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's score interval of the share at 95 %; (0, 1) of nothing.

        E. B. Wilson, Probable inference, the law of succession, and statistical inference, JASA 22 (1927), 209-212. It keeps
        within 0 and 1 and near its nominal coverage for few cases, where the normal approximation does not (L. D. Brown,
        T. T. Cai, A. DasGupta, Interval estimation for a binomial proportion, Statistical Science 16 (2001), 101-133).
        """
        if not self.of:
            return 0.0, 1.0
        share, n, squared = self.hits / self.of, self.of, Z95 * Z95
        centre = (share + squared / (2 * n)) / (1 + squared / n)
        half = Z95 * sqrt(share * (1 - share) / n + squared / (4 * n * n)) / (1 + squared / n)
        low = 0.0 if self.hits == 0 else max(0.0, centre - half)
        high = 1.0 if self.hits == n else min(1.0, centre + half)
        return low, high

    @property
    def percents(self) -> tuple[int, int]:
        """The interval in whole per cent, rounded outwards."""
        low, high = self.interval
        return floor(low * 100), ceil(high * 100)
