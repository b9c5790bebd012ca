"""What the files of a tree say together of a container: which image it is made of, what it needs, which server it starts."""

from __future__ import annotations

from collections.abc import Iterator

from retina_doctor.codec import replace
from retina_doctor.patterns import pattern

from ..facts.deployment import DeployedContainer, Image, Server
from ..facts.source import Source
from .environments import CPU, GPU, environments

GPU_IMAGE = pattern(
    r"(?:^|/)cuda(?:gl)?:\d|(?:^|/)nvidia/(?:cuda|cudagl|opengl|pytorch|tensorflow|tensorrt|tritonserver|deepstream|l4t)|(?:^|/)pytorch/pytorch:.*cuda"
    r"|[-_:]cuda-?\d|[-_:.]cu1\d\d\b|(?<!no)(?<!non)-gpu\b"
)
CUDA = pattern(r"(?:(?:^|/)cuda(?:gl)?:|[-_:]cuda-?)(\d+)|[-_:.]cu(\d\d)\d\b")


PUBLIC = frozenset(
    (
        *("redis", "valkey", "postgres", "mysql", "mariadb", "mongo", "memcached", "rabbitmq", "nginx", "httpd"),
        *("traefik"),
        *("caddy", "haproxy", "envoy", "minio", "busybox", "alpine", "prometheus", "grafana", "elasticsearch", "etcd"),
    )
)


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
