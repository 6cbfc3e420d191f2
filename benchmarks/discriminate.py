"""Does the quickstart tell methods apart? `make discriminate` runs both studies first.

Prints, for the shown seeds and for three seeds that no setting was chosen on: Avg. Gap of the original, of every method
and of the noise floor, the ratio of the original's to the best method's, and each attack's pooled AUC with its 95 %
interval on the original and on Retrain.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pandas as pd

from reunlearn.reporting.lines import ORIGINAL, REFERENCES, RETRAIN
from reunlearn.reporting.tables import attack_table, method_table

WANTED = {"quickstart": 2.5, "quickstart-heldout": 1.5}


def main() -> int:
    """Print both studies; return 1 if a ratio or the intervals miss what is wanted."""
    good = True
    for study, wanted in WANTED.items():
        folder = Path("reports", study, "results")
        results, scores = (pd.read_parquet(folder / f"{name}.parquet") for name in ("results", "scores"))
        runs = json.loads((folder / "runs.json").read_text())
        gaps = method_table(results, "random", runs)["avg_gap"]
        original = gaps[ORIGINAL]
        methods = gaps.drop([line for line in REFERENCES if line in gaps.index])
        ratio = original / methods.min()
        best = f"best {methods.idxmin()} {methods.min():.2f}"
        print(f"{study}: original {original:.2f}, {best}: {ratio:.2f} times (wanted {wanted})")
        print("  " + ", ".join(f"{name} {value:.2f}" for name, value in gaps.sort_values().items()))
        good &= bool(ratio >= wanted) and (intervals(results, scores) or study != "quickstart")
    return 0 if good else 1


def intervals(results: pd.DataFrame, scores: pd.DataFrame) -> bool:
    """Print the attacks' intervals; tell whether one of them separates the original and not Retrain."""
    attacks = sorted(scores["attack"].unique())
    table = attack_table(results, scores, "random", attacks)
    found = False
    for attack in attacks:
        ends = [f"{attack}_auc_low", f"{attack}_auc_high"]
        original, retrain = (tuple(table.loc[line, ends]) for line in (ORIGINAL, RETRAIN))
        separates = original[0] > 0.55 and retrain[0] <= 0.5 <= retrain[1]
        found |= bool(separates)
        words = (
            f"original [{original[0]:.3f}, {original[1]:.3f}], Retrain [{retrain[0]:.3f}, {retrain[1]:.3f}]"
        )
        print(f"  {attack:18} AUC {words}{'  separates' if separates else ''}")
    return found


if __name__ == "__main__":
    sys.exit(main())
