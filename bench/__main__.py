"""`python -m bench`: the commands for people. A command's module is imported only when the command is asked for."""

import sys
from importlib import import_module

import tyro

from media.faults import ending_plainly
from media.text import print_any_letter

# Each names a module with a `main` whose signature and docstring are the command's interface.
COMMANDS = {
    "list": "bench.run.list_rows",
    "parity": "bench.parity",
    "score": "bench.scoring.score_folders",
    "try": "bench.run.try_row",
    "weights": "bench.methods.weights.inventory",
}


def main(arguments: list[str]) -> None:
    """Run the command that the first argument names; otherwise say which there are."""
    print_any_letter()
    prog = "python -m bench"
    if arguments and arguments[0] in COMMANDS:
        command, *rest = arguments
        with ending_plainly():
            tyro.cli(import_module(COMMANDS[command]).main, prog=f"{prog} {command}", args=rest)
    else:
        commands = {name: import_module(module).main for name, module in COMMANDS.items()}
        tyro.extras.subcommand_cli_from_dict(commands, prog=prog, args=arguments)


if __name__ == "__main__":
    main(sys.argv[1:])
