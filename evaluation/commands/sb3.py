"""`plan2vec sb3`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

import tyro

from .context import Context, RunOptions


@dataclass(frozen=True)
class Command(RunOptions):
    """Train a Stable-Baselines3 policy in a room, paid by a learned metric or by the environment alone.

    PPO and DQN move in eight directions, SAC and TD3 by two continuous numbers; DQN, SAC and TD3 learn with hindsight.
    """

    env: Annotated[str, tyro.conf.Positional] = "Plan2vec/CMaze-v0"
    """environment id; `plan2vec envs` lists them"""
    algo: str = "ppo"
    """ppo, dqn, sac or td3"""
    reward: str = "plan2vec"
    """sparse (the environment's own), an agent that is trained first (plan2vec, vae, sptm-1-step, ...), the folder of a
    saved agent or of a finished run, or straight-line (privileged: it reads positions)"""
    mode: str = "shaping"
    """shaping, distance, progress, sparse or novelty; docs/rewards.md says which keeps the optimal policy"""
    gamma: float = 0.98
    """discount, of the algorithm and of the shaping"""
    steps: int = 100_000
    """environment steps"""
    obs: Literal["image", "state"] = "image"
    """what is observed"""
    task: str | None = None
    """a named task whose goal is that of every episode; random goals by default"""
    size: str = "1000x10"
    """rollouts x steps that the metric learns from; add them to the steps of the curve when you compare"""
    envs: int = 16
    """environments in parallel"""
    every: int = 5_000
    """environment steps between two evaluations"""
    stop_at: float | None = None
    """success rate, 0 to 1, that is enough"""
    buffer_size: int = 50_000
    """transitions of the replay buffer; images take 24.6 kB each"""

    def run(self, context: Context) -> int:
        """Runs the job; an interrupted run with the same options is resumed."""
        from ..rl.job import RLJob
        from ..rl.run import run_rl_job

        names = {"env": "env_id", "algo": "algorithm", "obs": "obs_type", "envs": "num_envs", "tasks": "num_tasks"}
        asked = {names.get(name, name): value for name, value in vars(self).items() if name not in ("fresh", "out")}
        run = run_rl_job(RLJob(**asked), self.out, context.command, say=context.say, fresh=self.fresh)
        context.say(f"\nModel, curve and pictures: {run.root}")
        return 0
