"""What a file of the source is, by its place."""

from __future__ import annotations

from retina_doctor.patterns import pattern

from ..facts.source import Source

TESTS = pattern(r"(?:^|/)(?:tests?/|test_[^/]*$|conftest\.py$)")


def within(source: Source, file: str) -> str:
    """The path inside of what is scanned."""
    return next(
        (file[len(path) + 1 :] for path in source.paths if file.startswith(path + "/")), file.rpartition("/")[2]
    )


def is_test(source: Source, file: str) -> bool:
    """By its place in what is scanned: above that, a folder may be called anything."""
    return TESTS.search(within(source, file)) is not None
