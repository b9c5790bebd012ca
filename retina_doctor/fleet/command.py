"""The commands `fleet …`. What they need is imported when they run."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from retina_doctor.command import Run, taking

if TYPE_CHECKING:
    from retina_doctor.fleet.judging import Missing

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Many machines at once: collect their snapshots, report on them together, tell what changed.",
)

Format = Annotated[
    list[str] | None,
    typer.Option(
        "--format", help="terminal, json, junit, markdown, csv, html; repeatable as FORMAT=FILE.", metavar="FORMAT"
    ),
]
Files = Annotated[
    list[str],
    typer.Argument(help="Snapshots, folders of them, - for snapshots on standard input.", metavar="DIR|FILE...|-"),
]
Tolerate = Annotated[
    str, typer.Option(help="So many nodes that are not healthy change no exit code: 2% or 3.", metavar="SHARE")
]


Into = Annotated[
    Path | None, typer.Option(help="Keep this run in a history (SQLite), for `fleet diff`.", metavar="FILE")
]
Name = Annotated[str, typer.Option("--run", help="With --into: a name for this run.", metavar="NAME")]


@app.callback()
def top() -> None:
    """For a group even where it has one command."""


@app.command(cls=taking("fail_on", "no_color", "lang"))
def report(
    ctx: typer.Context,
    files: Files,
    form: Format = None,
    tolerate: Tolerate = "",
    into: Into = None,
    name: Name = "",
) -> None:
    """Judge the snapshots of many machines together: root causes by node, one plan, who differs, who is missing."""
    from retina_doctor.fleet import reporting

    reporting.report(Run.of(ctx), files, form or (), tolerate, into, name)


Sets = Annotated[
    list[str] | None, typer.Option("-w", "--nodes", help="Nodes: gpu-[01-20]; repeatable.", metavar="NODESET")
]
Groups = Annotated[
    list[str] | None,
    typer.Option("-g", "--group", help="A group of nodes, as ClusterShell is configured.", metavar="GROUP"),
]
Hosts = Annotated[str, typer.Option("--hosts", help="A file with a node set a line.", metavar="FILE")]
Inventory = Annotated[
    str, typer.Option("--inventory", help="An Ansible inventory (read by ansible-inventory).", metavar="FILE")
]
Folder = Annotated[Path, typer.Option("-o", "--output", help="The folder for the snapshots.", metavar="DIR")]
Python = Annotated[str, typer.Option(help="The service's Python on each node.", metavar="COMMAND")]
Via = Annotated[
    str,
    typer.Option(
        help="Another way in than ssh, Python included: docker -H ssh://{node} exec -i face python3.", metavar="COMMAND"
    ),
]
Deadline = Annotated[float, typer.Option(help="Seconds that each node has in all.", min=1, max=86400, metavar="S")]
Fanout = Annotated[int, typer.Option(help="Nodes that are asked at the same time.", min=1, max=10000, metavar="N")]
Kubernetes = Annotated[
    bool, typer.Option("--kubernetes", help="Look into the running pods that -n and -l name (kubectl exec).")
]
Namespace = Annotated[str, typer.Option("-n", "--namespace", help="With --kubernetes.", metavar="NS")]
Selector = Annotated[
    str, typer.Option("-l", "--selector", help="With --kubernetes: labels, app=face.", metavar="LABELS")
]
Container = Annotated[str, typer.Option("-c", "--container", help="With --kubernetes.", metavar="NAME")]
Slurm = Annotated[
    bool, typer.Option("--slurm", help="Look at nodes of Slurm's, by one step on all that are free (srun).")
]
Partition = Annotated[str, typer.Option("-p", "--partition", help="With --slurm.", metavar="NAME")]
Srun = Annotated[
    str, typer.Option("--srun", help="With --slurm: more options of srun: --gres=gpu:1.", metavar="OPTIONS")
]
NoRedact = Annotated[bool, typer.Option("--no-redact", help="Keep names, hosts and addresses.")]


@app.command(cls=taking())
def collect(
    ctx: typer.Context,
    folder: Folder,
    sets: Sets = None,
    groups: Groups = None,
    hosts: Hosts = "",
    inventory: Inventory = "",
    python: Python = "python3",
    via: Via = "",
    deadline: Deadline = 120,
    fanout: Fanout = 64,
    kubernetes: Kubernetes = False,
    namespace: Namespace = "default",
    selector: Selector = "",
    container: Container = "",
    slurm: Slurm = False,
    partition: Partition = "",
    srun: Srun = "",
    no_redact: NoRedact = False,
) -> None:
    """Look at many machines over ssh, or any other way in, and write a snapshot of each. Nothing is installed there."""
    from retina_doctor.errors import UsageError
    from retina_doctor.fleet import node_sets

    node_sets.need()
    from retina_doctor.fleet import collecting, engine, sources, ways

    run = Run.of(ctx)
    missing: list[Missing] = []
    asker, piece = engine.ask, 0
    if kubernetes:
        if sets or groups or hosts or inventory or via or slurm or not selector:
            raise UsageError("fleet collect --kubernetes: name pods with -n NAMESPACE -l LABELS, and nothing else")
        nodes = sources.pods_of(namespace, selector)
        way = ways.kubectl_way(namespace, container, python, deadline, fanout)
    elif slurm:
        if groups or hosts or inventory or via:
            raise UsageError("fleet collect --slurm: name nodes with -p PARTITION or -w NODESET, and nothing else")
        from retina_doctor.fleet import slurm as slurms

        found = slurms.nodes_of(partition, sets or ())
        nodes, missing = list(found.nodes), list(found.missing)
        by_srun = slurms.SlurmWay(partition=partition, options=srun, python=python, seconds=deadline, fanout=fanout)
        way, asker, piece = by_srun.way, functools.partial(slurms.ask, by_srun, found.free), slurms.PIECE
    else:
        way = ways.way_of(via, python, deadline, fanout)
        nodes = sources.nodes_of(sets or (), groups or (), hosts, inventory)
    collecting.collect(run, nodes, way, folder, not no_redact, missing, asker, piece)


Database = Annotated[Path, typer.Argument(help="What `fleet report --into` wrote.", metavar="FILE")]
Runs = Annotated[
    list[str] | None,
    typer.Argument(help="Names or numbers; else the last run and the one before it.", metavar="[BEFORE [AFTER]]"),
]


@app.command(cls=taking("format", "lang"))
def diff(ctx: typer.Context, file: Database, runs: Runs = None) -> None:
    """Tell what changed on which nodes between two runs that were kept, what findings depend on first."""
    from retina_doctor.fleet import differing

    differing.diff(Run.of(ctx), file, *differing.runs_of(runs or ()))


Image = Annotated[str, typer.Option(help="The service's image, with retina-doctor installed in it.", metavar="IMAGE")]
Resources = Annotated[
    list[str] | None,
    typer.Option("--resource", help="What a pod needs: nvidia.com/gpu=1; repeatable.", metavar="NAME=N"),
]
Where = Annotated[
    list[str] | None,
    typer.Option("--node-selector", help="On which nodes: KEY=VALUE; repeatable.", metavar="KEY=VALUE"),
]
manifests = typer.Typer(
    add_completion=False, rich_markup_mode=None, no_args_is_help=True, help="Print what a cluster runs."
)
app.add_typer(manifests, name="manifest")


@manifests.callback()
def of_cluster() -> None:
    """For a group even where it has one command."""


@manifests.command(cls=taking("lang"))
def kubernetes(
    ctx: typer.Context,
    image: Image,
    namespace: Namespace = "default",
    resources: Resources = None,
    where: Where = None,
) -> None:
    """A DaemonSet: a pod on each node, whose log is the node's snapshot. Pipe it to `kubectl apply -f -`."""
    from retina_doctor.fleet import manifest

    Run.of(ctx).show(manifest.kubernetes(image, namespace, resources or (), where or ()))
