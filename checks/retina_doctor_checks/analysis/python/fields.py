"""What classes of settings begin with: dataclasses, pydantic's BaseModel and BaseSettings, and classes that only hold values."""

from __future__ import annotations

import ast
from typing import NamedTuple

from .words import last_word

FROM_OUTSIDE = ("BaseSettings", "EnvSettings", "FlaskForm")
"""Bases by which a variable of the environment may exchange a value."""
HOLDING = ("BaseModel", "BaseSettings", "EnvSettings", "object", "NamedTuple", "Protocol", "Struct")
PLAIN = ("dataclass", "define", "frozen", "attrs", "s")
FIELDS = ("Field", "field", "ib")
NAMING = ("validation_alias", "alias", "env")
"""Of pydantic's Field: which variable it reads."""


class Fields(NamedTuple):
    """*settable*: the environment may say otherwise, in variables that begin with *prefix*, or as *named* says ("": several)."""

    defaults: dict[str, ast.expr]
    settable: bool
    prefix: str
    named: dict[str, str]

    def variable(self, word: str) -> str:
        return self.named.get(word, self.prefix + word).upper()


def classes(root: ast.Module) -> dict[str, Fields]:
    """The classes of a module that hold values, by name; none of which there are two."""
    found: dict[str, Fields] = {}
    for node in root.body:
        if isinstance(node, ast.ClassDef):
            one = fields_of(node)
            if one is not None and node.name not in found:
                found[node.name] = one
    return found


def fields_of(node: ast.ClassDef) -> Fields | None:
    """None: its base, its decorator or its __init__ may do anything with them."""
    bases = [last_word(one) for one in node.bases]
    made = [last_word(one.func if isinstance(one, ast.Call) else one) for one in node.decorator_list]
    own = {one.name for one in node.body if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)}
    if (
        not set(bases) <= set(HOLDING)
        or not set(made) <= set(PLAIN)
        or own & {"__init__", "__post_init__", "__getattr__"}
    ):
        return None
    found: dict[str, ast.expr] = {}
    named: dict[str, str] = {}
    for one in node.body:
        targets = one.targets if isinstance(one, ast.Assign) else [one.target] if isinstance(one, ast.AnnAssign) else []
        if isinstance(one, ast.Assign | ast.AnnAssign) and len(targets) == 1 and isinstance(targets[0], ast.Name):
            value = default_of(one.value)
            if value is not None:
                found[targets[0].id] = value
            name = name_of(one.value)
            if name is not None:
                named[targets[0].id] = name
    settable = any(base in FROM_OUTSIDE for base in bases)
    return Fields(found, settable, prefix_of(node) if settable else "", named)


def name_of(value: ast.expr | None) -> str | None:
    """Of Field(0.5, validation_alias="DET_T"), which no prefix stands before; "": several, or one that is made."""
    words = value.keywords if isinstance(value, ast.Call) and last_word(value.func) in FIELDS else []
    for one in words:
        if one.arg in NAMING:
            return str(one.value.value) if isinstance(one.value, ast.Constant) else ""
    return None


def prefix_of(node: ast.ClassDef) -> str:
    """Of model_config = SettingsConfigDict(env_prefix="FACE_"), and of class Config: env_prefix = "FACE_"."""
    named = [one.value for one in ast.walk(node) if isinstance(one, ast.keyword) and one.arg == "env_prefix"]
    named += [
        one.value for one in ast.walk(node) if isinstance(one, ast.Assign) and last_word(one.targets[0]) == "env_prefix"
    ]
    said = [one.value for one in named if isinstance(one, ast.Constant) and isinstance(one.value, str)]
    return said[0] if len(said) == 1 else ""


def default_of(value: ast.expr | None) -> ast.expr | None:
    """Field(640, ge=32), field(default=640), field(default_factory=Detector)"""
    if not (isinstance(value, ast.Call) and last_word(value.func) in FIELDS):
        return value
    named = [one.value for one in value.keywords if one.arg == "default"]
    factory = [one.value for one in value.keywords if one.arg == "default_factory"]
    if not named and factory and isinstance(factory[0], ast.Name):
        return ast.copy_location(ast.Call(factory[0], [], []), value)
    return named[0] if named else value.args[0] if value.args else None


def made(root: ast.Module, known: dict[str, Fields]) -> dict[str, Fields]:
    """What functions give that do no more: def get_settings(): return Settings()"""
    makers, found = {name: name for name in known}, dict[str, Fields]()
    for node in root.body:
        if isinstance(node, ast.FunctionDef) and node.body and isinstance(node.body[-1], ast.Return):
            word = plainly_made(node.body[-1].value, makers)
            if word is not None and all(isinstance(one, ast.Expr) for one in node.body[:-1]):
                found[f"{node.name}()"] = known[word]
    return found


def instances(root: ast.Module, known: dict[str, Fields]) -> dict[str, Fields]:
    """The objects of these classes that a module makes with nothing said, and in which it sets nothing."""
    makers = {name: name for name in known} | {name.removesuffix("()"): name for name in made(root, known)}
    settings = known | made(root, known)
    given: dict[str, list[ast.expr | None]] = {}
    for node in root.body:
        if isinstance(node, ast.Assign | ast.AnnAssign):
            for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                given.setdefault(last_word(target), []).append(node.value)
    begun = {name: plainly_made(values[0], makers) for name, values in given.items() if len(values) == 1}
    touched = {last_word(one.value) for one in ast.walk(root) if isinstance(one, ast.Attribute) and is_stored(one)}
    return {name: settings[word] for name, word in begun.items() if word is not None and name not in touched}


def is_stored(node: ast.Attribute) -> bool:
    return not isinstance(node.ctx, ast.Load)


def plainly_made(node: ast.expr | None, makers: dict[str, str]) -> str | None:
    plain = isinstance(node, ast.Call) and not node.args and not node.keywords and isinstance(node.func, ast.Name)
    return makers.get(node.func.id) if plain else None  # type: ignore[union-attr]
