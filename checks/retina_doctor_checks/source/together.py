"""What the files of a tree say together: which image a container is made of, which packages come into an environment, and
which server it starts."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from retina_doctor.codec import Data, replace
from retina_doctor.patterns import pattern

from ..facts.deployment import DeployedContainer, Image, ImageStep, Package, Server
from ..facts.source import Bundle, Source
from ..versions import allows, pinned

GPU_IMAGE = pattern(
    r"(?:^|/)cuda(?:gl)?:\d|(?:^|/)nvidia/(?:cuda|cudagl|opengl|pytorch|tensorflow|tensorrt|tritonserver|deepstream|l4t)|(?:^|/)pytorch/pytorch:.*cuda"
    r"|[-_:]cuda-?\d|[-_:.]cu1\d\d\b|(?<!no)(?<!non)-gpu\b"
)
CUDA = pattern(r"(?:(?:^|/)cuda(?:gl)?:|[-_:]cuda-?)(\d+)|[-_:.]cu(\d\d)\d\b")
CPU, GPU = "onnxruntime", "onnxruntime-gpu"
RIVALS = (
    *(CPU, GPU, "onnxruntime-directml", "onnxruntime-openvino", "onnxruntime-rocm", "onnxruntime-migraphx"),
    *("onnxruntime-training", "onnxruntime-qnn", "onnxruntime-silicon", "onnxruntime-cann"),
    *("ort-nightly", "ort-nightly-gpu", "ort-nightly-directml", "ort-gpu-nightly"),
)
"""Distributions that fill the folder onnxruntime/ (PyPI, and the nightly feeds)."""
OPENCVS = ("opencv-python", "opencv-python-headless", "opencv-contrib-python", "opencv-contrib-python-headless")
"""Those that fill the folder cv2/."""


PUBLIC = frozenset(
    (
        *(
            "redis",
            "valkey",
            "postgres",
            "mysql",
            "mariadb",
            "mongo",
            "memcached",
            "rabbitmq",
            "nginx",
            "httpd",
            "traefik",
        ),
        *("caddy", "haproxy", "envoy", "minio", "busybox", "alpine", "prometheus", "grafana", "elasticsearch", "etcd"),
    )
)


class Environment(Data, frozen=True, kw_only=True):
    """Packages that are installed together, the last word of each. *brought*: what insightface brings along; *image*: what they
    come into, None: a bundle that no image of the tree installs; *other*: of builds that are not PyPI's. *bare*: packages that
    came without what they require; *limited*: a file of constraints says more than was read; *doubts*: what of it cannot be told
    (analysis/deployment/understood.py), "lock": it is locked elsewhere."""

    packages: dict[str, Package]
    brought: Package | None
    image: Image | None
    group: str
    other: bool
    bare: frozenset[str] = frozenset()
    limited: bool = False
    doubts: frozenset[str] = frozenset()


def is_gpu_image(name: str) -> bool:
    return GPU_IMAGE.search(name) is not None


def cuda_major(name: str) -> int | None:
    """Of an image's name; None where it does not say."""
    match = CUDA.search(name)
    return int(match[1] or match[2]) if match else None


def image_of(source: Source, container: DeployedContainer) -> Image | None:
    """The image that the tree builds for a container: by its Dockerfile, else by the name that it is given when it is built.
    The only container of the only pod is taken to be made of the only Dockerfile."""
    built = container.dockerfile
    if built is None and container.image is not None:
        built = built_as(source, container.image)
    pods = [one for one in source.containers if one.kind == "kubernetes"]
    if built is None and pods == [container] and len(source.images) == 1 and not is_public(container.image or ""):
        return source.images[0]
    return next((image for image in source.images if image.at.file == built and is_made(container, image)), None)


def built_as(source: Source, name: str) -> str | None:
    """The Dockerfile that an image of that name is built from; by its whole name where builds differ in their tags alone, as
    face:cpu and face:gpu do."""
    alike = [tag for tag in source.tags if bare(tag.name) == bare(name)]
    same = [tag for tag in alike if tag.name == name]
    found = {tag.dockerfile for tag in same or alike}
    return found.pop() if len(found) == 1 else None


def is_made(container: DeployedContainer, image: Image) -> bool:
    """Of a stage that is not the last, nothing is known."""
    return container.target is None or container.target.lower() == image.stage


def is_public(name: str) -> bool:
    """Everybody's image, such as redis:7."""
    return bare(name) in PUBLIC


