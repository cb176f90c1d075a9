"""A real SLURM of two nodes on this host, on the loopback address, from Debian's packages; for tests alone."""

import ctypes
import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from contextlib import ExitStack
from pathlib import Path

PACKAGES = {"slurmctld": "slurmctld", "slurmd": "slurmd", "squeue": "slurm-client", "munged": "munge"}
# Steps of a job lose the variable that names another place (SLURM_CONF), so it has to be this one.
PLACE = Path("/etc/slurm")
CORES, MEGABYTES = 2, 60000  # of each node, whatever this host has
MARK = "# of huebench's tests, process "
PR_SET_PDEATHSIG = 1  # linux/prctl.h

SETTINGS = """\
ClusterName=loopback
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge/socket
CredType=cred/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/%n.pid
SlurmdParameters=config_overrides
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill
AccountingStorageType=accounting_storage/none
SchedulerParameters=batch_sched_delay=0,sched_interval=2
MpiDefault=none
KillWait=20
GresTypes=gpu
NodeName=cpu1 NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[1]} CPUs={cores} RealMemory={megabytes}
NodeName=gpu1 NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[2]} CPUs={cores} RealMemory={megabytes} Gres=gpu:1
PartitionName=cpu Nodes=cpu1 Default=YES MaxTime=1-00:00:00
PartitionName=gpu Nodes=gpu1 MaxTime=1-00:00:00
"""
GPUS = "NodeName=gpu1 Name=gpu File=/dev/null\n"


def unusable() -> str:
    """Why there can be no such SLURM here; empty where there can."""
    if missing := sorted({package for program, package in PACKAGES.items() if not _program(program)}):
        return f"the Debian packages {', '.join(missing)} are not installed"
    if os.geteuid():
        return f"only root may write {PLACE}/slurm.conf"
    if _in_use():
        return f"{PLACE}/slurm.conf is in use: this host has a SLURM of its own, or these tests run twice"
    return ""


def _in_use() -> bool:
    """Whether there is a configuration but one that a test which is no more has left."""
    try:
        first = (PLACE / "slurm.conf").read_text().partition("\n")[0]
    except FileNotFoundError:
        return False
    return not first.startswith(MARK) or Path(f"/proc/{first.removeprefix(MARK)}").exists()


def _end_with_parent() -> None:
    """Let a daemon be ended when the test is, even if that is killed."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def _program(name: str) -> str | None:
    return shutil.which(name, path="/usr/sbin:/usr/bin:/sbin:/bin")


class Slurm:
    """Two nodes, `cpu1` in the partition `cpu` and `gpu1`, which has one GPU to ask for, in `gpu`.

    Memory is enforced: a job that takes more than it asked for is killed.
    """

    def __init__(self, folder: Path):
        self.folder = folder
        self._open = ExitStack()

    def __enter__(self) -> "Slurm":
        with self._open:  # what has begun ends if the rest does not begin
            self._start()
            self._open = self._open.pop_all()
        return self

    def __exit__(self, *error) -> None:
        """End the jobs that are left, then the daemons."""
        with self._open:
            self.ask("scancel", "--state=pending")
            self.ask("scancel", "--state=running", "--signal=KILL")
            self._until(lambda: not self.ask("squeue", "-h"), "end of the jobs")

    def _start(self) -> None:
        self.folder.chmod(0o755)
        (self.folder / "state").mkdir()
        self._configure()
        self._munge()
        self._daemon("controller", "slurmctld", "-D")
        for node in ("cpu1", "gpu1"):
            self._daemon(node, "slurmd", "-D", "-N", node)
        self._until(lambda: self.ask("sinfo", "-h", "-N", "-o", "%t").split() == ["idle"] * 2, "two idle nodes")

    def _configure(self) -> None:
        settings = SETTINGS.format(
            host=socket.gethostname(), ports=_free_ports(3), folder=self.folder, cores=CORES, megabytes=MEGABYTES
        )
        for name, text in {"slurm.conf": settings, "gres.conf": GPUS}.items():
            path = PLACE / name
            path.write_text(f"{MARK}{os.getpid()}\n{text}")
            self._open.callback(path.unlink)

    def _munge(self) -> None:
        folder = self.folder / "munge"
        folder.mkdir(mode=0o755)
        key = folder / "key"
        key.write_bytes(secrets.token_bytes(64))
        key.chmod(0o400)
        files = [f"--{name}-file={folder / name}" for name in ("key", "log", "pid", "seed")]
        self._daemon("munge", "munged", "--foreground", "--force", f"--socket={folder / 'socket'}", *files)
        self._until((folder / "socket").exists, "munge's socket")

    def _daemon(self, name: str, program: str, *arguments: str) -> None:
        """Start a daemon in the foreground, to be ended by its id; what it says goes to a log of that name."""
        log = self._open.enter_context((self.folder / f"{name}.log").open("w"))
        command = [_program(program), *arguments]
        daemon = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, preexec_fn=_end_with_parent)
        self._open.callback(daemon.wait)
        self._open.callback(daemon.terminate)

    def _until(self, true, what: str) -> None:
        end = time.monotonic() + 30
        while not true():
            if time.monotonic() > end:
                said = "\n".join(path.read_text()[-2000:] for path in self.folder.glob("*.log"))
                raise TimeoutError(f"no {what} after 30 s; the daemons said:\n{said}")
            time.sleep(0.2)

    def ask(self, *command: str) -> str:
        """What one of SLURM's commands says; empty where it fails."""
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout


def _free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports
