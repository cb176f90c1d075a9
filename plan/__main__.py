"""`python -m plan`: the commands about what is made from what. A command is imported only when it is asked for."""

import sys

import tyro

USAGE = """\
usage: python -m plan schema     write the JSON Schema and the table of keys of the configuration
       python -m plan versions   hold the code against the lock of its versions"""


def main(arguments: list[str]) -> None:
    """Run the command that the first argument names; otherwise say which there are."""
    command, *rest = arguments or [""]
    if command == "schema":
        from plan import generated

        tyro.cli(generated.main, prog="python -m plan schema", args=rest)
    elif command == "versions":
        from plan import versions

        versions.main(rest)
    else:
        sys.exit(USAGE)


if __name__ == "__main__":
    main(sys.argv[1:])
