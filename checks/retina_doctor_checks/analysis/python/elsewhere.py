"""What a name stands for that another file of the package defines: its functions, its classes, the objects that it makes."""

from __future__ import annotations

import ast
from typing import NamedTuple

from .makers import annotated
from .modules import tree_of
from .tree import NAMED, Named, Tree, is_self, last_word
from .values import single

FAR = 6  # files and names that are followed from one to the next


class Defined(NamedTuple):
    """A function or a class, and the file that defines it."""

    tree: Tree
    node: Named | ast.ClassDef


def defined(tree: Tree, name: str) -> Defined | None:
    """The one function or class of this file that bears a name, where nothing else does."""
    if (tree.root, name) in tree.bound or name in tree.names:
        return None
    made = [one for one in tree.functions.get(name, ()) if not isinstance(tree.parent.get(one), ast.ClassDef)]
    found = [*made, *(one for one in tree.parent if isinstance(one, ast.ClassDef) and one.name == name)]
    return Defined(tree, found[0]) if len(found) == 1 else None


def imported(tree: Tree, full: str, far: int = 0) -> Defined | None:
    """What a full name stands for: `.engine.FaceEngine`."""
    module, _, word = full.rpartition(".")
    other = tree_of(tree, module) if far < FAR and module else None
    if other is None or other is tree:
        return None
    if word in other.names and (other.root, word) not in other.bound:
        return imported(other, other.names[word], far + 1)
    return defined(other, word)


def resolved(tree: Tree, node: ast.expr | None, far: int = 0) -> Defined | None:
    """The function or class that an expression names: make(), engine.detect(), engines.FaceEngine()."""
    if far > FAR:
        return None
    if isinstance(node, ast.Name):
        return imported(tree, tree.names[node.id], far) if node.id in tree.names else defined(tree, node.id)
    if not isinstance(node, ast.Attribute):
        return None
    owner = instance(tree, node.value, far + 1)
    if owner is not None:
        return method(owner, node.attr, far + 1)
    first = node.value
    while isinstance(first, ast.Attribute):
        first = first.value
    is_module = isinstance(first, ast.Name) and first.id in tree.names
    return imported(tree, tree.full(node), far) if is_module else None


def method(owner: Defined, name: str, far: int = 0) -> Defined | None:
    """The method of a class, or of those that it is made from."""
    assert isinstance(owner.node, ast.ClassDef)
    for one in owner.node.body:
        if isinstance(one, NAMED) and one.name == name:
            return Defined(owner.tree, one)
    for base in owner.node.bases if far < FAR else ():
        above = resolved(owner.tree, base, far + 1)
        if above is not None and isinstance(above.node, ast.ClassDef):
            return method(above, name, far + 1)
    return None


def instance(tree: Tree, node: ast.expr | None, far: int = 0) -> Defined | None:
    """The class of what an expression stands for."""
    if node is None or far > FAR:
        return None
    if is_self(node):
        owner = tree.class_of(tree.scope.get(node))
        return Defined(tree, owner) if owner is not None else None
    if isinstance(node, ast.Call):
        return of_class(given_by(tree, node.func, far + 1))
    if not isinstance(node, ast.Name | ast.Attribute):
        return None
    made = single(tree, node)
    if isinstance(made, ast.Call):
        return instance(tree, made, far + 1)
    if isinstance(node, ast.Name):
        said = resolved(tree, annotated(tree, node), far + 1)
        if said is not None:
            return of_class(said)
    return kept_there(tree, node, far)


def kept_there(tree: Tree, node: ast.Name | ast.Attribute, far: int) -> Defined | None:
    """An object that another module has made: from .engine import engine."""
    module, _, word = tree.full(node).rpartition(".")
    other = tree_of(tree, module) if module else None
    given = [one for one in other.bound.get((other.root, word), ()) if not is_none(one)] if other is not None else []
    if other is None or other is tree or len(given) != 1 or not isinstance(given[0], ast.Call):
        return None
    return instance(other, given[0], far + 1)


def is_none(node: ast.expr | None) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def given_by(tree: Tree, function: ast.expr, far: int) -> Defined | None:
    """What is given by a call: of a class an object, of a function the one thing that it returns."""
    made = resolved(tree, function, far)
    if made is None or isinstance(made.node, ast.ClassDef):
        return made
    given = made.tree.returns.get(made.node, ())
    return instance(made.tree, given[0], far + 1) if len(given) == 1 else None


def of_class(found: Defined | None) -> Defined | None:
    return found if found is not None and isinstance(found.node, ast.ClassDef) else None


def word_of(tree: Tree, node: ast.expr) -> str:
    """The last word of what a call names, imports looked through."""
    return tree.full(node).rpartition(".")[2] or last_word(node)
