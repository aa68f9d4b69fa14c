"""YAML with the line of every value, so that what is wrong can be pointed at."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Any

import yaml

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong at one line of an organisation file, and what to do about it."""

    line: int
    where: str
    what: str
    remedy: str

    def __str__(self) -> str:
        place = f"line {self.line}: {self.where}: " if self.where else f"line {self.line}: "
        return f"{place}{self.what}. {self.remedy}{'' if self.remedy.endswith('?') else '.'}"


@dataclass
class Source:
    """The plain values of a YAML text, the line of each by its path, and what its syntax has wrong."""

    values: Any = None
    lines: dict[Path, int] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)

    def fault(self, path: Path, what: str, remedy: str) -> Fault:
        """A fault at that path, or at the nearest line above it that there is."""
        known = next((self.lines[path[:n]] for n in range(len(path), -1, -1) if path[:n] in self.lines), 1)
        return Fault(known, where(path), what, remedy)


def where(path: Path) -> str:
    """A path as people write it: `departments[0].duties[2].id`."""
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).lstrip(".")


def read_source(text: str) -> Source:
    """Read YAML; a syntax error becomes a fault, as do keys that stand twice and anchors that contain themselves."""
    source = Source()
    try:
        loader = yaml.SafeLoader(text)
        node = loader.get_single_node()
        if node is not None:
            source.values = _Reader(loader, source).read(node, ())
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        remedy = "Delete it; it can't be seen in most editors"
        source.faults.append(
            Fault(line, "", f"the character U+{ord(text[error.position]):04X} may not stand here", remedy)
        )
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        remedy = "Mind the indentation, and put text with a colon or a leading sign in quotes"
        line = mark.line + 1 if mark else 1
        source.faults.append(Fault(line, "", f"this is no YAML: {error.problem or error.context}", remedy))
    return source


class _Reader:
    def __init__(self, loader: yaml.SafeLoader, source: Source) -> None:
        self._loader, self._source = loader, source
        self._within: set[int] = set()

    def read(self, node: yaml.Node, path: Path) -> Any:
        self._source.lines.setdefault(path, node.start_mark.line + 1)
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node, path)
        if id(node) in self._within:
            raise yaml.MarkedYAMLError(problem="an anchor contains itself", problem_mark=node.start_mark)
        self._within.add(id(node))
        try:
            if isinstance(node, yaml.MappingNode):
                return self._mapping(node, path)
            return [self.read(item, (*path, index)) for index, item in enumerate(node.value)]
        finally:
            self._within.discard(id(node))

    def _mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, Any]:
        written = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        self._loader.flatten_mapping(node)
        values: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = self._key(key_node, path)
            below = (*path, key)
            self._source.lines[below] = key_node.start_mark.line + 1
            if written.count(key) > 1 and key in values:
                what, remedy = (
                    "this key stands here twice",
                    "Join the two, or give one of them its right name",
                )
                self._source.faults.append(self._source.fault(below, what, remedy))
            values[key] = self.read(value_node, below)
        return values

    def _key(self, node: yaml.Node, path: Path) -> str:
        # A key such as `off` or `no` is a name, not the truth value that YAML 1.1 makes of it.
        return str(node.value if node.tag == "tag:yaml.org,2002:bool" else self._scalar(node, path))

    def _scalar(self, node: yaml.Node, path: Path) -> Hashable:
        # A time of day such as 10:30 is text, not the number to base sixty that YAML 1.1 makes of it.
        if node.tag == "tag:yaml.org,2002:int" and ":" in node.value:
            return str(node.value)
        try:
            value: Hashable = self._loader.construct_object(node)
        except ValueError as error:
            # PyYAML turns a day that is none, such as 2026-02-30, into a ValueError without a line.
            raise yaml.MarkedYAMLError(problem=str(error), problem_mark=node.start_mark) from error
        return value
