"""What a run works with: datasets, tasks, and agents that are fitted once and kept on disk."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from ...protocols.tasks import TaskList, make_tasks
from ...runs.folder import safe_name
from .lineup import PLAN2VEC
from .plan import Plan
from .records import Method


@dataclass(frozen=True)
class Source:
    """Where an agent's experience comes from.

    Attributes:
        env_id: the environment.
        size: rollouts x horizon.
        seed: of the collection, and of the training on it.
        obs_type: "image" or "state".
    """

    env_id: str
    size: str
    seed: int
    obs_type: str = "image"

    @classmethod
    def of(cls, params: Mapping[str, Any]) -> Source:
        """The source that the parameters of a run name."""
        return cls(params["env_id"], params["size"], params["seed"], params.get("obs_type", "image"))

    @property
    def folder(self) -> str:
        """A path for what is learned from it."""
        return f"{safe_name(self.env_id)}/{self.obs_type}-{self.size}/seed{self.seed}"


class AgentCache:
    """Serves the runs of one process; whatever takes long is on disk, shared with every other process."""

    def __init__(self, root: Path, plan: Plan) -> None:
        """Agents go under ``root/agents``; agents of equal data and configuration are the same agent."""
        self.root = root
        self.plan = plan
        self.dataset = lru_cache(maxsize=2)(self._dataset)
        self._agents: dict[Path, Any] = {}

    def _dataset(self, source: Source) -> Any:
        from data_collection import make_dataset

        return make_dataset(source.env_id, size=source.size, seed=source.seed, obs_type=source.obs_type, progress=False)

    def tasks(self, env_id: str) -> TaskList:
        """The closed-loop tasks of an environment, the same for every agent."""
        return make_tasks(env_id, self.plan.preset.tasks)

    def agent(self, method: Method, source: Source) -> Any:
        """The method, fitted: from memory, from disk, or now; an interrupted fit goes on."""
        config = method.config(self.plan.preset)
        folder = self._folder(method, config, source)
        if folder not in self._agents:
            if len(self._agents) > 12:
                self._agents.clear()
            self._agents[folder] = self._fitted(method, config, source, folder)
        return self._agents[folder]

    def _folder(self, method: Method, config: Any, source: Source) -> Path:
        from agents.training.config_json import to_dict

        identity = {"config": to_dict(config), "privileged": method.privileged, "device": self.plan.device}
        identity |= self.plan.execution.identity()
        digest = hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:10]
        return self.root / "agents" / source.folder / f"{method.agent}-{digest}"

    def _fitted(self, method: Method, config: Any, source: Source, folder: Path) -> Any:
        from filelock import FileLock

        from agents import load_agent
        from agents.training.execution import Execution

        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / ".lock"):
            if (folder / "agent" / "agent.json").is_file():
                return load_agent(folder / "agent", device=self.plan.device)
            agent = self._new(method, config, source)
            work, execution = folder / "work", self.plan.execution
            if agent.bare:  # those of Stable-Baselines3 are trained by its own loop
                execution = Execution(deterministic=execution.deterministic)
            agent.fit(
                self.dataset(source).without_oracle(),
                seed=source.seed,
                workdir=work,
                device=self.plan.device,
                progress=False,
                execution=execution,
            )
            agent.save(folder / "agent")
            shutil.rmtree(work, ignore_errors=True)
        return agent

    def _new(self, method: Method, config: Any, source: Source) -> Any:
        from agents import get_agent

        agent_class = get_agent(method.agent)
        if method.privileged:
            from ...protocols.rewards import PoseReward

            return agent_class(config, reward_fn=PoseReward(source.env_id, source.obs_type))
        agent = agent_class(config)
        # The local metric is the slow part that all distances have in common. A variant that chooses the defaults is
        # plan2vec itself, in the same folder, and has nobody to share with.
        default = self._folder(PLAN2VEC, PLAN2VEC.config(self.plan.preset), source)
        if self._folder(method, config, source) != default:
            agent.sharing(self.agent(PLAN2VEC, source))
        return agent
