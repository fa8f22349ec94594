from __future__ import annotations

import numpy as np
import pytest

from data_collection import collect
from data_collection.collection import collect as collecting
from plan2vec_envs import ROOM_IDS, InvalidOptionError, UnknownNameError, get_room
from plan2vec_envs.geometry import STEP
from plan2vec_envs.maze import physics
from plan2vec_envs.maze.actions import Actions
from plan2vec_envs.maze.physics import PymunkCrowd
from plan2vec_envs.maze.render import Renderer

CMAZE = "Plan2vec/CMaze-v0"
SMALL = {"num_rollouts": 23, "horizon": 6, "num_policies": 4, "progress": False}
STATE = {"obs_type": "state"}
BOX = {"obs_type": "state", "action_type": "box"}


def replayed(data, room: str, action_type: str) -> np.ndarray:
    """Positions (N, 2) when the recorded actions are played from the recorded starts, without any goal."""
    crowd = PymunkCrowd(get_room(room), data.num_episodes)
    xy = [data.oracle_position[data.episode_starts].astype(np.float64)]
    crowd.place(np.arange(data.num_episodes), xy[0])
    per_step = data.actions.reshape(data.num_episodes, -1, *data.actions.shape[1:]).swapaxes(0, 1)
    for actions in per_step:
        xy.append(crowd.step(Actions(action_type).displacement(actions)))
    return np.stack(xy, axis=1).reshape(-1, 2)


@pytest.mark.parametrize("env_id", ROOM_IDS)
@pytest.mark.parametrize(("options", "kind"), [({}, "image"), (STATE, "state"), (BOX, "box")])
def test_a_collection_has_the_shape_that_was_asked_for(env_id, options, kind):
    data = collect(env_id, env_kwargs=options, **SMALL)
    assert data.episode_lengths.tolist() == [6] * 23
    assert data.env_id == env_id
    assert data.observation_shape == ((1, 64, 64) if kind == "image" else (2,))
    assert data.num_actions == (None if kind == "box" else 8)
    assert data.actions.shape == ((138, 2) if kind == "box" else (138,))


@pytest.mark.parametrize(("action_type", "reach"), [("discrete", 1), ("box", 2)])
def test_playing_the_recorded_actions_gives_the_recorded_positions(action_type, reach):
    """Frames are consecutive and actions are aligned, or the replay by the bare physics would differ.

    A body rests up to one substep inside a wall and is pushed out by the next step; hence the second bound.
    """
    options = {"obs_type": "state", "action_type": action_type}
    data = collect(CMAZE, num_rollouts=200, horizon=30, env_kwargs=options, progress=False)
    np.testing.assert_allclose(data.oracle_position, replayed(data, "c_maze", action_type), atol=5e-4)
    moved = np.abs(np.diff(data.oracle_position[data.transitions], axis=1))
    assert moved.max() < reach * STEP * 1.11


def test_a_rollout_that_touches_its_goal_goes_on_undisturbed():
    """One goal in the middle of the room, where many pass: the environment ends there, the rollout does not."""
    goal = (0.0, 0.0)
    options = {"obs_type": "state", "goal": goal}
    data = collect("Plan2vec/Open-v0", num_rollouts=100, horizon=60, env_kwargs=options, progress=False)
    touched = np.linalg.norm(data.oracle_position - goal, axis=1) < 0.02
    assert len(np.unique(data.episode_ids[touched])) > 10
    np.testing.assert_allclose(data.oracle_position, replayed(data, "open", "discrete"), atol=5e-4)


def test_frames_show_the_recorded_positions():
    data = collect(CMAZE, **SMALL)
    decoded = Renderer(get_room("c_maze")).decode(data.observations)
    np.testing.assert_allclose(decoded, data.oracle_position, atol=1e-3)


def test_state_and_image_collections_differ_in_nothing_but_the_observation():
    images, states = collect(CMAZE, **SMALL), collect(CMAZE, env_kwargs=STATE, **SMALL)
    assert np.array_equal(images.actions, states.actions)
    assert np.array_equal(images.oracle_position, states.oracle_position)
    assert np.array_equal(states.observations, states.oracle_position)


def test_starts_are_the_draws_of_the_environment():
    """All free, spread over the start region, and no two alike."""
    room = get_room("c_maze")
    data = collect(CMAZE, num_rollouts=400, horizon=1, env_kwargs=STATE, progress=False)
    starts = data.oracle_position[data.episode_starts]
    assert room.is_free(starts).all()
    assert len(np.unique(starts, axis=0)) == 400
    spread = room.start_high - room.start_low
    assert (np.ptp(starts, axis=0) > 0.95 * spread).all()


