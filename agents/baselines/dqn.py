"""DQN: goal-conditioned fitted Q from the same recordings, with hindsight; acts by its own argmax."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from data_collection import Dataset, DatasetError

from ..base.agent import Agent
from ..base.registry import register_agent
from ..control.action_memory import ActionMemory
from ..errors import ExecutionError, NotFittedError
from ..sb3.offline.config import DQNConfig
from ..sb3.offline.rewards import IdenticalFrame, RecordedReward, RewardFn, reward_name
from ..training.execution import Execution
from ..training.loop import one_torch_thread
from ..training.network_arrays import SavedNetwork
from ..training.ranks import asked_for
from ..training.saving import Arrays

_STAGE = "q"
_HOPELESS = 1e-3  # of 1 + (1 - gamma) Q


class QNetwork(SavedNetwork):
    """The network of Stable-Baselines3."""

    def __init__(self, network: Any) -> None:
        self.network = network


@register_agent
class DQNAgent(Agent):
    """Fitted Q learning on Stable-Baselines3's DQN from a fixed dataset; no environment is ever stepped.

    The reward is 0 where the goal is reached and -1 elsewhere. By default only the identical frame counts as reached,
    which is all that recordings say by themselves. A harness may hand over another reward; where that one knows more
    than the recordings (such as positions), results are to be marked as privileged. Stable-Baselines3 makes the
    gradient steps, so of an execution nothing but ``deterministic`` can be asked for.
    """

    name = "dqn"
    config_class: ClassVar[type] = DQNConfig
    config: DQNConfig
    discrete_actions_only: ClassVar[bool] = True
    bare: ClassVar[bool] = True
    q: QNetwork

    def __init__(self, config: DQNConfig | None = None, reward_fn: RewardFn | None = None) -> None:
        """An untrained agent.

        Args:
            config: Hyper-parameters.
            reward_fn: (B, ...) achieved and (B, ...) desired observations -> (B,) float32 in {-1, 0}; by default
                0 for the identical frame only. A ``FrameReward`` reads each frame just once.
        """
        super().__init__(config)
        self.reward_fn: RewardFn | None = reward_fn or IdenticalFrame()
        self.reward = reward_name(self.reward_fn)

    def _check(self, dataset: Dataset, execution: Execution) -> None:
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
        unfit = sorted(execution.identity().keys() - {"deterministic"})
        if asked_for() > 1:
            unfit.append(f"{asked_for()} ranks")
        if unfit:
            raise ExecutionError(
                f"{self.name} was asked for {', '.join(unfit)}, but Stable-Baselines3 makes its gradient steps, one "
                "batch each in float32 by one process; leave that out"
            )

    def _fit(self, run: Any) -> None:
        c = self.config

        def learn() -> tuple[QNetwork, dict[str, float]]:
            from ..sb3.offline.fitted_q import fit_q

            assert self.reward_fn is not None
            reward = RecordedReward(self.reward_fn, run.dataset.observations)
            network, figures = fit_q(c, run.dataset, reward, run.training, _STAGE)
            return QNetwork(network), figures

        def restore(arrays: Arrays) -> QNetwork:
            from ..sb3.offline.fitted_q import new_model

            model = new_model(c, run.observation_shape, run.num_actions, run.device)
            return QNetwork(model.q_net).filled(arrays)

        self.q = run.stage(_STAGE, c, learn, restore)

    @one_torch_thread()
    def values(self, observation: np.ndarray, goal: np.ndarray) -> np.ndarray:
        """Q of every action: (B, ...) and (B, ...) -> (B, A) float32; (A,) for a single pair.

        Raises:
            NotFittedError: before ``fit`` or ``load``.
            ObservationError: for an observation unlike those of the training dataset.
        """
        network = self.q.network
        here, single = self._batch(observation, "observation")
        there, _ = self._batch(goal, "goal")
        from ..sb3.offline.network import pair_values

        values = pair_values(network, here, there)
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
        memory: ActionMemory | None = None,
        rng: np.random.Generator | None = None,
    ) -> np.ndarray:
        """argmax_a Q, the lowest action among equals: (B, ...) and (B, ...) -> (B,) int64; no memory, no chance."""
        return self.values(observation, goal).argmax(-1)

    def new_memory(self, num_episodes: int = 1) -> None:
        """None: it remembers nothing."""

    def _extra(self) -> dict[str, Any]:
        return {"reward": self.reward}

    def _remember(self, record: dict[str, Any]) -> None:
        if record["reward"] != self.reward:
            self.reward, self.reward_fn = record["reward"], None
