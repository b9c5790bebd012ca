"""Sessions without the GPU, and code that cannot do without it (onnxruntime 1.31.1, torch)."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator

from ...facts.source import Hit
from ...facts.source_lines import LineCorrection
from ..text import corrected
from .arguments import argument, plain_argument
from .constants import constant, constants, judged
from .lines import Line, hit, instead, more
from .makers import DETECTORS, FACE_ANALYSIS, is_made_by, makes
from .tree import FUNCTIONS, Scope, Tree, last_word
from .values import values

PACKAGES = ("onnxruntime", "torch", "insightface")
TAKE_PROVIDERS = (*FACE_ANALYSIS, *DETECTORS)
PROVIDERS = 'providers=["CUDAExecutionProvider", "CPUExecutionProvider"]'
CONDITIONS = (ast.If, ast.IfExp)
GPU_WORD = re.compile(r"(?i)gpu|cuda|device_count")
DEVICE_WORD = re.compile(r"(?i)gpu|cuda|cpu|device|ctx|provider")
GPU_PROVIDERS = re.compile(r"CUDA|Tensorrt|TensorRT|ROCM|MIGraphX|Dml|CoreML|OpenVINO|CANN|QNN|WebGpu")
PROVIDER = re.compile(
    r"(?:ACL|ArmNN|Azure|CANN|CPU|CUDA|CoreML|Dml|Dnnl|Js|MIGraphX|Nnapi|NvTensorRTRTX|OpenVINO|QNN|ROCM|Rknpu|SNPE|Tensorrt|Tvm|VSINPU"
    r"|VitisAI|WebGpu|WebNN|Xnnpack)ExecutionProvider$"
)
"""Names that onnxruntime knows (onnxruntime/core/providers/get_execution_providers.cc); any other is left out with a warning."""


def told(tree: Tree) -> Iterator[Hit]:
    """Sessions and detectors that are not asked to use the GPU, and code that takes one for granted."""
    torch = tree.imports("torch")
    guarded = torch and (asks_for_gpu(tree) or trains(tree))
    sessions = [call for call in tree.calls if tree.full(call.func) == "onnxruntime.InferenceSession"]
    on_gpu = [
        (tree.scope[call], call) for call in sessions if tree.scope[call] is not tree.root and names_gpu(tree, call, 2)
    ]
    first = dict(reversed(on_gpu))
    for call in tree.calls:
        if isinstance(call.func, ast.Attribute) and call.func.attr == "set_providers" and call.args:
            yield from judged_providers(tree, call, call.args[0])
        elif makes(tree, call, TAKE_PROVIDERS):
            yield from given_to_detector(tree, call)
        elif isinstance(call.func, ast.Attribute) and call.func.attr == "prepare":
            yield from prepared_for_cpu(tree, call)
    for call in sessions:
        if not is_given_later(tree, call):
            yield from session(tree, call, first.get(tree.scope[call], call) is not call)
    for call in tree.calls:
        if torch and not guarded:
            yield from cuda(tree, call)


def asks_for_gpu(tree: Tree) -> bool:
    """Whether the file asks torch for the GPU, or a condition turns on one: if args.cuda, use_gpu, device_count()."""
    if any(tree.full(call.func).endswith("cuda.is_available") for call in tree.called.get("is_available", ())):
        return True
    tests = (node.test for node in tree.scope if isinstance(node, CONDITIONS))
    return any(GPU_WORD.search(last_word(one)) for test in tests for one in ast.walk(test))


def trains(tree: Tree) -> bool:
    """Whoever trains has a card, and that file serves nobody."""
    modules = ("torch.distributed", "torch.optim", "torch.utils.data", "pytorch_lightning")
    return "backward" in tree.called or any(full.startswith(modules) for full in tree.names.values())


def names_gpu(tree: Tree, call: ast.Call, place: int) -> bool:
    given = plain_argument(call, "providers", place)
    return given is not None and any(
        GPU_PROVIDERS.search(word) for value in values(tree, given) for word in names(tree, value.node)
    )


def is_given_later(tree: Tree, call: ast.Call) -> bool:
    """session = InferenceSession(path), then: session.set_providers([...])"""
    setters = [one for one in tree.called.get("set_providers", ()) if names_gpu(tree, one, 0)]
    named = {tree.full(one.func.value) for one in setters if isinstance(one.func, ast.Attribute)}
    made = (node for node in tree.assignments if node.value is call) if named else ()
    return any(tree.full(target) in named for node in made if isinstance(node, ast.Assign) for target in node.targets)


def session(tree: Tree, call: ast.Call, is_fallback: bool) -> Iterator[Hit]:
    """*is_fallback*: another session beside it, in the same function, is on the GPU."""
    try:
        given = argument(call, "providers", 2)
    except KeyError:
        return  # **options may hold anything
    if given is None:
        yield hit(tree, "ort-provider-not-requested", call, "none", "providers", more(tree, call, PROVIDERS))
        return
    if is_fallback:
        return
    yield from judged_providers(tree, call, given)


def is_for_cpu(tree: Tree, call: ast.Call) -> bool:
    """Whether a session or a detector is plainly given no GPU. Without providers insightface asks for CUDA; a session gets the
    CPU."""
    own = tree.full(call.func) == "onnxruntime.InferenceSession"
    try:
        given = argument(call, "providers", 2 if own else None)
    except KeyError:
        return False
    if given is None:
        return own and not is_given_later(tree, call)
    return all(without_gpu(names(tree, value.node)) for value in values(tree, given)) and not is_given_later(tree, call)


def judged_providers(tree: Tree, call: ast.Call, given: ast.expr) -> Iterator[Hit]:
    """Providers that are the CPU's alone, or that onnxruntime does not know, or that it takes before the GPU's."""
    found = [(names(tree, value.node), value) for value in values(tree, given)]
    for why, is_so in (("unknown", without_known), ("cpu-only", without_gpu), ("order", cpu_first)):
        told = list(judged(found, is_so))
        if told and why == "cpu-only" and is_chosen(tree, call):
            return
        for words, value in told:
            where = value.at or call
            node = value.node if value.node in tree.scope else given
            fixed = instead(tree, node, in_order(words)) if why == "order" and node is not None else None
            also = elsewhere(tree, where, fixed) if value.at is None else ()
            yield hit(tree, "ort-provider-not-requested", where, why, ", ".join(words), fixed, also=also)
        if told:
            return


def is_chosen(tree: Tree, call: ast.Call) -> bool:
    """Below a condition that turns on the device, in either branch: if ctx_id < 0, if device == "cuda" ... else."""
    return any(
        isinstance(one, ast.If)
        and one.lineno <= call.lineno <= (one.end_lineno or one.lineno)
        and tree.scope.get(one) is tree.scope.get(call)
        and any(DEVICE_WORD.search(word) for word in words_of(one.test))
        for one in tree.scope
    )


def words_of(test: ast.expr) -> Iterator[str]:
    for one in ast.walk(test):
        yield one.value if isinstance(one, ast.Constant) and isinstance(one.value, str) else last_word(one)


def given_to_detector(tree: Tree, call: ast.Call) -> Iterator[Hit]:
    """FaceAnalysis(providers=[...]) hands them to each session; without, it asks for CUDA itself."""
    given = next((keyword.value for keyword in call.keywords if keyword.arg == "providers"), None)
    if given is not None:
        yield from judged_providers(tree, call, given)


def prepared_for_cpu(tree: Tree, call: ast.Call) -> Iterator[Hit]:
    """prepare(ctx_id=-1): insightface then gives the session the CPU provider, whatever it was made with (its retinaface.py and
    scrfd.py, prepare())."""
    if not isinstance(call.func, ast.Attribute) or not is_made_by(tree, call.func.value, (*FACE_ANALYSIS, *DETECTORS)):
        return
    given = plain_argument(call, "ctx_id", 0)
    for number, value in judged(constants(tree, given), is_negative) if given is not None else ():
        where = value.at or call
        fixed = instead(tree, value.node, "0") if value.node in tree.scope and value.node is not None else None
        also = elsewhere(tree, where, fixed) if value.at is None else ()
        yield hit(tree, "ort-provider-not-requested", where, "ctx-id", str(number), fixed, also=also)


def elsewhere(tree: Tree, where: ast.expr, fixed: Line | None) -> tuple[LineCorrection, ...]:
    """The correction of a line that the call only names: CTX = -1."""
    text = corrected(fixed)
    if fixed is None or text is None or fixed.number == where.lineno:
        return ()
    return (LineCorrection(at=tree.text.at(fixed.number), fixed=text),)


def is_negative(number: object) -> bool:
    return isinstance(number, int) and not isinstance(number, bool) and number < 0


def without_gpu(words: list[str]) -> bool:
    return bool(words) and not any(GPU_PROVIDERS.search(word) for word in words)


def without_known(words: list[str]) -> bool:
    """One of them is misspelt, and none of the others is a GPU's."""
    known = [word for word in words if PROVIDER.match(word)]
    return len(known) < len(words) and not any(GPU_PROVIDERS.search(word) for word in known)


