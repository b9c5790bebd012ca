"""Model files named by a path that is looked up from wherever the process happens to be started.

Silent are the three usual remedies: an absolute path, one built from __file__, and an environment variable or a flag, even
with a relative default: whoever deploys the service has a handle there, and the variable is what the guides advise.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator, Sequence

from ...facts.source import Hit
from .arguments import plain_argument
from .constants import judged
from .lines import hit, instead, text_of
from .makers import FACE_ANALYSIS
from .modules import there
from .tree import Tree, arguments
from .value import DEEP, PATHS, Value
from .values import values

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


def told(tree: Tree) -> Iterator[Hit]:
    """Models and their folders that are named relative to wherever the service happens to be started."""
    if tree.neighbours.changes_directory(tree.text.path):
        return  # the service chooses it itself
    written = made_here(tree)
    for call in tree.calls:
        name = tree.full(call.func)
        if name in FACE_ANALYSIS:
            yield from named(tree, call, "root", 1, folder, written)
            yield from named(tree, call, "name", 0, dotted, written)
        elif name in LOADERS and not is_downloaded(call):
            yield from named(tree, call, LOADERS[name], 0, model, written)
        elif READ_NET.match(name):
            for place in range(min(2, len(call.args))):
                yield from named(tree, call, "", place, model, written)


def is_downloaded(call: ast.Call) -> bool:
    """insightface's get_model(name, download=True) fetches into its own folder what is not there (model_zoo.py)."""
    given = plain_argument(call, "download")
    return given is not None and not (isinstance(given, ast.Constant) and not given.value)


def made_here(tree: Tree) -> set[str | None]:
    """Paths that the file itself writes: where it reads them again, it stands in the same directory."""
    calls = [call for word in WRITERS for call in tree.called.get(word, ())]
    return {path(tree, value) for call in calls for one in arguments(call) for value in values(tree, one)}


def named(
    tree: Tree, call: ast.Call, name: str, place: int, meant: Callable[[str], bool], written: set[str | None]
) -> Iterator[Hit]:
    """The argument *name*, or the one at *place*, where it is such a path; paths that the file has *written* itself are not."""
    given = plain_argument(call, name, place)
    if given is None:
        return
    found = [(path(tree, value), value) for value in values(tree, given)]
    for word, value in judged(found, lambda word: word is not None and meant(word) and not ANCHORED.match(word)):
        if word is not None and value.sure and word not in written:
            where = value.at or given
            text = text_of(tree, where)
            anchored = beside(tree, text) if text else None
            fixed = instead(tree, where, anchored) if anchored else None
            yield hit(tree, "model-wrong-directory", where, "folder" if meant is folder else "file", word, fixed)


def model(word: str) -> bool:
    return MODEL.search(word) is not None


def folder(word: str) -> bool:
    return bool(word)


def dotted(word: str) -> bool:
    return word.startswith(("./", "../"))


def path(tree: Tree, value: Value) -> str | None:
    """The path that an expression says, what is not known of it as "*"; None where its beginning is not known."""
    return _path(tree, value.node, 0)


def _path(tree: Tree, node: ast.expr | None, deep: int) -> str | None:
    if deep > DEEP or node is None:
        return None
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else None
    if isinstance(node, ast.Name | ast.Attribute):
        place = there(tree, node)
        return _part(*place, deep + 1) if place is not None else None
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod):
        return _part(tree, node.left, deep)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div | ast.Add):
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
        if isinstance(node.func, ast.Attribute) and node.func.attr == "joinpath":
            return _joined(tree, [node.func.value, *node.args], "/", deep)
    return None


def _joined(tree: Tree, nodes: Sequence[ast.expr], glue: str, deep: int) -> str | None:
    words = [_part(tree, node, deep) for node in nodes]
    if not words or words[0] is None:
        return None
    return glue.join("*" if word is None else word.rstrip("/") if glue else word for word in words)


def _part(tree: Tree, node: ast.expr, deep: int) -> str | None:
    found = values(tree, node)
    return _path(tree, found[0].node, deep + 1) if len(found) == 1 and found[0].sure else None


def beside(tree: Tree, text: str) -> str | None:
    """The same, looked up beside the source file, with what is imported; None: that is nothing of use."""
    if tree.names.get("os") == "os":
        return f"os.path.join(os.path.dirname(os.path.abspath(__file__)), {text})"
    for name, full in (("Path", "pathlib.Path"), ("pathlib", "pathlib")):
        if tree.names.get(name) == full:
            maker = "Path" if name == "Path" else "pathlib.Path"
            return f"str({maker}(__file__).resolve().parent / {text})"
    return None
