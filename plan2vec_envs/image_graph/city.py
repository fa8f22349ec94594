"""A city that nobody has to download: streets and avenues, a diagonal, dead ends, a park or two, perhaps a river."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from ..errors import InvalidOptionError
from .record import WorldGraph

MIN_PLACES = 40
SPACING = 10.0  # metres between places, on average
BLOCK = (200.0, 80.0)  # metres between avenues, and between streets
_RIVER_WIDTH = 60.0
_SNAP = 25.0  # metres; the diagonal meets a crossing that is closer than this
_AVENUE, _STREET, _DIAGONAL, _LANE = range(4)


def make_city(num_places: int = 250, *, seed: int = 0, one_way: bool = False, river: bool = False) -> WorldGraph:
    """A street graph like Manhattan's, of any size; the same seed gives the same city on every machine.

    Blocks of 80 x 200 m between jittered crossings, turned by some degrees; places every 8 to 13 m (10 on average).
    Every place reaches every other; most have two neighbours, crossings three to six, dead ends one.

    Args:
        num_places: exactly so many, at least 40.
        seed: of everything that is drawn.
        one_way: make most streets and avenues one-way, with links in that direction only.
        river: a river that runs along the streets, crossed by few avenues.

    Returns:
        A world without views, whose yaw is the direction of the street at a place.

    Raises:
        InvalidOptionError: if there are too few places.
    """
    if num_places < MIN_PLACES:
        raise InvalidOptionError(f"a city of {num_places} places; need at least {MIN_PLACES}")
    rng = np.random.default_rng(seed)
    plan = _draw_plan(num_places, river, rng)
    forward, backward = _directions(plan, one_way)
    position, yaw, links = _lay_places(plan, num_places, forward, backward, rng)
    angle = np.radians(rng.uniform(15, 40))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])  # clockwise, for row vectors
    kind = "".join(("-one-way" if one_way else "", "-river" if river else ""))
    return WorldGraph.from_links(
        f"city{kind}-{num_places}",
        links,
        (position - position.mean(0)) @ turn,
        yaw=(yaw + np.degrees(angle)) % 360,
        about={"source": "make_city", "num_places": num_places, "seed": seed, "one_way": one_way, "river": river},
    )


@dataclass
class _Plan:
    """Crossings and the straight roads between them; a road is (from, to, kind, number of its street)."""

    points: list[tuple[float, float]] = field(default_factory=list)
    roads: list[tuple[int, int, int, int]] = field(default_factory=list)

    def add(self, point: np.ndarray) -> int:
        self.points.append((float(point[0]), float(point[1])))
        return len(self.points) - 1

    @property
    def ends(self) -> np.ndarray:
        """(S, 2, 2) metres of both ends of every road."""
        return np.array(self.points)[np.array(self.roads)[:, :2]]

    @property
    def lengths(self) -> np.ndarray:
        """(S,) metres."""
        ends = self.ends
        return np.hypot(*(ends[:, 1] - ends[:, 0]).T)

    def degrees(self) -> np.ndarray:
        """How many roads meet at each crossing."""
        return np.bincount(np.array(self.roads)[:, :2].ravel(), minlength=len(self.points))


def _draw_plan(num_places: int, river: bool, rng: np.random.Generator) -> _Plan:
    columns, rows = _grid_size(SPACING * num_places)
    x, y = BLOCK[0] * np.arange(columns), BLOCK[1] * np.arange(rows)
    bank = rows // 2 if river else 0  # the first row north of the river
    if river:
        y[bank:] += _RIVER_WIDTH
    grid = np.stack(np.meshgrid(x, y, indexing="ij"), 2) + np.clip(rng.normal(0, 4, (columns, rows, 2)), -10, 10)
    plan, at = _Plan(), np.arange(columns * rows).reshape(columns, rows)
    for crossing in grid.reshape(-1, 2):
        plan.add(crossing)
    bridges = set(rng.choice(columns, max(2, columns // 4), replace=False).tolist())
    for i, j in itertools.product(range(columns), range(rows)):
        if i + 1 < columns:
            plan.roads.append((at[i, j], at[i + 1, j], _STREET, j))
        if j + 1 < rows and not (river and j + 1 == bank and i not in bridges):
            plan.roads.append((at[i, j], at[i, j + 1], _AVENUE, i))
    kept_roads = {(at[i, bank - 1], at[i, bank]) for i in bridges} if river else set()
    _add_diagonal(plan, np.array([0.3 * x[-1], y[bank] - 30]), np.array([0.75 * x[-1], y[-1] + 30]))
    _remove_roads(plan, kept_roads, rng)
    _add_dead_ends(plan, rng)
    return plan


def _grid_size(length: float) -> tuple[int, int]:
    """Numbers of avenues and of streets whose total length is about right, and which fill about a square."""
    most = int(np.sqrt(length / BLOCK[1])) + 3
    columns, rows = np.meshgrid(np.arange(2, most), np.arange(2, 3 * most), indexing="ij")
    width, height = BLOCK[0] * (columns - 1), BLOCK[1] * (rows - 1)
    total = 0.95 * (columns * height + rows * width) + np.hypot(0.45 * width, height)
    cost = 3 * np.abs(np.log(total / length)) + np.abs(np.log(height / width))
    best = np.unravel_index(cost.argmin(), cost.shape)
    return int(columns[best]), int(rows[best])


def _add_diagonal(plan: _Plan, start: np.ndarray, end: np.ndarray) -> None:
    """A straight avenue across the blocks; it joins crossings on its way and makes new ones where there are none."""
    ends, line = plan.ends, end - start
    side = _cross(line, ends - start)  # (S, 2): on which side of the line
    met = np.flatnonzero(side[:, 0] * side[:, 1] < 0)
    share = side[met, 0] / (side[met, 0] - side[met, 1])
    points = ends[met, 0] + share[:, None] * (ends[met, 1] - ends[met, 0])
    along = (points - start) @ line / (line @ line)
    inside = (along > 0) & (along < 1)
    stops: list[int] = []
    for i in np.flatnonzero(inside)[np.argsort(along[inside], kind="stable")]:
        a, b, kind, number = plan.roads[met[i]]
        length = np.hypot(*(ends[met[i], 1] - ends[met[i], 0]))
        if share[i] * length < _SNAP:
            stop = a
        elif (1 - share[i]) * length < _SNAP:
            stop = b
        else:
            stop = plan.add(points[i])
            plan.roads[met[i]] = (a, stop, kind, number)
            plan.roads.append((stop, b, kind, number))
        if stop not in stops:
            stops.append(stop)
    known = {frozenset(road[:2]) for road in plan.roads}
    new = [(a, b, _DIAGONAL, 0) for a, b in itertools.pairwise(stops) if frozenset((a, b)) not in known]
    plan.roads.extend(new)


def _remove_roads(plan: _Plan, kept_roads: set[tuple[int, int]], rng: np.random.Generator) -> None:
    """Missing blocks: some streets end at a park. What is left stays in one piece."""
    candidates = [i for i, road in enumerate(plan.roads) if road[2] == _STREET and road[:2] not in kept_roads]
    degrees = plan.degrees()
    removed = set()
    for i in rng.permutation(candidates)[: max(1, len(candidates) // 8)]:
        a, b = plan.roads[i][:2]
        if min(degrees[a], degrees[b]) > 2:
            degrees[[a, b]] -= 1
            removed.add(int(i))
    for i in sorted(removed, reverse=True):
        rest = plan.roads[:i] + plan.roads[i + 1 :]
        if _is_one_piece(np.array(rest)[:, :2], len(plan.points)):
            plan.roads = rest


def _is_one_piece(roads: np.ndarray, num_points: int) -> bool:
    return connected_components(coo_array((np.ones(len(roads)), roads.T), shape=(num_points,) * 2))[0] == 1


def _add_dead_ends(plan: _Plan, rng: np.random.Generator) -> None:
    """Short lanes from the middle of some streets into a block; one that would cross another road is left out."""
    ends = plan.ends
    streets = [i for i, road in enumerate(plan.roads) if road[2] == _STREET]
    for i in rng.permutation(streets)[: max(1, len(streets) // 12)]:
        a, b, kind, number = plan.roads[i]
        share, length = rng.uniform(0.35, 0.65), rng.uniform(25, 50)
        start = ends[i, 0] + share * (ends[i, 1] - ends[i, 0])
        step = ends[i, 1] - ends[i, 0]
        if (road_length := np.hypot(*step)) < 4 * _SNAP:
            continue
        across = np.array([-step[1], step[0]]) / road_length * rng.choice([-1, 1])
        # It must not even come near a road: the lane is tested half as long again.
        if _crosses(start + across, start + 1.5 * length * across, ends):
            continue
        middle, end = plan.add(start), plan.add(start + length * across)
        plan.roads[i] = (a, middle, kind, number)
        lane = (middle, end, _LANE, 0)
        plan.roads.extend([(middle, b, kind, number), lane])
        ends = np.concatenate([ends, plan.ends[-1:]])


def _crosses(start: np.ndarray, end: np.ndarray, roads: np.ndarray) -> bool:
    """Whether a line crosses one of (S, 2, 2) roads."""
    of_roads = _cross(end - start, roads - start)
    along = roads[:, 1] - roads[:, 0]
    of_line = _cross(along, start - roads[:, 0]) * _cross(along, end - roads[:, 0])
    return bool(((of_roads[:, 0] * of_roads[:, 1] < 0) & (of_line < 0)).any())


def _cross(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Third component of the product of (..., 2) vectors: positive where b lies to the left of a."""
    return a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]


