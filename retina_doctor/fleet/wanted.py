"""Which nodes are asked and by which way: by ssh or another command, through gateways, as pods, as nodes of Slurm."""

from __future__ import annotations

import functools
from collections.abc import Sequence

from retina_doctor.codec import Data, replace
from retina_doctor.fleet import engine, slurm, sources, ways
from retina_doctor.fleet.judging import Missing
from retina_doctor.fleet.node_sets import NodesNamed
from retina_doctor.fleet.ways import Way


class NodesWanted(Data, frozen=True, kw_only=True):
    """*asker*: by what the *nodes* are asked; *piece*: in lines of so many bytes at most (0: of any). *missing*: those that need
    not be asked; *refused*: what was to name nodes and does not."""

    nodes: tuple[str, ...]
    way: Way
    asker: engine.Asker = engine.ask
    piece: int = 0
    missing: tuple[Missing, ...] = ()
    refused: tuple[str, ...] = ()

    @property
    def names(self) -> list[str]:
        """All of them."""
        return list(dict.fromkeys((*self.nodes, *(one.label for one in self.missing))))


def hosts(named: NodesNamed, via: str, topology: str, python: str, seconds: float, fanout: int) -> NodesWanted:
    """*topology*: the file that names gateways. Raises UsageError."""
    way = ways.way_of(via, python, seconds, fanout)
    asked = NodesWanted(nodes=named.nodes, way=way, refused=named.refused)
    if not topology:
        return asked
    from retina_doctor.fleet import tree

    tree.load(topology)
    return replace(asked, asker=tree.ask)


def pods(namespace: str, selector: str, container: str, python: str, seconds: float, fanout: int) -> NodesWanted:
    """Raises UsageError."""
    way = ways.kubectl_way(namespace, container, python, seconds, fanout)
    found = sources.pods_of(namespace, selector)
    return NodesWanted(nodes=found.nodes, way=way, refused=found.refused)


def of_slurm(
    partition: str, sets: Sequence[str], options: str, python: str, seconds: float, fanout: int
) -> NodesWanted:
    """Raises UsageError."""
    found = slurm.nodes_of(partition, sets)
    by_srun = slurm.SlurmWay(partition=partition, options=options, python=python, seconds=seconds, fanout=fanout)
    return NodesWanted(
        nodes=found.nodes,
        way=by_srun.way,
        asker=functools.partial(slurm.ask, by_srun, found.free),
        piece=slurm.PIECE,
        missing=found.missing,
        refused=found.refused,
    )
