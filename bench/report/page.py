"""Writing the page: the template filled in, its style and program, Plotly's, and the data that the program shows.

Browsers let a page from disk load scripts but not fetch files, so the data is a script too.
"""

import json
from importlib.resources import files
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from plotly.offline import get_plotlyjs

from media.formats import as_html
from media.names import address

PAGE = "page"  # the folder of the template


def write(folder: Path, shown: dict, data: dict) -> None:
    """Write index.html and the files that it loads. shown: the template's names; data: what report.js reads."""
    template = environment().get_template("index.html.j2")
    (folder / "index.html").write_text(template.render(shown), encoding="utf-8")
    (folder / "plotly.min.js").write_text(get_plotlyjs(), encoding="utf-8")
    for name in ("report.css", "report.js"):
        (folder / name).write_bytes((files("bench.report") / PAGE / name).read_bytes())
    # Infinity and NaN, which JSON does not know, are JavaScript's own words.
    (folder / "data.js").write_text(f"const REPORT = {json.dumps(data)};\n")


def environment() -> Environment:
    """Jinja's, which escapes what it is given and stops at a name that is not there; `as_html` writes a table."""
    loader = PackageLoader("bench.report", PAGE)
    made = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    made.filters["as_html"], made.filters["address"] = as_html, address
    return made
