"""The configuration as JSON Schema: for editors, for the table of keys in config/README.md, and for messages."""

from functools import cache

from plan.configuration import Config


@cache
def json_schema() -> dict:
    """Draft 2020-12 of the whole configuration, without the titles that only repeat the keys."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **_plain(Config.model_json_schema())}


def _plain(node):
    if isinstance(node, list):
        return [_plain(one) for one in node]
    if not isinstance(node, dict):
        return node
    noise = [("title", str), ("default", type(None))]
    return {key: _plain(value) for key, value in node.items() if (key, type(value)) not in noise}


def resolved(node: dict) -> dict:
    """A part of the schema itself, where it is only referred to; what is said beside the reference is kept."""
    if "$ref" not in node:
        return node
    return json_schema()["$defs"][node["$ref"].rpartition("/")[2]] | {k: v for k, v in node.items() if k != "$ref"}


def alternatives(node: dict) -> list[dict]:
    """What a part may be, each resolved."""
    whole = resolved(node)
    return [whole] if "properties" in whole or "anyOf" not in whole else [resolved(one) for one in whole["anyOf"]]


def keys_of(node: dict) -> dict[str, dict]:
    """The known keys of a mapping; none for anything else."""
    return {key: below for one in alternatives(node) for key, below in one.get("properties", {}).items()}


def below(node: dict, key: str | int) -> dict | None:
    """The part under a key, or at an index of a list; None where the schema knows no such thing."""
    for one in alternatives(node):
        if isinstance(key, int):
            parts = [*one.get("prefixItems", []), one.get("items")]
            part = parts[min(key, len(parts) - 1)]
        else:
            part = one.get("properties", {}).get(key, one.get("additionalProperties"))
        if isinstance(part, dict):
            return part
    return None
