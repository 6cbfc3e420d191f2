"""The version: packages, `reunlearn --version` and `reunlearn.__version__` read it here, and nowhere else."""

__version__ = "0.1.0"
