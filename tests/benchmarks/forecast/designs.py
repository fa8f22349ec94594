"""Three designs of the pipeline, from a machine to a cluster, as stages: every frame a vertex; a cover; shards."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

from plan2vec_envs.errors import InvalidOptionError

from . import rates
from .machines import Cluster
from .simulate import DoesNotFitError, processes_of
from .stage import Stage

CHUNK = 100_000  # frames that are read and embedded at a time
POOL = 20  # frames looked at for each vertex of a cover, as in the presets
SHARD = 1_000_000  # vertices of a shard: what a core has as a graph in half a minute, with 3.2 GB
SHARD_LANDMARKS = 64
_MOST_FRAMES = 10**11  # a million pieces
_MOST_SPREAD = 100_000  # vertices; farthest points cost POOL times its square
_COARSE_SOURCES = 4096
_MIN_PLUS = 1e9  # sums and minima of a core a second, as numpy does them in blocks that fit its cache


@dataclass(frozen=True)
class Job:
    """What is to be learned from."""

    frames: int
    places: int | None = None
    """vertices that cover the data, where it comes back to the same places; None: every frame is a place of its own"""
    dimensions: int = 2
    """of the space of states, which decides how much of a shard lies at its border; a room has 2"""
    latent_dimensions: int = 32
    """of the local metric: four networks of 8 in the preset `quick`"""
    landmarks: int = 512
    """sources of shortest paths"""
    passes: float = 1.0
    """times that distilling sees each vertex, but never fewer frames than the preset `quick` sees in all"""
    frame_bytes: int = rates.FRAME
    recorded: bool = False
    """whether the frames are there already; otherwise they are collected first"""

    @property
    def latent(self) -> int:
        """Bytes of a frame's local latent."""
        return self.latent_dimensions * rates.FLOAT

    def __post_init__(self) -> None:
        if self.frames > _MOST_FRAMES:
            raise InvalidOptionError(f"frames is {self.frames:.3g}; at most {_MOST_FRAMES:.0g} are forecast")
        for name in ("frames", "dimensions", "latent_dimensions", "landmarks", "frame_bytes"):
            if getattr(self, name) < 1:
                raise InvalidOptionError(f"{name} is {getattr(self, name)}; need at least 1")
        if self.places is not None and not 1 <= self.places <= self.frames:
            raise InvalidOptionError(f"places is {self.places:,}; need 1 to {self.frames:,}, the number of frames")
        if not self.passes >= 0:
            raise InvalidOptionError(f"passes is {self.passes}; need 0 or more")


@dataclass(frozen=True)
class Design:
    """A way to run the pipeline.

    Attributes:
        name: for the command line.
        title: what it does, in a few words.
        built: whether this package runs it; otherwise its stages say what it would cost.
        stages: of a job on a cluster.
        limit: why it is not for a job, or None; of what memory allows the stages tell.
    """

    name: str
    title: str
    built: bool
    stages: Callable[[Job, Cluster], list[Stage]]
    limit: Callable[[Job], str | None]


def halo_share(vertices: float, dimensions: int) -> float:
    """How many vertices lie within an edge's length around a cubic shard of so many, over those in it.

    The shard's side, in edge lengths, is (vertices * ball / 20)^(1/d), where 20 neighbours fill the unit ball.
    """
    ball = math.pi ** (dimensions / 2) / math.gamma(dimensions / 2 + 1)
    side = (vertices * ball / rates.EDGES) ** (1 / dimensions)
    return (1 + 2 / side) ** dimensions - 1


def _chunks(name: str, frames: int, rate: rates.Rate, job: Job, written: int) -> Stage:
    chunk = min(CHUNK, frames)
    disk = chunk * (job.frame_bytes + written)
    return Stage(name, math.ceil(frames / chunk), rate.at(chunk), rates.PROCESS + disk, disk)


