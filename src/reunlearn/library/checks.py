"""What a method cannot have here: every refusal before anything is computed."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from reunlearn.base.errors import UserError, near
from reunlearn.library.naming import Asked
from reunlearn.objectives.registry import Objective
from reunlearn.study.logs import LOGS
from reunlearn.study.methods import holds
from reunlearn.study.recipes import Recipe
from reunlearn.unlearning.task import AccessError

PRECISIONS = ("full", "mixed")
# what a method met that only the user could have given, by words of the guard's message
REMEDIES = {
    "how the original was trained": "give recipe={'epochs': …, 'batch_size': …, 'learning_rate': …}",
    "has no pixels": "give pixels=(mean, std), by which x [N, C, H, W] was normalised",
}


def check_objective(asked: Asked, objective: Objective, model: nn.Module) -> None:
    """Refuse a method that asks for what is not there: moved inputs where these are token ids, a last layer."""
    wanted = {name for name, when in asked.card.capabilities.items() if holds(when, asked.spec.settings)}
    if lacking := sorted(wanted - objective.capabilities):
        raise UserError(f"{asked.who} asks for {', '.join(lacking)}, which these inputs do not give")
    if "head" in wanted and not any(isinstance(module, nn.Linear) for module in model.modules()):
        raise UserError(f"{asked.who} changes the last layer, and the model has no torch.nn.Linear")


def check_asked(asked: Asked, recipe: Recipe | None, log: Sequence[str], precision: str | None) -> None:
    """Refuse a method that reads what nobody said of the training, and a log that it cannot give with its settings."""
    if holds(asked.card.needs.weight_decay, asked.spec.settings) and not (recipe and recipe.weight_decay):
        raise UserError(
            f"{asked.who} reads the weight decay of the training; give a recipe that has it, "
            "or settings={'weight_decay': …}"
        )
    if precision not in (None, *PRECISIONS):
        raise UserError(f"precision: '{precision}'; write {' or '.join(PRECISIONS)}")
    can = [name for name, when in asked.card.logs.items() if holds(when, asked.spec.settings)]
    for name in log:
        if name not in LOGS:
            raise UserError(f"log: there is no '{name}'; {near(name, LOGS)}")
        if name not in can:
            able = ", ".join(can) or "nothing"
            raise UserError(f"log: {asked.who} cannot note '{name}' with these settings; it can note: {able}")


def explained(error: Exception, who: str) -> Exception:
    """Return a line of the user's own for what a method met; the error itself where there is none."""
    message = str(error)
    if isinstance(error, AccessError):
        remedy = next((words for met, words in REMEDIES.items() if met in message), "")
        return UserError(f"{who}: {message}{'; ' if remedy else ''}{remedy}")
    if "Expected more than 1 value per channel" in message:
        return UserError(
            f"{who}: a training batch of one sample, which BatchNorm cannot normalise: change the method's batch_size "
            "or the number of samples"
        )
    return error
