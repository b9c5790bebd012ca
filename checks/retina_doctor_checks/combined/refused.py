"""What the service's packages said when they were imported or used, as one: a cause strikes several of them at once."""

from collections.abc import Iterator
from typing import Any

from retina_doctor.authoring import Gathered
from retina_doctor.codec import Data
from retina_doctor.model import Outcome, Reading

from ..facts.ort_gpu import OrtRuntime
from ..facts.python_env import Extensions, Imports
from ..facts.torch_cuda import TorchRuntime
from .refusals import Meaning, entries, meanings, of_ending

OF_A_LIBRARY = ("libc-unsupported", "executable-stack-refused", "library-mapping-refused")
"""What a loader refuses as well when a library is opened that nobody imports."""


class Struck(Data, frozen=True, kw_only=True):
    """*module* failed, or fell back, with words that mean *meaning*. *raised_in*: the package whose code met the failure;
    *asked_by*: the one that imported it."""

    module: str
    meaning: Meaning
    raised_in: str | None = None
    asked_by: str | None = None


def said_in_a_session(runtime: OrtRuntime | None, cause: str) -> Meaning | None:
    """What onnxruntime said of that cause while it made the session that the service would make, or ran it."""
    tried = runtime.service if runtime is not None else None
    said = [*entries(tried.log), tried.session_error or "", tried.run_error or ""] if tried is not None else []
    return next((one for text in said for one in meanings(text) if one.cause == cause), None)


class Refused(Gathered, frozen=True, kw_only=True):
    """The tries of all packages, however they ended."""

    imports: Reading[Imports]
    onnxruntime: Reading[OrtRuntime]
    torch: Reading[TorchRuntime]
    extensions: Extensions | None

    def struck(self, cause: str) -> tuple[Struck, ...]:
        """Those that say what alone decides that root cause, in the order in which they were tried."""
        return tuple(one for one in self._all() if one.meaning.cause == cause)

    @property
    def untold(self) -> tuple[str, ...]:
        """Probes that ended before they told all."""
        return tuple(one.probe for one in (self.imports, self.onnxruntime, self.torch) if one.value is None)

    def _all(self) -> Iterator[Struck]:
        seen: Any = self.imports.value or ()
        for one in seen.tried if seen else ():
            for meant in meanings("\n".join([one.error, *one.output]) if one.error else "")[:1]:
                yield Struck(module=one.module, meaning=meant, raised_in=one.raised_in, asked_by=one.asked_by)
        for cause in OF_A_LIBRARY:  # its import works: the provider is opened for a session
            said = said_in_a_session(self.onnxruntime.value, cause)
            if said is not None:
                yield Struck(module="onnxruntime", meaning=said)
        for name, reading in (("", self.imports), ("onnxruntime", self.onnxruntime), ("torch", self.torch)):
            ended = of_ending(reading.recorded) if reading.outcome is not Outcome.OK else None
            if ended is not None:
                module = name or (reading.recorded.stage or "").removeprefix("importing ")
                yield Struck(module=module, meaning=ended)
