"""Whether a Dask cluster can do our tasks, asked before they go: its scheduler, its workers, their code, their files.

A worker without this project, with other code, or that sees other files under our paths would fail task by task, hang,
or leave results nobody finds.
"""

import asyncio
import secrets
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import fields, is_dataclass
from functools import partial
from pathlib import Path

from media.faults import MachineFault
from media.versions import ROOT, version_of

SECONDS = 30  # for all of it
CONNECTING = 10  # of them until the scheduler answers
FILES = 100  # that a task is given, so many are looked for
WHERE = "docs/cluster.md says how to start one"


def preflight(scheduler: str, function, arguments: Iterable[tuple], folder: Path) -> None:
    """Raise MachineFault, in half a minute at most, with what the cluster lacks, and on which worker.

    Args:
        scheduler: its address.
        function: what the workers are to call.
        arguments: what it is called with; files among it must be there for the workers, too.
        folder: where workers write, a whole path.
    """
    asyncio.run(_in_time(scheduler, _questions(function, arguments, folder), folder))


@contextmanager
def naming_what_is_lost(scheduler: str) -> Iterator[None]:
    """While tasks run on a cluster: MachineFault where it loses them, instead of what Dask says."""
    from concurrent.futures import CancelledError

    from distributed import KilledWorker

    try:
        yield
    except (KilledWorker, CancelledError) as error:
        raise MachineFault(
            f"the Dask cluster {scheduler} lost its workers or its scheduler ({_words(error)}); what was finished "
            "stays: look at their memory and logs, and run again"
        ) from error


async def _in_time(scheduler: str, questions: dict, folder: Path) -> None:
    probe = folder / f".seen-{secrets.token_hex(8)}"
    probe.write_text(probe.name)
    doing = ["connecting to the scheduler"]
    try:
        async with asyncio.timeout(SECONDS):
            await _asked(scheduler, questions | {"probe": str(probe)}, doing)
    except TimeoutError as error:
        raise MachineFault(
            f"the Dask cluster {scheduler}: no answer in {SECONDS} s while {doing[-1]}; {WHERE}"
        ) from error
    finally:
        probe.unlink(missing_ok=True)


async def _asked(scheduler: str, questions: dict, doing: list[str]) -> None:
    from distributed import Client

    client = Client(scheduler, timeout=CONNECTING, asynchronous=True, set_as_default=False)
    try:
        try:
            await client
        except (OSError, ValueError, MemoryError) as error:
            # OSError is what a TimeoutError is, too; what another server says can be taken for the size of a message.
            raise MachineFault(
                f"no Dask scheduler answers at {scheduler} ({_words(error)}); is it the scheduler's port, not its "
                f"dashboard's? {WHERE}"
            ) from error
        await _asked_workers(client, scheduler, questions, doing)
    finally:
        await client.close()


async def _asked_workers(client, scheduler: str, questions: dict, doing: list[str]) -> None:
    doing.append("waiting for a worker")
    try:
        await client.wait_for_workers(1, timeout=CONNECTING)
    except TimeoutError as error:
        raise MachineFault(f"the Dask cluster {scheduler} has no worker; {WHERE}") from error
    doing.append("asking the workers for their versions")
    versions = await client.get_versions(check=False)
    for worker, said in versions["workers"].items():
        _check_versions(worker, said, versions["client"])
    doing.append("asking the workers what they see")
    _check_answers(await client.run(_by_value(look), questions, on_error="return"))


def _check_answers(answers: dict) -> None:
    """What each worker is missing; one that dies in these seconds is missed by nobody while there are others."""
    gone = [worker for worker, said in answers.items() if isinstance(said, OSError)]
    if len(gone) < len(answers):
        for worker in gone:
            print(f"warning: the Dask worker {worker} does not answer; others do its tasks", file=sys.stderr)
        answers = {worker: said for worker, said in answers.items() if worker not in gone}
    for worker, said in answers.items():
        if wrong := f"does not answer ({_words(said)})" if isinstance(said, BaseException) else said:
            raise MachineFault(f"the Dask worker {worker} {wrong}")


def _check_versions(worker: str, said: dict, here: dict) -> None:
    """Functions travel as Python's own code, and Dask's messages change."""
    for part, name, digits in (("host", "python", 2), ("packages", "distributed", 3), ("packages", "cloudpickle", 1)):
        theirs, ours = (str(dict(one[part])[name]).split(".")[:digits] for one in (said, here))
        if theirs != ours:
            raise MachineFault(
                f"the Dask worker {worker} has {name} {'.'.join(theirs)}, here is {'.'.join(ours)}; start it from the "
                "same environment"
            )


def _questions(function, arguments: Iterable[tuple], folder: Path) -> dict:
    while isinstance(function, partial):
        function = function.func
    module = getattr(function, "__module__", None) or "__main__"
    modules = ["media.jobs"] if module == "__main__" else ["media.jobs", module]
    paths = dict.fromkeys(path for call in arguments for path in paths_in(call))
    files = []
    for path in paths:
        if len(files) < FILES and path.exists():
            files.append(str(path))
    ours = {name: version_of(name) if _is_ours(name) else None for name in modules}
    return {"modules": ours, "folder": str(folder), "files": files, "path": str(ROOT)}


def _is_ours(module: str) -> bool:
    return (ROOT / f"{module.replace('.', '/')}.py").is_file()


def paths_in(value) -> Iterator[Path]:
    """The paths in what a task is given: in lists, tuples, dicts and dataclasses, too."""
    if isinstance(value, Path):
        yield value
    elif isinstance(value, list | tuple | set):
        for one in value:
            yield from paths_in(one)
    elif isinstance(value, dict):
        yield from paths_in(list(value.values()))
    elif is_dataclass(value) and not isinstance(value, type):
        yield from paths_in([getattr(value, one.name) for one in fields(value)])


def _words(error: BaseException) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split()).rstrip(": ")


def _by_value(function):
    """The function, so pickled that a worker needs nothing of ours to be asked."""
    import cloudpickle

    cloudpickle.register_pickle_by_value(sys.modules[__name__])
    return function


def look(questions: dict) -> str:
    """What is wrong with the worker that this runs on; empty if nothing is."""
    import importlib
    import os

    for module, ours in questions["modules"].items():
        try:
            importlib.import_module(module)
            theirs = None if ours is None else importlib.import_module("media.versions").version_of(module)
        except ImportError as error:
            return (
                f"cannot import {module} ({error}): install this project there (`pip install -e {questions['path']}`), "
                f"or start it with PYTHONPATH={questions['path']}"
            )
        if theirs != ours:
            place = importlib.import_module("media.versions").ROOT
            return (
                f"has another version of {module}: {theirs} from {place}, here is {ours} from {questions['path']}; "
                "give it the same checkout and start it again"
            )
    probe = questions["probe"]
    try:
        with open(probe) as file:
            seen = file.read() == os.path.basename(probe)
    except OSError as error:
        seen = False
        if not isinstance(error, FileNotFoundError):
            return f"cannot read in {questions['folder']}: {error}"
    if not seen:
        return f"does not see {questions['folder']}, or another folder of that name; mount what is here under this path"
    if not os.access(questions["folder"], os.W_OK):
        return f"may not write in {questions['folder']}; mount it for writing, for the user that the worker runs as"
    if missing := [path for path in questions["files"] if not os.path.exists(path)]:
        return f"does not see {missing[0]} ({len(missing)} of {len(questions['files'])} files that tasks read or write)"
    return ""
