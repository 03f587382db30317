"""Commands and options are completed by the shells of operators."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
# What zsh itself does before it calls a function that was written for bash.
SHELLS = {"bash": "", "zsh": "emulate sh\n"}


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize(
    ("words", "completed"),
    [
        (["manage.py", "rev"], ["revert_imports", "revoke_token"]),
        (["manage.py", "revert_imports", "--o"], ["--on-conflict=", "--organization="]),
        (["manage.py", "imports_status", "--limit", "5", "--js"], ["--json"]),
        (["manage.py", "no_such_command", "--"], []),
        (["other.py", "rev"], []),
        (["manage.py"], []),
    ],
    ids=" ".join,
)
def test_commands_and_options_are_completed(shell: str, words: list[str], completed: list[str]) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"needs {shell}")
    typed = " ".join([sys.executable, *words])
    script = f"""{SHELLS[shell]}
        source script/completion
        COMP_WORDS=({typed})
        COMP_CWORD={len(words)}
        COMPREPLY=()
        _complete_manage
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """

    done = subprocess.run([shell, "-c", script], cwd=PROJECT, capture_output=True, text=True, timeout=60, check=True)

    assert (done.stdout.split(), done.stderr) == (completed, "")
