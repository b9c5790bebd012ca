"""Pictures that insightface is given in another form than it takes: an array of BGR, 0 to 255, as OpenCV reads it.

insightface turns BGR into RGB itself (blobFromImage(swapRB=True)) and copies the resized picture into an array of uint8 before it
normalises it (scrfd.py and retinaface.py of 0.7.3, 1.0.1 and 2.1): a picture of 0 to 1, or of -1 to 1, is black by then.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Literal

from retina_doctor.codec import replace

from ...facts.source import Hit
from .arguments import plain_argument
from .elsewhere import Defined, resolved
from .given_pictures import handed_on, picture_of, shown
from .handlers import SERVERS
from .lines import hit, instead, text_of, written_at
from .makers import is_made_by
from .reaching import last_given, only_given
from .tree import NAMED, Tree, last_word

PACKAGES = ("insightface", "PIL", "cv2", "imageio", "skimage", "torchvision", "matplotlib", *SERVERS)
Form = Literal["pil", "rgb", "bgr", "scaled"] | None
"""A picture of PIL's, an array of one or the other order, one that is normalised already; None: that cannot be told."""
MADE_OF = ("PIL.Image.fromarray", "PIL.ImageOps.exif_transpose")
"""A picture of PIL's with the colours of what they are given."""
READ_RGB = (
    *("imageio.imread", "imageio.v2.imread", "imageio.v3.imread", "skimage.io.imread", "matplotlib.image.imread"),
    *("matplotlib.pyplot.imread", "torchvision.io.read_image", "torchvision.io.decode_image"),
    *("face_recognition.load_image_file",),
)
READ_BGR = ("cv2.imread", "cv2.imdecode")
ARRAYS = ("numpy.array", "numpy.asarray", "numpy.asanyarray", "numpy.ascontiguousarray", "numpy.uint8", "numpy.float32")
SAME = ("resize", "copy", "rotate", "astype", "GaussianBlur", "permute", "numpy", "cpu", "crop", "transpose")
"""Functions and methods that leave the order and the range as they are."""
SWAPS = ("COLOR_BGR2RGB", "COLOR_RGB2BGR")
"""One and the same: each exchanges the first and the last of three."""
DEEP = 12


FAULTS = ("pil", "rgb", "scaled")


def told(tree: Tree) -> Iterator[Hit]:
    """Each picture that is given to insightface, here or by a function that hands it on, and is of another form."""
    handing: dict[tuple[str, ast.ClassDef | None], dict[str, int]] = {}
    for call in tree.calls:
        given = picture_of(tree, call)
        if given is not None:
            yield from judged(tree, given)
        elif (call.args or call.keywords) and (name := tree.full(call.func)):
            known = (name, tree.class_of(tree.scope.get(call)))
            if known not in handing:
                handing[known] = handed_on(resolved(tree, call.func))
            for word, place in handing[known].items():
                yield from judged(tree, plain_argument(call, word, place))


def judged(tree: Tree, given: ast.expr | None) -> Iterator[Hit]:
    form = form_of(tree, given, 0)
    if given is None or form is None or form not in FAULTS:
        return
    word = text_of(tree, given)
    one = hit(tree, "image-wrong-form", given, form, word or "picture")
    plain = form == "rgb" and isinstance(given, ast.Name)
    yield replace(one, fixed=written_at(one.at, instead(tree, given, f"{word}[:, :, ::-1]")) if plain else None)


def form_of(tree: Tree, node: ast.expr | None, deep: int) -> Form:
    """Each expression is looked into once: names may lead to each other in many ways."""
    if node is None or deep > DEEP:
        return None
    if node not in tree.forms:
        tree.forms[node] = None
        tree.forms[node] = looked_into(tree, node, deep)
    return tree.forms[node]  # type: ignore[return-value]


def looked_into(tree: Tree, node: ast.expr, deep: int) -> Form:
    if isinstance(node, ast.Name):
        ways = last_given(tree, node)
        if not ways:
            return of_interface(shown(tree, node))
        found = {changed(one) if isinstance(one, ast.AugAssign) else form_of(tree, one, deep + 1) for one in ways}
        return found.pop() if len(found) == 1 else None
    if isinstance(node, ast.Await):
        return form_of(tree, node.value, deep + 1)
    if isinstance(node, ast.Subscript):
        return turned(tree, node, deep)
    if isinstance(node, ast.BinOp):
        return computed(tree, node, deep)
    return of_call(tree, node, deep) if isinstance(node, ast.Call) else None


def of_interface(call: ast.Call | None) -> Form:
    """What gradio fills a parameter with: an array of RGB, unless it is told otherwise (gradio.Image, 4.31 and 6)."""
    if call is None:
        return None
    kind = plain_argument(call, "type")
    word = kind.value if isinstance(kind, ast.Constant) else "numpy" if kind is None else ""
    mode = plain_argument(call, "image_mode")
    plain = mode is None or (isinstance(mode, ast.Constant) and mode.value == "RGB")
    return {"numpy": "rgb", "pil": "pil"}.get(str(word)) if plain else None  # type: ignore[return-value]


