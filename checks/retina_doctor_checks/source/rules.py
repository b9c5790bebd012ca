"""The rules: over the syntax tree of one file, what in it is one of the causes. Standard library alone.

What the APIs take is of onnxruntime 1.31.1, insightface 0.7.3 and 2.1 and retina-face 0.0.19, read in their sources.
"""

from __future__ import annotations

import ast
import re
from typing import Any

PACKAGES = ("onnxruntime", "insightface", "retinaface", "torch")
PROVIDERS = 'providers=["CUDAExecutionProvider", "CPUExecutionProvider"]'
SWALLOWED = ("det_thresh", "det_size", "nms_thresh", "det_nms_threshold", "ctx_id", "threshold", "max_num", "nms")
"""Keywords of FaceAnalysis() that go into **kwargs and are never read."""
PREPARE = ("ctx_id", "det_thresh", "det_size")
DETECT_FACES = ("img_path", "threshold", "model", "allow_upscaling")
CATCH_ALL = ("IndexError", "LookupError", "Exception", "BaseException")
GPU_PROVIDERS = re.compile(r"CUDA|Tensorrt|ROCM|MIGraphX|Dml|CoreML|OpenVINO|CANN")


def hits(tree: Any) -> list[Any]:
    """[{"code", "cause", "line", "column", "why", "what", "fixed": None or line -> line}]"""
    return File(tree).hits


class File(object):
    def __init__(self, tree: Any) -> None:
        self.hits: list[Any] = []
        self.names = imported(tree)
        if not self.names:
            return
        self.constants = assigned(tree)
        self.apps = {
            name for name, value in self.constants.items() if self.is_call(value, "insightface.app.FaceAnalysis")
        }
        calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
        self.guarded = any(self.called(call).endswith("cuda.is_available") for call in calls)
        self.torch = any(full.split(".")[0] == "torch" for full in self.names.values())
        for call in calls:
            self.session(call)
            self.face_analysis(call)
            self.cuda(call)
        for scope in [tree] + [n for n in ast.walk(tree) if isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef))]:
            self.faces(scope)

    # what a name stands for

    def called(self, call: Any) -> str:
        """The full dotted name of what is called, as far as imports tell; else its words as they stand."""
        return self.full(call.func)

    def full(self, node: Any) -> str:
        parts: list[str] = []
        while isinstance(node, ast.Attribute):
            parts.insert(0, node.attr)
            node = node.value
        if isinstance(node, ast.Name):
            parts.insert(0, self.names.get(node.id, node.id))
        return ".".join(parts)

    def is_call(self, node: Any, name: str) -> bool:
        return isinstance(node, ast.Call) and self.called(node) in (name, name.replace(".app.", ".app.face_analysis."))

    def value(self, node: Any) -> Any:
        """What a name was assigned in this file, if it was once."""
        return self.constants.get(node.id, node) if isinstance(node, ast.Name) else node

    def hit(self, code: str, cause: str, node: Any, why: str, what: str, fixed: Any = None) -> None:
        place = {"line": node.lineno, "column": node.col_offset + 1}
        self.hits.append(dict(place, code=code, cause=cause, why=why, what=what, fixed=fixed))

    # the rules

    def session(self, call: Any) -> None:
        if self.called(call) != "onnxruntime.InferenceSession":
            return
        if any(keyword.arg is None for keyword in call.keywords) or any(
            isinstance(one, ast.Starred) for one in call.args
        ):
            return  # **options may hold anything
        named = next((keyword.value for keyword in call.keywords if keyword.arg == "providers"), None)
        given = call.args[2] if len(call.args) > 2 else named
        if given is None:
            fixed = closing(call, ", " + PROVIDERS) if call.lineno == call.end_lineno else None
            self.hit("RD275", "ort-provider-not-requested", call, "none", "providers", fixed)
            return
        value = self.value(given)
        parts = value.elts if isinstance(value, (ast.List, ast.Tuple)) else []
        words = [one.value for one in parts if isinstance(one, ast.Constant) and isinstance(one.value, str)]
        if words and len(words) == len(parts) and not any(GPU_PROVIDERS.search(word) for word in words):
            self.hit("RD275", "ort-provider-not-requested", call, "cpu-only", ", ".join(words))

    def face_analysis(self, call: Any) -> None:
        name = self.called(call)
        if self.is_call(call, "insightface.app.FaceAnalysis"):
            for keyword in call.keywords:
                if keyword.arg in SWALLOWED:
                    self.hit("RD409", "det-parameter-ignored", keyword.value, "constructor", keyword.arg)
        elif self.of_app(name, "prepare"):
            for keyword in call.keywords:
                if keyword.arg is not None and keyword.arg not in PREPARE:
                    self.hit("RD409", "det-parameter-ignored", keyword.value, "prepare", keyword.arg)
                side = self.value(keyword.value)
                if keyword.arg == "det_size" and isinstance(side, ast.Constant) and isinstance(side.value, int):
                    self.hit(
                        "RD409", "det-parameter-ignored", keyword.value, "int-size", str(side.value), paired(side.value)
                    )
        elif name == "retinaface.RetinaFace.detect_faces":
            for keyword in call.keywords:
                if keyword.arg is not None and keyword.arg not in DETECT_FACES:
                    self.hit("RD409", "det-parameter-ignored", keyword.value, "detect-faces", keyword.arg)

    def cuda(self, call: Any) -> None:
        if not self.torch or self.guarded:
            return
        words = [one.value for one in call.args if isinstance(one, ast.Constant) and isinstance(one.value, str)]
        to_cuda = bool(words) and words[0].split(":")[0] == "cuda"
        moves = isinstance(call.func, ast.Attribute) and (call.func.attr == "to" or self.called(call) == "torch.device")
        if isinstance(call.func, ast.Attribute) and call.func.attr == "cuda" and not call.args and not call.keywords:
            owner = self.full(call.func.value)
            if owner.split(".")[0] != "torch":
                self.hit("RD246", "cuda-hardcoded", call, "method", ".cuda()", to_device)
        elif to_cuda and moves:
            self.hit("RD246", "cuda-hardcoded", call, "device", words[0])

    def faces(self, scope: Any) -> None:
        """Faces that are indexed where nobody asked whether there are any."""
        own = list(own_nodes(scope))
        found = {}
        for node in own:
            if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
                if self.finds_faces(node.value):
                    found[node.targets[0].id] = node
        asked = asked_about(own)
        for node, tried in with_tries(scope):
            if not (isinstance(node, ast.Subscript) and is_index(node.slice)) or tried:
                continue
            if isinstance(node.value, ast.Name) and node.value.id in found and node.value.id not in asked:
                if node.lineno >= found[node.value.id].lineno:
                    self.hit("RD410", "no-face-not-handled", node, "indexed", node.value.id)
            elif self.finds_faces(node.value):
                self.hit("RD410", "no-face-not-handled", node, "at-once", self.called(node.value))

    def finds_faces(self, node: Any) -> bool:
        """app.get(picture) of a FaceAnalysis of this file."""
        return isinstance(node, ast.Call) and self.of_app(self.called(node), "get")

    def of_app(self, name: str, method: str) -> bool:
        """app.METHOD or self.app.METHOD; app.det_model.METHOD is another's."""
        owner, _, called = name.rpartition(".")
        return owner in self.apps and called == method