def cpu_first(words: list[str]) -> bool:
    """ "in order of decreasing precedence" (InferenceSession's docstring): what the first can run goes to no other, and the
    CPU's can run all."""
    return words[:1] == ["CPUExecutionProvider"] and any(GPU_PROVIDERS.search(word) for word in words)


def in_order(words: list[str]) -> str:
    ordered = sorted(words, key=lambda word: word == "CPUExecutionProvider")
    return "[" + ", ".join(json.dumps(word) for word in ordered) + "]"


def names(tree: Tree, node: ast.expr | None) -> list[str]:
    """The providers of a list or tuple; none where one of them is not plain to see."""
    if isinstance(node, ast.List | ast.Tuple):
        bare = [one.elts[0] if isinstance(one, ast.Tuple) and one.elts else one for one in node.elts]  # with options
        node = ast.copy_location(ast.List(elts=bare, ctx=ast.Load()), node)
    parts = constant(tree, node) if isinstance(node, ast.List) else ()
    words = [part for part in parts if isinstance(part, str)] if isinstance(parts, tuple) else []
    return words if isinstance(parts, tuple) and len(words) == len(parts) else []


def cuda(tree: Tree, call: ast.Call) -> Iterator[Hit]:
    """A tensor or a model that is moved to "cuda" without asking whether there is one."""
    if not isinstance(call.func, ast.Attribute):
        return
    name = tree.full(call.func)
    if call.func.attr == "cuda" and not call.args and not call.keywords and not name.startswith("torch."):
        known = instead(tree, call, "") is not None and is_bound(tree, call, "device")
        text = tree.lines[call.lineno - 1].replace(".cuda()", ".to(device)")
        fixed = Line.of(call.lineno, text) if known else None
        yield hit(tree, "cuda-hardcoded", call, "method", ".cuda()", fixed)
    elif (call.func.attr == "to" or name == "torch.device") and call.args:
        for word, value in judged(constants(tree, call.args[0]), is_cuda):
            if value.sure:
                yield hit(tree, "cuda-hardcoded", value.at or call, "device", str(word))


def is_bound(tree: Tree, node: ast.expr, name: str) -> bool:
    """Whether a name means something where a node stands."""
    scope: Scope | None = tree.scope.get(node)
    while scope is not None:
        taken = [*scope.args.args, *scope.args.kwonlyargs] if isinstance(scope, FUNCTIONS) else []
        if (scope, name) in tree.bound or name in [one.arg for one in taken]:
            return True
        scope = tree.parent.get(scope)
    return False


def is_cuda(word: object) -> bool:
    return isinstance(word, str) and word.split(":")[0] == "cuda"
