"""The files of config/: each that cannot be read is a line."""

from __future__ import annotations

from pathlib import Path

from reunlearn.base.errors import UserError
from reunlearn.base.yaml_files import read_yaml
from reunlearn.doctor.findings import Asked, CheckCard, Found
from reunlearn.storage.dvc_files import LOCK, read_outputs
from reunlearn.storage.snapshot import RUNS_FILE
from reunlearn.study.load import CONFIG, load_study

CARD = CheckCard(order=110, title="configuration")


def look(asked: Asked) -> Found:
    """Read every file of config/, and what is stored with DVC; a study also as such."""
    files = sorted(CONFIG.rglob("*.yaml"))
    good = 0
    for path in files:
        try:
            if path.parent == CONFIG / "studies":
                load_study(path.stem)
            else:
                read_yaml(path)
            good += 1
        except UserError as error:
            yield "problem", str(error), ""
    for file in (LOCK, Path(RUNS_FILE)):
        try:
            read_outputs(file)
        except (UserError, OSError, UnicodeDecodeError) as error:
            yield "problem", str(error), ""
    if good == len(files):
        yield "ok", f"{good} files of {CONFIG}, all can be read", ""
