"""RD278: is onnxruntime-gpu built for the CUDA that its image has, or that torch brings?"""

from __future__ import annotations

from retina_doctor.authoring import Action, Answer, check
from retina_doctor.model import Reason, Severity

from ..advice.base_images import in_short
from ..combined.asides import asides
from ..facts.deployment import Image, Package
from ..facts.source import Source
from ..versions import pinned
from .builds_required import built, fitting, repinned
from .environments import GPU, Environment, environments
from .judging import SourcePlace, answer, of_source, scanned_for_gpu
from .package_checks import BARE, once
from .together import cuda_major


@check("RD278", "ort-cuda-major-mismatch", Severity.ERROR, pitfall=2, scope=scanned_for_gpu, action=Action.EDIT)
@of_source
def ort_cuda_major_mismatch(source: Source) -> Answer:
    places = (place for one in environments(source) if (place := mismatch(one)) is not None)
    return answer(source, "RD278", "ort-cuda-major-mismatch", once(places), of=("deployment",))


def mismatch(one: Environment) -> SourcePlace | None:
    """A wheel whose own CUDA packages come along (extras) needs none of the image's."""
    package = one.packages.get(GPU)
    major = cuda_major(one.image.base) if one.image else None
    if package is None or one.image is None or package.extras or one.other:
        return None
    if major is None and BARE.match(in_short(one.image.base)):
        return mismatch_with_torch(one, one.image, package)
    if major is None:
        return None
    build = built(package)
    if build is None or build.cuda[0] == major:
        return None
    fits = fitting(major)
    is_pinned = pinned(package.spec) is not None
    return SourcePlace(
        at=package.at,
        why="pinned" if is_pinned else "newest",
        what=f"{GPU} {build.version}",
        fixed=repinned(package, fits.version) if fits else None,
        at_most=None if is_pinned else Severity.WARNING,
        more={
            "base": one.image.base,
            "major": major,
            "build_cuda": build.cuda[0],
            "fits": fits.version if fits else None,
            "remedy": asides(
                Reason(
                    "pin-or-other-image" if fits else "other-image",
                    {"fits": fits.version if fits else "", "major": major, "cuda": build.cuda[0]},
                )
            ),
        },
    )


def mismatch_with_torch(one: Environment, image: Image, package: Package) -> SourcePlace | None:
    """In an image without CUDA torch alone brings its libraries, of the version that it was built for."""
    torch, build = one.packages.get("torch"), built(package)
    others = any(name.startswith("nvidia-") or name == "tensorflow" for name in one.packages)
    if torch is None or not torch.cuda or build is None or others or image.brings or build.cuda[0] == int(torch.cuda):
        return None
    fits = fitting(int(torch.cuda))
    more = {"base": f"torch{torch.spec}", "major": int(torch.cuda), "build_cuda": build.cuda[0]}
    remedy = (
        Reason("pin-or-other-torch", {"fits": fits.version, "major": torch.cuda, "cuda": build.cuda[0]})
        if fits
        else None
    )
    return SourcePlace(
        at=package.at,
        why="torch",
        what=f"{GPU} {build.version}",
        fixed=repinned(package, fits.version) if fits else None,
        more={**more, "fits": fits.version if fits else None, "remedy": asides(remedy)},
    )
