"""Which settings a network, an objective or a measure can have: what its file tells of them."""

from __future__ import annotations

from collections.abc import Mapping

from reunlearn.base.errors import UserError, near
from reunlearn.base.yaml_files import as_read
from reunlearn.study.cards import Value


def check_plugin_settings(
    settings: Mapping[str, Value], defaults: Mapping[str, Value], who: str, numbers: tuple[str, ...] = ()
) -> None:
    """Refuse settings that do not exist: a size is a whole number from 1 on, a probability lies in [0, 1).

    Args:
        settings: asked for.
        defaults: of all settings that there are; a whole number is a size, another number a probability;
            None stands for a text or a size.
        who: begins the error line and names network, objective or measure.
        numbers: names of those that are any number from 0 on.

    Raises:
        UserError: a setting is unknown, of another type or out of range.
    """
    for key, value in settings.items():
        if key not in defaults:
            raise UserError(f"{who} has no setting '{key}'; {near(key, defaults)}")
        kind, number = type(defaults[key]), None if isinstance(value, bool | str) else value
        size = kind is int or (defaults[key] is None and not (value is None or isinstance(value, str)))
        if size and not (isinstance(number, int) and number >= 1):
            raise UserError(f"{who}: '{key}' is a whole number of at least 1, not {value!r}")
        if key in numbers:
            if number is None or number < 0:
                raise UserError(f"{who}: '{key}' is a number of at least 0, not {value!r}")
        elif kind is float and not (number is not None and 0 <= number < 1):
            raise UserError(f"{who}: '{key}' is a probability of at least 0 and below 1, not {value!r}")
        if kind is bool and not isinstance(value, bool):
            raise UserError(f"{who}: '{key}' is true or false, not {value!r}")
        if kind is str and not isinstance(value, str):
            raise UserError(f"{who}: '{key}': {as_read(value)}")


def check_multiples(values: Mapping[str, Value], multiples: Mapping[str, int | str], who: str) -> None:
    """Refuse sizes that cannot be divided as the network divides them.

    Args:
        values: of all settings, and the `side` of the images.
        multiples: of what a size is a multiple: a number, or the name of another setting.
        who: begins the error line and names the network.
    """
    for key, divisor in multiples.items():
        size, by = values.get(key), values[divisor] if isinstance(divisor, str) else divisor
        if isinstance(size, int) and isinstance(by, int) and size % by:
            of = f"{by}, the '{divisor}'" if isinstance(divisor, str) else str(by)
            raise UserError(f"{who}: '{key}' is {size}, which is no multiple of {of}; change one of them")
