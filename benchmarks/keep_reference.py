"""Keep what a study's report can be made from again: `python benchmarks/keep_reference.py STUDY`.

Tables, the tidy results without single samples, and the record of every job go to reports/reference/STUDY; what its
README says is written by hand. `reunlearn report STUDY --from reports/reference/STUDY` makes page and figures of it.
"""

from __future__ import annotations

import lzma
import shutil
import sys
from pathlib import Path

from reunlearn.artifacts.gathered import FILE as RUNS
from reunlearn.study import paths

KEPT = ("results", "runs", "classes", "histograms", "roc")
OF_SOME = ("series", "pictures", "drawn")  # small, and not of every study
ROOT = Path("reports/reference")


def keep(study: str) -> Path:
    """Write the folder of a study that was made; return it."""
    report, results, folder = Path(paths.report(study)), Path(paths.results(study)), ROOT / study
    for name in ("tables", "results"):
        shutil.rmtree(folder / name, ignore_errors=True)
    shutil.copytree(report / "tables", folder / "tables")
    (folder / "results").mkdir()
    there = [name for name in OF_SOME if (results / f"{name}.parquet").exists()]
    for name in (*KEPT, *there):
        shutil.copyfile(results / f"{name}.parquet", folder / "results" / f"{name}.parquet")
    packed = lzma.compress((results / RUNS).read_bytes())
    (folder / "results" / f"{RUNS}.xz").write_bytes(packed)
    return folder


if __name__ == "__main__":
    print(keep(sys.argv[1]))
