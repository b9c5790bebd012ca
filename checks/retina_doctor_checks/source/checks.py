"""What the service's Python source costs it, by the rules of python/. What breaks is an error; what may be meant is a warning."""

from __future__ import annotations

from retina_doctor.authoring import Action, Answer, check
from retina_doctor.codec import replace
from retina_doctor.model import Severity

from ..combined.source_files import is_test, within
from ..facts.source import Cause, Hit, OwnSource, Source
from ..versions import allows
from .environments import CPU, RIVALS, environments, lock_of
from .judging import SourcePlace, answer, of_source, scanned, scanned_for_gpu

APIS = {"0.7": "0.7.3", "1.0": "1.0.1", "2.1": "2.1"}
"""The versions of insightface whose sources were read -> the release that stands for them."""
MAY_BE_MEANT = ("cpu-only", "from-disk", "rgb")
"""A tool for the CPU; a picture that comes along with the service; colours in another order, which cost scores alone."""
AGAINST_THE_REST = ("ctx-id",)
"""What is meant where nothing else of the tree names the GPU."""
OF_NO_TEST = ("no-face-not-handled", "model-wrong-directory", "image-not-read", "service-model-per-request")


def is_mere_test(source: Source, hit: Hit) -> bool:
    """A test knows its pictures, where it is started, and that it needs no card."""
    meant = hit.cause in OF_NO_TEST or hit.why in (*MAY_BE_MEANT, *AGAINST_THE_REST)
    return meant and is_test(source, hit.at.file)


def may_be_meant(source: Source, hit: Hit) -> bool:
    return hit.why in MAY_BE_MEANT or (
        not source.meant and (hit.why in AGAINST_THE_REST or (hit.why == "none" and is_for_cpu(source)))
    )


def is_for_cpu(source: Source) -> bool:
    """Whether the tree installs the CPU's onnxruntime and no other, and asks for a GPU nowhere."""
    found = list(environments(source))
    on_gpu = any((set(RIVALS) - {CPU}) & set(one.packages) for one in found) or any(
        one.gpu for one in source.containers
    )
    return not on_gpu and any(CPU in one.packages for one in found)


def corrections(source: Source, hit: Hit) -> tuple[str | None, str | None]:
    """(the line as it should be, as it could be). A file in a folder of the tree may be started from the tree's top, beside
    which its model lies."""
    if hit.cause == "model-wrong-directory" and "/" in within(source, hit.at.file):
        return None, hit.fixed
    return hit.fixed, hit.draft


def is_known(api: set[str], hit: Hit) -> bool:
    """Whether all versions that may be installed are among those of which the hit is true. What insightface refuses is read
    in a few versions: 0.1 took prepare(nms=...)."""
    of_insightface = hit.cause == "det-not-prepared" or (
        hit.cause == "det-parameter-ignored" and hit.why != "detect-faces"
    )
    return not of_insightface or set(hit.api or APIS) >= api


def installed(source: Source) -> set[str]:
    """The versions of insightface, of those that hits tell apart, that the tree's requirements let in; "": another one."""
    bundles = [bundle for bundle in source.bundles if lock_of(source, bundle.at.file) is None]
    specs = [one.spec for bundle in bundles for one in bundle.packages if one.name == "insightface"]
    specs += [
        one.spec
        for image in source.images
        for step in image.steps
        for one in step.packages
        if one.name == "insightface"
    ]
    return {api for spec in specs or [""] for api, version in APIS.items() if allows(spec, version)} or {""}


def answered(source: Source, code: str, cause: Cause) -> Answer:
    api = installed(source)
    places = (
        SourcePlace(
            at=hit.at,
            why=hit.why,
            what=hit.what,
            fixed=fixed,
            also=hit.also,
            draft=draft,
            at_most=Severity.WARNING if may_be_meant(source, hit) else None,
        )
        for hit in source.hits
        if hit.cause == cause and is_known(api, hit) and not is_mere_test(source, hit)
        for fixed, draft in [corrections(source, hit)]
    )
    return answer(source, code, cause, places, of=("python",))


@check("RD275", "ort-provider-not-requested", Severity.ERROR, pitfall=2, scope=scanned_for_gpu, action=Action.EDIT)
@of_source
def ort_provider_not_requested(source: Source) -> Answer:
    return answered(source, "RD275", "ort-provider-not-requested")


@check("RD246", "cuda-hardcoded", Severity.WARNING, pitfall=2, scope=scanned, action=Action.EDIT)
@of_source
def cuda_hardcoded(source: Source) -> Answer:
    return answered(source, "RD246", "cuda-hardcoded")


@check("RD409", "det-parameter-ignored", Severity.ERROR, pitfall=4, scope=scanned, action=Action.EDIT)
@of_source
def det_parameter_ignored(source: Source) -> Answer:
    return answered(source, "RD409", "det-parameter-ignored")


@check("RD410", "no-face-not-handled", Severity.ERROR, pitfall=4, scope=scanned, action=Action.EDIT)
@of_source
def no_face_not_handled(source: Source) -> Answer:
    return answered(source, "RD410", "no-face-not-handled")


@check("RD131", "model-wrong-directory", Severity.ERROR, pitfall=1, scope=scanned, action=Action.EDIT)
@of_source
def model_wrong_directory(source: Source) -> Answer:
    """Of a service that is started here a warning at most: its path may well lead somewhere from there."""
    found = answered(source, "RD131", "model-wrong-directory")
    if isinstance(source, OwnSource) and isinstance(found, list):
        return [replace(one, at_most=Severity.WARNING) for one in found]
    return found


@check("RD426", "image-not-read", Severity.ERROR, pitfall=4, scope=scanned, action=Action.EDIT)
@of_source
def image_not_read(source: Source) -> Answer:
    return answered(source, "RD426", "image-not-read")


@check("RD530", "service-model-per-request", Severity.ERROR, pitfall=2, scope=scanned, action=Action.EDIT)
@of_source
def service_model_per_request(source: Source) -> Answer:
    return answered(source, "RD530", "service-model-per-request")


@check("RD427", "image-wrong-form", Severity.ERROR, pitfall=4, scope=scanned, action=Action.EDIT)
@of_source
def image_wrong_form(source: Source) -> Answer:
    return answered(source, "RD427", "image-wrong-form")


@check("RD411", "det-not-prepared", Severity.ERROR, pitfall=4, scope=scanned, action=Action.EDIT)
@of_source
def det_not_prepared(source: Source) -> Answer:
    """Whatever another file prepares may be it."""
    files = {one.at.file for one in source.signs if one.kind == "prepared"}
    alone = [one for one in source.hits if one.cause != "det-not-prepared" or files <= {one.at.file}]
    return answered(replace(source, hits=tuple(alone)), "RD411", "det-not-prepared")
