"""Words that start a program with a process's rights, in its place: for whoever copies a command out of a report.

The doctor itself takes that on by system calls (`probing/drop.py`). Here programs of this machine do, and none of a container:
its setpriv, its loader and its list of users would run with root's rights. So its mount namespace is not entered; its root
folder is, by the last of them. Nor is its user namespace: there one would have all capabilities, and is outside the same user.
nsenter and setpriv are util-linux's, chroot is GNU coreutils'.
"""

from __future__ import annotations

from retina_doctor.standpoint.capabilities import named
from retina_doctor.standpoint.standpoint import Standpoint

NOT_ENTERED = ("mnt", "user")
NO_MORE = ("--no-new-privs", "--inh-caps=-all")
"""No setuid program or one with file capabilities gains anything, and nothing is handed on."""


def entry_words(standpoint: Standpoint) -> tuple[str, ...]:
    """To be put before a program and its words; () for the doctor's own place and rights."""
    if not standpoint.foreign:
        return ()
    rights = _as_root(standpoint) if standpoint.user == 0 else _as_user(standpoint)
    kinds = [kind for kind in standpoint.namespaces if kind not in NOT_ENTERED]
    if not kinds:
        return rights
    return ("nsenter", "--target", str(standpoint.pid), *(f"--{kind}" for kind in kinds), "--", *rights)


def _as_user(standpoint: Standpoint) -> tuple[str, ...]:
    user, group = standpoint.user, standpoint.group
    if not standpoint.contained:
        return ("setpriv", f"--reuid={user}", f"--regid={group}", _groups(standpoint), *NO_MORE, "--")
    # By number alone, which "+" says: a name would be looked up in the container, by libraries of its own.
    groups = ",".join(f"+{one}" for one in standpoint.groups)
    into = ("chroot", f"--userspec=+{user}:+{group}", f"--groups={groups}", _root(standpoint))
    return ("setpriv", *NO_MORE, *into)


def _as_root(standpoint: Standpoint) -> tuple[str, ...]:
    """chroot(2) takes a capability of its own, which stays where the process has it not: alone it leads nowhere."""
    inside = "user" in standpoint.namespaces  # its capabilities count in there alone
    bounds: tuple[str, ...] = ()
    if standpoint.bounded or inside:
        kept = {*(() if inside else named(standpoint.capabilities)), *(("SYS_CHROOT",) if standpoint.contained else ())}
        bounds = (f"--bounding-set=-all{''.join(f',+{name.lower()}' for name in sorted(kept))}",)
    rights = ("setpriv", f"--regid={standpoint.group}", _groups(standpoint), *NO_MORE, *bounds)
    return (*rights, "chroot", _root(standpoint)) if standpoint.contained else (*rights, "--")


def _groups(standpoint: Standpoint) -> str:
    return f"--groups={','.join(map(str, standpoint.groups))}" if standpoint.groups else "--clear-groups"


def _root(standpoint: Standpoint) -> str:
    return f"/proc/{standpoint.pid}/root"
