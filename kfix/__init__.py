#: The version that stands in record headers; a test holds it equal to pyproject's.
__version__ = "0.1.0"
