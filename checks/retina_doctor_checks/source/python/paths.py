"""Model files named by a path that is looked up from wherever the process happens to be started.

Silent are the three usual remedies: an absolute path, one built from __file__, and an environment variable or a flag, even
with a relative default: whoever deploys the service has a handle there, and the variable is what the guides advise.
"""

from __future__ import annotations

import ast
import re
from typing import Any

from retina_doctor_checks.source.python.detector import FACE_ANALYSIS
from retina_doctor_checks.source.python.lines import hit, instead, text_of
from retina_doctor_checks.source.python.tree import Tree
from retina_doctor_checks.source.python.values import DEEP, PATHS, UNKNOWN, Value, argument, judged, values

PACKAGES = ("onnxruntime", "torch", "onnx", "cv2", "insightface")
LOADERS = {
    "onnxruntime.InferenceSession": "path_or_bytes",
    "torch.load": "f",
    "torch.jit.load": "f",
    "onnx.load": "f",
    "onnx.load_model": "f",
    "insightface.model_zoo.get_model": "name",
    "insightface.model_zoo.model_zoo.get_model": "name",
    "cv2.FaceDetectorYN.create": "model",
    "cv2.FaceDetectorYN_create": "model",
}
"""What is called -> its first parameter, which is the file."""
READ_NET = re.compile(r"cv2\.dnn(?:\.|_)readNet\w*$")
MODEL = re.compile(r"(?i)\.(?:onnx|pth|pt|engine|plan|trt|params|tar|ckpt|pb|prototxt|caffemodel|weights|bin|h5|xml)$")
ANCHORED = re.compile(r"[/\\~$]|[A-Za-z]:|[\w+.-]+://")
JOIN = ("os.path.join", "posixpath.join")
WRITERS = ("save", "save_model", "export", "dump", "urlretrieve", "quantize_dynamic", "quantize_static")
HERE = ("os.getcwd", "pathlib.Path.cwd")


def told(tree: Tree) -> Any:
    if tree.called.get("chdir"):
        return  # it chooses the directory itself
    written = made_here(tree)
    for call in tree.calls:
        name = tree.full(call.func)
        if name in FACE_ANALYSIS:
            yield from named(tree, call, "root", 1, folder, written)
            yield from named(tree, call, "name", 0, dotted, written)
        elif name in LOADERS:
            yield from named(tree, call, LOADERS[name], 0, model, written)
        elif READ_NET.match(name):
            for place in range(min(2, len(call.args))):
                yield from named(tree, call, "", place, model, written)


def made_here(tree: Tree) -> set[Any]:
    """Paths that the file itself writes: where it reads them again, it stands in the same directory."""
    calls = [call for word in WRITERS for call in tree.called.get(word, ())]
    given = [one for call in calls for one in [*call.args, *(keyword.value for keyword in call.keywords)]]
    return {path(tree, value) for one in given for value in values(tree, one)}


def named(tree: Tree, call: Any, name: str, place: int, meant: Any, written: set[Any]) -> Any:
    try:
        given = argument(call, name, place)
    except KeyError:
        return
    if given is None:
        return
    found = [(path(tree, value), value) for value in values(tree, given)]
    for word, value in judged(found, lambda word: meant(word) and not ANCHORED.match(word)):
        if value.sure and word not in written:
            where = value.at or given
            text = text_of(tree, where)
            anchored = beside(tree, text) if text else None
            fixed = instead(tree, where, anchored) if anchored else None
            yield hit("model-wrong-directory", where, "folder" if meant is folder else "file", word, fixed)


def model(word: str) -> bool:
    return MODEL.search(word) is not None


def folder(word: str) -> bool:
    return bool(word)


def dotted(word: str) -> bool:
    return word.startswith(("./", "../"))


def path(tree: Tree, value: Value) -> Any:
    """The path that an expression says, what is not known of it as "*"; UNKNOWN where its beginning is not known."""
    return _path(tree, value.node, 0)


def _path(tree: Tree, node: Any, deep: int) -> Any:
    if deep > DEEP or node is None:
        return UNKNOWN
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else UNKNOWN
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod):
        return _part(tree, node.left, deep)
    if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Div, ast.Add)):
        return _joined(tree, [node.left, node.right], "/" if isinstance(node.op, ast.Div) else "", deep)
    if isinstance(node, ast.JoinedStr):
        parts = [one.value if isinstance(one, ast.FormattedValue) else one for one in node.values]
        return _joined(tree, parts, "", deep)
    if isinstance(node, ast.Call):
        name = tree.full(node.func)
        if name in HERE:
            return "."
        if name in JOIN or name in PATHS:
            return _joined(tree, node.args, "/", deep)
        if isinstance(node.func, ast.Attribute) and node.func.attr == "format":
            return _part(tree, node.func.value, deep)
    return UNKNOWN


def _joined(tree: Tree, nodes: list[Any], glue: str, deep: int) -> Any:
    if not nodes:
        return UNKNOWN
    words = [_part(tree, node, deep) for node in nodes]
    if words[0] is UNKNOWN:
        return UNKNOWN
    return glue.join("*" if word is UNKNOWN else word.rstrip("/") if glue else word for word in words)


def _part(tree: Tree, node: Any, deep: int) -> Any:
    found = values(tree, node)
    return _path(tree, found[0].node, deep + 1) if len(found) == 1 and found[0].sure else UNKNOWN


def beside(tree: Tree, text: str) -> str | None:
    """The same, looked up beside the source file, with what is imported; None: that is nothing of use."""
    if tree.names.get("os") == "os":
        return "os.path.join(os.path.dirname(os.path.abspath(__file__)), %s)" % text
    for name, full in (("Path", "pathlib.Path"), ("pathlib", "pathlib")):
        if tree.names.get(name) == full:
            maker = "Path" if name == "Path" else "pathlib.Path"
            return "str(%s(__file__).resolve().parent / %s)" % (maker, text)
    return None