def _directions(plan: _Plan, one_way: bool) -> tuple[np.ndarray, np.ndarray]:
    """(S,) bool twice: whether a road may be driven from its first end, and from its second."""
    roads, lengths = np.array(plan.roads), plan.lengths
    start, end, kind, number = roads.T
    both = np.ones(len(roads), bool)
    if not one_way:
        return both, both
    best, best_length = (both, both), 0.0
    # Neighbouring streets run in opposite directions; every fourth avenue, the diagonal and lanes run in both.
    for street_phase, avenue_phase, wide in itertools.product(range(2), range(2), range(4)):
        single = (kind == _STREET) | ((kind == _AVENUE) & (number % 4 != wide))
        turned = (number + np.where(kind == _STREET, street_phase, avenue_phase)) % 2 == 1
        forward, backward = ~single | ~turned, ~single | turned
        ways = np.concatenate([start[forward], end[backward]]), np.concatenate([end[forward], start[backward]])
        graph = coo_array((np.ones(len(ways[0])), ways), shape=(len(plan.points),) * 2)
        piece = connected_components(graph, connection="strong")[1]
        # Once roads between pieces run in both directions, every road can be driven around, so all is one piece.
        between = piece[start] != piece[end]
        if (length := lengths[single & ~between].sum()) > best_length:
            best, best_length = (forward | between, backward | between), length
    return best


