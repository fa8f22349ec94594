"""A Gymnasium vector environment as Stable-Baselines3 knows them: one batch, no process, no copy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.vector import AutoresetMode
from stable_baselines3.common.vec_env import VecEnv
from stable_baselines3.common.vec_env.base_vec_env import VecEnvIndices, VecEnvObs, VecEnvStepReturn

from ..errors import RewardError

_ENDS = ("final_obs", "final_info")


class NativeVecEnv(VecEnv):
    """Equal to ``DummyVecEnv`` over as many single environments, step by step, and as fast as the vector environment.

    ```python
    venv = NativeVecEnv(gym.make_vec("Plan2vec/CMaze-v0", 16, autoreset_mode="same_step"))
    ```
    """

    def __init__(self, envs: gym.vector.VectorEnv, info_keys: Sequence[str] | None = ("is_success",)) -> None:
        """Wrap it.

        Args:
            envs: Resets lanes in the step that ends them, as Stable-Baselines3 expects.
            info_keys: Entries of ``info`` to pass on; None for all. Each costs time in every step.

        Raises:
            RewardError: if lanes are reset at another time.
        """
        mode = envs.metadata.get("autoreset_mode")
        if mode != AutoresetMode.SAME_STEP:
            raise RewardError(
                f"{type(envs).__name__} has autoreset mode {getattr(mode, 'value', mode)}; Stable-Baselines3 expects a "
                "reset inside the step that ends an episode: make it with autoreset_mode='same_step'"
            )
        self.envs = envs
        self._keys = None if info_keys is None else frozenset(info_keys)
        self._actions: Any = None
        super().__init__(envs.num_envs, envs.single_observation_space, envs.single_action_space)

    def reset(self) -> VecEnvObs:
        """Start an episode in every lane, with the seeds and options that were set."""
        seeds: Any = None if all(seed is None for seed in self._seeds) else list(self._seeds)
        observation, info = self.envs.reset(seed=seeds, options=_batched(self._options))
        self.reset_infos = self._each(info)
        self._reset_seeds()
        self._reset_options()
        return observation

    def step_async(self, actions: np.ndarray) -> None:
        """Note what to do."""
        self._actions = actions

    def step_wait(self) -> VecEnvStepReturn:
        """Do it."""
        observation, rewards, terminated, truncated, info = self.envs.step(self._actions)
        ended, infos = np.logical_or(terminated, truncated), self._each(info)
        for lane, timeout in enumerate((truncated & ~terminated).tolist()):
            infos[lane]["TimeLimit.truncated"] = timeout
        if ended.any():
            final = self._each(info.get("final_info", {}))
            for lane in np.flatnonzero(ended).tolist():
                timeout = infos[lane].pop("TimeLimit.truncated")
                self.reset_infos[lane] = infos[lane]
                last = {"terminal_observation": info["final_obs"][lane], "TimeLimit.truncated": timeout}
                infos[lane] = {**final[lane], **last}
        return observation, np.asarray(rewards, np.float32), ended, infos

    def close(self) -> None:
        """Close all."""
        self.envs.close()

    def get_images(self) -> Sequence[np.ndarray | None]:
        """One picture a lane."""
        pictures: Any = self.envs.render()
        return list(pictures or [None] * self.num_envs)

    def get_attr(self, attr_name: str, indices: VecEnvIndices = None) -> list[Any]:
        """The attribute, which all lanes share."""
        return [getattr(self.envs, attr_name) for _ in self._get_indices(indices)]

    def set_attr(self, attr_name: str, value: Any, indices: VecEnvIndices = None) -> None:
        """Set it for all lanes."""
        setattr(self.envs, attr_name, value)

    def env_method(self, method_name: str, *args: Any, indices: VecEnvIndices = None, **kwargs: Any) -> list[Any]:
        """Call a method, once; the answer for each lane."""
        answer = getattr(self.envs, method_name)(*args, **kwargs)
        return [answer for _ in self._get_indices(indices)]

    def env_is_wrapped(self, wrapper_class: type[gym.Wrapper], indices: VecEnvIndices = None) -> list[bool]:
        """Never: lanes are no environments of their own."""
        return [False for _ in self._get_indices(indices)]

    def _each(self, info: dict[str, Any]) -> list[dict[str, Any]]:
        """A batched info as one dict a lane."""
        infos: list[dict[str, Any]] = [{} for _ in range(self.num_envs)]
        for key, values in info.items():
            if key.startswith("_") or key in _ENDS or (self._keys is not None and key not in self._keys):
                continue
            each = self._each(values) if isinstance(values, dict) else values
            mask = info.get(f"_{key}")
            for lane in range(self.num_envs) if mask is None else np.flatnonzero(mask).tolist():
                infos[lane][key] = each[lane]
        return infos


def _batched(options: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    """Options of each lane as options of all."""
    keys = {key for option in options for key in option}
    return {key: [option.get(key) for option in options] for key in keys} or None
