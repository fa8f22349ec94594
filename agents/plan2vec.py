"""Plan2vec: local metric, graph, global metric, forward model; then acting is one look-up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Self

import numpy as np
import torch

from data_collection import Dataset, DatasetError
from data_collection.splits import fold_episodes

from .configs import from_dict
from .core import as_batch, register_agent
from .errors import NotFittedError
from .forward_model import ForwardModel, ForwardModelConfig
from .global_metric import GlobalMetric, GlobalMetricConfig
from .graph import Graph
from .graph_building import GraphConfig, build_graph, choose_vertices
from .local_metric import LocalMetric, LocalMetricConfig
from .memory import ActionMemory, MemoryConfig
from .parts import STAGES, Parts, learned
from .saving import read_agent, save_agent, under_prefix, with_prefix
from .shortest_paths import Plan, shortest_plan
from .training import StageLog, Training, one_torch_thread, resolve_device
from .workdir import FIGURES, Arrays, Workdir


@dataclass(frozen=True)
class Plan2VecConfig:
    """All choices of the method; a variant is ``dataclasses.replace``."""

    local_metric: LocalMetricConfig = field(default_factory=LocalMetricConfig)
    graph: GraphConfig = field(default_factory=GraphConfig)
    global_metric: GlobalMetricConfig = field(default_factory=GlobalMetricConfig)
    forward_model: ForwardModelConfig = field(default_factory=ForwardModelConfig)
    memory: MemoryConfig = field(default_factory=MemoryConfig)

    def with_latent_dim(self, latent_dim: int) -> Plan2VecConfig:
        """The same with another dimension of phi; 2 draws a map."""
        return replace(self, global_metric=replace(self.global_metric, latent_dim=latent_dim))


@register_agent
class Plan2Vec:
    """Learns a goal-reaching metric from offline rollouts and acts by it.

    ::

        dataset -> local metric d -> graph -> shortest paths -> global metric D -> act: argmin_a D(f(s, a), g)

    Example::

        agent = Plan2Vec().fit(dataset)
        action = agent.act(observation["observation"], observation["desired_goal"])
    """

    name = "plan2vec"

    def __init__(self, config: Plan2VecConfig | None = None) -> None:
        self.config = config or Plan2VecConfig()
        self.fit_log: list[StageLog] = []
        self._parts: Parts | None = None
        self._goal_latents: tuple[np.ndarray, np.ndarray] | None = None

    # Learning

    @one_torch_thread()
    def fit(
        self,
        dataset: Dataset,
        *,
        seed: int = 0,
        workdir: Path | str | None = None,
        device: str = "cpu",
        progress: bool = True,
        tensorboard: bool = False,
    ) -> Self:
        """Learn from a dataset, in four stages: local, graph, global, forward.

        Args:
            dataset: Recorded rollouts, without ground truth. Without actions the forward model is left out, and
                the agent measures and plans but does not act.
            seed: Root of all randomness.
            workdir: Folder for checkpoints, metrics.csv and finished stages; calling again with the same folder
                and arguments goes on where a killed run was, and ends with the same weights.
            device: "cpu" or "cuda".
            progress: Show a bar a stage.
            tensorboard: Also log to ``workdir/tb``.

        Returns:
            The agent itself.

        Raises:
            DeviceError: if the device is absent.
            CheckpointError: if the folder was begun for other data, another configuration or seed.
            TrainingDivergedError: if a loss becomes NaN.
            GraphError: if the graph cannot carry distances between all its vertices.
            DatasetError: if there is only one trajectory.
        """
        training = self._begin(dataset, seed, Workdir(workdir, tensorboard=tensorboard), device, progress)
        learn, held_out = _folds(dataset, seed)
        self._stage("local", training, lambda: self._fit_local(dataset, learn, held_out, training))
        self._stage("graph", training, lambda: self._fit_graph(dataset, training))
        self._stage("global", training, lambda: self._fit_global(dataset, held_out, training))
        if dataset.actions is not None:
            self._stage("forward", training, lambda: self._fit_forward(dataset, held_out, training))
        training.workdir.close()
        return self

    @one_torch_thread()
    def with_latent_dim(
        self,
        latent_dim: int,
        dataset: Dataset,
        *,
        seed: int = 0,
        workdir: Path | str | None = None,
        progress: bool = True,
    ) -> Plan2Vec:
        """A second agent over the same graph whose phi has ``latent_dim`` dimensions; it does not act.

        Args:
            latent_dim: 2 draws a map.
            dataset: The dataset this agent was fitted on.
            seed: Root of randomness.
            workdir: As in ``fit``.
            progress: Show a bar.
        """
        other = Plan2Vec(self.config.with_latent_dim(latent_dim))
        training = other._begin(dataset, seed, Workdir(workdir), str(self.local_metric.device), progress, "map")
        mine, its = learned(self._parts), learned(other._parts)
        its.local_metric, its.graph = self.local_metric, self.graph
        its.vertex_rows, its.local_latents = mine.vertex_rows, mine.local_latents
        held_out = _folds(dataset, seed)[1]
        other._stage("global", training, lambda: other._fit_global(dataset, held_out, training))
        return other

    def _begin(
        self, dataset: Dataset, seed: int, workdir: Workdir, device: str, progress: bool, label: str | None = None
    ) -> Training:
        training = Training(seed, workdir, resolve_device(device), progress, label)
        workdir.claim({"agent": self.name, "config": asdict(self.config), "seed": seed, "dataset": dataset.fingerprint})
        self.fit_log = []
        self.seed = seed
        self.observation_shape, self.is_image = dataset.observation_shape, dataset.is_image
        self.num_actions = dataset.num_actions
        self.env_id, self.dataset_fingerprint = dataset.env_id, dataset.fingerprint
        self._parts = Parts(self.config, dataset.observation_shape, training.device)
        return training

    def _stage(self, stage: str, training: Training, learn: Callable[[], dict[str, float]]) -> None:
        """Run a stage and keep its result, or take the result from the working folder."""
        parts, workdir = learned(self._parts), training.workdir
        found = workdir.load_stage(stage)
        if found is not None:
            arrays, record = found
            parts.restore(stage, arrays)
            self.fit_log.append(StageLog(**record))
            return
        workdir.forget_figures(stage)
        training.clock.begin()
        figures = learn()
        wall, cpu = training.clock.spent()
        workdir.log(stage, FIGURES, figures)
        self.fit_log.append(StageLog(stage, wall, cpu, figures))
        workdir.save_stage(stage, parts.arrays(stage), asdict(self.fit_log[-1]))

    def _fit_local(
        self, dataset: Dataset, learn: np.ndarray, held_out: np.ndarray, training: Training
    ) -> dict[str, float]:
        config = self.config.local_metric
        metric, figures = LocalMetric.fit(
            config, dataset.take_episodes(learn), dataset.take_episodes(held_out), training
        )
        learned(self._parts).local_metric = metric
        return figures

    def _fit_graph(self, dataset: Dataset, training: Training) -> dict[str, float]:
        parts, config = learned(self._parts), self.config.graph
        parts.vertex_rows = choose_vertices(dataset, config.max_vertices, training.rng("graph", 0))
        parts.local_latents = self.local_metric.embed(dataset.observations[parts.vertex_rows])
        parts.graph = build_graph(config, dataset, parts.vertex_rows, parts.local_latents, self.threshold)
        return {
            "vertices": float(parts.graph.num_vertices),
            "edges": float(parts.graph.num_edges),
            "inferred": float(parts.graph.inferred.sum()),
            "bridges": float(parts.graph.bridge.sum()) / 2,
            "threshold": self.threshold,
        }

    def _fit_global(self, dataset: Dataset, held_out: np.ndarray, training: Training) -> dict[str, float]:
        parts = learned(self._parts)
        frames = dataset.observations[parts.vertex_rows]
        unseen = _held_out(dataset.episode_ids[parts.vertex_rows], held_out)
        metric, figures = GlobalMetric.fit(self.config.global_metric, frames, unseen, self.graph, training)
        parts.global_metric, parts.vertex_embeddings = metric, metric.embed(frames)
        return figures

    def _fit_forward(self, dataset: Dataset, held_out: np.ndarray, training: Training) -> dict[str, float]:
        assert dataset.actions is not None
        model, figures = ForwardModel.fit(
            self.config.forward_model,
            self.global_metric.embed(dataset.observations),
            dataset.transitions,
            dataset.actions,
            dataset.num_actions,
            _held_out(dataset.episode_ids[dataset.transitions[:, 0]], held_out),
            training,
        )
        learned(self._parts).forward_model = model
        return figures

    # What was learned

    @property
    def local_metric(self) -> LocalMetric:
        """The local metric d."""
        return learned(learned(self._parts).local_metric)

    @property
    def graph(self) -> Graph:
        """The graph; its vertices are ``vertex_rows`` of the training dataset."""
        return learned(learned(self._parts).graph)

    @property
    def global_metric(self) -> GlobalMetric:
        """The global metric D."""
        return learned(learned(self._parts).global_metric)

    @property
    def forward_model(self) -> ForwardModel:
        """The latent forward model."""
        model = learned(self._parts).forward_model
        if model is None:
            raise NotFittedError(
                "this agent has no forward model, so it measures and plans but does not act; "
                "fit it on a dataset with actions"
            )
        return model

    @property
    def vertex_rows(self) -> np.ndarray:
        """(V,) int64, the row of the training dataset behind each vertex."""
        return learned(self._parts).vertex_rows

    @property
    def vertex_embeddings(self) -> np.ndarray:
        """(V, D) float32, phi of each vertex."""
        return learned(self._parts).vertex_embeddings

    @property
    def threshold(self) -> float:
        """The neighbour threshold d0 of the graph, in steps."""
        chosen = self.config.graph.threshold
        return self.local_metric.threshold if chosen is None else chosen

    def embed(self, observations: np.ndarray) -> np.ndarray:
        """Latents phi of (B, ...) observations: (B, D) float32; (D,) for a single one."""
        batch, single = as_batch(observations, self.observation_shape, self.is_image, "observation")
        latents = self.global_metric.embed(batch)
        return latents[0] if single else latents

    def distance(self, observation: np.ndarray, goal: np.ndarray) -> np.ndarray:
        """D between matching observations, (B, ...) and (B, ...) -> (B,) float32, in steps."""
        return self.global_metric.latent_distance(self.embed(observation), self._embed_goal(goal))

    # Acting and planning

    def new_memory(self, num_lanes: int = 1) -> ActionMemory:
        """An empty memory of tried actions for so many parallel episodes."""
        return ActionMemory(self.config.memory, num_lanes)

    @one_torch_thread()
    def act(
        self,
        observation: np.ndarray,
        goal: np.ndarray,
        *,
        memory: ActionMemory | None = None,
        rng: np.random.Generator | None = None,
    ) -> np.ndarray:
        """The action whose imagined next latent is nearest to the goal: argmin_a D(f(phi(s), a), phi(g)).

        Args:
            observation: (B, ...) or a single observation.
            goal: The same number of goal observations.
            memory: From ``new_memory``; actions already tried at this spot are avoided. Without it: memoryless.
            rng: Unused; the choice is deterministic.

        Returns:
            (B,) int64 for discrete actions, (B, A) float32 for continuous ones; for a single observation without the
            batch axis.

        Raises:
            ObservationError: for an observation unlike those of the training dataset.
            NotFittedError: if there is no forward model.
        """
        model = self.forward_model
        batch, single = as_batch(observation, self.observation_shape, self.is_image, "observation")
        with torch.inference_mode():
            device = self.global_metric.device
            imagined = model.imagine(torch.as_tensor(self.global_metric.embed(batch), device=device))
            target = torch.as_tensor(np.atleast_2d(self._embed_goal(goal)), device=device)[:, None]
            scores = self.global_metric.head.distance(imagined, target).cpu().numpy()
        if memory is None:
            choice = scores.argmin(1)
        else:
            keys = self.local_metric.embed(batch)
            choice = (scores + memory.penalties(keys, scores.shape[1])).argmin(1)
            memory.remember(keys, choice)
        actions = model.candidates.cpu().numpy()[choice]
        return actions[0] if single else actions

    def plan(self, observation: np.ndarray, goal: np.ndarray) -> Plan:
        """The shortest path on the graph between the vertices nearest to two single observations.

        Returns:
            Vertices (L + 1,) and cost in steps; ``vertex_rows[plan.vertices]`` are rows of the training dataset.

        Raises:
            NoPathError: if the goal cannot be reached, saying how much can.
        """
        ends = []
        for value, what in ((observation, "observation"), (goal, "goal")):
            batch, _ = as_batch(value, self.observation_shape, self.is_image, what)
            latent = self.local_metric.embed(batch[:1])
            ends.append(int(np.linalg.norm(learned(self._parts).local_latents - latent, axis=1).argmin()))
        return shortest_plan(self.graph, *ends, threshold=self.threshold)

    def _embed_goal(self, goal: np.ndarray) -> np.ndarray:
        """Latents of goals; those of the last call are kept, since a goal stays for a whole episode."""
        if self._goal_latents is not None and np.array_equal(self._goal_latents[0], goal):
            return self._goal_latents[1]
        batch, single = as_batch(goal, self.observation_shape, self.is_image, "goal")
        latents = self.global_metric.embed(batch)
        self._goal_latents = np.array(goal), latents[0] if single else latents
        return self._goal_latents[1]

    # Saving

    def save(self, path: Path | str) -> None:
        """Write the agent into a folder: ``weights.safetensors`` and ``agent.json``."""
        parts = learned(self._parts)
        arrays: Arrays = {}
        for stage in STAGES:
            if parts.has(stage):
                arrays |= with_prefix(stage, parts.arrays(stage))
        record = {
            "config": asdict(self.config),
            "seed": self.seed,
            "observation_shape": list(self.observation_shape),
            "is_image": self.is_image,
            "num_actions": self.num_actions,
            "env_id": self.env_id,
            "dataset_fingerprint": self.dataset_fingerprint,
            "fit_log": [asdict(entry) for entry in self.fit_log],
        }
        save_agent(path, self.name, arrays, record)

    @classmethod
    def load(cls, path: Path | str, *, device: str = "cpu") -> Self:
        """Read an agent that ``save`` wrote.

        Raises:
            CheckpointError: if it is not a plan2vec agent, of another version, or damaged.
        """
        arrays, record = read_agent(path, cls.name)
        agent = cls(from_dict(Plan2VecConfig, record["config"]))
        agent.seed = record["seed"]
        agent.observation_shape = tuple(record["observation_shape"])
        agent.is_image, agent.num_actions = record["is_image"], record["num_actions"]
        agent.env_id, agent.dataset_fingerprint = record["env_id"], record["dataset_fingerprint"]
        agent.fit_log = [StageLog(**entry) for entry in record["fit_log"]]
        parts = agent._parts = Parts(agent.config, agent.observation_shape, resolve_device(device))
        for stage in STAGES:
            if found := under_prefix(stage, arrays):
                parts.restore(stage, found)
        return agent


def _folds(dataset: Dataset, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Episode ids (to learn from, to validate on): a tenth is held out; of fewer than four, all serve as both."""
    episodes = dataset.num_episodes
    if episodes < 2:
        raise DatasetError(
            "1 trajectory was given; the local metric contrasts neighbours with frames of other trajectories, "
            "so give at least 2, or cut a long one into pieces"
        )
    if episodes < 4:
        return np.arange(episodes), np.arange(episodes)
    return fold_episodes(episodes, 0, min(10, episodes // 2), seed)


def _held_out(episode_ids: np.ndarray, held_out: np.ndarray) -> np.ndarray:
    """Which of these belong to held-out episodes; none, if nothing would be left to learn from."""
    unseen = np.isin(episode_ids, held_out)
    return np.zeros(len(unseen), bool) if unseen.all() else unseen
