"""CEL expressions over evidence: compiled once with types, evaluated within a budget. Pure.

The only module that knows ``cel_expr_python`` (Google's CEL for C++), imported when the first playbook is compiled.
Three of its ways are dealt with here: an error at run time comes back as a value, which is truthy; what exceeds its
budget of iterations raises; and values that CEL does not have (integers of more than 64 bits, keys that are no text)
raise when they are bound.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from manifests.objects import quantities

#: Variables that hold words which strangers can write: in conditions only, never in a value of a plan.
TOLD = ("events", "logs", "alert")
#: Variables with the cluster's structure and numbers.
BUILT = (
    "kind",
    "name",
    "namespace",
    "object",
    "declared",
    "pods",
    "services",
    "scalers",
    "cluster",
    "metrics",
    "now",
)
_TEXT = re.compile(r"\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'")
_NAME = re.compile(r"(?<![\w.])(?<!\.\?)[a-zA-Z_]\w*")
_PLACE = re.compile(r"<input>:(\d+):(\d+): (.+?)(?:\n|$)")


class BadExpression(ValueError):
    """An expression that cannot be used. ``line`` and ``column`` from 1, within the expression."""

    def __init__(self, message: str, line: int = 1, column: int = 1) -> None:
        super().__init__(message)
        self.line = line
        self.column = column


@dataclass(frozen=True, slots=True)
class Failed:
    """An expression without a value, and why."""

    reason: str

    @property
    def endless(self) -> bool:
        """It was cut off: trying it on more objects would only cost more."""
        return "budget exceeded" in self.reason


@dataclass(frozen=True, slots=True)
class Program:
    """A compiled expression."""

    text: str
    #: Variables that it may look at; what is not among them need not be bound.
    names: frozenset[str]
    #: Texts that the author wrote into it.
    literals: frozenset[str]
    _program: Any

    def value(self, bound: Bound) -> Any | Failed:
        """Its value as plain Python, or why there is none."""
        try:
            found = self._program.eval(bound.activation)
        except (RuntimeError, ValueError, TypeError, OverflowError) as error:
            return Failed(_first_line(error))
        if found.type().name() in ("*error*", "ERROR") or found.type() == _cel().Type.ERROR:
            return Failed(_first_line(found.value()))
        return found.plain_value()

    def holds(self, bound: Bound) -> bool | Failed:
        """Whether it is true; what is neither true nor false is a failure."""
        found = self.value(bound)
        if isinstance(found, bool | Failed):
            return found
        return Failed(f"neither true nor false: {type(found).__name__}")


@dataclass(frozen=True, slots=True)
class Bound:
    """Variables with their values, converted once for all expressions that look at them."""

    activation: Any


class Environment:
    """The variables that expressions may name."""

    def __init__(self, *, told: bool, lets: tuple[str, ...] = ()) -> None:
        cel = _cel()
        types = dict.fromkeys((*BUILT, *lets), cel.Type.DYN)
        types |= dict.fromkeys(("kind", "name", "namespace"), cel.Type.STRING)
        types |= {name: cel.Type.List(cel.Type.DYN) for name in ("pods", "services", "scalers")}
        types |= {
            name: cel.Type.Map(cel.Type.STRING, cel.Type.DYN)
            for name in ("object", "cluster", "metrics")
        }
        if told:
            types["events"] = cel.Type.List(cel.Type.DYN)
            types["logs"] = cel.Type.List(cel.Type.STRING)
            types["alert"] = cel.Type.Map(cel.Type.STRING, cel.Type.DYN)
        self.variables = frozenset(types)
        self._env = cel.NewEnv(variables=types, extensions=_extensions(), functions=_functions())

    def compile(self, text: str, wanted: Literal["truth", "value"]) -> Program:
        """Raises BadExpression with the place of the trouble."""
        try:
            program = self._env.compile(text)
        except (RuntimeError, ValueError) as error:
            found = _PLACE.search(str(error))
            if found is None:
                raise BadExpression(_first_line(error)) from error
            raise BadExpression(found[3].strip(), int(found[1]), int(found[2])) from error
        kind = program.return_type().name().lower()
        if wanted == "truth" and kind not in ("bool", "dyn"):
            raise BadExpression(f"must be true or false, is {kind}")
        plain = _TEXT.sub('""', text)
        literals = frozenset(part[1:-1] for part in _TEXT.findall(text))
        names = frozenset(_NAME.findall(plain)) & self.variables
        return Program(text, names, literals, program)

    def activation(self, values: Mapping[str, Any]) -> Any:
        """Raises what the library raises for a value that it does not have."""
        return self._env.Activation(dict(values))


def bind(values: Mapping[str, Any]) -> Bound | Failed:
    """Values for the variables that are named. They are converted when they are first looked at, and kept."""
    try:
        return Bound(_binding().activation(values))
    except (RuntimeError, ValueError, TypeError, OverflowError) as error:
        return Failed(_first_line(error))


@cache
def _binding() -> Environment:
    """Values are bound in one environment and looked at from all; times are not among them, so ``now`` is a text."""
    return Environment(told=True)


def _first_line(error: object) -> str:
    return str(error).strip().splitlines()[0][:200] if str(error).strip() else "no reason given"


@cache
def _cel() -> Any:
    from cel_expr_python import cel

    return cel


@cache
def _extensions() -> list[Any]:
    from cel_expr_python.ext import ext_math, ext_optional, ext_strings

    return [ext_strings.ExtStrings(), ext_math.ExtMath(), ext_optional.ExtOptional()]


def _quantity(value: Any) -> float:
    """``quantity("250m")`` is 0.25, ``quantity("64Mi")`` 67108864. Raises BadQuantity, which CEL makes an error."""
    return float(quantities.parse(value))


def _memory(size: Any) -> str:
    """``as_memory(67108864.0)`` is ``64Mi``: whole mebibytes, rounded up."""
    return quantities.format_memory(round(size))


def _cpu(cores: Any) -> str:
    """``as_cpu(0.25)`` is ``250m``: whole millicores, rounded up."""
    return quantities.format_cpu(round(cores, 6))  # 0.1 * 1.5 is a hair more than 0.15


@cache
def _functions() -> list[Any]:
    """Quantities read and written."""
    types = _cel().Type
    numbers = (types.INT, types.DOUBLE)
    return [
        _function("quantity", _quantity, (types.STRING, *numbers), types.DOUBLE),
        _function("as_memory", _memory, numbers, types.STRING),
        _function("as_cpu", _cpu, numbers, types.STRING),
    ]


def _function(name: str, work: Any, takes: tuple[Any, ...], gives: Any) -> Any:
    cel = _cel()
    overloads = [
        cel.Overload(f"{name}_{kind.name()}", return_type=gives, parameters=[kind], impl=work)
        for kind in takes
    ]
    return cel.FunctionDecl(name, overloads)
