"""The command `list`: the rows of a configuration, what each is given, whose it is, and whether it can run here."""

import json
import math
import sys
from pathlib import Path

import pandas as pd
from tyro.conf import UseAppendAction

from bench.methods.contract.method import Method, Setting
from bench.methods.contract.rows import load, method_of, names
from bench.methods.weights.published import OF_CHOICE, OF_METHOD, PARAMETERS
from bench.run.setting import ROOT, setting_of
from plan.choosing import as_run
from plan.errors import ConfigError
from plan.reading import read_config
from vision.weights import is_present

CHOICES = ("backbone", "classifier", "fid_features", "flow", "scoring_flow")


def main(*, config: UseAppendAction[tuple[Path, ...]] = ()) -> None:
    """Show the rows of a configuration: kind, weights, parameters, why one cannot run here, citation, licence.

    Args:
        config: a configuration on top of the default one, config/config.yaml; may be repeated.
    """
    try:
        merged = as_run(read_config(config), ROOT)
    except ConfigError as error:
        sys.exit(f"error: {error}")
    rows = [line_of_row(row, options or {}, merged) for row, options in merged["methods"].items()]
    print(pd.DataFrame(rows).fillna("").to_markdown(index=False, disable_numparse=True))
    used = {method_of(row, options or {}) for row, options in merged["methods"].items()}
    unused = ", ".join(name for name in names() if name not in used)
    notes = [*(chosen(choice, merged) for choice in CHOICES), f"- methods that no row uses: {unused or 'none'}"]
    print("\n".join(["", *notes]))


def line_of_row(row: str, options: dict, config: dict) -> dict[str, str]:
    """The line of a row. What is wrong with it stands in its column `note`: the others are shown all the same."""
    setting = setting_of(options, config)
    try:
        method = load(row, options, setting)
    except ValueError as error:
        return {"row": row, "kind": "", "weights": "", "parameters": "", "note": f"error: {error}"}
    name = "" if {"precomputed", "command"} & set(options) else method_of(row, options)
    return {
        "row": row,
        "kind": kind_of(method),
        "weights": weights_of(name, setting),
        "parameters": parameters_of(name, setting),
        "note": method.skip() or "",
        "citation": method.citation,
        "licence": licence_of(name, options),
    }


def kind_of(method: Method) -> str:
    """What a row is given, in the words of the tables: post-processor, first frame, reference or automatic."""
    given = {what for kind in method.given.values() for what in kind}
    if "processed" in given:
        return "post-processor"
    if method.name == "precomputed":
        return "precomputed"
    kinds = [word for what, word in (("first_frame", "first frame"), ("reference", "reference")) if what in given]
    return " or ".join(kinds) or "automatic"


def weights_of(name: str, setting: Setting) -> str:
    """The model of a row's training, or the published file that it takes; and whether it is there."""
    if setting.checkpoint is not None:
        path = setting.checkpoint
        shown = path.relative_to(ROOT) if path.is_relative_to(ROOT) else path
        if path.is_dir():
            return f"the published program's files in {shown}"
        return str(shown) if path.exists() else f"not there yet: {shown}"
    files = OF_METHOD.get(name)
    if not files:
        return ""
    file = next((file for file in files if is_present(file, setting.weights_dir)), None)
    return file.name if file else f"missing: {files[0].name}"


def parameters_of(name: str, setting: Setting) -> str:
    """How many numbers were learned: those of the trained model's file, or of the published network."""
    if setting.checkpoint is not None:
        return f"{numbers_in(setting.checkpoint):,}" if setting.checkpoint.is_file() else ""
    return f"{PARAMETERS[name]:,}" if name in PARAMETERS else ""


def numbers_in(path: Path) -> int:
    """The numbers in a .safetensors file, from its header alone."""
    with open(path, "rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
    return sum(math.prod(entry["shape"]) for name, entry in header.items() if name != "__metadata__")


def licence_of(name: str, options: dict) -> str:
    """Of the weights that decide what the row may be used for; code is this project's."""
    if "command" in options or "precomputed" in options:
        return "its own"
    files = OF_METHOD.get(name, ())
    return files[0].licence if files and "training" not in options else "MIT"


def chosen(choice: str, config: dict) -> str:
    """A line about a part of the configuration that has weights of its own."""
    file = OF_CHOICE.get(config[choice])
    if file is None:
        return f"- {choice}: {config[choice]}"
    state = "present" if is_present(file, ROOT / config["weights"]) else "missing (python -m bench weights)"
    return f"- {choice}: {config[choice]}, {file.name}: {state}"
