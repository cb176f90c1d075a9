"""Whether a configuration can be: what pydantic finds, as sentences that name the key, the value and what may be."""

import json

from pydantic import ValidationError

from plan.configuration import Config
from plan.errors import ConfigError, did_you_mean
from plan.reading import check_keys

SEE = "See config/README.md."


def validate(config: dict) -> None:
    """Raise ConfigError with a sentence for each thing that is wrong. Nothing is converted: "1" is no number."""
    check_keys(config, "config")
    try:
        Config.model_validate_json(json.dumps(config, default=str), strict=True)
    except ValidationError as error:
        sentences = sorted(_sentences(error.errors()), key=lambda said: "is not known" not in said)
        raise ConfigError("\n".join(sentences)) from None


def _sentences(findings: list) -> list[str]:
    """One for each unknown key, and one for each key whose value is wrong, however many alternatives refuse it."""
    from plan.schema import below, json_schema, keys_of

    said, refused = [], {}
    for finding in findings:
        node, place = json_schema(), []
        for key in finding["loc"]:
            part = below(node, key)
            if part is None:
                break
            node, place = part, [*place, key]
        if finding["type"] == "extra_forbidden":
            said.append(_unknown(finding["loc"], keys_of(node)))
        elif finding["type"] == "name":
            said.append(f"config: {_dotted(place[:-1])}: {finding['msg']}. {SEE}")
        else:
            refused.setdefault(tuple(place), (node, []))[1].append(finding)
    return said + [_refused(place, node, own) for place, (node, own) in refused.items()]


def _unknown(loc: tuple, known: dict) -> str:
    *above, key = loc
    where = f"in {_dotted(above)!r}" if above else "at the top level"
    return f"config: the key {key!r} {where} is not known; {did_you_mean(key, known)} {SEE}"


def _refused(place: tuple, node: dict, findings: list) -> str:
    meaning = f" Meaning: {node['description']}." if "description" in node else ""
    expected = " or ".join(dict.fromkeys(one["msg"].removeprefix("Value error, ") for one in findings))
    if findings[0]["type"] == "missing":
        return f"config: the key {_dotted(place)!r} is missing.{meaning} {SEE}"
    value = "" if findings[0]["type"] == "value_error" else f" is {json.dumps(findings[0]['input'], default=str)}"
    return f"config: {_dotted(place)}{value}: {expected}.{meaning} {SEE}"


def _dotted(place) -> str:
    return ".".join(map(str, place))