def _first(job: Job, learned: int) -> list[Stage]:
    """Frames, and a local metric: its steps do not depend on how many frames there are.

    It holds the frames that it learns from, and a copy of its split of them.
    """
    frames = learned * job.frame_bytes
    held = 2 * (rates.PROCESS + frames)
    local = Stage("local metric", 1, rates.LOCAL_STEPS.at(400), held, disk=frames, keeps=rates.CHECKPOINT)
    if job.recorded:
        return [local]
    chunk = min(50_000, job.frames)
    disk = chunk * job.frame_bytes
    collected = (
        math.ceil(job.frames / chunk),
        rates.COLLECT.at(chunk) + rates.SAVE.at(chunk),
        rates.PROCESS + disk,
        disk,
    )
    return [Stage("collect", *collected), local]


def _graph(job: Job, vertices: int) -> Stage:
    rate = rates.GRAPH if job.latent_dimensions <= rates.TREE_DIMENSIONS else rates.GRAPH_BY_INDEX
    memory = rates.PROCESS + vertices * (rates.EDGES * rates.EDGE_BUILT + job.latent)
    return Stage("graph", 1, rate.at(vertices), memory, disk=vertices * job.latent)


def _landmarks(job: Job, vertices: int) -> Stage:
    graph = vertices * rates.EDGES * rates.EDGE_SEARCHED
    memory = rates.PROCESS + vertices * rates.VERTEX_SEARCHED
    row = vertices * rates.FLOAT
    return Stage("landmarks", job.landmarks, rates.SOURCE.at(vertices), memory, network=row, once=graph)


def _distil(job: Job, cluster: Cluster, vertices: int, held: float) -> Stage:
    """Gradient steps, by all GPUs in parallel or by one core; frames are read as they are needed."""
    seen = max(rates.GLOBAL_FRAMES.size, job.passes * vertices)
    gpus = cluster.machine.gpus * cluster.count
    rate, pieces = (rates.GLOBAL_FRAMES_GPU, gpus) if gpus else (rates.GLOBAL_FRAMES, 1)
    read = seen / pieces * job.frame_bytes
    device = "gpu" if gpus else "core"
    return Stage(
        "distil",
        pieces,
        rate.at(seen) / pieces,
        2 * rates.PROCESS + held,
        disk=read,
        keeps=rates.CHECKPOINT,
        device=device,
    )


def _held(job: Job, vertices: int) -> float:
    """Rows of distances from all landmarks, and the frames of the vertices."""
    return vertices * (job.landmarks * rates.FLOAT + job.frame_bytes)


def _whole(job: Job, cluster: Cluster) -> list[Stage]:
    return [
        *_first(job, job.frames),
        _chunks("local latents", job.frames, rates.LOCAL_LATENTS, job, job.latent),
        _graph(job, job.frames),
        _landmarks(job, job.frames),
        _distil(job, cluster, job.frames, held=_held(job, job.frames)),
        _chunks("latents", job.frames, rates.LATENTS, job, rates.EMBEDDING),
    ]


def _cover(job: Job, cluster: Cluster) -> list[Stage]:
    vertices = job.places or job.frames
    pool = min(job.frames, POOL * vertices)
    return [
        *_first(job, pool),
        _chunks("local latents of a pool", pool, rates.LOCAL_LATENTS, job, job.latent),
        Stage("spread", 1, rates.SPREAD.at(pool * vertices), rates.PROCESS + pool * 2 * job.latent),
        _graph(job, vertices),
        _landmarks(job, vertices),
        _distil(job, cluster, vertices, held=_held(job, vertices)),
        _chunks("latents", job.frames, rates.LATENTS, job, rates.EMBEDDING),
    ]


