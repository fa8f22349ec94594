"""The graph protocol, on graphs small enough to know what every walker does."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents import Graph, UniformAgent
from agents.graphs.search import SearchBudget
from evaluation.errors import ProtocolError
from evaluation.protocols.graph_walk import graph_walk
from evaluation.protocols.heuristics import vertex_heuristic
from evaluation.protocols.memory_graph import GraphTasks, MemoryGraph, graph_tasks, memory_graph
from evaluation.protocols.oracles import oracles
from evaluation.protocols.tasks import describe_tasks
from evaluation.protocols.worlds import room_of
from plan2vec_envs.geometry import STEP

from ..conftest import CMAZE, Chain, ChainDataset

OPEN = "Plan2vec/Open-v0"


@pytest.fixture(scope="module")
def chain():
    return memory_graph(Chain(), ChainDataset())


def world(edges, position):
    """A memory graph whose frames are the numbers of its vertices."""
    position = np.asarray(position, float)
    rows = np.arange(len(position))
    return MemoryGraph(Graph.from_edges(len(rows), edges), rows, rows[:, None], position, OPEN, None)


class Table:
    """An agent whose D is a table (V, V)."""

    name = "table"

    def __init__(self, table):
        self.table = np.asarray(table, np.float32)

    def distance(self, x, g):
        return self.table[x[:, 0], g[:, 0]]


def test_a_walker_that_knows_the_distance_arrives_in_as_many_hops_as_there_are(chain):
    result = graph_walk(Chain(), chain, graph_tasks(chain, num_tasks=30), keep_paths=True)
    assert result.success_rate == 1.0
    hops = [round(np.abs(path[0] - path[-1]).max() / 0.03) for path in result.trajectories]
    assert result.steps.tolist() == hops


@pytest.mark.parametrize("k", [1, 2, 3, 7])
@pytest.mark.parametrize("add_path_cost", [True, False])
def test_hops_are_edges_however_far_the_walker_looks(chain, k, add_path_cost):
    result = graph_walk(
        Chain(), chain, np.array([[0, 7], [6, 1]]), budget=SearchBudget(lookahead=k), add_path_cost=add_path_cost
    )
    assert result.steps.tolist() == [7, 5]
    assert graph_walk(
        Chain(), chain, np.array([[0, 7]]), budget=SearchBudget(lookahead=k), horizon=6
    ).success_02.tolist() == [False]


def test_a_walker_that_is_misled_does_not_arrive(chain):
    result = graph_walk(Chain(goal_side=-1), chain, graph_tasks(chain, num_tasks=30))
    assert result.success_rate < 1.0
    assert (result.steps[~result.success_02] == 50).all()


def test_a_walker_has_no_memory_and_chance_frees_it_from_a_circle():
    """0 and 1 lie nearest to the goal 3 by D, so a greedy walker goes to and fro between them for ever."""
    memory = world([(0, 1, 1), (1, 0, 1), (1, 2, 1), (2, 3, 1), (2, 1, 1)], [(-0.1, 0), (-0.05, 0), (0, 0), (0.05, 0)])
    table = np.zeros((4, 4))
    table[:, 3] = [1, 2, 5, 0]
    stuck = graph_walk(Table(table), memory, np.array([[0, 3]]), keep_paths=True)
    assert not stuck.success_02[0]
    assert np.unique(stuck.trajectories[0], axis=0).tolist() == [[-0.1, 0], [-0.05, 0]]
    assert len(stuck.trajectories[0]) == 51
    freed = [
        graph_walk(Table(table), memory, np.array([[0, 3]]), epsilon=0.3, seed=seed).success_02[0] for seed in range(20)
    ]
    assert sum(freed) >= 15


def test_chance_draws_every_vertex_of_the_ball_alike():
    """A star: the first hop of 3000 walkers with epsilon 1 is uniform over its four tips."""
    memory = world([(0, tip, 1) for tip in (1, 2, 3, 4)], [(0, 0), (0.1, 0), (0, 0.1), (-0.1, 0), (0, -0.1)])
    pairs = np.tile([[0, 1]], (3000, 1))
    result = graph_walk(Table(np.zeros((5, 5))), memory, pairs, epsilon=1.0, horizon=1, keep_paths=True)
    ends = np.array([path[-1] for path in result.trajectories])
    counts = np.unique(ends, axis=0, return_counts=True)[1]
    assert len(counts) == 4
    assert (np.abs(counts - 750) < 100).all()  # 4 standard deviations of 23.7


def test_the_uniform_policy_walks_at_random(chain):
    result = graph_walk(UniformAgent(), chain, np.array([[3, 7]] * 50))
    assert result.config["epsilon"] == 1.0
    assert len(set(result.steps.tolist())) > 5


def test_path_cost_is_weighed_against_distance():
    """Two hops ahead lie 3 (cost 2, D = 3) and 4 (cost 10, D = 2); one hop ahead nothing but D counts."""
    edges = [(0, 1, 1), (1, 3, 1), (0, 2, 5), (2, 4, 5), (3, 5, 3), (4, 5, 3)]
    memory = world(edges, [(-0.1, 0), (0, 0.1), (0, -0.1), (0.1, 0.1), (0.1, -0.1), (0.2, 0)])
    table = np.zeros((6, 6))
    table[:, 5] = [6, 5, 4, 3, 2, 0]

    def first(k, add_path_cost):
        budget = SearchBudget(lookahead=k)
        walked = graph_walk(
            Table(table), memory, np.array([[0, 5]]), budget=budget, add_path_cost=add_path_cost, keep_paths=True
        )
        return walked.trajectories[0][1].tolist()

    assert first(2, True) == [0, 0.1]
    assert first(2, False) == first(1, True) == first(1, False) == [0, -0.1]


def test_near_duplicates_do_not_hold_a_walker_that_looks_at_the_rim():
    """0 and 1 show the same place. D is exact up to .9, so path cost + D is least at the duplicate."""
    position = [(-0.1, 0), (-0.1, 0), (-0.07, 0), (-0.04, 0), (-0.01, 0)]
    memory = world([(0, 1, 0.01), (1, 0, 0.01), (0, 2, 1), (1, 2, 1), (2, 3, 1), (3, 4, 1), (4, 3, 1)], position)
    table = np.zeros((5, 5))
    table[:, 4] = [2.7, 2.7, 1.8, 0.9, 0]
    pairs, budget = np.array([[0, 4]]), SearchBudget(lookahead=2)
    assert graph_walk(Table(table), memory, pairs, budget=budget).success_02[0]
    assert graph_walk(Table(table), memory, pairs, budget=budget).steps[0] == 3


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000))
def test_a_walk_goes_where_a_plain_loop_would(seed):
    rng = np.random.default_rng(seed)
    size = 12
    edges = [(a, b, 1.0) for a in range(size) for b in range(size) if a != b and rng.random() < 0.2]
    memory = world(edges, rng.uniform(-0.2, 0.2, (size, 2)))
    table = rng.integers(0, 5, (size, size)).astype(float)  # many ties
    start, goal = rng.integers(size, size=2)
    result = graph_walk(Table(table), memory, np.array([[start, goal]]), keep_paths=True)
    at, hops = start, 0
    while at != goal and np.linalg.norm(memory.position[at] - memory.position[goal]) >= 0.02 and hops < 50:
        neighbours = [b for a, b, _ in edges if a == at]
        if not neighbours:
            break
        at, hops = min(neighbours, key=lambda v: (table[v, goal], v)), hops + 1
    assert result.trajectories[0][-1].tolist() == memory.position[at].tolist()
    if result.success_02[0]:
        assert result.steps[0] == hops


def test_graph_tasks_are_at_least_a_step_apart_and_depend_on_the_seed(chain):
    one, same, other = (graph_tasks(chain, num_tasks=30, seed=s).pairs for s in (1, 1, 2))
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)
    assert (one[:, 0] != one[:, 1]).all()


def test_tasks_in_metres_go_to_the_nearest_vertices(chain):
    tasks = describe_tasks(OPEN, np.array([7]), np.array([[-0.09, 0.01]]), np.array([[0.08, -0.02]]))
    found = GraphTasks.of(chain, tasks)
    assert found.pairs.tolist() == [[0, 6]]
    assert found.tasks.seeds.tolist() == [7]


def test_agents_without_latents_are_asked_about_each_pair_once(chain):
    agent = Chain()
    heuristic = vertex_heuristic(agent, chain)
    vertices, goals = np.array([1, 1, 2, 5]), np.array([3, 3, 3, 0])
    assert heuristic(vertices, goals).tolist() == [2, 2, 1, 5]
    assert heuristic(vertices[::-1], goals[::-1]).tolist() == [5, 1, 2, 2]
    graph_walk(agent, chain, graph_tasks(chain, num_tasks=30), heuristic=heuristic)
    assert len(agent.questions) == len(set(agent.questions))


def test_agents_with_latents_embed_each_vertex_once(chain):
    class Latent:
        name = "latent"
        embedded = 0

        def embed(self, x):
            self.embedded += len(x)
            return x.astype(np.float32)

        def between(self, z, g):
            return np.abs(z - g)[:, 0]

    agent = Latent()
    heuristic = vertex_heuristic(agent, chain)
    assert heuristic(np.array([1, 2]), np.array([3, 7])).tolist() == [2, 5]
    assert graph_walk(agent, chain, np.array([[0, 7]]), heuristic=heuristic).success_rate == 1.0
    assert agent.embedded == 8


def test_an_agent_without_a_graph_lends_none():
    with pytest.raises(ProtocolError, match="no graph"):
        memory_graph(Table([]), ChainDataset())


def test_a_dataset_without_true_positions_is_refused():
    dataset = ChainDataset()
    dataset.oracle_position = None
    with pytest.raises(ProtocolError, match="true positions"):
        memory_graph(Chain(), dataset)


def test_a_queue_and_an_impossible_chance_are_refused_rather_than_ignored(chain):
    pairs = np.array([[0, 1]])
    with pytest.raises(ProtocolError, match="queue_size=5"):
        graph_walk(Chain(), chain, pairs, budget=SearchBudget(queue_size=5))
    with pytest.raises(ProtocolError, match=r"epsilon=1\.5"):
        graph_walk(Chain(), chain, pairs, epsilon=1.5)


def test_a_walk_that_has_spent_its_expansions_stays_where_it_is(chain):
    result = graph_walk(Chain(), chain, np.array([[0, 7]]), budget=SearchBudget(max_expansions=3), keep_paths=True)
    assert not result.success_02[0]
    assert result.trajectories[0][-1, 0] == pytest.approx(-0.1 + 3 * 0.03)


@pytest.fixture(scope="module")
def c_maze():
    """Random places of the C-Maze, joined to those within a step and a half where the straight line is free."""
    rng = np.random.default_rng(0)
    room = room_of(CMAZE)
    position = room.nearest_free(rng.uniform(-0.24, 0.24, (1500, 2)))
    a, b = np.divmod(np.arange(1500 * 1500), 1500)
    near = (np.abs(position[a] - position[b]).max(1) < 1.5 * STEP) & (a != b)
    a, b = a[near], b[near]
    free = ~room.segment_is_blocked(position[a], position[b])
    edges = np.column_stack([a[free], b[free], np.ones(free.sum())])
    rows = np.arange(1500)
    return MemoryGraph(Graph.from_edges(1500, edges), rows, rows[:, None], position, CMAZE, None)


def test_oracles_walk_a_memory_graph_by_what_they_know(c_maze):
    tasks = graph_tasks(c_maze, num_tasks=100)
    judged = {oracle.name: graph_walk(oracle, c_maze, tasks) for oracle in oracles(CMAZE)}
    assert all(result.oracle for result in judged.values())
    # Greedy on a sparse graph sticks where no vertex lies beyond a corner, whatever it knows.
    assert judged["straight-line"].blocked_success_rate < 0.5
    assert min(judged[name].blocked_success_rate for name in ("geodesic", "dijkstra")) > 0.65
