"""The table of keys in config/README.md: a line for every key of the configuration that says what it means."""

import json
from collections import deque
from collections.abc import Iterator

from plan.schema import alternatives, json_schema

# How the names that people choose stand in the table, by the key above them.
NAMES = {"training": "<name>", "rows": "<name>", "methods": "<row>", "sets": "<set>"}
TYPES = {"string": "text", "integer": "whole number", "array": "list", "object": "mapping", "null": "`null`"}
BOUNDS = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤"}

Path = tuple[str, ...]


def key_table() -> str:
    """The table as Markdown."""
    lines = [
        f"| `{'.'.join(path)}` | {values(node)} | {node['description']} |"
        for path, node in _in_order((), _keys_by_mapping())
        if "description" in node
    ]
    return "\n".join(["| key | value | meaning |", "|---|---|---|", *lines])


def values(node: dict) -> str:
    """What a key may be, in words; behind it the default where a key need not be given."""
    kinds = [_value(one) for one in alternatives(node)]
    default = node.get("default")
    if default is None or isinstance(default, dict):
        return " or ".join(kinds)
    return f"{' or '.join(kinds)}; default {default if isinstance(default, str) else json.dumps(default)}"


def _value(node: dict) -> str:
    if words := node.get("enum") or ([node["const"]] if "const" in node else []):
        return ", ".join(f"`{word}`" for word in words)
    bounds = ", ".join(f"{sign} {node[bound]:g}" for bound, sign in BOUNDS.items() if bound in node)
    return " ".join(filter(None, (TYPES.get(node["type"], node["type"]), bounds)))


def _keys_by_mapping() -> dict[Path, list[tuple[Path, dict]]]:
    """The keys of each mapping by its path. One that stands in several places is told at the shallowest of them."""
    mappings, told, waiting = {}, set(), deque([((), json_schema())])
    while waiting:
        path, node = waiting.popleft()
        kind = next((one["$ref"] for one in (node, *node.get("anyOf", [])) if "$ref" in one), path)
        if kind not in told:
            told.add(kind)
            mappings[path] = keys = list(_keys(path, node))
            waiting += [(_shared(below), part) for below, part in keys]
    return mappings


def _keys(path: Path, node: dict) -> Iterator[tuple[Path, dict]]:
    for one in alternatives(node):
        for key, part in one.get("properties", {}).items():
            yield (*path, key), part
        if isinstance(one.get("additionalProperties"), dict) and path and path[-1] in NAMES and "properties" not in one:
            yield (*path, NAMES[path[-1]]), one["additionalProperties"]


def _shared(path: Path) -> Path:
    """Where the keys are told that all entries of a mapping of names have."""
    return (*path[:-1], NAMES[path[-2]]) if len(path) > 1 and path[-2] in NAMES else path


def _in_order(path: Path, mappings: dict) -> Iterator[tuple[Path, dict]]:
    """The keys below a path, each followed by its own; names that people choose stand together."""
    keys = mappings.pop(path, [])
    together = bool(path) and path[-1] in NAMES
    if together:
        yield from keys
    for below, part in keys:
        if not together:
            yield below, part
        yield from _in_order(_shared(below), mappings)