def test_every_policy_has_a_stream_of_its_own():
    data = collect(CMAZE, num_rollouts=80, horizon=10, num_policies=20, env_kwargs=STATE, progress=False)
    assert len(np.unique(data.actions.reshape(80, 10), axis=0)) == 80
    assert len(np.unique(data.actions.reshape(20, 40), axis=0)) == 20


@pytest.mark.parametrize("num_rollouts", [1, 3, 23])
def test_rollouts_are_shared_out_completely(num_rollouts):
    data = collect(CMAZE, num_rollouts=num_rollouts, horizon=2, env_kwargs=STATE, progress=False)
    assert data.num_episodes == num_rollouts


def test_the_seed_decides_and_matters():
    prints = [collect(CMAZE, seed=seed, env_kwargs=STATE, **SMALL).fingerprint for seed in (0, 0, 1)]
    assert prints[0] == prints[1] != prints[2]


def test_the_batching_of_the_physics_does_not_matter(monkeypatch):
    default = collect(CMAZE, **SMALL).fingerprint
    monkeypatch.setattr(physics, "AGENTS_PER_SPACE", 2)
    assert collect(CMAZE, **SMALL).fingerprint == default


class TestResuming:
    @pytest.fixture
    def run(self, tmp_path, monkeypatch):
        """Collect 4 parts of 6 steps with so much patience; returns the dataset and the number of steps."""
        act = collecting.uniform_actions

        def run(patience=10**9, **changes):
            acts = 0

            def interrupted(*args):
                nonlocal acts
                acts += 1
                if acts > patience:
                    raise KeyboardInterrupt
                return act(*args)

            monkeypatch.setattr(collecting, "uniform_actions", interrupted)
            data = collect(CMAZE, **{**SMALL, "env_kwargs": STATE, "parts_dir": tmp_path / "parts"} | changes)
            return data, acts

        return run

    @pytest.mark.parametrize(("patience", "left"), [(0, 24), (5, 24), (6, 18), (15, 12), (23, 6), (24, 0)])
    def test_an_interrupted_collection_goes_on_where_it_was(self, run, patience, left):
        whole, _ = run(parts_dir=None)
        if patience < 24:
            with pytest.raises(KeyboardInterrupt):
                run(patience)
        else:
            run(patience)
        resumed, steps = run()
        assert resumed.fingerprint == whole.fingerprint
        assert np.array_equal(resumed.oracle_position, whole.oracle_position)
        assert steps == left

    def test_a_damaged_part_is_collected_again(self, run, tmp_path, caplog):
        whole, _ = run()
        part = tmp_path / "parts" / "part-0002.npz"
        part.write_bytes(part.read_bytes()[:-50])
        again, steps = run()
        assert again.fingerprint == whole.fingerprint
        assert steps == 6
        assert "collecting again" in caplog.text
        assert "part-0002" in caplog.text

    @pytest.mark.parametrize("change", [{"seed": 1}, {"horizon": 5}, {"num_rollouts": 24}, {"env_kwargs": {}}])
    def test_parts_of_another_request_are_not_used(self, run, change):
        run()
        data, steps = run(**change)
        assert data.fingerprint == run(parts_dir=None, **change)[0].fingerprint
        assert steps == 4 * change.get("horizon", 6)


@pytest.mark.parametrize(
    "change",
    [{"num_rollouts": 0}, {"horizon": 0}, {"num_policies": -1}, {"seed": -1}, {"horizon": 2.5}, {"num_rollouts": True}],
)
def test_an_impossible_number_is_refused(change):
    with pytest.raises(InvalidOptionError, match=f"{next(iter(change))}=.* must be a whole number, at least"):
        collect(CMAZE, **{**SMALL, **change})


def test_an_unknown_environment_is_answered_with_the_closest():
    with pytest.raises(UnknownNameError, match=r"Did you mean 'Plan2vec/CMaze-v0'\?"):
        collect("Plan2vec/CMase-v0", **SMALL)


@pytest.mark.parametrize(("progress", "shown"), [(True, True), (False, False)])
def test_progress_is_shown_when_asked_for(capsys, progress, shown):
    collect(CMAZE, **{**SMALL, "env_kwargs": STATE, "progress": progress})
    assert ("23/23" in capsys.readouterr().err) == shown
