"""Which calls of a source could run what a file holds: pickles, loaders that fall back to them, unpacking, shells."""

from __future__ import annotations

import ast
from collections.abc import Iterator

# modules that read pickles; to import one is to be able to
PICKLING = {
    "pickle",
    "cPickle",
    "_pickle",
    "joblib",
    "dill",
    "cloudpickle",
    "shelve",
    "marshal",
    "pickletools",
}
# calls that are never right, by the last part of their name
NEVER = {
    "read_pickle": "a pickle",
    "unsafe_load": "YAML that makes objects",
    "full_load": "YAML that makes objects",
    "extractall": "unpacks to disk by the archive's own names",
    "unpack_archive": "unpacks to disk by the archive's own names",
    "system": "a shell",
    "popen": "a shell",
    "getoutput": "a shell",
    "getstatusoutput": "a shell",
    "create_subprocess_shell": "a shell",
    "load_state_dict_from_url": "a pickle from the network",
    "eval": "runs text",
    "exec": "runs text",
}
# modules whose function of that name is meant; methods of other objects, such as model.eval(), are not
OF_BUILTINS = {"eval", "exec"}
# calls that are right with an argument only, by the module's usual names: (module, function) → argument and value
ONLY_WITH = {
    ("torch", "load"): ("weights_only", True),
    ("np", "load"): ("allow_pickle", False),
    ("numpy", "load"): ("allow_pickle", False),
    ("yaml", "load"): ("Loader", "_Loader"),
}
TRUSTING = ("trust_remote_code", "shell")  # arguments that must not be true


def forbidden(source: str) -> Iterator[tuple[int, str]]:
    """Yield line and name of what is forbidden in a source."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, a.name) for a in node.names if a.name.split(".")[0] in PICKLING)
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            names = [alias.name for alias in node.names]
            yield from ((node.lineno, module) for _ in [0] if module.split(".")[0] in PICKLING)
            yield from (
                (node.lineno, f"{module}.{n}") for n in names if (module, n) in ONLY_WITH or n in NEVER
            )
        elif isinstance(node, ast.Call):
            yield from ((node.lineno, word) for word in _of_call(node))


def _of_call(node: ast.Call) -> Iterator[str]:
    """Yield what is forbidden of one call."""
    owner, name = _name(node.func)
    arguments = {keyword.arg: keyword.value for keyword in node.keywords}
    if (name in OF_BUILTINS and not owner) or (name in NEVER and name not in OF_BUILTINS):
        yield f"{owner}.{name}" if owner else name
    if (owner, name) in ONLY_WITH:
        argument, wanted = ONLY_WITH[owner, name]
        if _value(arguments.get(argument)) != wanted:
            yield f"{owner}.{name} without {argument}={wanted}"
    if name == "from_pretrained" and _value(arguments.get("local_files_only")) is not True:
        yield f"{owner}.from_pretrained without local_files_only=True"
    if name == "from_pretrained" and _value(arguments.get("use_safetensors")) is not True:
        yield f"{owner}.from_pretrained without use_safetensors=True"
    yield from (f"{name}({word}=…)" for word in TRUSTING if _value(arguments.get(word)) not in (None, False))


def _name(node: ast.expr) -> tuple[str, str]:
    """Return owner and name of what is called: ("np", "load") of np.load, ("", "eval") of eval."""
    if isinstance(node, ast.Attribute):
        owner = node.value
        return (owner.id if isinstance(owner, ast.Name) else ast.unparse(owner).rpartition(".")[2]), node.attr
    return "", node.id if isinstance(node, ast.Name) else ""


def _value(node: ast.expr | None) -> object:
    if isinstance(node, ast.Constant):
        return node.value
    return None if node is None else ast.unparse(node)
