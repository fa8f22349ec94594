"""Recordings as they come: pauses, jumps, resets, time-outs and blocked moves, of a point in a corridor or a room."""

from __future__ import annotations

import numpy as np

from data_collection import Dataset, Episode

LONG, WIDE = 20.0, 1.0


def step_in_corridor(
    place: np.ndarray, action: np.ndarray, rng: np.random.Generator, gate: float = 0.0, late: bool = False
) -> np.ndarray:
    """Where a move of at most 1 leads from a place (2,): the ends and sides of the corridor stop what would leave it.

    Within half a unit of the middle a gate carries to one of the ends, with the chance ``gate``: at once, or ``late``
    in the next step.
    """
    onward = np.clip(place + action, 0, (LONG, WIDE)).astype(np.float32)
    caught = abs((place if late else onward)[0] - LONG / 2) < 0.5
    if caught and rng.random() < gate:
        return np.array([rng.choice([0.2, LONG - 0.2]), rng.uniform(0, WIDE)], np.float32)
    return onward


def corridor(episodes: int = 60, steps: int = 30, seed: int = 0, gate: float = 0.0, late: bool = False) -> Dataset:
    """Walks to and fro along a corridor, in moves of at most 1; see ``step_in_corridor``."""
    rng = np.random.default_rng(seed)
    made = []
    for _ in range(episodes):
        place = rng.uniform(0, (LONG, WIDE)).astype(np.float32)
        observations, actions = [place], []
        direction = rng.choice([-1, 1])
        for _ in range(steps):
            direction *= -1 if rng.random() < 0.05 else 1
            action = np.array([direction * rng.uniform(0.4, 1), rng.uniform(-0.3, 0.3)], np.float32)
            observations.append(step_in_corridor(observations[-1], action, rng, gate, late))
            actions.append(action)
        made.append(Episode(np.stack(observations), np.array(actions)))
    return Dataset.from_episodes(made)


def hovering(dataset: Dataset, times: int, noise: float, seed: int = 0) -> Dataset:
    """Every frame again ``times`` times, with noise, as of a walker that waits; doing nothing is an action."""
    rng = np.random.default_rng(seed)
    made = []
    for episode in dataset.episodes():
        assert episode.actions is not None
        frames = np.repeat(episode.observations, times + 1, 0)
        frames = frames + (noise * rng.normal(size=frames.shape)).astype(np.float32)
        actions = np.zeros((len(frames) - 1, episode.actions.shape[1]), np.float32)
        actions[times :: times + 1] = episode.actions
        made.append(Episode(frames, actions))
    return Dataset.from_episodes(made)


class WalledRoom:
    """A room of 10 by 8 units and a thin wall down its middle with a gap at the top; moves of at most one unit.

    What would cross the wall stays where it is, and what would leave the room slides along its border. Recorded
    walkers never come near the wall, so that nothing recorded says that it is there.
    """

    size = np.array([10.0, 8.0], np.float32)
    wall, top, margin = 5.0, 6.5, 0.5

    def step(self, places: np.ndarray, actions: np.ndarray) -> np.ndarray:
        """Places after one action each: (B, 2) and (B, 2) -> (B, 2) float32."""
        onward = np.clip(places + actions, 0, self.size).astype(np.float32)
        moves = onward - places
        crossing = (places[:, 0] - self.wall) * (onward[:, 0] - self.wall) <= 0
        # Where on its way a move meets the line of the wall; below the gap it does not pass.
        share = (self.wall - places[:, 0]) / np.where(moves[:, 0] == 0, 1, moves[:, 0])
        blocked = crossing & (places[:, 1] + share * moves[:, 1] < self.top)
        return np.where(blocked[:, None], places, onward)

    def near_wall(self, places: np.ndarray) -> np.ndarray:
        """(B,) bool, nearer to the wall than any recorded walker comes."""
        beside = np.abs(places[:, 0] - self.wall) < self.margin
        return beside & (places[:, 1] < self.top + self.margin)

    def recorded(self, episodes: int = 80, steps: int = 30, seed: int = 0) -> Dataset:
        """Random walks of walkers who keep away from the wall."""
        rng = np.random.default_rng(seed)
        made: list[Episode] = []
        while len(made) < episodes:
            place = rng.uniform(0, self.size).astype(np.float32)[None]
            if self.near_wall(place)[0]:
                continue
            observations, actions = [place[0]], []  # type: ignore[var-annotated]
            while len(actions) < steps:
                action = rng.uniform(-1, 1, (1, 2)).astype(np.float32)
                onward = self.step(place, action)
                aimed_across = (place[0, 0] - self.wall) * (place[0, 0] + action[0, 0] - self.wall) <= 0
                if self.near_wall(onward)[0] or (aimed_across and (onward == place).all()):
                    continue  # nobody ever tried the wall
                place = onward
                observations.append(place[0])
                actions.append(action[0])
            made.append(Episode(np.stack(observations), np.stack(actions)))
        return Dataset.from_episodes(made)
