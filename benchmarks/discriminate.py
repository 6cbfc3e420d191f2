"""Does the quickstart tell methods apart? `make discriminate` runs both studies first.

Prints, for the shown seeds and for three seeds that no setting was chosen on: Avg. Gap of the original, of every method
and of the noise floor, the ratio of the original's to the best method's, and each attack's mean AUC with its 95 %
interval on the original and on Retrain.
"""

from __future__ import annotations

import sys
from pathlib import Path

from reunlearn.artifacts.gathered import Gathered
from reunlearn.reporting.experiment import ExperimentData, Tables, choose
from reunlearn.reporting.frames import read as read_frame
from reunlearn.reporting.rows import ORIGINAL, RETRAIN
from reunlearn.reporting.study_tables import StudyTables
from reunlearn.reporting.tables.methods import average_gaps
from reunlearn.study import paths
from reunlearn.study.jobs import read_job
from reunlearn.study.report_jobs import ReportJob

WANTED = {"quickstart": 2.5, "quickstart-heldout": 1.5}


def main() -> int:
    """Print both studies; return 1 if a ratio or the intervals miss what is wanted."""
    good = True
    for study, wanted in WANTED.items():
        data = read(study, "random")
        gaps = average_gaps(data)
        methods = [row for row in gaps if not row.is_reference]
        original, best = gaps[ORIGINAL], min(methods, key=lambda row: gaps[row])
        ratio = original / gaps[best]
        words = f"original {original:.2f}, best {best.heading} {gaps[best]:.2f}"
        print(f"{study}: {words}: {ratio:.2f} times (wanted {wanted})")
        ordered = sorted(gaps.items(), key=lambda item: item[1])
        print("  " + ", ".join(f"{row.heading} {value:.2f}" for row, value in ordered))
        good &= bool(ratio >= wanted) and (intervals(data) or study != "quickstart")
    return 0 if good else 1


def read(study: str, experiment: str) -> ExperimentData:
    """Return the data of one experiment of a study that was made."""
    results = Path(paths.results(study))
    job = read_job(Path(paths.report(study), paths.SPECIFICATION), ReportJob)
    (wanted,) = (e for e in job.study.experiments if e.name == experiment)
    tables = Tables(StudyTables(results), experiment)
    return choose(wanted, tables, job.sections[experiment], Gathered.read(results), job.cards)


def intervals(data: ExperimentData) -> bool:
    """Print the attacks' intervals; tell whether one of them separates the original and not Retrain."""
    found = read_frame(data.frame("attacks"))
    any_separates = False
    for attack in sorted(data.attacks):
        original, retrain = (found[row][f"{attack}.auc"] for row in (ORIGINAL, RETRAIN))
        separates = original.low > 0.55 and retrain.low <= 0.5 <= retrain.high
        any_separates |= bool(separates)
        words = f"original [{original.low:.3f}, {original.high:.3f}], Retrain [{retrain.low:.3f}, {retrain.high:.3f}]"
        print(f"  {attack:18} AUC {words}{'  separates' if separates else ''}")
    return any_separates


if __name__ == "__main__":
    sys.exit(main())
