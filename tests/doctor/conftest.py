"""A finished project as the working directory, as tests of commands have it."""

from tests.commands.conftest import plan

__all__ = ["plan"]
