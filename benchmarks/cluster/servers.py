"""The servers of a Citus cluster of the tests' own: a coordinator and its nodes, each on a port of this host."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil

MISSING = (
    "Needs Citus: install its packages (https://docs.citusdata.com, such as postgresql-15-citus-13.0) for a PostgreSQL"
    " whose pg_config is in PATH or under /usr/lib/postgresql, or let CITUS_URL name a database of a coordinator"
)

# A server cannot run as root.
_ACCOUNT = "postgres"

_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "shared_preload_libraries": "citus",
    "wal_level": "logical",
    "max_prepared_transactions": 200,
    "max_connections": 200,
    "fsync": "off",
    "client_connection_check_interval": "500ms",
    "citus.recover_2pc_interval": "2s",
    "citus.node_conninfo": "sslmode=prefer",
    "citus.enable_statistics_collection": "off",
}


def find_programs() -> Path | None:
    """The folder of PostgreSQL's programs, if the extension is installed there."""
    found = [shutil.which("pg_config"), *sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_config"), reverse=True)]
    for program in map(str, filter(None, found)):
        shared = subprocess.run([program, "--sharedir"], capture_output=True, text=True, check=True).stdout.strip()
        if (Path(shared) / "extension" / "citus.control").exists():
            folder = subprocess.run([program, "--bindir"], capture_output=True, text=True, check=True).stdout.strip()
            return Path(folder)
    return None


class ClusterServer:
    """A server of the cluster, which a test may stop and start."""

    def __init__(self, programs: Path, folder: Path) -> None:
        self._programs, self._folder = programs, folder
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port: int = free.getsockname()[1]
        options = ["-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"]
        self._run("initdb", "-D", folder, *options)
        settings = {**_SETTINGS, "port": self.port, "unix_socket_directories": folder}
        with (folder / "postgresql.conf").open("a") as file:
            file.writelines(f"{name} = '{value}'\n" for name, value in settings.items())
        self.start()

    @property
    def parameters(self) -> dict[str, Any]:
        """The parameters of a connection to the database of maintenance."""
        return {"host": "127.0.0.1", "port": self.port, "user": "postgres", "dbname": "postgres"}

    def count_cpu_seconds(self) -> float:
        """The CPU seconds of its processes, including those that have ended."""
        postmaster = self._find_postmaster()
        times = postmaster.cpu_times()
        seconds: float = times.user + times.system + times.children_user + times.children_system
        for child in postmaster.children():
            with suppress(psutil.NoSuchProcess):
                seconds += sum(child.cpu_times()[:2])
        return seconds

    def start(self) -> None:
        """Start it, and wait until it accepts connections."""
        self._run("pg_ctl", "-D", self._folder, "-l", self._folder / "log", "-w", "start")

    def stop(self) -> None:
        """Stop it: transactions are rolled back."""
        self._run("pg_ctl", "-D", self._folder, "-m", "immediate", "-w", "stop", check=False)

    def kill(self) -> None:
        """End all of its processes with SIGKILL, as a machine that loses its power."""
        postmaster = self._find_postmaster()
        processes = [postmaster, *postmaster.children(recursive=True)]
        for process in processes:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(processes)

    def _find_postmaster(self) -> psutil.Process:
        return psutil.Process(int((self._folder / "postmaster.pid").read_text().split()[0]))

    def _run(self, program: str, *arguments: Any, check: bool = True) -> None:
        account: dict[str, Any] = {"user": _ACCOUNT, "group": _ACCOUNT, "extra_groups": []} if os.getuid() == 0 else {}
        command = [str(self._programs / program), *map(str, arguments)]
        # Its output goes to a file: the server would keep a pipe open.
        subprocess.run(command, check=check, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/", **account)


@contextmanager
def own_servers(programs: Path, *, nodes: int) -> Iterator[list[ClusterServer]]:
    """A coordinator and so many nodes, which do not know each other yet; they are stopped at the end of the block."""
    with tempfile.TemporaryDirectory(prefix="importsvc-citus-") as folder:
        if os.getuid() == 0:
            shutil.chown(folder, _ACCOUNT)
        with ExitStack() as stack:
            servers = [ClusterServer(programs, Path(folder) / str(number)) for number in range(nodes + 1)]
            for server in servers:
                stack.callback(server.stop)
            yield servers
