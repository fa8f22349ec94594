"""Check that an agent keeps what its users rely on, ours as anybody's."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from dataclasses import is_dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from data_collection import Dataset, DatasetError, Episode

from ..errors import AgentContractError, CheckpointError, NotFittedError, ObservationError
from ..training.config_json import from_dict, to_dict
from .protocols import Metric, Planner

_STEPS = 4  # gradient steps of each stage
_MOVES = np.array([(2, 0), (-2, 0), (0, 2), (0, -2)])


def check_agent(agent_class: Any) -> None:
    """Fit an agent on tiny data, in seconds, and check each promise; a folder for temporary files is needed.

    Example::

        @register_agent
        class Mine(Agent): ...

        check_agent(Mine)

    Args:
        agent_class: Made without arguments, or with a configuration in which every option called ``steps`` is a number
            of gradient steps. ``closed_form`` and ``is_noise`` say what cannot be asked of it.

    Raises:
        AgentContractError: naming the first promise that is broken, and how.
    """
    for promise in PROMISES:
        try:
            promise(agent_class)
        except Exception as error:
            what = (promise.__doc__ or promise.__name__).strip().rstrip(".")
            raise AgentContractError(
                f"{agent_class.__name__} breaks a promise of agents. {what}: {type(error).__name__}: {error}"
            ) from error


def tiny_images(seed: int = 0, *, continuous: bool = False) -> Dataset:
    """Twelve episodes of six steps: a bright square on 16 x 16 pixels, moved by four actions, or by two numbers."""
    rng, episodes = np.random.default_rng(seed), []
    for _ in range(12):
        place, frames = rng.integers(0, 12, 2), np.zeros((7, 1, 16, 16), np.uint8)
        actions = rng.uniform(-1, 1, (6, 2)).astype(np.float32) if continuous else rng.integers(4, size=6)
        moves = np.rint(2 * actions).astype(int) if continuous else _MOVES[actions]
        for frame, move in zip(frames, [*moves, (0, 0)], strict=True):
            frame[0, place[0] : place[0] + 4, place[1] : place[1] + 4] = 255
            place = np.clip(place + move, 0, 12)
        episodes.append(Episode(frames, actions))
    return Dataset.from_episodes(episodes, num_actions=None if continuous else 4)


def tiny_vectors() -> Dataset:
    """Twelve episodes of six steps: three random numbers, and one of four actions."""
    rng = np.random.default_rng(0)
    drawn = [(rng.normal(size=(7, 3)).astype(np.float32), rng.integers(4, size=6)) for _ in range(12)]
    return Dataset.from_episodes([Episode(*each) for each in drawn], num_actions=4)


def fit_quickly(agent_class: Any, dataset: Dataset, seed: int = 0, **options: Any) -> Any:
    """An agent that learned next to nothing: every stage trains for a handful of steps."""
    return agent_class(_hasty(agent_class().config)).fit(dataset, seed=seed, progress=False, **options)


def _hasty(config: Any) -> Any:
    parts = {name: _hasty(part) for name, part in vars(config).items() if is_dataclass(part)}
    return replace(config, **parts, **({"steps": _STEPS} if hasattr(config, "steps") else {}))


def _frames() -> np.ndarray:
    return np.array(tiny_images(seed=1).observations)


def _two(data: Dataset) -> np.ndarray:
    return np.array(data.observations[:2])


def _same(one: Any, other: Any, frames: np.ndarray) -> bool:
    """Whether two agents act and measure alike."""
    here, there = frames[:9], frames[9:18]
    actions = [agent.act(here, there, rng=np.random.default_rng(0)) for agent in (one, other)]
    distances = [agent.distance(here, there) for agent in (one, other)]
    return np.array_equal(*actions) and (one.is_noise or np.array_equal(*distances))


def _require(holds: Any, otherwise: str) -> None:
    if not bool(np.all(holds)):
        raise AgentContractError(otherwise)


def _refuses(error: type[Exception], call: Callable[[], Any], what: str) -> str:
    """The message with which a call is refused."""
    try:
        call()
    except error as refusal:
        return str(refusal)
    raise AgentContractError(f"{what} was taken, and {error.__name__} was expected")


def says_when_it_learned_nothing(agent_class: Any) -> None:
    """An agent that has learned nothing says so."""
    frames = _frames()
    for call in (agent_class().act, agent_class().distance):
        told = _refuses(NotFittedError, partial(call, frames[:1], frames[:1]), "a call before fit")
        _require("fit(dataset)" in told, f"the error says {told!r}, and not to call fit(dataset)")


def has_a_configuration_of_plain_values(agent_class: Any) -> None:
    """Its configuration survives JSON."""
    config = agent_class().config
    _require(from_dict(type(config), json.loads(json.dumps(to_dict(config)))) == config, "it comes back another one")


def measures_and_acts(agent_class: Any) -> None:
    """Distances are finite float32 of at least 0, actions are valid, batched or single, with a memory or without."""
    agent, frames = fit_quickly(agent_class, tiny_images()), _frames()
    before, (here, there) = frames.copy(), (frames[:5], frames[5:10])
    distance = agent.distance(here, there)
    _require((distance.shape, distance.dtype) == ((5,), np.float32), f"distances are {distance!r}")
    _require(np.isfinite(distance) & (distance >= 0), f"distances are {distance}")
    for memory in (None, agent.new_memory(5)):
        actions = agent.act(here, there, memory=memory, rng=np.random.default_rng(0))
        _require((actions.shape, actions.dtype) == ((5,), np.int64), f"actions are {actions!r}")
        _require((actions >= 0) & (actions < 4), f"actions are {actions}; there are four")
    again = [agent.act(here, there, rng=np.random.default_rng(3)) for _ in range(2)]
    _require(np.array_equal(*again), "the same input gave two actions")
    singles = [agent.act(state, goal, rng=np.random.default_rng(0)) for state, goal in zip(here, there, strict=True)]
    _require([np.shape(action) == () for action in singles], "a single observation got no single action")
    if not agent.is_noise:
        batch = agent.act(here, there, rng=np.random.default_rng(0))
        _require(np.array_equal(batch, singles), "a batch is not as its observations one by one")
    _require(np.array_equal(frames, before), "it wrote into the observations")


def refuses_other_observations(agent_class: Any) -> None:
    """An observation of another shape or dtype is refused."""
    agent, frames = fit_quickly(agent_class, tiny_images()), _frames()
    small, floats = np.zeros((2, 1, 8, 8), np.uint8), frames[:2].astype(np.float32)
    told = _refuses(ObservationError, lambda: agent.act(small, frames[:2]), "an image of 8 x 8 pixels")
    _require("trained on (1, 16, 16)" in told, f"the error says {told!r}")
    told = _refuses(ObservationError, lambda: agent.act(floats, frames[:2]), "an image of float32")
    _require("images are uint8" in told, f"the error says {told!r}")


def survives_saving(agent_class: Any) -> None:
    """A saved agent, loaded again, measures and acts the same; a damaged or foreign one is refused."""
    agent, frames = fit_quickly(agent_class, tiny_images()), _frames()
    with tempfile.TemporaryDirectory() as folder:
        agent.save(folder)
        _require(_same(agent, agent_class.load(folder), frames), "it does not")
        record, weights = Path(folder, "agent.json"), Path(folder, "weights.safetensors")
        text, data = record.read_text(encoding="utf-8"), weights.read_bytes()
        record.write_text(json.dumps(json.loads(text) | {"format_version": 99}), encoding="utf-8")
        told = _refuses(CheckpointError, lambda: agent_class.load(folder), "another format version")
        _require("format version 99" in told, f"the error says {told!r}")
        record.write_text(text, encoding="utf-8")
        for damaged in (data[:-3], data[:-1] + bytes([data[-1] ^ 1]), None):
            weights.unlink()
            if damaged is not None:
                weights.write_bytes(damaged)
            told = _refuses(CheckpointError, lambda: agent_class.load(folder), "a damaged file of weights")
            _require("weights.safetensors do" in told, f"the error says {told!r}")


def depends_on_seed_and_data_alone(agent_class: Any) -> None:
    """The same seed gives the same agent, whether it was resumed or shared; another seed another one."""
    data, frames = tiny_images(), _frames()
    agent, other = (fit_quickly(agent_class, data, seed) for seed in (0, 1))
    with tempfile.TemporaryDirectory() as folder:
        for again in range(2):
            twin = fit_quickly(agent_class, data, workdir=folder)
            _require(_same(agent, twin, frames), f"a fit that is {'resumed' if again else 'kept in a folder'} differs")
    hasty = agent_class(agent.config).sharing(agent).fit(data, progress=False)
    _require(_same(agent, hasty, frames), "a fit that shares the stages of an equal one differs")
    distances = [each.distance(frames[:20], frames[20:40]) for each in (agent, other)]
    _require(agent_class.closed_form or not np.array_equal(*distances), "the seed does not matter")


def knows_no_ground_truth(agent_class: Any) -> None:
    """True positions in the dataset change nothing."""
    data, frames = tiny_images(), _frames()
    places = np.random.default_rng(0).normal(size=(len(data.observations), 2)).astype(np.float32)
    (truth,) = (name for name in vars(data) if name.endswith("_position"))  # what learning must not look at
    positions: dict[str, Any] = {truth: places}
    without, told = (fit_quickly(agent_class, each) for each in (data, replace(data, **positions)))
    _require(_same(without, told, frames), "they do")


def learns_from_vectors_and_numbers(agent_class: Any) -> None:
    """Vectors, continuous actions and two episodes are learned from, or refused by name."""
    vectors, images = tiny_vectors(), tiny_images(continuous=True)
    points = np.array(vectors.observations)
    _require(fit_quickly(agent_class, vectors).act(points[:3], points[3:6]).shape == (3,), "actions on vectors")
    two = tiny_images().take_episodes([0, 1])
    _require(fit_quickly(agent_class, two).distance(_two(two), _two(two)).shape == (2,), "two episodes")
    if agent_class.discrete_actions_only:
        told = _refuses(DatasetError, lambda: fit_quickly(agent_class, images), "a dataset of continuous actions")
        _require("finite number of actions" in told, f"the error says {told!r}")
        return
    actions = fit_quickly(agent_class, images).act(_two(images), _two(images)[::-1])
    _require((actions.shape, actions.dtype) == ((2, 2), np.float32), f"continuous actions are {actions!r}")
    _require(np.abs(actions) <= 1, f"actions are {actions}, and recorded ones lie in [-1, 1]")


def keeps_its_protocols(agent_class: Any) -> None:
    """Latents give the distances of observations, plans lead along edges, and memory is forecast for each stage."""
    data, frames = tiny_images(), _frames()
    agent: Any = fit_quickly(agent_class, data)
    if isinstance(agent, Metric):
        distance = agent_class.distance(agent, frames[:9], frames[9:18])
        between = agent.between(agent.embed(frames[:9]), agent.embed(frames[9:18]))
        _require(np.allclose(between, distance, rtol=1e-4), "D of latents is another")
    if isinstance(agent, Planner):
        plan = agent.plan(frames[0], frames[30])
        edges = zip(plan.vertices[:-1], plan.vertices[1:], strict=True)
        _require([b in agent.graph.neighbors(int(a))[0] for a, b in edges], f"{plan.vertices} is no path of the graph")
        _require(len(agent.vertex_rows) == agent.graph.num_vertices, "vertices and their rows differ in number")
    need = agent_class(agent.config).forecast(data)
    _require(list(need) == [log.stage for log in agent.fit_log], f"stages {list(need)} are forecast")
    _require([isinstance(each, int) and each >= 0 for each in need.values()], f"the forecast is {need}")


PROMISES: tuple[Callable[[Any], None], ...] = (
    says_when_it_learned_nothing,
    has_a_configuration_of_plain_values,
    measures_and_acts,
    refuses_other_observations,
    survives_saving,
    depends_on_seed_and_data_alone,
    knows_no_ground_truth,
    learns_from_vectors_and_numbers,
    keeps_its_protocols,
)
