"""Names that wrappers and other programs give to tensors."""

from __future__ import annotations

from reunlearn.base.tensor_names import of_layers, without_wrappers


def test_prefixes_that_all_names_have_are_taken_off_but_the_networks_own() -> None:
    assert without_wrappers({"module._orig_mod.a.b": 1, "module._orig_mod.c": 2}) == {"a.b": 1, "c": 2}
    assert without_wrappers({"module.a": 1, "b": 2}) == {"module.a": 1, "b": 2}
    assert without_wrappers({"module.a": 1}, wanted=["module.a"]) == {"module.a": 1}
    assert without_wrappers({}) == {}


def test_a_layer_has_the_names_after_its_dot() -> None:
    names = ["aux.weight", "aux.inner.bias", "auxiliary.weight", "head"]
    assert of_layers(names, ["aux", "head", "absent"]) == {"aux": names[:2], "head": ["head"], "absent": []}
