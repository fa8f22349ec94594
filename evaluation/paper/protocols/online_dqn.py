"""DQN with hindsight and interaction, for reference: what Q learning reaches when it may act to find out.

Stable-Baselines3's own loop, exploration and replay buffer, on true states. Two things are changed: a goal chosen in
hindsight ends the task where it is reached, and the network sees states scaled to [-1, 1].
"""

from __future__ import annotations

from typing import Any

from ...errors import ProtocolError
from ...protocols.tasks import make_tasks
from ...rl.judge import drive


def online_dqn(
    env_id: str,
    seed: int = 0,
    total_steps: int = 50_000,
    *,
    warm_up: int = 1_000,
    every: int = 2_500,
    num_tasks: int = 200,
    stop_at: float | None = None,
) -> list[tuple[int, float]]:
    """Trains with interaction, on states, and asks now and then how well it does.

    The seed is also given to the global generators of random, numpy and torch, which Stable-Baselines3 draws from.

    Args:
        env_id: a registered room.
        seed: of exploration, initial weights and draws.
        total_steps: environment steps, one gradient step each after the warm-up.
        warm_up: environment steps before learning begins; hindsight needs an episode that has ended.
        every: environment steps between two evaluations, whose own steps are not counted.
        num_tasks: how many of the fixed tasks.
        stop_at: success rate in [0, 1] that is enough.

    Returns:
        (environment steps, success rate in [0, 1]) of each evaluation, in order.

    Raises:
        UnknownNameError: with the closest registered id.
        ProtocolError: if no evaluation would take place.
    """
    if not 1 <= every <= total_steps:
        raise ProtocolError(f"evaluating every {every} of {total_steps} steps never happens; need 1 <= every <= steps")
    import gymnasium as gym
    from stable_baselines3 import DQN

    from agents.sb3.extractors import ScaledPair
    from agents.sb3.hindsight import TerminatingHerReplayBuffer
    from agents.training.loop import one_torch_thread

    tasks = make_tasks(env_id, num_tasks)
    model = DQN(
        "MultiInputPolicy",
        gym.make(env_id, obs_type="state"),
        learning_rate=1e-3,
        buffer_size=total_steps,
        learning_starts=warm_up,
        batch_size=256,
        tau=0.01,
        gamma=0.98,
        train_freq=1,
        target_update_interval=1,
        exploration_fraction=0.2,
        exploration_final_eps=0.1,
        replay_buffer_class=TerminatingHerReplayBuffer,
        policy_kwargs={"features_extractor_class": ScaledPair, "net_arch": [256, 256]},
        seed=seed,
        device="cpu",
    )
    curve: list[tuple[int, float]] = []

    def ask(*_: Any) -> bool:
        """After each step: evaluate when it is time, and say whether to go on."""
        if model.num_timesteps % every == 0:
            curve.append((model.num_timesteps, float(drive(model, tasks).success_rate)))
            return stop_at is None or curve[-1][1] < stop_at
        return True

    with one_torch_thread():
        model.learn(total_steps, callback=ask)
    return curve
