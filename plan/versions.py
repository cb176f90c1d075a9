"""VERSION of the stages' modules, which rules have among their params: raising it reruns the stage."""

import ast
from pathlib import Path

ROOT = Path(__file__).parents[1]


def version_of(path: str | Path) -> int:
    """The literal that a module, or the class in it, assigns to VERSION: read, not imported (torch costs seconds)."""
    for node in ast.walk(ast.parse((ROOT / path).read_text())):
        targets = node.targets if isinstance(node, ast.Assign) else []
        if any(isinstance(target, ast.Name) and target.id == "VERSION" for target in targets):
            return ast.literal_eval(node.value)
    raise ValueError(f"{path}: expected a line `VERSION = ...` with a literal value")
