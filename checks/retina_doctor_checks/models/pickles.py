"""Reads the names in a torch checkpoint's pickle without unpickling it. Sent to targets: Python 3.8, standard library alone.

What weights_only admits is of torch 2.13, torch/_weights_only_unpickler.py, `_get_allowed_globals`; the layout of both kinds
of checkpoint is torch/serialization.py's, `_save` and `_legacy_save`.
"""

from __future__ import annotations

import io
import pickletools
import struct
import zipfile
import zlib
from typing import Any

MOST_BYTES = 32 * 2**20  # of pickle: that of a detector has some 30 KB
MOST_OPCODES = 1000000
MOST_NAMED = 20
LEGACY_PICKLES = 4  # magic number, protocol, system, the object; its storages' names follow
ADMITTED_MODULES = ("torch._utils", "torch.storage", "torch._tensor", "torch.nn.parameter")
ADMITTED = (
    "collections.OrderedDict", "collections.defaultdict", "collections.Counter", "torch.Size", "torch.Tensor", "torch.device",
    "torch.dtype", "builtins.set", "builtins.frozenset", "builtins.bytearray", "builtins.complex", "__builtin__.set",
    "_codecs.encode",
)  # fmt: skip
RUNS_CODE = (
    "os", "posix", "nt", "subprocess", "sys", "runpy", "shutil", "socket", "importlib", "pty", "ctypes", "code", "commands",
    "webbrowser", "pip", "platform", "multiprocessing", "asyncio", "timeit", "pdb", "cProfile", "profile", "bdb", "signal",
)  # fmt: skip
BUILTIN_RUNS = ("eval", "exec", "execfile", "compile", "__import__", "getattr", "open", "apply", "input", "breakpoint")
BROKEN_ZIP = (
    zipfile.BadZipFile, zlib.error, struct.error, OSError, ValueError, NotImplementedError, EOFError, RuntimeError, StopIteration,
)  # fmt: skip
"""What zipfile raises for damaged files; all of it was seen under tools/fuzz_models.py or stands in its source."""
WEIGHTS = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")


def checkpoint(path: str, content: str) -> dict[str, Any] | None:
    """{"keys", "prefix", "network", "refused", "dangerous"} of a checkpoint; None where its pickle cannot be followed.

    *network*: "mobilenet0.25", "resnet50", "other", or None without a key of weights. *refused*: what torch.load does not admit
    under weights_only; *dangerous*: those of it that can run any code.
    """
    try:
        data = read(path, content)
    except BROKEN_ZIP:
        return None
    strings, called = names(data, LEGACY_PICKLES if content == "torch-legacy" else 1)
    if strings is None:
        return None
    keys = [one for one in strings if one.rpartition(".")[2] in WEIGHTS and "." in one]
    prefix = "module." if keys and all(one.startswith("module.") for one in keys) else ""
    refused = [one for one in called if not admitted(one)]
    return {
        "keys": len(keys),
        "prefix": prefix,
        "network": network([one[len(prefix) :] for one in keys]),
        "refused": refused[:MOST_NAMED],
        "dangerous": [one for one in refused if dangerous(one)][:MOST_NAMED],
    }


def read(path: str, content: str) -> bytes:
    if content != "torch-zip":
        with open(path, "rb") as file:
            return file.read(MOST_BYTES)
    with zipfile.ZipFile(path) as archive:
        inner = next(name for name in archive.namelist() if name.split("/")[-1] == "data.pkl")
        with archive.open(inner) as file:
            return file.read(MOST_BYTES)


def names(data: bytes, pickles: int) -> tuple[Any, ...]:
    """(strings, ["module.name" that it calls or makes]) of the first pickles in *data*; (None, []) where it is none.

    The machine is followed as far as names go: strings, what the memo holds of them, and what takes two of them from the stack.
    """
    file, strings, called, seen = io.BytesIO(data), {}, {}, 0
    for _ in range(pickles):
        memo: dict[Any, Any] = {}
        stack: list[Any] = []
        try:
            for opcode, argument, _ in pickletools.genops(file):
                seen += 1
                if seen > MOST_OPCODES:
                    return None, []
                name = opcode.name
                if "UNICODE" in name or name in ("STRING", "BINSTRING", "SHORT_BINSTRING"):
                    text = argument if isinstance(argument, str) else str(argument)
                    stack.append(text)
                    strings[text[:200]] = True
                elif name in ("PUT", "BINPUT", "LONG_BINPUT"):
                    memo[argument] = stack[-1] if stack else None
                elif name == "MEMOIZE":
                    memo[len(memo)] = stack[-1] if stack else None
                elif name in ("GET", "BINGET", "LONG_BINGET"):
                    stack.append(memo.get(argument))
                elif name in ("GLOBAL", "INST"):
                    called[".".join(str(argument).split(" ", 1))] = True
                    stack.append(None)
                elif name == "STACK_GLOBAL":
                    module, member = [*stack[-2:], None, None][:2]
                    called["%s.%s" % (module or "?", member or "?")] = True
                    stack.append(None)
                elif name in ("EXT1", "EXT2", "EXT4"):
                    called["copyreg.extension"] = True
                    stack.append(None)
                elif opcode.stack_after:
                    stack.append(None)
                del stack[:-1000]
        except (ValueError, IndexError, TypeError, UnicodeDecodeError, OverflowError, MemoryError):
            return (list(strings), list(called)) if called else (None, [])
    return list(strings), list(called)


def admitted(name: str) -> bool:
    module, _, member = name.rpartition(".")
    storage_or_type = module in ("torch", "torch.cuda") and (member.endswith("Storage") or member.islower())
    return name in ADMITTED or module in ADMITTED_MODULES or storage_or_type


def dangerous(name: str) -> bool:
    module, _, member = name.rpartition(".")
    builtin = module in ("builtins", "__builtin__") and member in BUILTIN_RUNS
    return builtin or module.split(".")[0] in RUNS_CODE or "?" in name or name == "copyreg.extension"


def network(keys: list[str]) -> str | None:
    """By names of its layers (biubug6/Pytorch_Retinaface, models/retinaface.py; torchvision's ResNet as its body)."""
    if not keys:
        return None
    if any(one.startswith("body.stage1.") for one in keys):
        return "mobilenet0.25"
    if any(one.startswith("body.layer4.") for one in keys):
        return "resnet50"
    return "other"
