"""What all parts of configuration files share: strict keys, names, and seeds with bounds that keep models apart."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, field_validator

from reunlearn.base.yaml_files import as_read
from reunlearn.study.cards import Value

LONGEST_NAME = 64
NAME_PATTERN = r"^[a-z0-9][a-z0-9_.-]*$"
# no file may be called so on Windows, whatever its ending is
DEVICES = {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(1, 10))}
# rows that a table has without being asked for
ALWAYS_THERE = ("original", "retrain", "retrained", "noise_floor")

LAST_TRAIN_SEED = 9_999
LAST_SPLIT_SEED = 899
LAST_METHOD_SEED = 999
TRAIN_REASON = "shadow models are trained with the seeds from 10,000 on"
SPLIT_REASON = "shadow models of split s are trained with the 1,000 seeds from 10,000 + 1,000 · (1 + s) on"
METHOD_REASON = "the noise floor is retrained with method seed + 1,000"


def no_number_from_bool(value: Any, read: Callable[[Any], Any]) -> Any:
    """Return a field's value; pydantic alone would read true as the number 1.

    Args:
        value: as it stands in a file, or a list of such.
        read: pydantic's own reading.

    Raises:
        ValueError: true or false where a number is expected.
    """
    result = read(value)
    many = isinstance(value, list | tuple) and isinstance(result, tuple) and len(value) == len(result)
    for written, number in zip(value, result, strict=True) if many else ((value, result),):
        if isinstance(written, bool) and type(number) in (int, float):
            word = str(written).lower()
            raise ValueError(f"{word} is no number (YAML reads yes and on as true, no and off as false)")
    return result


class Strict(BaseModel):
    """A part of a study file; unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    _numbers = field_validator("*", mode="wrap")(no_number_from_bool)


def portable_name(text: str) -> str:
    """Return a name that can be part of a file name on every system.

    Raises:
        ValueError: it has other characters, is too long, or is reserved by a system.
    """
    if len(text) > LONGEST_NAME:
        raise ValueError(
            f"a name of {len(text)} characters; it becomes part of file names, so {LONGEST_NAME} are the most"
        )
    if not re.fullmatch(NAME_PATTERN, text):
        raise ValueError(
            f"{text!r} is no name; write small letters, digits and _ . - and begin with a letter or a digit"
        )
    if text.endswith(".") or text.partition(".")[0] in DEVICES:
        raise ValueError(f"{text!r} cannot be a file's name on every system; choose another name")
    return text


def method_name(text: str) -> str:
    """Return a method's name; the rows that are always there are refused."""
    if text in ALWAYS_THERE:
        raise ValueError(
            f"{text!r} is always there: every table has the original, the retrained model and, "
            "unless 'noise_floor' is false, the noise floor; take it out of the methods"
        )
    return text


def text_or_parts(value: Any) -> Any:
    """Return what stands for a text or a mapping; numbers, true, false and nothing are refused."""
    if value is None or isinstance(value, bool | int | float):
        raise ValueError(as_read(value))
    return value


def plain_value(value: Any) -> Any:
    """Return the value of a setting; lists, mappings and dates are refused."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise ValueError(f"a setting is a number, a text, true, false or null, not {value!r}")


def at_most(limit: int, reason: str) -> Callable[[int], int]:
    """Return a check that refuses numbers above a limit and says why there is one."""

    def check(number: int) -> int:
        if number > limit:
            raise ValueError(f"{number} is above {limit:,}: {reason}")
        return number

    return check


Name = Annotated[
    str,
    Field(json_schema_extra={"pattern": NAME_PATTERN, "maxLength": LONGEST_NAME}),
    AfterValidator(portable_name),
]
TrainSeed = Annotated[
    int,
    Field(strict=True, ge=0, json_schema_extra={"maximum": LAST_TRAIN_SEED}),
    AfterValidator(at_most(LAST_TRAIN_SEED, TRAIN_REASON)),
]
SplitSeed = Annotated[
    int,
    Field(strict=True, ge=0, json_schema_extra={"maximum": LAST_SPLIT_SEED}),
    AfterValidator(at_most(LAST_SPLIT_SEED, SPLIT_REASON)),
]
MethodSeed = Annotated[
    int,
    Field(strict=True, ge=0, json_schema_extra={"maximum": LAST_METHOD_SEED}),
    AfterValidator(at_most(LAST_METHOD_SEED, METHOD_REASON)),
]
Setting = Annotated[Value, BeforeValidator(plain_value)]
Settings = dict[str, Setting]
# stands for all three in a study file
ShortSeed = Annotated[int, Field(ge=0, le=min(LAST_TRAIN_SEED, LAST_SPLIT_SEED, LAST_METHOD_SEED))]
