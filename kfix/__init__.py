"""K-Fix: the front door, the engine and the outer world of its stages."""

from importlib.metadata import PackageNotFoundError, version

try:
    #: The installed distribution's version, as pyproject.toml says it; it stands in record headers.
    __version__ = version("kfix")
except PackageNotFoundError:  # a source tree that nobody installed
    __version__ = "0+source"
