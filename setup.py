"""Builds the wheel. Beside the package it holds the presets of config/, which `reunlearn.unlearn` reads."""

from __future__ import annotations

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

PRESETS = Path("config", "presets")


class WithPresets(build_py):
    """Copies the package, and the presets into it; an installation that is edited reads those of the project."""

    def run(self) -> None:
        super().run()
        if not self.editable_mode:
            target = Path(self.build_lib, "reunlearn", PRESETS)
            shutil.copytree(PRESETS, target, dirs_exist_ok=True, ignore=shutil.ignore_patterns(".*"))


setup(cmdclass={"build_py": WithPresets})
