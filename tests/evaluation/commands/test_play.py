"""A person at the keyboard, played by posted events on a screen that is not there."""

import pygame
import pytest

from evaluation.cli import main
from evaluation.commands.play import move_of, play
from plan2vec_envs.errors import UnknownNameError
from plan2vec_envs.maze.actions import Actions


@pytest.mark.parametrize("keys", [["left"], ["d"], ["up", "left"], ["s", "right"], ["w"], ["a", "down"]])
def test_keys_move_the_way_they_point(keys):
    ways = {"left": (-1, 0), "a": (-1, 0), "right": (1, 0), "d": (1, 0)}
    ways |= {"up": (0, 1), "w": (0, 1), "down": (0, -1), "s": (0, -1)}
    wanted = [sum(ways[key][axis] for key in keys) for axis in (0, 1)]
    moves = Actions("discrete").moves
    assert (moves[move_of(keys)] / abs(moves).max()).tolist() == wanted


def test_opposite_keys_and_no_keys_ask_for_nothing():
    assert move_of([]) is None
    assert move_of(["left", "d"]) is None


class Typist:
    """Types a key each time somebody listens."""

    def __init__(self, keys):
        self.keys = list(keys)

    def __call__(self):
        key = self.keys.pop(0)
        return [pygame.event.Event(pygame.KEYDOWN, key=pygame.key.key_code(key))]


def type_keys(monkeypatch, *keys):
    monkeypatch.setattr(pygame.event, "get", Typist(keys))


def test_a_goal_straight_ahead_is_reached_in_as_many_steps_as_it_is_away(monkeypatch):
    """The task "east" is .4 m away, success is within .02 m, a move is .0249 m: 16 moves lead to .0013 m from it."""
    said = []
    type_keys(monkeypatch, *["right"] * 16, "q")
    assert play("Plan2vec/Open-v0", task="east", say=said.append) == 1
    assert said[-1] == "there, in 16 steps"


def test_the_same_task_can_be_tried_again_and_the_agent_says_how_far_it_is(monkeypatch):
    class Guess:
        name = "guess"

        def distance(self, observation, goal):
            return (observation != goal).sum()

    said = []
    type_keys(monkeypatch, "up", "r", "up", "n", "q")
    assert play("Plan2vec/Open-v0", agent=Guess(), task="north", say=said.append) == 0
    assert said[1] == said[2]
    assert said[1].startswith("step 1: ")


def test_quitting_ends_at_once(monkeypatch, capsys):
    type_keys(monkeypatch, "q")
    assert main(["play", "Plan2vec/Open-v0"]) == 0
    assert "0 goals" in capsys.readouterr().out


def test_an_unknown_task_is_refused_before_a_window_opens():
    with pytest.raises(UnknownNameError, match="tasks"):
        play("Plan2vec/Open-v0", task=9)


def test_without_a_display_it_says_what_to_do(monkeypatch, capsys):
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "SDL_VIDEODRIVER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("sys.platform", "linux")
    assert main(["play"]) == 2
    assert "plan2vec demo" in capsys.readouterr().err