def _lay_places(
    plan: _Plan, num_places: int, forward: np.ndarray, backward: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Places at crossings and along roads: (N, 2) metres, (N,) yaw in degrees, (E, 2) directed links."""
    lengths, ends = plan.lengths, plan.ends
    gaps = _share_out(lengths, num_places - len(plan.points) + len(plan.roads))
    scale = SPACING * gaps.sum() / lengths.sum()
    east, north = (ends[:, 1] - ends[:, 0]).T
    heading = np.degrees(np.arctan2(east, north))
    heading = np.where(forward, heading, heading + 180) % 360
    points = np.array(plan.points)
    yaw_at = np.full(len(points), np.nan)
    position, yaw = [points], [yaw_at]
    links: list[np.ndarray] = []
    used = len(points)
    for i, (a, b, _, _) in enumerate(plan.roads):
        for crossing in (a, b):
            if np.isnan(yaw_at[crossing]):  # the first road there; avenues and streets come before lanes
                yaw_at[crossing] = heading[i]
        steps = rng.uniform(0.85, 1.2, gaps[i])
        share = (np.cumsum(steps) / steps.sum())[:-1, None]
        position.append(ends[i, 0] + share * (ends[i, 1] - ends[i, 0]))
        yaw.append(np.full(len(share), heading[i]))
        chain = np.concatenate([[a], np.arange(used, used + len(share)), [b]])
        used += len(share)
        along = np.stack([chain[:-1], chain[1:]], 1)
        links.extend(way for way, open_ in ((along, forward[i]), (along[:, ::-1], backward[i])) if open_)
    return scale * np.concatenate(position), np.concatenate(yaw), np.concatenate(links)


def _share_out(lengths: np.ndarray, total: int) -> np.ndarray:
    """(S,) whole numbers >= 1 in proportion to lengths, `total` in sum; the largest remainders are rounded up."""
    rest = total - len(lengths)
    exact = np.maximum(lengths / lengths.sum() * total - 1, 0)
    exact *= rest / exact.sum()
    gaps = np.floor(exact).astype(int)
    gaps[np.argsort(gaps - exact, kind="stable")[: rest - gaps.sum()]] += 1
    return gaps + 1