def imported(tree: Any) -> dict[str, str]:
    """Name in this file -> full name, of the packages that rules are about."""
    names = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                names[alias.asname or alias.name.split(".")[0]] = (
                    alias.name if alias.asname else alias.name.split(".")[0]
                )
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for alias in node.names:
                names[alias.asname or alias.name] = node.module + "." + alias.name
    return names if any(full.split(".")[0] in PACKAGES for full in names.values()) else {}


def assigned(tree: Any) -> dict[str, Any]:
    """Names, and attributes of self ("self.app"), that are assigned once in this file -> the value."""
    values: dict[str, Any] = {}
    twice = set()
    for node in ast.walk(tree):
        targets: list[Any] = []
        if isinstance(node, ast.Assign):
            targets = node.targets
        elif isinstance(node, ast.AnnAssign) and node.value:
            targets = [node.target]
        for target in targets:
            name = target.id if isinstance(target, ast.Name) else None
            if isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name) and target.value.id == "self":
                name = "self." + target.attr
            if name is not None:
                if name in values:
                    twice.add(name)
                values[name] = node.value  # type: ignore[attr-defined]
    return {name: value for name, value in values.items() if name not in twice}


def own_nodes(scope: Any) -> Any:
    """The nodes of a module or function without those of functions in it."""
    for node, _ in with_tries(scope):
        yield node


def with_tries(scope: Any, tried: bool = False) -> Any:
    """(node, whether a try around it catches what an index raises) of the scope itself."""
    for child in ast.iter_child_nodes(scope):
        if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            continue
        yield child, tried
        if isinstance(child, ast.Try):
            caught = tried or any(catches(handler) for handler in child.handlers)
            for part in child.body:
                yield part, caught
                for inner in with_tries(part, caught):
                    yield inner
            for other in [*child.handlers, *child.orelse, *child.finalbody]:
                yield other, tried
                for inner in with_tries(other, tried):
                    yield inner
        else:
            for inner in with_tries(child, tried):
                yield inner


def catches(handler: Any) -> bool:
    words = "" if handler.type is None else ast.dump(handler.type)
    return handler.type is None or any("'%s'" % name in words for name in CATCH_ALL)


def asked_about(nodes: list[Any]) -> set[str]:
    """Names that a condition, a loop or an assertion of the scope mentions."""
    asked = set()
    for node in nodes:
        tests: list[Any] = []
        if isinstance(node, (ast.If, ast.While, ast.IfExp, ast.Assert)):
            tests = [node.test]
        elif isinstance(node, ast.BoolOp):
            tests = node.values
        elif isinstance(node, ast.comprehension):
            tests = [node.iter] + node.ifs
        elif isinstance(node, (ast.For, ast.AsyncFor)):
            tests = [node.iter]
        elif node.__class__.__name__ == "Match":
            tests = [node.subject]
        asked |= {one.id for test in tests for one in ast.walk(test) if isinstance(one, ast.Name)}
    return asked


def is_index(node: Any) -> bool:
    if node.__class__.__name__ == "Index":  # until Python 3.8
        node = node.value
    if isinstance(node, ast.UnaryOp):
        node = node.operand
    return isinstance(node, ast.Constant) and isinstance(node.value, int)


def closing(call: Any, more: str) -> Any:
    """Puts *more* before the call's last bracket."""

    def fixed(line: str) -> str:
        end = len(line.encode()[: call.end_col_offset].decode(errors="ignore"))
        return line[: end - 1] + more + line[end - 1 :]

    return fixed


def to_device(line: str) -> str:
    return line.replace(".cuda()", ".to(device)")


def paired(side: int) -> Any:
    return lambda line: line.replace("det_size=%d" % side, "det_size=(%d, %d)" % (side, side))
