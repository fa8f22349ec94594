"""Who is compared: agents by name, with the options in which they differ from their defaults."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ...protocols.worlds import short_name
from .plan import Plan
from .records import Method, Run

PLAN2VEC = Method("plan2vec", "plan2vec", "plan2vec", paper="plan2vec (L2)")
SPTM = Method("sptm", "SPTM (full)", "sptm")
SPTM_1 = Method("sptm-1-step", "SPTM (1-step), Siamese", "sptm-1-step", paper="SPTM (1-step)")
SPTM_PAIR = Method("sptm-1-step-pair", "SPTM (1-step), stacked pairs", "sptm-1-step-pair", paper="SPTM (1-step)")
VAE_2 = Method("vae-2", "VAE, 2-d", "vae", {"vae.latent_dim": 2}, paper="VAE")
VAE_8 = Method("vae-8", "VAE, 8-d", "vae", {"vae.latent_dim": 8}, paper="VAE")
DQN = Method("dqn", "DQN, reward for the identical frame", "dqn")
DQN_POSE = Method("dqn-pose", "DQN, reward from true poses (privileged)", "dqn", privileged=True)
RANDOM_NETWORK = Method("random-network", "random network", "random-network", paper="Random")
UNIFORM = Method("random", "random actions", "random", paper="Random")

LINEUP = (PLAN2VEC, SPTM, SPTM_1, SPTM_PAIR, VAE_2, VAE_8, DQN, DQN_POSE, RANDOM_NETWORK, UNIFORM)
"""Table 1, plan2vec first: the others share its local metric."""

BY_KEY = {method.key: method for method in LINEUP}


def method_of(key: str) -> Method:
    """The method of that key; any other key is the name of a registered agent, with its defaults."""
    return BY_KEY.get(key) or Method(key, key, key)


def among(plan: Plan, lineup: Sequence[Method]) -> list[Method]:
    """Those of a line-up that a plan asks for, and then agents by their name; all of them where it names none."""
    keys = [method.key for method in lineup]
    others = [method_of(name) for name in dict.fromkeys(plan.only) if name not in keys]
    return [method for method in lineup if not plan.only or method.key in plan.only] + others


def rooms_and_seeds(
    plan: Plan, lineup: Sequence[Method], env_ids: Sequence[str], seeds: int = 5
) -> Iterator[tuple[str, dict[str, Any], list[Run]]]:
    """One group per seed and room, seeds outermost: its name, the source of its data, and a run a method.

    Args:
        plan: what is asked, in place of the defaults that follow.
        lineup: who is compared.
        env_ids: rooms, where the plan names none.
        seeds: their number, where neither plan nor preset says.
    """
    for place in places(plan, env_ids, seeds):
        group = f"{short_name(place['env_id'])} seed {place['seed']}"
        runs = [Run(group, c.key, {**place, "method": c.params(plan.preset)}) for c in among(plan, lineup)]
        yield group, place, runs


def places(plan: Plan, env_ids: Sequence[str], seeds: int) -> Iterator[dict[str, Any]]:
    """Where data comes from, as parameters of a run, seeds outermost; of the defaults what the plan leaves open."""
    for seed in range(plan.num_seeds(seeds)):
        for env_id in plan.env_ids or env_ids:
            yield {"env_id": env_id, "size": plan.rollouts, "seed": seed}


def runs_of(plan: Plan, lineup: Sequence[Method], env_ids: Sequence[str]) -> list[Run]:
    """The runs alone."""
    return [run for _, _, runs in rooms_and_seeds(plan, lineup, env_ids) for run in runs]


def present(lineup: Sequence[Method], rooms: Mapping[str, Mapping[str, Any]]) -> list[Method]:
    """Those of a line-up that have results in the rooms of a summary."""
    return [method for method in lineup if method.key in next(iter(rooms.values()))]
