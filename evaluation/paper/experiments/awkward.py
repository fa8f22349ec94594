"""Awkward recordings: what pauses, teleporters and walls that nobody touched cost, with and without the remedies."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from agents import Agent, get_agent, recommend
from data_collection import Dataset

from ..lab import AgentCache, Experiment, Plan, Run, Table, crossed, register_experiment
from ..lab.plan import configured
from ..lab.scores import Column, bits, means, percent, plain, rate, successes, table
from ..protocols.awkward_worlds import LONG, WIDE, WalledRoom, corridor, hovering, step_in_corridor

WORLDS = {
    "pauses": "hovers, with noise: 9 of 10 frames repeat",
    "jumps": "a gate in the middle carries half of all walkers to one of the ends",
    "support": "a wall that no recorded walker touched",
    "none": "a corridor with nothing awkward",
}
ARMS = {"plain": "without remedies", "remedies": "as `recommend` says"}
_TRANSITIONS, _STEPS, _TASKS, _HORIZON, _NEAR = 24_000, 60, 50, 80, 0.8
_FIRST_SEED = 10  # smaller ones were looked at while the rules of `recommend` were chosen


@register_experiment
class Awkward(Experiment):
    """Steps to the goal, success, and D against the true number of steps."""

    id = "awkward"
    title = "Awkward recordings: what the remedies are worth"
    choices = tuple(WORLDS)
    seeds = 5
    groups = ("worlds", "world", "name")
    about = (
        f"{_TRANSITIONS:,} steps of a point in episodes of {_STEPS} (jumps: 10), seen as its position; the agent that "
        "`recommend` chooses, without and with the options that it sets by looking at the recording. "
        f"{_TASKS} tasks, {_HORIZON} steps at most, within {_NEAR} of the goal; tasks that fail count as that many. "
        "D is compared with the length of the path in recorded moves where nothing is in between (corridors)."
    )

    def runs(self, plan: Plan) -> list[Run]:
        """One group per world and seed, one run per arm."""
        seeds = range(_FIRST_SEED, _FIRST_SEED + plan.num_seeds(self.seeds))
        axes = {"world": plan.only or WORLDS, "seed": seeds, "arm": ARMS}
        return crossed("{world} seed {seed}", "{arm}", axes, steps=plan.preset.steps)

    def measure(self, run: Run, cache: AgentCache) -> dict[str, Any]:
        """Learns one agent and lets it walk."""
        world, seed = run.params["world"], run.params["seed"]
        data, step, starts, goals = _world(world, seed, run.params["steps"])
        found = recommend(data, remedies=run.params["arm"] == "remedies")
        agent = get_agent(found.agent)(configured(found.config, {}, run.params["steps"]))
        began = time.process_time()
        agent.fit(data, seed=seed, progress=False)
        learned = time.process_time() - began
        steps = _walk(agent, step, starts, goals)
        a, b = np.random.default_rng(7).uniform(0, (LONG, WIDE), (2, 200, 2)).astype(np.float32)
        truth = np.linalg.norm(a - b, axis=1) / 0.7  # units per recorded move
        ratio = float(np.median(agent.distance(a, b)) / np.median(truth))
        return {
            "why": found.why,
            "solved": bits(steps < _HORIZON),
            "steps": round(float(steps.mean()), 2),
            "ratio": round(ratio, 3) if world in ("pauses", "none") else None,
            "cpu": round(learned, 1),
        }

    def say(self, result: dict[str, Any]) -> str:
        """Success and steps."""
        return f"{rate(result['solved']):.0%} solved in {result['steps']:.1f} steps"

    def pool(self, runs: list[dict[str, Any]]) -> dict[str, Any]:
        """Means over the seeds of an arm, and what `recommend` said."""
        return {"why": runs[0]["why"], **successes(runs, "solved"), **means(runs, "steps", "ratio")}

    def tables(self, summary: dict[str, Any]) -> list[Table]:
        """One row per world and arm."""
        columns: list[Column] = [
            ("solved, %", lambda found: percent(found["solved"])),
            ("steps", lambda found: plain(found["steps"], ".1f")),
            ("D / true steps, medians", lambda found: plain(found["ratio"], ".2f")),
        ]
        rows = [
            (arm == "remedies", f"{WORLDS[world]}; {ARMS[arm]}", found)
            for world, arms in summary["worlds"].items()
            for arm, found in arms.items()
        ]
        note = f"{summary['seeds']} seeds x {_TASKS} tasks; mean [95 % bootstrap over seeds; Wilson where all agree]."
        return [table(self.title, "the recording", columns, rows, note)]


Step = Callable[[np.ndarray, np.ndarray], np.ndarray]


def _world(name: str, seed: int, share: float) -> tuple[Dataset, Step, np.ndarray, np.ndarray]:
    """A recording, what a move does in its world, and where tasks start and end."""
    length = 10 if name == "jumps" else _STEPS
    rng, episodes = np.random.default_rng(1000 + seed), max(40, int(_TRANSITIONS / length * min(share, 1)))
    if name == "support":
        room = WalledRoom()
        starts = rng.uniform((3, 0.5), (4.5, 4), (_TASKS, 2)).astype(np.float32)
        goals = rng.uniform((5.5, 0.5), (7, 4), (_TASKS, 2)).astype(np.float32)
        return room.recorded(episodes=episodes, steps=length, seed=seed), room.step, starts, goals
    gate = 0.5 if name == "jumps" else 0.0

    def step(places: np.ndarray, actions: np.ndarray) -> np.ndarray:
        moves = zip(places, np.clip(actions, -1, 1), strict=True)
        return np.stack([step_in_corridor(place, action, rng, gate) for place, action in moves])

    data = corridor(episodes=episodes, steps=length, seed=seed, gate=gate)
    low, high = ((7, 0), (9, WIDE)) if name == "jumps" else ((12, 0), (LONG, WIDE))
    starts = rng.uniform(low, high, (_TASKS, 2)).astype(np.float32)
    goals = rng.uniform((0.5, 0), (2, WIDE), (_TASKS, 2)).astype(np.float32)
    return (hovering(data, times=9, noise=0.02, seed=seed) if name == "pauses" else data), step, starts, goals


def _walk(agent: Agent, step: Step, starts: np.ndarray, goals: np.ndarray) -> np.ndarray:
    """Steps until each task is solved; all there are where it is not."""
    here, steps, memory = starts, np.full(len(starts), _HORIZON), agent.new_memory(len(starts))
    for taken in range(1, _HORIZON):
        here = step(here, agent.act(here, goals, memory=memory))
        arrived = np.linalg.norm(here - goals, axis=1) < _NEAR
        steps = np.where(arrived, np.minimum(steps, taken), steps)
    return steps
