"""Which version of the code makes something, so that a change of it cannot pass unnoticed.

A stage has the number that the lock (plan/versions.tsv) gives it while every module that it imports, however far away,
is as it was when the lock was written; with any other code its version is a fingerprint of that code. Comments,
docstrings and layout are no code; data files in a package's folders are. `python -m plan versions` keeps the lock.
"""

import ast
import hashlib
from functools import cache
from importlib.util import resolve_name
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
PACKAGES = ("media", "vision", "prep", "colorize", "bench")
LOCK = "plan/versions.tsv"
DIGITS = 16  # of a SHA-256, in hexadecimal
# How files end that git does not track: what an editor or a merge left, and compiled modules.
UNTRACKED = ("~", ".orig", ".bak", ".pyc")


class Line(NamedTuple):
    """What the lock says of a module. Modules that only others are made of have no version of their own."""

    module: str
    version: int | None
    code: str  # fingerprint of the code
    text: str  # that of the files as they are: a file with the same text need not be parsed
    why: str  # in a line, why the numbers are the same or others since the last change


class Code:
    """The modules of a checkout. Each file is read once, so a changed one needs a new object."""

    def __init__(self, root: Path = ROOT):
        self.root = root
        self._texts: dict[str, str] = {}
        self._parsed: dict[str, tuple[str, set[str]]] = {}

    def file(self, module: str) -> Path | None:
        """Where a module lies, None if it is none of ours."""
        path = self.root / module.replace(".", "/")
        places = (path.with_name(f"{path.name}.py"), path / "__init__.py")
        return next((place for place in places if place.is_file()), None)

    def files(self, module: str) -> list[Path]:
        """The file of a module; with that of a package, the data files in its folders."""
        file = self.file(module)
        return [file, *data_files(file.parent)] if file.name == "__init__.py" else [file]

    def text(self, module: str) -> str:
        """Fingerprint of a module's files as they are; empty if there is no such module."""
        if module not in self._texts:
            self._texts[module] = digest(*map(self._content, self.files(module))) if self.file(module) else ""
        return self._texts[module]

    def code(self, module: str) -> str:
        """Fingerprint of what a module does; empty if there is no such module."""
        return self._parse(module)[0]

    def closure(self, module: str) -> set[str]:
        """A module and what it imports, in functions too, and what that imports; only modules of ours."""
        modules, waiting = set(), {module}
        while waiting:
            modules |= waiting
            waiting = {other for name in waiting for other in self._parse(name)[1]} - modules
        return modules

    def _content(self, file: Path) -> bytes:
        return f"{file.relative_to(self.root).as_posix()}\n".encode() + file.read_bytes()

    def _parse(self, module: str) -> tuple[str, set[str]]:
        if module not in self._parsed:
            self._parsed[module] = self._code_and_imports(module) if self.file(module) else ("", set())
        return self._parsed[module]

    def _code_and_imports(self, module: str) -> tuple[str, set[str]]:
        file, *data = self.files(module)
        try:
            tree = ast.parse(file.read_bytes(), filename=str(file))
        except (SyntaxError, ValueError) as error:
            raise ValueError(f"{module} is no Python, so it has no version; mend {file}: {error}") from error
        package = module if file.name == "__init__.py" else module.rpartition(".")[0]
        named = {name for node in ast.walk(tree) for name in imported(node, package)}
        code = digest(repr(plain(tree)).encode(), *map(self._content, data))
        return code, {above for name in {module, *named} for above in lineage(name) if self.file(above)} - {module}


def data_files(package: Path) -> list[Path]:
    """The files below a package's folder that are no Python, without those of the packages in it and UNTRACKED ones."""
    files = []
    for path in sorted(package.iterdir()):
        if path.is_dir() and path.name != "__pycache__" and not (path / "__init__.py").exists():
            files += data_files(path)
        elif path.is_file() and not path.name.startswith(".") and not path.name.endswith((".py", *UNTRACKED)):
            files.append(path)
    return files


