"""Pictures: the right format, drawn without a display, true in what can be checked."""

import io

import numpy as np
from PIL import Image

from evaluation.figures.gif import tasks_gif
from evaluation.figures.rooms import rooms_figure
from evaluation.figures.style import position_colors
from evaluation.figures.value_map import hidden_goal, value_map_figure
from evaluation.protocols.worlds import room_of
from plan2vec_envs import ROOM_IDS

from ..conftest import CMAZE, SeeingAgent


def test_rooms_and_value_map_are_png_pictures():
    for data in (rooms_figure(ROOM_IDS), value_map_figure(SeeingAgent(CMAZE), room_of(CMAZE), cells=15)):
        assert Image.open(io.BytesIO(data)).format == "PNG"


def test_an_animation_has_a_frame_a_step_and_shows_the_agent_where_it_is():
    room = room_of(CMAZE)
    paths = [np.array([(0.2, 0.2), (0.2, 0.1), (0.2, 0.0)]), np.array([(0.2, -0.2), (0.1, -0.2)])]
    gif = Image.open(io.BytesIO(tasks_gif(room, paths, np.array([(0.0, 0.2), (0.0, -0.2)]), size=120)))
    assert gif.n_frames == 3
    gif.seek(2)
    frame = np.asarray(gif.convert("RGB")).astype(int)
    assert frame.shape == (120, 248, 3)
    red, _, blue = frame[60, 60 + int(0.2 / 0.298 * 60)]  # (.2, 0) in the first panel
    assert blue > 200 > red


def test_the_four_corners_of_a_room_get_four_colours():
    corners = position_colors(np.array([(x, y) for x in (-0.24, 0.24) for y in (-0.24, 0.24)]))
    gaps = np.linalg.norm(corners[:, None] - corners[None], axis=-1)[~np.eye(4, dtype=bool)]
    assert gaps.min() > 0.3


def test_the_goal_of_the_value_map_lies_behind_the_wall():
    (start, goal), *_ = room_of(CMAZE).tasks.values()
    assert hidden_goal(room_of(CMAZE)) == goal
    assert room_of(CMAZE).segment_is_blocked(np.array([start]), np.array([goal])).all()
