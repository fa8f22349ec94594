"""The protocols, judged with agents whose score is known beforehand."""

import numpy as np
import pytest

from agents import UniformAgent
from evaluation.protocols.closed_loop import closed_loop, decision_seconds
from evaluation.protocols.oracles import TrueGraphDijkstra, imagine_moves, oracles
from evaluation.protocols.results import EvalResult
from evaluation.protocols.tasks import TaskList, make_tasks
from evaluation.protocols.worlds import room_of
from plan2vec_envs import ROOM_IDS, UnknownNameError
from plan2vec_envs.geometry import STEP, SUCCESS_RADIUS
from plan2vec_envs.maze.geodesic import GeodesicOracle

from ..conftest import CMAZE


@pytest.fixture(scope="module")
def tasks():
    return make_tasks(CMAZE, 60)


class Fixed:
    """Plays one move for ever."""

    name = "fixed"

    def __init__(self, move):
        self.move = move

    def act(self, observation, goal, *, memory=None, rng=None):
        return np.full(len(observation), self.move)


def tasks_of(start, goal):
    start, goal = np.atleast_2d(start), np.atleast_2d(goal)
    n = len(start)
    return TaskList("Plan2vec/Open-v0", np.arange(n), start, goal, np.ones(n, int), np.zeros(n, bool))


def test_tasks_are_the_draws_of_single_environments():
    import gymnasium as gym

    tasks = make_tasks(CMAZE, 3, first_seed=77)
    env = gym.make(CMAZE)
    for j in range(3):
        _, info = env.reset(seed=77 + j)
        assert np.array_equal(info["oracle_position"], tasks.start[j])
        assert np.array_equal(info["oracle_goal"], tasks.goal[j])


def test_tasks_survive_the_round_trip_through_json_exactly(tasks):
    import json

    again = TaskList.from_dict(json.loads(json.dumps(tasks.to_dict())))
    for name in ("seeds", "start", "goal", "least_steps", "blocked"):
        assert np.array_equal(getattr(again, name), getattr(tasks, name))


def test_about_half_of_the_c_maze_tasks_are_blocked_and_none_in_the_open(tasks):
    assert 0.3 < tasks.blocked.mean() < 0.7
    assert not make_tasks("Plan2vec/Open-v0", 20).blocked.any()


def test_an_unknown_environment_is_refused_with_the_closest_name():
    with pytest.raises(UnknownNameError, match="Did you mean 'Plan2vec/CMaze-v0'"):
        make_tasks("Plan2vec/CMaz-v0")


def test_an_agent_that_reads_frames_and_follows_the_geodesic_solves_everything(seeing_agent, tasks):
    result = closed_loop(seeing_agent, tasks)
    assert result.success_rate == 1.0
    assert not result.oracle
    assert not result.memory


@pytest.mark.parametrize("env_id", ROOM_IDS)
def test_oracles_that_know_the_way_solve_everything_nearly_as_fast_as_possible(env_id):
    geodesic, dijkstra, straight = (closed_loop(oracle, make_tasks(env_id, 60)) for oracle in oracles(env_id))
    for knowing in (geodesic, dijkstra):
        assert knowing.oracle
        assert knowing.success_rate == 1.0
        assert (knowing.optimality >= 1).all()
        assert knowing.mean_optimality < 1.1
    assert straight.success_02[~straight.blocked].all()


@pytest.mark.parametrize("env_id", ROOM_IDS)
def test_dijkstra_on_the_lattice_agrees_with_the_closed_form_of_the_geodesic(env_id, rng):
    """To within a cell of a quarter step at either end, and at each corner that the lattice misses."""
    room = room_of(env_id)
    a, b = (room.nearest_free(rng.uniform(-0.24, 0.24, (300, 2))) for _ in range(2))
    lattice = TrueGraphDijkstra(room).remaining(a, b) - 1e-3 * np.linalg.norm(a - b, axis=1) / STEP
    error = lattice - GeodesicOracle(room).distance(a, b)
    assert error.min() > -1e-6
    assert error.max() < 1.0
    assert np.median(error) < 0.25


def test_the_straight_line_oracle_fails_where_the_wall_is_in_the_way(tasks):
    straight = closed_loop(oracles(CMAZE)[-1], tasks)
    assert straight.blocked_success_rate < 0.7
    assert straight.oracle


def test_random_actions_reach_about_a_tenth_of_the_goals():
    result = closed_loop(UniformAgent().fit(_dataset()), make_tasks(CMAZE, 200))
    assert 0.03 < result.success_rate < 0.25


def test_an_agent_of_states_is_given_states(tasks):
    class Pointing:
        """Moves along both axes towards the goal that it reads."""

        name = "pointing"

        def act(self, observation, goal, *, memory=None, rng=None):
            assert observation.dtype == np.float32
            way = np.sign(np.round((goal - observation) / STEP)).astype(int) + 1
            action = 3 * way[:, 0] + way[:, 1]
            return np.minimum(action - (action > 4), 7)

    straight = tasks.take(~tasks.blocked)
    seen = closed_loop(Pointing(), straight, obs_type="state")
    assert seen.success_rate > 0.8
    assert seen.config["obs_type"] == "state"
    assert decision_seconds(Pointing(), straight, repeats=2, obs_type="state") > 0


def test_a_lane_is_counted_until_its_first_success_only():
    """East once reaches the first goal; the next episode of that lane is nobody's business."""
    tasks = tasks_of([(0.0, 0.0), (0.0, 0.1)], [(0.05, 0.0), (-0.1, 0.1)])
    result = closed_loop(Fixed(6), tasks, horizon=30)  # (+1, 0) in x-major order
    assert result.success_02.tolist() == [True, False]
    assert result.steps.tolist() == [2, 30]
    assert len(result.trajectories[0]) == 3
    assert np.isnan(result.optimality[1])


def test_wider_radii_ask_for_the_closest_approach():
    """Passing a goal at 2.5 cm and at 3.5 cm."""
    tasks = tasks_of([(0.0, 0.0)] * 2, [(0.05, 0.025), (0.05, 0.035)])
    result = closed_loop(Fixed(6), tasks, horizon=10)
    assert [result.success_02.tolist(), result.success_03.tolist(), result.success_04.tolist()] == [
        [False, False],
        [True, False],
        [True, True],
    ]


def test_results_say_that_success_means_within_the_radius(seeing_agent, tasks):
    result = closed_loop(seeing_agent, tasks)
    ends = np.array([path[-1] for path in result.trajectories])
    assert (np.linalg.norm(ends - tasks.goal, axis=1) < SUCCESS_RADIUS + 1e-3).all()


def test_results_survive_the_round_trip_through_a_file(tmp_path, seeing_agent, tasks):
    result = closed_loop(seeing_agent, tasks)
    result.save(tmp_path / "result.json")
    again = EvalResult.load(tmp_path / "result.json")
    assert again.to_dict() == result.to_dict()


def test_decision_seconds_are_positive_and_small(seeing_agent, tasks):
    assert 0 < decision_seconds(seeing_agent, tasks, repeats=5) < 1


def test_imagined_moves_stop_at_walls():
    """Just west of the passage, pressed to the wall's face: north is blocked, east is free."""
    ends = imagine_moves(room_of(CMAZE), np.array([[0.0, -0.09]]))[0]
    north, east = ends[4], ends[6]
    assert north == pytest.approx([0.0, -0.09])
    assert east == pytest.approx([0.0249167, -0.09])


def _dataset():
    from data_collection.collection.make import make_dataset

    return make_dataset(CMAZE, size="20x10", progress=False).without_oracle()
