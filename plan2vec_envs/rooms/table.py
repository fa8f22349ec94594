"""A square table in the middle: the way round it is short on either side."""

from ..geometry import Rect, Room

ROOM = Room(
    name="table",
    title="Table",
    doc="A square arena with a 10 cm table in the middle; the agent passes on every side of it.",
    obstacles=(Rect(0.0, 0.0, 0.05, 0.05),),
    start_low=-0.24,
    start_high=0.24,
    goal_low=-0.23,
    goal_high=0.23,
    goal_excluded=(Rect(0.0, 0.0, 0.13, 0.11),),
    tasks={
        "west_to_east": ((-0.18, 0.0), (0.18, 0.0)),
        "south_to_north": ((0.0, -0.18), (0.0, 0.18)),
        "corner_to_corner": ((-0.2, -0.2), (0.2, 0.2)),
        "along_the_side": ((-0.15, -0.16), (-0.15, 0.16)),
        "past_the_edge": ((0.0, 0.16), (0.18, -0.05)),
    },
)
