"""`python -m plan`: the commands about what is made from what."""

import sys

from plan import versions

COMMANDS = {"versions": versions.main}


def main() -> None:
    """Run the command that the first argument names."""
    name, *rest = sys.argv[1:] or ["--help"]
    if name not in COMMANDS:
        sys.exit(f"usage: python -m plan {{{','.join(COMMANDS)}}} ...")
    COMMANDS[name](rest)


if __name__ == "__main__":
    main()
