"""Compare the manifests of two folders of runs: compare.py FOLDER FOLDER. Standard library only.

A manifest holds the SHA-256 of every output of a run and neither time nor host, so equal manifests mean equal bits.
"""

import json
import sys
from pathlib import Path


def manifests(root: Path) -> dict[str, dict]:
    """Return {run folder: its manifest}."""
    return {str(p.parent.relative_to(root)): json.loads(p.read_text()) for p in root.rglob("manifest.json")}


def differences(first: dict[str, dict], second: dict[str, dict]) -> list[str]:
    """Return a line for each run folder that is not the same in both."""
    found = []
    for folder in sorted(first.keys() | second.keys()):
        if folder not in first or folder not in second:
            found.append(f"{folder}: only in the {'second' if folder in second else 'first'}")
        elif first[folder] != second[folder]:
            one, other = first[folder]["outputs"], second[folder]["outputs"]
            changed = [name for name in sorted(one.keys() | other.keys()) if one.get(name) != other.get(name)]
            found.append(f"{folder}: differs in {', '.join(changed) or 'its specification or code'}")
    return found


def main() -> int:
    """Print what differs, or how many run folders are the same."""
    first, second = (manifests(Path(argument)) for argument in sys.argv[1:3])
    found = differences(first, second)
    for line in found:
        print(line)
    if found or not first:
        print(f"{len(found)} of {len(first.keys() | second.keys())} run folders differ")
        return 1
    print(f"{len(first)} run folders hold the same bits")
    return 0


if __name__ == "__main__":
    sys.exit(main())
