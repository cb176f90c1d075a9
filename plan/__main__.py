"""`python -m plan`: the commands for people. A command's module is imported only when the command is asked for."""

import sys
from importlib import import_module

import tyro

from media.text import print_any_letter

# Each names a module with a `main` whose signature and docstring are the command's interface.
COMMANDS = {"check": "plan.check", "cost": "plan.cost_table", "schema": "plan.generated", "versions": "plan.lock"}


def main(arguments: list[str]) -> None:
    """Run the command that the first argument names; otherwise say which there are."""
    print_any_letter()
    prog = "python -m plan"
    if arguments and arguments[0] in COMMANDS:
        command, *rest = arguments
        tyro.cli(import_module(COMMANDS[command]).main, prog=f"{prog} {command}", args=rest)
    else:
        commands = {name: import_module(module).main for name, module in COMMANDS.items()}
        tyro.extras.subcommand_cli_from_dict(commands, prog=prog, args=arguments)


if __name__ == "__main__":
    main(sys.argv[1:])
