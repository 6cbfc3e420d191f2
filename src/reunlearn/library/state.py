"""Training-time state for a method: what is known from the model and its data, and what the user has kept."""

from __future__ import annotations

import copy
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from torch import nn

from reunlearn.base.errors import UserError
from reunlearn.data.batches import Samples
from reunlearn.data.tensors import TensorSamples
from reunlearn.library.samples import training_set
from reunlearn.objectives.registry import Objective
from reunlearn.stages.method_run import kinds_of
from reunlearn.study.recipes import Recipe
from reunlearn.study.specs import MethodSpec
from reunlearn.training.randomness import seeded
from reunlearn.training.replayed import replayed_distance
from reunlearn.training.state.registry import FILE, StateRequest, write
from reunlearn.training.tensor_files import save_model

MADE = ("layer_inputs",)  # from the trained model and its training set alone
WEIGHTS = ("initial_weights",)  # a network's weights: the network itself may be given
State = Mapping[str, "str | Path | nn.Module"]


def check(kinds: Iterable[str], given: State, who: str) -> list[str]:
    """Refuse state that is not there and cannot be made, and what is no state; return the kinds that are to be made.

    Args:
        kinds: that the method reads.
        given: a folder by kind, as the pipeline's stage `state` writes it, or a network where it is one.
        who: begins the error line.

    Raises:
        UserError: see above.
    """
    for kind, place in given.items():
        if isinstance(place, nn.Module):
            if kind not in WEIGHTS:
                raise UserError(f"state: '{kind}' is no network; give the folder that holds its {FILE}")
        elif not (Path(place) / FILE).is_file():
            raise UserError(f"state: {place}: there is no {FILE}")
        elif distance := replayed_distance(Path(place)):
            raise UserError(
                f"state: {place}: the replay of the training ended {distance:.3g} from the original, so this belongs "
                "to other weights; train and replay on the same kind of device"
            )
    lacking = [kind for kind in kinds if kind not in given]
    for kind in lacking:
        if kind not in MADE:
            more = ", or the network before its training" if kind in WEIGHTS else ""
            raise UserError(
                f"{who} reads '{kind}' of the training, which a trained model does not tell; "
                f"give state={{'{kind}': …}}: the folder that a study's stage `state` wrote{more}"
            )
    return lacking


@contextmanager
def folders(
    method: MethodSpec,
    given: State,
    model: nn.Module,
    sets: Mapping[str, TensorSamples],
    objective: Objective,
) -> Iterator[dict[str, Path]]:
    """Yield the folder of each kind that a method reads; those not given are made, and removed afterwards.

    Args:
        method: with every setting; `check` has passed.
        given: see check.
        model: the original; copies of it are used.
        sets: forget and, where state is made, retain.
        objective: of the task.
    """
    found: dict[str, Path] = {}
    with tempfile.TemporaryDirectory() as place:
        for kind in kinds_of(method):
            source = given.get(kind)
            if isinstance(source, str | Path):
                found[kind] = Path(source)
                continue
            found[kind] = Path(place) / kind
            found[kind].mkdir()
            if source is not None:
                save_model(source, found[kind] / FILE)
            else:
                _make(kind, found[kind], copy.deepcopy(model), training_set(sets), objective)
        yield found


def _make(kind: str, folder: Path, model: nn.Module, training: Samples, objective: Objective) -> None:
    """Write a kind of MADE."""
    # of a recipe nothing is read: no epoch is trained, and no network is made
    recipe = Recipe(epochs=0, batch_size=1, learning_rate=1.0)
    request = StateRequest(folder, model, training, objective, recipe, 0, start=_none, result=_none)
    with seeded(0, "state", kind, device=training.device):
        write(kind, request)


def _none(seed: int) -> nn.Module:
    raise NotImplementedError("state that starts from an untrained network is not made here")
