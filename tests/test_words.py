"""One word, one thing: no name twice, American identifiers, and none of the words that the glossary rules out."""

import ast
import re
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("media", "vision", "prep", "colorize", "bench", "plan")
MODULES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
# `grey` is the name of a row and `licence` that of a column; both are spelt alike everywhere.
BRITISH = re.compile(r"(?i)colour|cent(re|red|ring)|neighbour|artefact|label(led|ling)|behaviour|[a-z]isation|normalis")


@cache
def identifiers(path: Path) -> set[str]:
    """Every name that a module gives to something: variables, parameters, attributes, functions, classes, itself."""
    names = {path.stem}
    for node in ast.walk(ast.parse(path.read_text())):
        match node:
            case ast.Name(id=name, ctx=ast.Store()) | ast.arg(arg=name):
                names.add(name)
            case ast.Attribute(attr=name, ctx=ast.Store()):
                names.add(name)
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                names.add(name)
    return names


def ruled_out() -> list[str]:
    """The words in backticks in the last column of the glossary."""
    words = (ROOT / "docs/conventions.md").read_text().partition("\n## Words\n")[2]
    rows = [line.split("|") for line in words.splitlines() if line.startswith("|")]
    return [word for row in rows[2:] for word in re.findall(r"`(\w+)`", row[3])] + ["found"]


def twice(names) -> list[str]:
    return sorted(name for name, count in Counter(names).items() if count > 1)


def test_no_module_name_occurs_twice():
    assert not twice(path.stem for path in MODULES if path.stem not in ("__init__", "__main__"))


def test_no_class_name_occurs_twice():
    bodies = (ast.parse(path.read_text()).body for path in MODULES)
    assert not twice(node.name for body in bodies for node in body if isinstance(node, ast.ClassDef))


def test_identifiers_have_american_spelling():
    british = {str(path.relative_to(ROOT)): sorted(filter(BRITISH.search, identifiers(path))) for path in MODULES}
    assert not {path: names for path, names in british.items() if names}


@pytest.mark.parametrize("word", ruled_out())
def test_a_word_that_the_glossary_rules_out_is_used_nowhere(word):
    assert not [str(path.relative_to(ROOT)) for path in MODULES if word in identifiers(path)]


def test_only_methods_fit():
    assert not [str(path) for path in MODULES if "fit" in identifiers(path) and "methods" not in path.parts]
