"""Processes that are forked with a session of their parent's: multiprocessing and concurrent.futures fork by default on Linux
up to Python 3.13 (library reference, multiprocessing, "Contexts and start methods")."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ...facts.source import Sign
from .arguments import plain_argument
from .lines import place
from .tree import Named, Scope, Tree, last_word, parameters

PROCESSES = ("multiprocessing.Process", "multiprocessing.context.Process", "multiprocessing.process.BaseProcess")
EXECUTORS = ("concurrent.futures.ProcessPoolExecutor", "concurrent.futures.process.ProcessPoolExecutor")
POOLS = ("multiprocessing.Pool", "multiprocessing.pool.Pool", *EXECUTORS)
CHOOSING = ("set_start_method", "get_context", "set_forkserver_preload")
CELERY = "celery"
POOL_OF_CELERY = ("worker_pool", "CELERY_WORKER_POOL", "CELERYD_POOL")
"""Settings (celery 5, "Configuration and defaults"): what is no prefork forks no session."""
HANDING = (
    *("map", "imap", "imap_unordered", "starmap", "map_async", "starmap_async", "apply", "apply_async", "submit"),
    "run_in_executor",
)
"""Methods that hand a function to the processes of a pool; asyncio's own takes the pool first."""


def told(tree: Tree, loads: list[ast.Call]) -> Iterator[Sign]:
    """*loads*: the calls that load a model onto the GPU when the module is loaded. A child that does not use it does no harm;
    where a start method is chosen, it is taken for another one."""
    shared = {name for node in tree.assignments if node.value in loads for name in holders(tree, node)}
    if shared and tree.imports("celery"):
        tasks = [one for made in tree.functions.values() for one in made if any(map(is_task, one.decorator_list))]
        for one in tasks:
            if uses(tree, one, shared):
                yield Sign(at=place(tree, one), kind="fork", what=CELERY)
    if not shared or any(word in tree.called for word in CHOOSING):
        return
    for call in tree.calls:
        if any(uses(tree, one, shared) for function in given(tree, call) for one in made(tree, function)):
            yield Sign(at=place(tree, call), kind="fork", what=last_word(call.func))


def is_task(decorator: ast.expr) -> bool:
    """@app.task, @shared_task(bind=True)"""
    return last_word(decorator.func if isinstance(decorator, ast.Call) else decorator) in ("task", "shared_task")


def chosen(tree: Tree) -> Iterator[Sign]:
    """set_start_method("spawn"), worker_pool="solo": of the whole program, whichever of its files says so."""
    if tree.imports("celery"):
        for node in tree.assignments:
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            if last_word(target) in POOL_OF_CELERY and not is_prefork(node.value):
                yield Sign(at=place(tree, node), kind="start-method", what=CELERY)
        for call in tree.calls:
            for one in call.keywords:
                if one.arg in POOL_OF_CELERY and not is_prefork(one.value):
                    yield Sign(at=place(tree, call), kind="start-method", what=CELERY)
    for call in tree.called.get("set_start_method", ()):
        method = plain_argument(call, "method", 0)
        if not (isinstance(method, ast.Constant) and method.value == "fork"):
            yield Sign(at=place(tree, call), kind="start-method", what="set_start_method")


def is_prefork(value: ast.expr | None) -> bool:
    return isinstance(value, ast.Constant) and value.value == "prefork"


def holders(tree: Tree, node: ast.Assign | ast.AnnAssign) -> Iterator[str]:
    """The names by which a module's functions come to what is assigned: that of the variable, or of the class that has it."""
    scope = tree.scope.get(node)
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    if isinstance(scope, ast.ClassDef):
        yield scope.name
    else:
        yield from (one.id for one in targets if isinstance(one, ast.Name))


def given(tree: Tree, call: ast.Call) -> Iterator[ast.expr]:
    """The functions that run in the processes which this very call forks."""
    name = tree.full(call.func)
    if name in PROCESSES:
        target = plain_argument(call, "target", 1)
        yield from () if target is None else (target,)
    elif name in POOLS and not has_context(call, name):
        for one in tree.calls:
            word = last_word(one.func)
            if word not in HANDING or not isinstance(one.func, ast.Attribute):
                continue
            first = word == "run_in_executor"
            pool = plain_argument(one, "executor", 0) if first else one.func.value
            function = plain_argument(one, "func", int(first)) or plain_argument(one, "fn")
            if pool is not None and function is not None and is_pool(tree, pool, call):
                yield function


def has_context(call: ast.Call, name: str) -> bool:
    """Of an executor by name or as the second argument; ** may hold it."""
    return any(one.arg in ("mp_context", None) for one in call.keywords) or (name in EXECUTORS and len(call.args) > 1)


def is_pool(tree: Tree, node: ast.expr, call: ast.Call) -> bool:
    """Whether an expression stands for the pool that the call makes, and for no other."""
    if node is call:
        return True
    for one in tree.scope:
        if isinstance(one, ast.With | ast.AsyncWith):
            inside = one.lineno <= node.lineno <= (one.end_lineno or one.lineno)
            names = [item.optional_vars for item in one.items if item.context_expr is call and inside]
        elif isinstance(one, ast.Assign) and one.value is call:
            names = [target for target in one.targets if is_only(tree, target, tree.scope.get(one))]
        else:
            continue
        if any(name is not None and is_same(tree, node, name) for name in names):
            return True
    return False


def is_only(tree: Tree, target: ast.expr, scope: Scope | None) -> bool:
    """Whether a name is given nothing else where it is given the pool; that it was None at first changes nothing."""
    if not isinstance(target, ast.Name):
        return True
    where = tree.root if target.id in tree.everywhere.get(scope or tree.root, ()) else scope
    values = tree.bound.get((where, target.id), ())
    return len([one for one in values if not (isinstance(one, ast.Constant) and one.value is None)]) == 1


def is_same(tree: Tree, node: ast.expr, target: ast.expr) -> bool:
    """pool, where it is seen; self.pool, of one class; app.state.pool."""
    if not tree.full(target) or tree.full(node) != tree.full(target):
        return False
    if isinstance(target, ast.Name):
        where = owner(tree, target.id, tree.scope.get(target))
        return where is not None and owner(tree, target.id, tree.scope.get(node)) is where
    return tree.class_of(tree.scope.get(node)) is tree.class_of(tree.scope.get(target))


def owner(tree: Tree, name: str, scope: Scope | None) -> Scope | None:
    """The scope whose name it is, seen from another."""
    while scope is not None:
        if name in tree.everywhere.get(scope, ()):
            return tree.root
        if (scope, name) in tree.bound or name in parameters(scope):
            return scope
        scope = tree.parent.get(scope)
    return None


def made(tree: Tree, function: ast.expr) -> list[Named]:
    """Where this file defines what is given: work, or partial(work, size)."""
    if isinstance(function, ast.Call) and last_word(function.func) == "partial" and function.args:
        function = function.args[0]
    return tree.functions.get(last_word(function), [])


def uses(tree: Tree, function: Named, shared: set[str]) -> bool:
    own = {name for name in shared if (function, name) in tree.bound or name in parameters(function)}
    return any(isinstance(one, ast.Name) and one.id in shared - own for one in ast.walk(function))