def of_call(tree: Tree, call: ast.Call, deep: int) -> Form:
    name, word = tree.full(call.func), last_word(call.func)
    if name == "PIL.Image.open":
        return "pil"
    if name in MADE_OF:
        return "pil" if call.args and form_of(tree, call.args[0], deep + 1) in ("pil", "rgb") else None
    if name in READ_RGB or (name in READ_BGR and "IMREAD_COLOR_RGB" in words(call)):
        return "rgb"
    if name in READ_BGR:
        return "bgr" if not words(call) - {"IMREAD_COLOR"} else None
    if name in ARRAYS:
        inner = form_of(tree, call.args[0], deep + 1) if call.args else None
        return "rgb" if inner == "pil" and not gray(tree, call.args[0], 0) else None if inner == "pil" else inner
    if name == "cv2.cvtColor":
        code = plain_argument(call, "code", 1)
        inner = form_of(tree, call.args[0], deep + 1) if call.args else None
        return swapped(inner) if code is not None and last_word(code) in SWAPS else None
    if word == "convert" and isinstance(call.func, ast.Attribute):
        return "pil" if form_of(tree, call.func.value, deep + 1) == "pil" else None
    if word == "read" and isinstance(call.func, ast.Attribute):
        return "bgr" if is_made_by(tree, call.func.value, ("cv2.VideoCapture",)) else None
    if word in SAME or name == "cv2.flip":
        given = call.args[0] if name.startswith(("cv2.", "numpy.")) and call.args else None
        owner = call.func.value if isinstance(call.func, ast.Attribute) else None
        return form_of(tree, given or owner, deep + 1)
    return of_own(resolved(tree, call.func), deep)


def of_own(found: Defined | None, deep: int) -> Form:
    """What a function of the package gives, if it returns in one place."""
    if found is None or not isinstance(found.node, NAMED) or found.node.decorator_list:
        return None
    given = found.tree.returns.get(found.node, ())
    return form_of(found.tree, given[0], deep + 1) if len(given) == 1 else None


def words(call: ast.Call) -> set[str]:
    """The flags by which OpenCV reads a picture; 1 is IMREAD_COLOR."""
    given = plain_argument(call, "flags", 1)
    if given is None or (isinstance(given, ast.Constant) and given.value == 1):
        return set()
    return {last_word(given) or "?"}


def gray(tree: Tree, node: ast.expr, deep: int) -> bool:
    """Whether a picture of PIL's is made one of a single colour, or with an alpha channel."""
    if isinstance(node, ast.Name) and deep < DEEP:
        given = only_given(tree, node)
        return isinstance(given, ast.expr) and gray(tree, given, deep + 1)
    if isinstance(node, ast.Call) and last_word(node.func) == "convert":
        return not (node.args and isinstance(node.args[0], ast.Constant) and node.args[0].value == "RGB")
    return False


def turned(tree: Tree, node: ast.Subscript, deep: int) -> Form:
    """img[:, :, ::-1] and img[..., ::-1]; a part of the picture is of its form."""
    inner = form_of(tree, node.value, deep + 1)
    parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
    if not all(isinstance(one, ast.Slice) or (isinstance(one, ast.Constant) and one.value is ...) for one in parts):
        return None
    last = parts[-1]
    backwards = isinstance(last, ast.Slice) and last.step is not None
    whole = len(parts) == 3 or (len(parts) == 2 and isinstance(parts[0], ast.Constant))
    if not backwards:
        return inner
    return swapped(inner) if whole and ast.unparse(last) == "::-1" else None


def swapped(form: Form) -> Form:
    return {"rgb": "bgr", "bgr": "rgb", "scaled": "scaled"}.get(form or "")  # type: ignore[return-value]


def computed(tree: Tree, node: ast.BinOp, deep: int) -> Form:
    """img / 255.0, (img - 127.5) / 128"""
    if isinstance(node.op, ast.Div) and is_range(node.right):
        left = node.left
        if isinstance(left, ast.BinOp) and isinstance(left.op, ast.Sub):
            left = left.left
        return "scaled" if form_of(tree, left, deep + 1) in ("bgr", "rgb", "scaled") else None
    return None


def changed(node: ast.AugAssign) -> Form:
    """img /= 255"""
    return "scaled" if isinstance(node.op, ast.Div) and is_range(node.value) else None


def is_range(node: ast.expr) -> bool:
    """Half of what a byte holds, or all: what a picture is divided by to be normalised."""
    return isinstance(node, ast.Constant) and node.value in (255, 127.5, 128, 127)
