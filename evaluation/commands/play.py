"""`plan2vec play`: a person in the agent's place, with arrow keys, a window, and the metric's opinion."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Collection
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Annotated, Any

import tyro

from .context import Context

HELP = "arrow keys or WASD move, two at once diagonally; N: another task, R: the same again, Q or Esc: quit"
_MOVES = [(x, y) for x in (-1, 0, 1) for y in (-1, 0, 1) if (x, y) != (0, 0)]  # as Discrete(8) numbers them
_LEFT, _RIGHT, _DOWN, _UP = (-1, 0), (1, 0), (0, -1), (0, 1)
_KEYS = {"left": _LEFT, "a": _LEFT, "right": _RIGHT, "d": _RIGHT, "down": _DOWN, "s": _DOWN, "up": _UP, "w": _UP}
_WISHES = {"q": "quit", "escape": "quit", "n": "next", "r": "again"}


@dataclass(frozen=True)
class Command:
    """Drive the agent yourself, by keyboard, in a window."""

    env: Annotated[str, tyro.conf.Positional] = "Plan2vec/CMaze-v0"
    """environment id; `plan2vec envs` lists them"""
    task: str | None = None
    """a named task to begin with; random ones by default"""
    agent: Path | None = None
    """folder of a saved agent, or of a finished run, whose distance to the goal is said after each step"""

    def run(self, context: Context) -> int:
        """Opens the window."""
        agent = None
        if self.agent is not None:
            from agents import load_agent

            agent = load_agent(self.agent)
        reached = play(self.env, agent=agent, task=self.task, say=context.console.print)
        context.console.print(f"{reached} goals reached")
        return 0


def move_of(pressed: Collection[str]) -> int | None:
    """The move that keys ask for; None where they ask for none, or cancel out.

    Args:
        pressed: names of keys, as pygame calls them.
    """
    ways = {_KEYS[key] for key in pressed if key in _KEYS}
    x, y = sum(way[0] for way in ways), sum(way[1] for way in ways)
    return None if (x, y) == (0, 0) else _MOVES.index((x, y))


def play(env_id: str, *, agent: Any = None, task: str | int | None = None, say: Callable[[str], None] = print) -> int:
    """Opens a window and lets a person drive until they quit.

    Args:
        env_id: a registered id.
        agent: whose distance to the goal is said after each step; None for none.
        task: name or number of the room's task to begin with; None for random ones.
        say: gets a line for people now and then.

    Returns:
        How many goals were reached.

    Raises:
        NoDisplayError: if no window can be opened.
        UnknownNameError: with the closest id or task.
    """
    import gymnasium as gym
    import pygame

    from plan2vec_envs.maze.tasks import named_task

    from ..errors import NoDisplayError
    from ..protocols.worlds import room_of

    room = room_of(env_id)
    if task is not None:
        named_task(room, task)
    screens = ("DISPLAY", "WAYLAND_DISPLAY", "SDL_VIDEODRIVER")
    if sys.platform.startswith("linux") and not any(os.environ.get(name) for name in screens):
        raise NoDisplayError("play opens a window, and there is no display; `plan2vec demo` writes an animation")
    env = gym.wrappers.HumanRendering(gym.make(env_id, render_mode="rgb_array", max_episode_steps=100_000))
    reached, options = 0, {} if task is None else {"task": task}
    try:
        say(HELP)
        while True:
            observation, info = env.reset(options=options)
            same = {"start": info["oracle_position"], "goal": info["oracle_goal"]}
            ending = _episode(env, pygame, agent, observation, say)
            if ending == "quit":
                return reached
            reached += ending == "reached"
            options = same if ending == "again" else {}
    finally:
        env.close()


def _episode(env: Any, pygame: Any, agent: Any, observation: Any, say: Callable[[str], None]) -> str:
    """Until the goal is reached, or a key ends it: "reached", "next", "again" or "quit"."""
    for steps in count(1):
        wish, move = _listen(pygame)
        while wish is None and move is None:
            pygame.time.wait(20)
            wish, move = _listen(pygame)
        if wish is not None:
            return wish
        observation, _, terminated, _, _ = env.step(move)
        if agent is not None:
            left = float(agent.distance(observation["observation"], observation["desired_goal"]))
            say(f"step {steps}: {left:.1f} to go, says {agent.name}")
        if terminated:
            say(f"there, in {steps} steps")
            return "reached"
    raise AssertionError("count() ends never")


def _listen(pygame: Any) -> tuple[str | None, int | None]:
    """What the keyboard asks for: a wish, a move, or neither."""
    tapped = set()
    for event in pygame.event.get():
        if event.type == pygame.QUIT:
            return "quit", None
        if event.type == pygame.KEYDOWN:
            name = pygame.key.name(event.key)
            if name in _WISHES:
                return _WISHES[name], None
            tapped.add(name)
    down = pygame.key.get_pressed()
    held = {name for name in _KEYS if down[pygame.key.key_code(name)]}
    return None, move_of(tapped | held)
