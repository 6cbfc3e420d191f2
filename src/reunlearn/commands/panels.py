"""The groups in which `reunlearn --help` lists the commands, in this order."""

from __future__ import annotations

STUDIES_PANEL = "Studies"
RUNS_PANEL = "What is made and kept"
MODEL_PANEL = "Your own model, your own method"
KNOWN = "What there is"
STAGES_PANEL = "Stages: what jobs call"
