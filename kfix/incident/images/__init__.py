"""Images by their names: what a reference says, where it runs, what looks like it. Pure."""

from kfix.incident.images.near import nearest
from kfix.incident.images.platforms import Fit, fit, platforms_of
from kfix.incident.images.reference import ImageReference, parse, renamed, retagged

__all__ = [
    "Fit",
    "ImageReference",
    "fit",
    "nearest",
    "parse",
    "platforms_of",
    "renamed",
    "retagged",
]
