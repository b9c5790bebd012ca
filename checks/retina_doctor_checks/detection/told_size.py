"""The detector's input size as the service itself tells it, and whether that is unusual whatever its pictures are."""

from __future__ import annotations

from retina_doctor.authoring import Gathered
from retina_doctor.codec import Data
from retina_doctor.model import Location
from retina_doctor.patterns import pattern

from ..combined import detection_limits as limits
from ..combined.detector_input import size_of_model
from ..facts.models import Model
from ..facts.service_start import Start
from ..facts.source import OwnSource
from ..settings import DetectionSettings
from ..settings_values import Size
from .geometry import smallest_face

FLAG = pattern(r"--(?:det|input|detection)[-_]size[= ]+[\"'(\[]?(\d{2,5})(?:\s*[x, ]\s*(\d{2,5}))?")


class ToldSize(Data, frozen=True, kw_only=True):
    """*where*: a line, a command or the settings."""

    size: Size
    where: str
    location: Location | None = None


class SizeTold(Gathered, frozen=True, kw_only=True):
    """All that may tell the size."""

    detection: DetectionSettings
    model: Model | None
    start: Start | None
    own: OwnSource | None

    @property
    def told(self) -> ToldSize | None:
        """None: nothing tells it, or the model's graph has its own."""
        if size_of_model(self.model) is not None:
            return None
        if self.detection.size is not None:
            return ToldSize(size=self.detection.size, where="detection.size")
        match = FLAG.search(self.start.command) if self.start is not None and self.start.command else None
        if match is not None:
            return ToldSize(size=Size(int(match[1]), int(match[2] or match[1])), where=match[0])
        sizes = [one for one in self.own.figures if one.kind == "size"] if self.own is not None else []
        if not sizes:
            return None
        at, (width, height) = sizes[0].at, map(int, sizes[0].numbers)
        location = Location(file=at.file, line=at.line, column=at.column)
        return ToldSize(size=Size(width, height), where=f"{at.file}:{at.line}", location=location)

    def unusual(self, *, small: bool) -> tuple[ToldSize, dict[str, object]] | None:
        """(the size, what a page says of it), where it is outside of what anybody chooses."""
        told, rule = self.told, limits.geometry()
        if told is None or self.detection.source_size is not None:
            return None
        sides = (told.size.width, told.size.height)
        if (max(sides) >= rule.least) if small else (min(sides) <= rule.most):
            return None
        usual, common = Size(rule.default, rule.default), Size(*rule.common)
        return told, {
            "size": str(told.size),
            "where": told.where,
            "source": str(common),
            "smallest": smallest_face(common, told.size, rule.smallest_face),
            "needed": str(usual),
            "fixed_line": f"app.prepare(ctx_id=0, det_size=({usual.width}, {usual.height}))",
            "again_with": [["--det-size", str(told.size)], ["--det-size", str(usual)]],
        }
