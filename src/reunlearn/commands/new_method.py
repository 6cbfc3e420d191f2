"""Write the file to start a new method from."""

from __future__ import annotations

import keyword
import re
from dataclasses import dataclass
from pathlib import Path

from reunlearn.base.errors import UserError
from reunlearn.base.files import write_text
from reunlearn.commands.printing import print_json
from reunlearn.study.catalogue import PACKAGE, plugin_names
from reunlearn.study.fields import ALWAYS_THERE, portable_name

TEMPLATE = '''"""One line: the idea of {name}.

    θ ← θ − η ∇CE(θ; retain)

Paper, equation numbers. Sees: retain.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn

from reunlearn.unlearning.gradient import GradientMethod
from reunlearn.unlearning.declarations import Needs, hyper
from reunlearn.unlearning.registry import method
from reunlearn.unlearning.task import Task


@method(paper="authors, year, equation", needs=Needs(retain=True))
@dataclass(frozen=True)
class {cls}(GradientMethod):
    """One line: what the method does."""

    epochs: int = hyper(5, "passes over the retain set", ge=0)

    def unlearn(self, model: nn.Module, task: Task) -> nn.Module:
        """Return the model after `epochs` passes over the retain set."""
        optimizer = self.make_optimizer(model)
        step = task.steps(model, optimizer, lambda batch: task.loss(model, batch))
        for epoch in self.passes(model, optimizer, task):
            for batch in task.retain.batches(self.batch_size, augmented=self.augmented):
                (loss,) = step(batch)
            task.log(epoch + 1, retain_loss=loss.item())
        return model
'''


@dataclass(frozen=True)
class New:
    """A file that was written."""

    file: str


def run(name: str, json: bool = False) -> None:
    """Write the file to start a new method from, and say where it is."""
    new = New(str(write(name)))
    if json:
        print_json(new)
    else:
        print(f"wrote {new.file}; name it in a study and run `make reproduce`")


def write(name: str) -> Path:
    """Write src/reunlearn/unlearning/methods/NAME.py and return its path; an existing name is refused."""
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name) or keyword.iskeyword(name):
        raise UserError(
            f"'{name}' is no name for a method; use small letters, digits and _, such as my_method"
        )
    try:
        portable_name(name)
    except ValueError as error:
        raise UserError(str(error)) from None
    if name in ALWAYS_THERE:
        raise UserError(f"'{name}' is always there: a row of every table; choose another name")
    if name in plugin_names("methods"):
        raise UserError(f"there is a method '{name}' already; choose another name")
    path = PACKAGE / "unlearning" / "methods" / f"{name}.py"
    cls = "".join(part.capitalize() for part in name.split("_"))
    write_text(path, TEMPLATE.format(name=name, cls=cls))
    return path
