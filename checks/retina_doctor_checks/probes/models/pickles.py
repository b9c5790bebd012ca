"""Reads the names in a torch checkpoint's pickle without unpickling it. Sent to targets: Python 3.8, standard library alone.

What weights_only admits is of torch 2.13, torch/_weights_only_unpickler.py, `_get_allowed_globals`; the layout of both kinds
of checkpoint is torch/serialization.py's, `_save` and `_legacy_save`.
"""

from __future__ import annotations

import io
import pickletools
import re
import struct
import zipfile
import zlib

from retina_doctor.hints import Any

MOST_BYTES = 32 * 2**20  # of pickle: that of a detector has some 30 KB
MOST_OPCODES = 1000000
MOST_NAMED = 20
LEGACY_PICKLES = 5  # magic number, protocol, system, the object, the names of its storages
REBUILDS = (
    "tensor", "tensor_v2", "tensor_v3", "parameter", "parameter_with_state", "qtensor", "sparse_tensor", "nested_tensor",
    "meta_tensor_no_storage", "device_tensor_from_numpy", "device_tensor_from_cpu_tensor", "wrapper_subclass",
)  # fmt: skip
KINDS = (
    "BFloat16", "Bool", "Byte", "Char", "ComplexDouble", "ComplexFloat", "Double", "Float", "Half", "Int", "Long", "Short",
    "QInt8", "QInt32", "QUInt8", "QUInt2x4", "QUInt4x2",
)  # fmt: skip
ADMITTED = {
    "collections.OrderedDict", "collections.Counter", "torch.Size", "torch.Tensor", "torch.device", "builtins.set",
    "builtins.bytearray", "builtins.complex", "_codecs.encode", "torch.nn.parameter.Parameter", "torch.serialization._get_layout",
    "torch.storage.TypedStorage", "torch.storage.UntypedStorage", "torch._tensor._rebuild_from_type_v2", "__builtin__.set",
    *("torch._utils._rebuild_" + name for name in REBUILDS),
    *("torch.%s%s%s" % (place, kind, what) for place in ("", "cuda.") for kind in KINDS for what in ("Storage", "Tensor")),
}  # fmt: skip
DTYPE = re.compile(
    r"torch\.(q?u?int\d+(x\d)?|bits\d+(x\d)?|float\d+\w*|bfloat16|complex\d+|bool|per_(tensor|channel)_\w+)"
)
RUNS_CODE = (
    "os", "posix", "nt", "subprocess", "sys", "runpy", "shutil", "socket", "importlib", "pty", "ctypes", "code", "commands",
    "_pickle", "pickle", "marshal", "operator", "functools", "types", "io", "_io", "builtins", "__builtin__", "threading",
    "_thread", "concurrent", "multiprocessing", "asyncio", "platform", "webbrowser", "pip", "setuptools", "distutils", "timeit",
    "pdb", "bdb", "profile", "cProfile", "trace", "signal", "tempfile", "zipimport", "pkgutil", "pydoc", "doctest", "inspect",
    "urllib", "http", "ftplib", "smtplib", "xmlrpc", "logging", "copyreg", "joblib", "cloudpickle", "dill", "_frozen_importlib",
    "idlelib", "imaplib", "poplib", "nntplib", "telnetlib", "socketserver", "wsgiref", "zipapp", "venv", "ensurepip", "lib2to3",
)  # fmt: skip
"""Modules with something in them that runs, loads or fetches what it is given."""
TYPES = (
    "object", "int", "float", "str", "bytes", "bool", "list", "dict", "tuple", "frozenset", "slice", "range", "xrange", "unicode",
    "long",
)  # fmt: skip
PLAIN = {
    "collections.defaultdict", "collections.deque", "types.SimpleNamespace", "datetime.datetime", "datetime.date",
    "datetime.timedelta", "numpy.dtype", "numpy.ndarray",
    *(place + name for place in ("copyreg.", "copy_reg.") for name in ("_reconstructor", "__newobj__")),
    *("numpy.%s.multiarray.%s" % (core, name) for core in ("core", "_core") for name in ("scalar", "_reconstruct")),
    *(place + name for place in ("builtins.", "__builtin__.") for name in TYPES),  # protocol 2 names them as Python 2 did
}  # fmt: skip
"""What checkpoints of honest people hold beside weights, and what runs nothing."""
BROKEN_ZIP = (
    zipfile.BadZipFile, zlib.error, struct.error, OSError, ValueError, NotImplementedError, EOFError, RuntimeError, StopIteration,
)  # fmt: skip
"""What zipfile raises for damaged files; all of it was seen under tools/fuzz_models.py or stands in its source."""
MARK = object()
WEIGHTS = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")


TORCHS_OWN = re.compile(r"storage|cpu|cuda(?::\d+)?|\d+|little_endian|protocol_version|type_sizes|short|int|long")
"""Words of a tensor that is saved alone (torch/serialization.py)."""


def checkpoint(path: str, content: str) -> dict[str, Any] | None:
    """{"keys", "prefix", "network", "lacks", "tensors", "refused", "dangerous"}; None where its pickles cannot be followed.

    *network*: "mobilenet0.25", "resnet50", "detector" (of another make), "other", or None without a key of weights.
    *refused*: what torch.load does not admit under weights_only; *dangerous*: those of it that can run any code.
    """
    try:
        parts = read(path, content)
    except BROKEN_ZIP:
        return None
    strings: dict[str, bool] = {}
    called: dict[str, bool] = {}
    whole = bool(parts)
    for data in parts:
        whole = names(data, LEGACY_PICKLES if content == "torch-legacy" else 1, strings, called) and whole
    refused = [one for one in called if not admitted(one)]
    bad = [one for one in refused if dangerous(one)]
    if not whole and not bad:
        return None
    keys = [one for one in strings if one.rpartition(".")[2] in WEIGHTS and "." in one]
    prefix = "module." if keys and all(one.startswith("module.") for one in keys) else ""
    plain = [one[len(prefix) :] for one in keys]
    return {
        "keys": len(keys) or sum(not TORCHS_OWN.fullmatch(one) for one in strings),
        "prefix": prefix,
        "network": network(plain),
        "lacks": lacking(plain),
        "tensors": content == "pickle" or bool(keys) or any("_rebuild_" in one for one in called),
        "refused": refused[:MOST_NAMED],
        "dangerous": bad[:MOST_NAMED],
    }


