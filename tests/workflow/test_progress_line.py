"""The line of progress under a real Snakemake: on a terminal, in a file, after a failure and after Ctrl-C."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import subprocess
import sys
import termios
from pathlib import Path

import pytest

from tests.workflow.project import Project

pytestmark = pytest.mark.workflow
DRAWN = re.compile(r"\r\x1b\[K(\d+ of \d+ jobs[^\r\n]*)")
COMMAND = [sys.executable, "-m", "snakemake", "--workflow-profile", "workflow/profiles/default"]
COMMAND += ["--cores", "2", "--config", "study=tiny", "device=cpu"]


def on_terminal(project: Project, columns: int, stop_at: str = "") -> tuple[int, str]:
    """Run the study on a terminal; return the exit code and all that was written to it.

    Args:
        project: the study's folder.
        columns: of the terminal.
        stop_at: what must be there for Ctrl-C to be pressed.
    """
    main, sub = pty.openpty()
    termios.tcsetwinsize(sub, (24, columns))
    process = subprocess.Popen(
        COMMAND,
        cwd=project.root,
        env=project.environment(),
        stdin=sub,
        stdout=sub,
        stderr=sub,
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # so that Ctrl-C reaches it
    )
    os.close(sub)
    text = ""
    while True:
        try:
            part = os.read(main, 65536)
        except OSError:  # nobody has the other end any more
            break
        text += part.decode(errors="replace")
        if stop_at and stop_at in text:
            os.write(main, b"\x03")
            stop_at = ""
    os.close(main)
    return process.wait(), text


def seen(text: str) -> list[str]:
    """Return the lines that stay on the screen."""
    plain = re.sub(r"\x1b\[[0-9;]*m", "", text)
    return [line.rpartition("\x1b[K")[2].rstrip("\r") for line in plain.split("\n")]


def test_a_terminal_has_one_line_and_a_file_has_none(tiny: Project, tmp_path: Path) -> None:
    project = tiny.copy(tmp_path / "project")
    method = "src/reunlearn/unlearning/methods/finetune.py"
    line = r"        optimizer = self.make_optimizer\(model\)\n"
    right = (project.root / method).read_text()
    project.edit(method, line, '        raise RuntimeError("out of luck")\n')
    code, text = on_terminal(project, 60)
    assert code == 1
    drawn = DRAWN.findall(text)
    assert drawn, text
    assert drawn[0].startswith("0 of 7 jobs")
    assert max(map(len, drawn)) < 60
    lines = seen(text)
    [failed] = [line for line in lines if line.startswith("FAILED ")]
    assert "out of luck" in failed
    assert not any(DRAWN.match(f"\r\x1b[K{line}") for line in lines)  # nothing of it stays
    assert not any("Finished jobid" in line or " steps (" in line for line in lines)

    (project.root / method).write_text(right)
    os.utime(project.root / method)
    done = project.snakemake()  # the control: not on a terminal
    assert "\r" not in done.stderr + done.stdout
    assert "Finished jobid" in done.stderr and " steps (" in done.stderr


@pytest.mark.thorough
def test_ctrl_c_leaves_a_clean_line(tmp_path: Path) -> None:
    project = Project.create(tmp_path / "project")
    code, text = on_terminal(project, 34, stop_at="2 of 21 jobs")
    assert code != 0
    drawn = DRAWN.findall(text)
    assert max(map(len, drawn)) < 34
    lines = seen(text)
    [stopped] = [line for line in lines if line.startswith("Terminating processes on user request")]
    assert not any(re.match(r"\d+ of 21 jobs", line) for line in lines[lines.index(stopped) :])