STORES = (
    "redis",
    "valkey",
    "postgres",
    "mysql",
    "mariadb",
    "mongo",
    "memcached",
    "rabbitmq",
    "minio",
    "elasticsearch",
    "etcd",
)


def is_store(name: str) -> bool:
    """Everybody's image that keeps data, and calls nobody."""
    return bare(name) in STORES


def bare(name: str) -> str:
    """An image's name without registry and tag."""
    return name.rsplit("/", 1)[-1].split("@")[0].split(":")[0]


def needs_gpu(source: Source, container: DeployedContainer) -> str | None:
    """What says that a container means to use the GPU: its image's name, or a package that its Dockerfile installs."""
    image = image_of(source, container)
    names = [container.image or "", image.base if image and not container.varied else ""]
    named = next((name for name in names if is_gpu_image(name)), None)
    if named is not None or image is None:
        return named
    return next((GPU for one in environments(source) if one.image is image and GPU in one.packages), None)


def environments(source: Source) -> Iterator[Environment]:
    used: set[str] = set()
    for image in source.images:
        yield _installed(source, image, used)
    for bundle in source.bundles:
        if (bundle.group or bundle.at.file not in used) and lock_of(source, bundle.at.file) is None:
            packages = {one.name: one for one in contents(source, bundle)}
            brought = _brings(packages, bundle.kept_out)
            doubts = frozenset(_doubts(source, [bundle]))
            group = bundle.group
            yield Environment(packages=packages, brought=brought, image=None, group=group, other=False, doubts=doubts)


def _doubts(source: Source, bundles: list[Bundle]) -> Iterator[str]:
    """What cannot be told of packages that are installed together. A lock in their folder, or above as of a workspace, says more
    than the wishes."""
    for bundle in bundles:
        yield from bundle.doubts
        yield from (two for one in source.bundles if one.at.file in bundle.included for two in one.doubts)
        if any(
            bundle.at.file.startswith(posixpath.dirname(one.at.file) + "/")
            for one in source.signs
            if one.kind == "lock"
        ):
            yield "lock"
        if any(one.kind == "deployment" for one in source.unread):
            yield PART


PART, INDEX, PYTHON = "part", "index", "python"


def is_understood(one: Environment) -> bool:
    """Whether all that comes into it can be told: each package and each file is known, nothing else is run, and no lock, no index
    and no constraint of its own says more."""
    return not one.doubts and not one.limited and not one.other and not one.bare


def is_of_pypi(one: Environment) -> bool:
    """Whether the packages that it names come from PyPI, whatever else it has."""
    return not one.doubts & {PART, INDEX} and not one.other


def lock_of(source: Source, file: str) -> str | None:
    """The file beside it that says what a file of wishes came to: uv.lock, or the compiled requirements."""
    folder, name = posixpath.split(file)
    lock = {"pyproject.toml": "uv.lock"}.get(name, name[:-3] + ".txt" if name.endswith(".in") else "")
    path = posixpath.join(folder, lock)
    return path if lock and any(one.at.file == path for one in source.bundles) else None


def contents(source: Source, bundle: Bundle) -> tuple[Package, ...]:
    """Its packages with those of the files that it includes."""
    more = (one for other in source.bundles if other.at.file in bundle.included for one in other.packages)
    return (*more, *bundle.packages)


def _installed(source: Source, image: Image, used: set[str]) -> Environment:
    """Step by step, as the Dockerfile says; notes in *used* the files that it installs."""
    packages: dict[str, Package] = {}
    brought: Package | None = None
    other = False
    bare: frozenset[str] = frozenset()
    doubts = {*image.doubts, *(() if is_wholly_known(source, image) else (PART,))}
    for step in image.steps:
        if step.does == "uninstall":
            for package in step.packages:
                packages.pop(package.name, None)
                brought = None if package.name == CPU else brought
            continue
        bundles = _named(source, step.file, image) if step.file else []
        doubts |= set(_doubts(source, bundles))
        used |= {one.at.file for one in bundles} | {file for one in bundles for file in one.included}
        came = {one.name: one for bundle in bundles if not bundle.group for one in contents(source, bundle)}
        came |= {one.name: one for one in step.packages}
        packages |= {name: kept(packages.get(name), one) for name, one in came.items()}
        bare = bare - set(came) if step.dependencies else bare | set(came)
        other = other or ((step.index or any(bundle.index for bundle in bundles)) and GPU in came)
        if step.dependencies:
            kept_out = tuple(name for bundle in bundles for name in bundle.kept_out)
            brought = _brings(came, kept_out) or brought
    limited = any(step.limited for step in image.steps)
    return Environment(
        packages=packages,
        brought=brought,
        image=image,
        group="",
        other=other,
        bare=bare,
        limited=limited,
        doubts=frozenset(doubts),
    )


