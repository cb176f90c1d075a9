"""The command `schema`: what the repository keeps although it follows from the models of the configuration."""

from pathlib import Path

import yaml

from media.whole import write_whole
from plan.key_table import key_table
from plan.schema import json_schema

ROOT = Path(__file__).parents[1]
SCHEMA = ROOT / "workflow/schemas/config.schema.yaml"
README = ROOT / "config/README.md"
BEGIN, END = "<!-- python -m plan schema writes what follows -->\n", "<!-- up to here -->\n"


def generated() -> dict[Path, str]:
    """The files and what has to stand in them."""
    before, _, rest = README.read_text(encoding="utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    return {SCHEMA: schema_file(), README: f"{before}{BEGIN}{key_table()}\n{END}{after}"}


def schema_file() -> str:
    """The schema as YAML, for editors and validators."""
    text = yaml.safe_dump(json_schema(), sort_keys=False, default_flow_style=None, allow_unicode=True, width=118)
    return f"# Written by `python -m plan schema` from plan/configuration.py.\n{text}"


def main() -> None:
    """Write the JSON Schema of the configuration, and the table of its keys in config/README.md."""
    for path, text in generated().items():
        write_whole(path, text.encode())
        print(path.relative_to(ROOT))