def _shards(job: Job, cluster: Cluster) -> list[Stage]:
    count = max(2, math.ceil(job.frames / SHARD))
    inside = math.ceil(job.frames / count)
    share = halo_share(inside, job.dimensions)
    halo = inside * share
    each = math.ceil(inside + halo)
    away = 1 - 1 / cluster.count  # share of what lies on another machine
    chunk = min(CHUNK, job.frames)
    local = _chunks("local latents", job.frames, rates.LOCAL_LATENTS, job, job.latent)
    scatter = Stage(
        "scatter to shards",
        local.pieces,
        rates.SPREAD.at(chunk * count),
        rates.PROCESS + 2 * chunk * job.latent,
        disk=chunk * job.latent * (2 + share),
        network=chunk * job.latent * (1 + share) * away,
    )
    rows = SHARD_LANDMARKS * inside * rates.FLOAT
    searched = each * (rates.EDGES * rates.EDGE_SEARCHED + rates.VERTEX_SEARCHED)
    paths = Stage(
        "landmarks of shards",
        count,
        SHARD_LANDMARKS * rates.SOURCE.at(each),
        rates.PROCESS + searched,
        disk=rows,
    )
    # A pair of neighbours: the shortest way between each two of their landmarks over the border that both know.
    border = SHARD_LANDMARKS * halo / (2 * job.dimensions) * rates.FLOAT
    pairs = Stage(
        "join shards",
        count * job.dimensions,
        SHARD_LANDMARKS**2 * halo / (2 * job.dimensions) / _MIN_PLUS,
        rates.PROCESS + 2 * border,
        disk=2 * border,
        network=border * away,
    )
    coarse = count * SHARD_LANDMARKS
    degree = SHARD_LANDMARKS * (1 + 2 * job.dimensions)
    graph = coarse * degree * rates.EDGE_SEARCHED
    row = coarse * rates.FLOAT
    ways = Stage(
        "ways between landmarks",
        min(coarse, _COARSE_SOURCES),
        rates.SOURCE.at(coarse) * degree / rates.EDGES,  # Dijkstra looks at every edge once
        rates.PROCESS + coarse * rates.VERTEX_SEARCHED,
        network=row,
        once=graph,
    )
    table = min(coarse, _COARSE_SOURCES) * row
    distil = _distil(job, cluster, job.frames, held=table + rows)
    latents = _chunks("latents", job.frames, rates.LATENTS, job, rates.EMBEDDING)
    built = replace(_graph(job, each), name="graphs of shards", pieces=count)
    return [*_first(job, min(job.frames, SHARD)), local, scatter, built, paths, pairs, ways, distil, latents]


def _whole_limit(job: Job) -> str | None:
    if job.frames * rates.EDGES >= rates.MOST_EDGES:
        most = rates.MOST_EDGES // rates.EDGES
        return f"scipy's Dijkstra counts edges in 32 bits, so at most {most:,} vertices of degree {rates.EDGES}"
    return None


def _cover_limit(job: Job) -> str | None:
    if job.places is None:
        return "no number of places is given: every frame counts as a place of its own"
    if job.places > _MOST_SPREAD:
        return f"farthest points cost {POOL} x places squared; at most {_MOST_SPREAD:,} places are spread"
    return None


def _shards_limit(job: Job) -> str | None:
    share = halo_share(min(job.frames, SHARD), job.dimensions)
    if share > 2:
        return (
            f"in {job.dimensions} dimensions a shard of {min(job.frames, SHARD):,} vertices has {share:.0f} times as "
            "many around it: cover the data by places instead"
        )
    return None


DESIGNS = {
    design.name: design
    for design in (
        Design("cover", "vertices spread over the data, the frames looked up by φ alone", True, _cover, _cover_limit),
        Design("whole", "every frame is a vertex of one graph", True, _whole, _whole_limit),
        Design("shards", "a graph a cell of the latent space, landmarks in each", False, _shards, _shards_limit),
    )
}
"""The cheapest first."""


def refusal(design: Design, job: Job, cluster: Cluster) -> str | None:
    """Why a design is not for this job on this cluster, in a sentence, or None."""
    if found := design.limit(job):
        return found
    try:
        for stage in design.stages(job, cluster):
            processes_of(stage, cluster.machine)
    except DoesNotFitError as error:
        return str(error)
    return None


def choose_design(job: Job, cluster: Cluster) -> Design | None:
    """The first design that does; None if there is none."""
    return next((design for design in DESIGNS.values() if refusal(design, job, cluster) is None), None)