def kept(before: Package | None, wanted: Package) -> Package:
    """pip leaves what is there where a requirement lets it in: of what a range let in, it may be any of both."""
    if before is None:
        return wanted
    version = pinned(before.spec)
    if wanted.spec == "" or (version is not None and allows(wanted.spec, version)):
        return replace(wanted, spec=before.spec, cuda=before.cuda)
    is_range = before.spec and version is None and pinned(wanted.spec) is None and "|" not in before.spec + wanted.spec
    return replace(wanted, spec=f"{before.spec},{wanted.spec}") if is_range else wanted


def _named(source: Source, file: str, image: Image) -> list[Bundle]:
    """The bundles of the file that a Dockerfile installs: as it stands in the build's context, which is its folder or the one
    above; else, since it may have been copied anywhere, the nearest of that name."""
    folder = posixpath.dirname(image.at.file)
    above = posixpath.dirname(folder)
    name = posixpath.basename(file)
    places = [posixpath.normpath(posixpath.join(one, path)) for path in (file, name) for one in (folder, above)]
    for place in places:
        place = lock_of(source, place) or place
        found = [bundle for bundle in source.bundles if bundle.at.file == place]
        if found:
            return found
    return [one for one in source.bundles if one.at.file.startswith(folder + "/") and bare_file(one.at.file) == name]


def installed_by(source: Source, image: Image, step: ImageStep) -> tuple[Package, ...]:
    """The packages that one step of an image names, itself or in its file."""
    bundles = _named(source, step.file, image) if step.file and step.does != "uninstall" else []
    named = [one for bundle in bundles if not bundle.group for one in contents(source, bundle)]
    return (*named, *(step.packages if step.does != "uninstall" else ()))


def is_wholly_known(source: Source, image: Image) -> bool:
    """Whether all files that it installs are read."""
    return all(step.file is None or _named(source, step.file, image) for step in image.steps)


def _brings(packages: dict[str, Package], kept_out: tuple[str, ...]) -> Package | None:
    """The insightface that brings the CPU package along."""
    face = packages.get("insightface")
    if face is None or CPU in kept_out or CPU in packages:
        return None
    return face if any(allows(face.spec, version) for version in ("1.0.1", "2.0", "2.1")) else None


def settled(source: Source, server: Server) -> Server:
    """A server with the address that it gets elsewhere: a script's in its source, gunicorn's in its configuration, an image's in
    its container's environment."""
    images = [image for image in source.images if image.server == server]
    if images and any(one.moved and not one.commanded and image_of(source, one) in images for one in source.containers):
        return replace(server, host=None, port=None)
    if server.by == "gunicorn" and server.why == "default":
        found = [
            one for one in source.servers if one.by == "gunicorn.conf.py" and bare_file(one.at.file) == server.config
        ]
    elif server.by == "python" and server.why == "default" and server.runs:
        script = server.runs if server.runs.endswith(".py") else server.runs.rpartition(".")[2] + ".py"
        found = [one for one in source.servers if bare_file(one.at.file) == bare_file(script)]
    else:
        return server
    if len(found) != 1:
        return server if not found else replace(server, host=None, port=None)
    return replace(found[0], port=server.port or found[0].port)


def bare_file(path: str) -> str:
    return path.rsplit("/", 1)[-1]


def listening(source: Source, container: DeployedContainer) -> Server | None:
    """What listens in a container: by its own command, else by its image's."""
    server = container.server
    if server is None and not container.commanded:
        image = image_of(source, container)
        server = image.server if image else None
    return settled(source, server) if server else None


def loads_model(source: Source) -> bool:
    """Whether the tree is about a service that loads a model."""
    told = any(one.kind in ("session", "cpu-session", "pack") for one in source.signs) or bool(source.meant)
    return told or any({CPU, GPU, "insightface"} & set(one.packages) for one in environments(source))


def serving(source: Source) -> Iterator[DeployedContainer]:
    """Containers in which the model is loaded."""
    for container in source.containers if loads_model(source) else ():
        if container.gpu or (listening(source, container) is not None and not is_public(container.image or "")):
            yield container
