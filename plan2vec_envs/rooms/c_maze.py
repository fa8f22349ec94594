"""A wall that leaves one passage: the two corridors are near in space and far on foot."""

from ..geometry import Rect, Room

ROOM = Room(
    name="c_maze",
    title="CMaze",
    doc=(
        "A wall grows from the west side and leaves a passage in the east. Points that face each other "
        "across the wall look near; the way between them is many times the straight line."
    ),
    obstacles=(Rect(-0.1, 0.0, 0.18, 0.05),),
    # x < .13 and |y| < .11: goals keep one more centimetre or two away from the wall.
    goal_excluded=(Rect(-0.44, 0.0, 0.57, 0.11),),
    tasks={
        "around_the_wall": ((-0.2, 0.15), (-0.2, -0.15)),
        "back_around": ((-0.2, -0.15), (-0.2, 0.15)),
        "through_the_passage": ((0.18, 0.2), (0.18, -0.2)),
        "into_the_corridor": ((0.18, 0.0), (-0.2, 0.16)),
        "along_the_corridor": ((-0.2, -0.18), (0.2, -0.18)),
    },
)
