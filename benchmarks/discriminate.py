"""Does the quickstart tell methods apart? `make discriminate` runs both studies first.

Prints, for the shown seeds and for three seeds that no setting was chosen on: Avg. Gap of the original, of every method
and of the noise floor, the ratio of the original's to the best method's, and each attack's mean AUC with its 95 %
interval on the original and on Retrain.
"""

from __future__ import annotations

import sys
from pathlib import Path

from reunlearn.artifacts.gathered import Gathered
from reunlearn.reporting import rows
from reunlearn.reporting.experiment_data import ExperimentData, choose, read_tables
from reunlearn.reporting.rows import ORIGINAL, RETRAIN
from reunlearn.reporting.study_tables import StudyTables
from reunlearn.reporting.tables import attack_table, method_table
from reunlearn.study import paths
from reunlearn.study.jobs import ReportJob, read_job

WANTED = {"quickstart": 2.5, "quickstart-heldout": 1.5}


def main() -> int:
    """Print both studies; return 1 if a ratio or the intervals miss what is wanted."""
    good = True
    for study, wanted in WANTED.items():
        data = read(study, "random")
        table = method_table(data)
        gaps = dict(zip(rows.keys_of(table), table["avg_gap"], strict=True))
        original, best = gaps[ORIGINAL], min(rows.methods_of(table), key=lambda row: gaps[row])
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
    tables = read_tables(StudyTables(results), experiment)
    return choose(wanted, tables, Gathered.read(results), job.cards)


def intervals(data: ExperimentData) -> bool:
    """Print the attacks' intervals; tell whether one of them separates the original and not Retrain."""
    table = attack_table(data)
    any_separates = False
    for attack in sorted(data.attacks):
        ends = [f"{attack}_auc_low", f"{attack}_auc_high"]
        original, retrain = (tuple(table.loc[row, ends]) for row in (ORIGINAL, RETRAIN))
        separates = original[0] > 0.55 and retrain[0] <= 0.5 <= retrain[1]
        any_separates |= bool(separates)
        words = (
            f"original [{original[0]:.3f}, {original[1]:.3f}], Retrain [{retrain[0]:.3f}, {retrain[1]:.3f}]"
        )
        print(f"  {attack:18} AUC {words}{'  separates' if separates else ''}")
    return any_separates


if __name__ == "__main__":
    sys.exit(main())
