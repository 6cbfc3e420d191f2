"""Which network a study asks for: one of this package, or one of the user's own, in a Python file."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from reunlearn.study.fields import DEVICES, LONGEST_NAME, Settings, Strict, portable_name

FROM_DATA = ("classes", "shape")  # arguments of a network that are no settings


def _network_name(text: str) -> str:
    """Return a name in a Python file, or that of a file of this package."""
    of_python = text.isascii() and text.isidentifier() and len(text) <= LONGEST_NAME
    return text if of_python and text.lower() not in DEVICES else portable_name(text)


class Architecture(Strict):
    """Which network is trained."""

    name: Annotated[str, AfterValidator(_network_name)] = Field(
        description="a network that `reunlearn models` lists: a file of src/reunlearn/models; with `file` a class or a "
        "function of that file",
    )
    file: str | None = Field(
        None,
        min_length=1,
        description="a Python file of your own, from the project's folder: its `name` makes a torch.nn.Module, called "
        "with the settings and, if it has such arguments, `classes` (their number) and `shape` (of one input)",
    )
    settings: Settings = Field(
        default_factory=dict, description="settings of the network, such as width; its own defaults if absent"
    )

    @property
    def key(self) -> str:
        """What tells it from all other networks, in words too: its name, after the file of a user's own."""
        return key_of(self.name, self.file)

    @model_validator(mode="after")
    def _own_settings(self) -> Architecture:
        for key in (*FROM_DATA, "pretrained") if self.file else ():
            if key in self.settings:
                why = "starts networks of this package" if key == "pretrained" else "comes from the dataset"
                raise ValueError(f"{self.key}: '{key}' {why}; take it out of the settings")
        return self


def key_of(name: str, file: str | None) -> str:
    """Return what tells a network from all others."""
    return f"{file}:{name}" if file else name