def imported(node: ast.AST, package: str) -> list[str]:
    """The names that a node may import modules by: of `from a import b`, a and a.b."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if not isinstance(node, ast.ImportFrom):
        return []
    base = resolve_name("." * node.level + (node.module or ""), package)
    return [base, *(f"{base}.{alias.name}" for alias in node.names)]


def lineage(module: str) -> list[str]:
    """A module's packages, outermost first, and itself; none where the outermost is not ours."""
    words = module.split(".")
    return [".".join(words[: end + 1]) for end in range(len(words))] if words[0] in PACKAGES else []


def plain(node):
    """A syntax tree as nested lists, without docstrings and places. Empty fields, which other Pythons have more of, are
    left out, so that all have the same."""
    if isinstance(node, list):
        return [plain(one) for one in node]
    if not isinstance(node, ast.AST):
        return repr(node)
    fields = dict(ast.iter_fields(node))
    if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and is_text(fields["body"]):
        fields["body"] = fields["body"][1:]
    return [type(node).__name__, *((name, plain(value)) for name, value in fields.items() if value not in (None, []))]


def is_text(body: list[ast.stmt]) -> bool:
    """Whether a body begins with a docstring."""
    first = body[0] if body else None
    return isinstance(first, ast.Expr) and isinstance(getattr(first.value, "value", None), str)


def digest(*parts: bytes) -> str:
    """Fingerprint of some bytes, in their order."""
    return hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in parts)).hexdigest()[:DIGITS]


def read_lock(root: Path = ROOT) -> dict[str, Line]:
    """The lock's lines by module; without a lock there are none, and every version is a fingerprint.

    Raises ValueError for a broken line, such as a merge leaves.
    """
    if not (root / LOCK).exists():
        return {}
    lock: dict[str, Line] = {}
    for number, text in enumerate((root / LOCK).read_bytes().splitlines() or [b""], start=1):
        try:
            add_line(lock, text.decode().split("\t"), is_header=number == 1)
        except ValueError as error:
            advice = "take the file from git and decide again (python -m plan versions)"
            raise ValueError(f"{LOCK}, line {number}: {error}; {advice}") from error
    return lock


def add_line(lock: dict[str, Line], fields: list[str], is_header: bool) -> None:
    """Add a line of the file to the lock. Raises ValueError for one that is none."""
    if len(fields) != len(Line._fields) or (is_header and tuple(fields) != Line._fields):
        raise ValueError(f"expected the columns {', '.join(Line._fields)}, with a tab between them")
    if is_header:
        return
    module, number, *rest = fields
    if number and not number.isdecimal():
        raise ValueError(f"the version of {module} is {number!r}, expected a whole number or nothing")
    if module in lock:
        raise ValueError(f"{module} has a line before this one")
    lock[module] = Line(module, int(number) if number else None, *rest)


def is_locked(line: Line, code: Code) -> bool:
    """Whether a module is as its line says."""
    return line.text == code.text(line.module) or line.code == code.code(line.module)


def version(module: str, code: Code, lock: dict[str, Line]) -> int | str:
    """The lock's number for a module as long as the code is that of the lock, otherwise the code's fingerprint."""
    if not code.file(module):
        raise ValueError(f"{module}: there is no such module here, so it has no version; expected one of {PACKAGES}")
    number = lock[module].version if module in lock else None
    if number is not None and all(is_locked(line, code) for line in lock.values()):
        return number  # nothing has to be parsed: who imports what is as it was, too
    parts = sorted(code.closure(module))
    if number is not None and all(name in lock and is_locked(lock[name], code) for name in parts):
        return number
    return digest(*(f"{name} {code.code(name)}".encode() for name in parts))


@cache
def version_of(module: str) -> int | str:
    """The version of a module of this checkout, such as 3 or `f00dfeed01234567`; looked up once a process."""
    return version(module, *checkout())


@cache
def checkout() -> tuple[Code, dict[str, Line]]:
    """The code and the lock of this checkout."""
    return Code(), read_lock()