def read(path: str, content: str) -> list[bytes]:
    """The pickles' bytes: of a zip each data.pkl in it, for which of several is loaded depends on the loader."""
    if content != "torch-zip":
        with open(path, "rb") as file:
            return [file.read(MOST_BYTES)]
    with zipfile.ZipFile(path) as archive:
        parts = []
        for name in [one for one in archive.namelist() if one.split("/")[-1] == "data.pkl"][:MOST_NAMED]:
            with archive.open(name) as file:
                parts.append(file.read(MOST_BYTES))
        return parts


def names(data: bytes, pickles: int, strings: dict[str, bool], called: dict[str, bool]) -> bool:
    """Adds the strings and the "module.name"s that the first pickles in *data* hold; whether all of them could be followed.

    The stack is followed as pickletools describes each opcode's effect; of its values strings are known.
    """
    file, seen = io.BytesIO(data), 0
    for _ in range(pickles):
        memo: dict[Any, Any] = {}
        stack: list[Any] = []
        try:
            for opcode, argument, _ in pickletools.genops(file):
                seen += 1
                if seen > MOST_OPCODES:
                    return False
                step(opcode, argument, stack, memo, strings, called)
        except (ValueError, IndexError, KeyError, TypeError, OverflowError, MemoryError):
            return False
    return True


def step(
    opcode: Any,
    argument: Any,
    stack: list[Any],
    memo: dict[Any, Any],
    strings: dict[str, bool],
    called: dict[str, bool],
) -> None:
    """One opcode. Raises IndexError where the stack has not what it takes."""
    name = opcode.name
    if name in ("PUT", "BINPUT", "LONG_BINPUT", "MEMOIZE"):
        memo[len(memo) if name == "MEMOIZE" else argument] = stack[-1]
        return
    taken = take(opcode, stack)
    if name in ("GLOBAL", "INST"):
        called[".".join(str(argument).split(" ", 1))] = True
    elif name == "STACK_GLOBAL":
        called["%s.%s" % (taken[1] or "?", taken[0] or "?")] = True
    elif name in ("EXT1", "EXT2", "EXT4"):
        called["copyreg.extension"] = True
    if name == "MARK":
        stack.append(MARK)
    elif name == "DUP":
        stack.extend([taken[0], taken[0]])
    elif name in ("GET", "BINGET", "LONG_BINGET"):
        stack.append(memo[argument])
    elif "UNICODE" in name or name in ("STRING", "BINSTRING", "SHORT_BINSTRING"):
        text = argument if isinstance(argument, str) else str(argument)
        strings[text[:200]] = True
        stack.append(text)
    else:
        stack.extend([None] * len(opcode.stack_after))


def take(opcode: Any, stack: list[Any]) -> list[Any]:
    """What the opcode takes from the stack, the topmost first; of what stands above a mark, nothing is kept."""
    before = list(opcode.stack_before)
    if pickletools.stackslice in before:
        while stack[-1] is not MARK:
            stack.pop()
        stack.pop()
        before = before[: before.index(pickletools.markobject)]
    return [stack.pop() for _ in before]


def admitted(name: str) -> bool:
    return name in ADMITTED or DTYPE.fullmatch(name) is not None


def dangerous(name: str) -> bool:
    """A module that runs things, a function of any other, or what could not be read; a class of somebody's code is not, nor what
    TorchScript makes its lists of (torch/jit/_pickle.py)."""
    if name in PLAIN or re.fullmatch(
        r"torch\.(?:nn\.(?:functional|init)\.\w+|jit\._pickle\.(?:build|restore)_\w+)", name
    ):
        return False
    member = name.rpartition(".")[2]
    return "?" in name or name.split(".")[0] in RUNS_CODE or not member[:1].isupper()


def lacking(keys: list[str]) -> list[str]:
    """Heads of a Pytorch_Retinaface that none of the keys is of, where its backbone is there."""
    if network(keys) not in ("mobilenet0.25", "resnet50"):
        return []
    return [head for head in ("ClassHead", "BboxHead", "LandmarkHead") if not any(one.startswith(head) for one in keys)]


def network(keys: list[str]) -> str | None:
    """By names of its layers (biubug6/Pytorch_Retinaface, models/retinaface.py; torchvision's ResNet as its body)."""
    if not keys:
        return None
    there = set(keys)
    cut = not any("head" in key.lower() for key in keys)  # saved in part: as far as the body goes, it is that one's
    if "body.stage1.0.0.weight" in there and ("body.stage3.1.3.weight" in there or cut):
        return "mobilenet0.25"
    if (
        "body.layer1.0.conv3.weight" in there
        and "body.layer3.5.conv1.weight" in there
        and "body.layer3.6.conv1.weight" not in there
    ):
        return "resnet50"
    heads = ("classhead", "class_head", "bboxhead", "bbox_head", "landmarkhead", "landmark_head", "body.")
    return "detector" if any(head in key.lower() for key in keys for head in heads) else "other"
