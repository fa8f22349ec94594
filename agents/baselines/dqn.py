"""DQN: goal-conditioned fitted Q from the same recordings, with hindsight; acts by its own argmax."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import torch

from data_collection import Dataset, DatasetError

from ..base.agent import as_batch, register_agent
from ..errors import ExecutionError, NotFittedError
from ..sb3.offline.config import DQNConfig
from ..sb3.offline.rewards import IdenticalFrame, RecordedReward, RewardFn, reward_name
from ..training.config_json import from_dict
from ..training.execution import DEFAULT_EXECUTION, Execution
from ..training.loop import StageLog, Training, one_torch_thread, resolve_device
from ..training.ranks import asked_for
from ..training.saving import load_network, network_arrays, read_agent, save_agent
from ..training.workdir import FIGURES, Arrays

_STAGE = "q"
_HOPELESS = 1e-3  # of 1 + (1 - gamma) Q


@register_agent
class DQNAgent:
    """Fitted Q learning on Stable-Baselines3's DQN from a fixed dataset; no environment is ever stepped.

    The reward is 0 where the goal is reached and -1 elsewhere. By default only the identical frame counts as reached,
    which is all that recordings say by themselves. A harness may hand over another reward; where that one knows more
    than the recordings (such as positions), results are to be marked as privileged.
    """

    name = "dqn"
    config_class: ClassVar[type[DQNConfig]] = DQNConfig
    discrete_actions_only: ClassVar[bool] = True

    def __init__(self, config: DQNConfig | None = None, reward_fn: RewardFn | None = None) -> None:
        """An untrained agent.

        Args:
            config: Hyper-parameters.
            reward_fn: (B, ...) achieved and (B, ...) desired observations -> (B,) float32 in {-1, 0}; by default
                0 for the identical frame only. A ``FrameReward`` reads each frame just once.
        """
        self.config = config or DQNConfig()
        self.reward_fn: RewardFn | None = reward_fn or IdenticalFrame()
        self.reward = reward_name(self.reward_fn)
        self.fit_log: list[StageLog] = []
        self._network: Any = None

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
        execution: Execution = DEFAULT_EXECUTION,
    ) -> Self:
        """Learn Q from a dataset of discrete actions.

        Args:
            dataset: Recorded rollouts, without ground truth.
            seed: Root of all randomness.
            workdir: Folder for checkpoints and metrics.csv; calling again with the same folder and arguments goes on
                where a killed run was, and ends with the same weights.
            device: "cpu" or "cuda".
            progress: Show a bar.
            tensorboard: Also log to ``workdir/tb``.
            execution: Stable-Baselines3 makes the gradient steps, so nothing but ``deterministic`` can be asked for.

        Returns:
            The agent itself.

        Raises:
            DatasetError: if there are no actions, or continuous ones.
            NotFittedError: for a loaded agent whose reward was handed over when it was trained.
            DeviceError: if the device is absent.
            ExecutionError: for another precision, several micro-batches or ranks.
            CheckpointError: if the folder was begun for other data, another configuration, reward or seed.
            TrainingDivergedError: if the loss becomes NaN.
        """
        if dataset.num_actions is None:
            found = "has no actions" if dataset.actions is None else "holds continuous actions"
            raise DatasetError(
                f"Q learning compares a finite number of actions, and this dataset {found}; "
                "collect with action_type='discrete', or use another agent"
            )
        if self.reward_fn is None:
            raise NotFittedError(
                f"this loaded agent was trained with the reward {self.reward!r}, which is not saved with it; "
                "to train again, make a new agent with DQNAgent(config, reward_fn)"
            )
        if (unfit := execution.identity().keys() - {"deterministic"}) or asked_for() > 1:
            found = ", ".join(sorted(unfit)) or f"{asked_for()} ranks"
            raise ExecutionError(
                f"{self.name} was asked for {found}, but Stable-Baselines3 makes its gradient steps, one batch each in "
                "float32 by one process; leave that out"
            )
        training = Training.begin(
            seed, workdir=workdir, device=device, progress=progress, tensorboard=tensorboard, execution=execution
        )
        files = training.workdir
        identity = {"agent": self.name, "config": asdict(self.config), "reward": self.reward}
        training.claim({**identity, "dataset": dataset.fingerprint})
        self.seed, self.env_id, self.dataset_fingerprint = seed, dataset.env_id, dataset.fingerprint
        self.observation_shape, self.is_image = dataset.observation_shape, dataset.is_image
        self.num_actions = dataset.num_actions
        found_stage = files.load_stage(_STAGE)
        if found_stage is not None:
            arrays, record = found_stage
            self._restore(arrays, training.device)
            self.fit_log = [StageLog(**record)]
        else:
            self.fit_log = [self._learn(dataset, training)]
            files.save_stage(_STAGE, network_arrays(self._network), asdict(self.fit_log[0]))
        files.close()
        return self

    def _learn(self, dataset: Dataset, training: Training) -> StageLog:
        from ..sb3.offline.fitted_q import fit_q

        assert self.reward_fn is not None
        training.workdir.forget_figures(_STAGE)
        training.clock.begin()
        reward = RecordedReward(self.reward_fn, dataset.observations)
        with training.execution.reproducibly():
            self._network, figures = fit_q(self.config, dataset, reward, training, _STAGE)
        wall, cpu = training.clock.spent()
        training.workdir.log(_STAGE, FIGURES, figures)
        return StageLog(_STAGE, wall, cpu, figures)

    def _restore(self, arrays: Arrays, device: torch.device) -> None:
        from ..sb3.offline.fitted_q import new_network

        self._network = new_network(self.config, self.observation_shape, self.num_actions, device)
        load_network(self._network, arrays)

    @one_torch_thread()
    def values(self, observation: np.ndarray, goal: np.ndarray) -> np.ndarray:
        """Q of every action: (B, ...) and (B, ...) -> (B, A) float32; (A,) for a single pair.

        Raises:
            NotFittedError: before ``fit`` or ``load``.
            ObservationError: for an observation unlike those of the training dataset.
        """
        if self._network is None:
            raise NotFittedError("this agent has learned nothing yet; call fit(dataset) or load(path) first")
        here, single = as_batch(observation, self.observation_shape, self.is_image, "observation")
        there, _ = as_batch(goal, self.observation_shape, self.is_image, "goal")
        from ..sb3.offline.network import pair_values

        values = pair_values(self._network, here, there)
        return values[0] if single else values

    def distance(self, observation: np.ndarray, goal: np.ndarray) -> np.ndarray:
        """Steps to the goal as the values say, (B, ...) and (B, ...) -> (B,) float32.

        An optimal policy that arrives with its n-th step has max_a Q = -(1 - gamma^(n-1)) / (1 - gamma). This is
        solved for n, which keeps the order of -max_a Q. Identical frames are 0 steps apart; where values are so low
        that no number of steps explains them, the answer is that of a thousandth of the way to the worst value.
        """
        discount = self.config.gamma
        left = 1 + (1 - discount) * np.clip(self.values(observation, goal).max(-1), None, 0).astype(np.float64)
        steps = 1 + np.log(np.maximum(left, _HOPELESS)) / np.log(discount)
        here, there = np.asarray(observation), np.asarray(goal)
        same = (here == there).reshape(*steps.shape, -1).all(-1)
        return np.where(same, 0, steps).astype(np.float32)[()]

    def act(
        self,
        observation: np.ndarray,
        goal: np.ndarray,
        *,
        memory: None = None,
        rng: np.random.Generator | None = None,
    ) -> np.ndarray:
        """argmax_a Q, the lowest action among equals: (B, ...) and (B, ...) -> (B,) int64; no memory, no chance."""
        return self.values(observation, goal).argmax(-1)

    def new_memory(self, num_episodes: int = 1) -> None:
        """None: it remembers nothing."""
        return None

    def save(self, path: Path | str) -> None:
        """Write the agent into a folder: the Q network alone, and which reward it was trained with."""
        if self._network is None:
            raise NotFittedError("this agent has learned nothing yet; call fit(dataset) or load(path) first")
        record = {
            "config": asdict(self.config),
            "reward": self.reward,
            "seed": self.seed,
            "observation_shape": list(self.observation_shape),
            "is_image": self.is_image,
            "num_actions": self.num_actions,
            "env_id": self.env_id,
            "dataset_fingerprint": self.dataset_fingerprint,
            "fit_log": [asdict(entry) for entry in self.fit_log],
        }
        save_agent(path, self.name, network_arrays(self._network), record)

    @classmethod
    def load(cls, path: Path | str, *, device: str = "cpu") -> Self:
        """Read an agent that ``save`` wrote.

        Raises:
            CheckpointError: if it is another agent, of another version, or damaged.
        """
        arrays, record = read_agent(path, cls.name)
        agent = cls(from_dict(cls.config_class, record["config"]))
        if record["reward"] != agent.reward:
            agent.reward, agent.reward_fn = record["reward"], None
        agent.seed, agent.env_id = record["seed"], record["env_id"]
        agent.dataset_fingerprint = record["dataset_fingerprint"]
        agent.observation_shape, agent.is_image = tuple(record["observation_shape"]), record["is_image"]
        agent.num_actions = record["num_actions"]
        agent.fit_log = [StageLog(**entry) for entry in record["fit_log"]]
        agent._restore(arrays, resolve_device(device))
        return agent
