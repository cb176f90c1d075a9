"""`python -m prep`: the commands for people. What they need is imported when they run, so that --help is quick."""

import sys

import tyro
from pydantic import ValidationError

from media.faults import MachineFault
from media.stopping import stopped_plainly
from media.text import print_any_letter
from plan.errors import ConfigError
from prep.datasets import draw, fetch
from prep.datasets.registry import DatasetError
from prep.describe import describe


def main(arguments: list[str] | None = None) -> None:
    """Run the command that the arguments name; what is wrong with them or with the data ends it with one message."""
    print_any_letter()
    commands = {"describe": describe.main, "draw": draw.main, "fetch": fetch.main}
    try:
        with stopped_plainly():
            tyro.extras.subcommand_cli_from_dict(commands, prog="python -m prep", args=arguments)
    except ValidationError as error:
        sys.exit(f"error: {'; '.join(one['msg'] for one in error.errors())}")
    except (ConfigError, DatasetError, MachineFault, OSError) as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
