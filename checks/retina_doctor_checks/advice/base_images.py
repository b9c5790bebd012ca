"""Which release of Debian or Ubuntu an image is made of, as its name says."""

from __future__ import annotations

import re

from retina_doctor.patterns import pattern

DEBIAN = {"buster": 10, "bullseye": 11, "bookworm": 12, "trixie": 13, "forky": 14}  # debian.org/releases
UBUNTU = {
    "focal": (20, 4), "jammy": (22, 4), "mantic": (23, 10), "noble": (24, 4), "oracular": (24, 10), "plucky": (25, 4),
    "questing": (25, 10),
}  # fmt: skip
"""releases.ubuntu.com"""
STABLE = 13
"""What the images of Docker's own library are made of that name no release (since August 2025)."""
OLDEST = 9
"""The oldest 3.x of python:3.x that was made anew since then: 3.8 had ended (devguide.python.org/versions)."""
REGISTRY = pattern(r"^(?:[\w.-]+(?::\d+)?/(?:[\w.-]+/)*library/|docker\.io/)?(?:library/)?")
"""What may stand before the name of an image of Docker Hub, and says nothing: a mirror's name, too."""
TAG = pattern(r"^(?P<name>debian|python)(?::(?P<tag>[\w.-]+))?(?:@.*)?$")


def in_short(image: str) -> str:
    """Its name on Docker Hub as people write it: python:3.12 for docker.io/library/python:3.12."""
    return REGISTRY.sub("", image)


def release_of(base: str) -> tuple[str, tuple[int, ...]]:
    """("debian", (13,)), ("ubuntu", (24, 4)); ("", ()) where the name does not tell."""
    base = in_short(base)
    for words, system in ((DEBIAN, "debian"), (UBUNTU, "ubuntu")):
        for word, number in words.items():
            if re.search(rf"(?:^|[^a-z]){word}(?:[^a-z]|$)", base):
                return system, number if isinstance(number, tuple) else (number,)
    ubuntu = re.search(r"ubuntu:?-?(\d\d)\.?(\d\d)", base)
    if re.fullmatch(r"ubuntu(?::latest)?", base):
        return "ubuntu", UBUNTU["noble"]  # that, or later
    if ubuntu:
        return "ubuntu", (int(ubuntu[1]), int(ubuntu[2]))
    named = TAG.match(base)
    return ("debian", _debian(named["name"], named["tag"] or "latest")) if named else ("", ())


def _debian(name: str, tag: str) -> tuple[int, ...]:
    """A tag down to the patch (python:3.11.4) stands still, and may be of any time: () for it."""
    if name == "debian":
        numbered = re.match(r"\d+", tag)
        return (int(numbered[0]),) if numbered else (STABLE,) if re.match(r"(?:latest|stable)(?:-slim)?$", tag) else ()
    floating = re.match(r"(?:latest|slim|3(?:\.(?P<minor>\d+))?)(?:-slim)?$", tag)
    return (STABLE,) if floating and int(floating["minor"] or OLDEST) >= OLDEST else ()
