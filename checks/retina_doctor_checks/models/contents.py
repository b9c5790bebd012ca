"""What a file's bytes say against its name."""

from __future__ import annotations

import posixpath

from ..facts.models import ModelFile

MODEL_CONTENTS = (
    *("onnx", "ort", "torch-zip", "torch-legacy", "pickle", "hdf5", "tensorrt", "tflite", "safetensors", "tar"),
    "unknown",
)
"""What may be weights. *unknown* is left to the library that loads it; *tar* is a form of old torch checkpoints, and under the
names of other formats an archive."""
ARCHIVES = ("zip", "tar", "gzip", "7z", "rar", "bzip2", "xz")
COMPRESSED = ("gzip", "bzip2", "xz")
"""By programs of these names: each holds one file, which may be a tar."""
DAMAGED = ("empty", "lfs-pointer", "zeros")
"""What stands in a model's place: it may be the very detector."""
FORMATS = {
    "onnx": "ONNX",
    "torch-zip": "PyTorch",
    "torch-legacy": "PyTorch",
    "pickle": "Python pickle",
    "hdf5": "HDF5 (Keras)",
    "tensorrt": "TensorRT",
    "tflite": "TensorFlow Lite",
    "safetensors": "safetensors",
}
"""Each is read by its own library alone."""
READ_AS = {
    ".onnx": ("onnx",),
    ".pth": ("torch-zip", "torch-legacy", "pickle"),
    ".pt": ("torch-zip", "torch-legacy", "pickle"),
}


def ending(file: ModelFile) -> str:
    return posixpath.splitext(file.path)[1].lower()


def is_of_another_format(file: ModelFile) -> bool:
    """Renamed, not converted: what loads files with this ending reads no such bytes."""
    return file.content in FORMATS and file.content not in READ_AS.get(ending(file), (file.content,))


def is_foreign(file: ModelFile) -> bool:
    """No model at all, or none of the kind that its name says. What is empty, a pointer or zeros is told as such."""
    known = file.content in (*MODEL_CONTENTS, *DAMAGED) and not (file.content == "tar" and ending(file) == ".onnx")
    return file.error is None and (not known or (file.problem is None and is_of_another_format(file)))
