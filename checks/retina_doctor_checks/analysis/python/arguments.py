"""What a call gives for a parameter, and what a function takes where none is given."""

from __future__ import annotations

import ast


def argument(call: ast.Call, name: str, place: int | None = None) -> ast.expr | None:
    """The argument of that name, or at that place; None where it is not given. Raises KeyError where * or ** may hold it."""
    for keyword in call.keywords:
        if keyword.arg == name:
            return keyword.value
    if any(keyword.arg is None for keyword in call.keywords):
        raise KeyError(name)
    if place is None:
        return None
    if any(isinstance(one, ast.Starred) for one in call.args[: place + 1]):
        raise KeyError(name)
    return call.args[place] if len(call.args) > place else None


def plain_argument(call: ast.Call, name: str, place: int | None = None) -> ast.expr | None:
    """As `argument`, where it is all one whether it is not given or * or ** may hold it: None."""
    try:
        return argument(call, name, place)
    except KeyError:
        return None


def default_in(taken: ast.arguments, names: list[str], name: str) -> ast.expr | None:
    if name in names:
        place = names.index(name) - (len(names) - len(taken.defaults))
        return taken.defaults[place] if place >= 0 else None
    place = [one.arg for one in taken.kwonlyargs].index(name)
    return taken.kw_defaults[place]
