"""One of several places: the only one, or the only one of the environment. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from kfix.texts import say
from manifests.refused import NotEditable
from manifests.repository.environments import closeness, matches, of_cluster, speaks

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Choice:
    """By what is chosen. ``tell`` is told how."""

    environment: str
    #: The object's name, whose words say no environment.
    about: str
    tell: Callable[[str], object]

    def only(
        self, items: list[T], names: list[str], what: str, places: list[str] | None = None
    ) -> T:
        """The one item that is meant. ``places``: what a refusal calls them, where that is more than their names.

        Raises NotEditable NOT_FOUND, AMBIGUOUS_DOC.
        """
        environment = self.environment
        if len(items) == 1:
            if speaks(names, environment, self.about) == "no":
                why = say(
                    "manifests.another_environment_than",
                    installer=names[0],
                    environment=environment,
                )
                raise NotEditable("NOT_FOUND", why)
            self._check_cluster(names[0])
            return items[0]
        fitting = self._fitting(items, names)
        if len(fitting) != 1:
            fitting = self._of_cluster(items, names, fitting) or fitting
        if len(fitting) == 1:
            self.tell(
                say(
                    "manifests.environment_chooses_one",
                    environment=environment,
                    count=len(items),
                    what=what,
                )
            )
            self._check_cluster(names[items.index(fitting[0])])
            return fitting[0]
        listed, count = ", ".join(sorted(places or names)), len(items)
        if environment in ("", "unknown"):
            why = say("manifests.fit_no_environment", count=count, what=what, names=listed)
        elif fitting:
            why = say(
                "manifests.fit_environment_chooses",
                count=count, what=what, environment=environment, count_2=len(fitting), names=listed,
            )  # fmt: skip
        else:
            why = say(
                "manifests.fit_none_called",
                count=count, what=what, environment=environment, names=listed,
            )  # fmt: skip
            if all(speaks([name], environment, self.about) == "no" for name in names):
                raise NotEditable("NOT_FOUND", why)  # a chart may make the environment's own
        raise NotEditable("AMBIGUOUS_DOC", say("manifests.kfix_yaml_tells", why=why))

    def _of_cluster(self, items: list[T], names: list[str], fitting: list[T]) -> list[T]:
        """The one of the cluster, among those of the environment; where none says it, among those that say no other."""
        pool = [
            (item, name)
            for item, name in zip(items, names, strict=True)
            if (
                item in fitting if fitting else speaks([name], self.environment, self.about) != "no"
            )
        ]
        mine = [item for item, name in pool if of_cluster([name], self.environment) == "yes"]
        if not mine and fitting:
            mine = [item for item, name in pool if of_cluster([name], self.environment) != "no"]
        return mine if len(mine) == 1 else []

    def _check_cluster(self, name: str) -> None:
        if of_cluster([name], self.environment) == "no":
            raise NotEditable("NOT_FOUND", say("manifests.another_cluster_than", installer=name))

    def _fitting(self, items: list[T], names: list[str]) -> list[T]:
        named = list(zip(items, names, strict=True))
        fitting = [item for item, name in named if matches(name, self.environment)]
        if len(fitting) < 2:
            return fitting
        # A folder of just that name comes before one that is called by another word for it, and both before those
        # whose names have such a word in them.
        near = [(closeness([name], self.environment), item) for item, name in named]
        nearest = max(rank for rank, _ in near)
        closest = [item for rank, item in near if rank == nearest and nearest]
        return closest if len(closest) == 1 else fitting
