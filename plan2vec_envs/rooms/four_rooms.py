"""The C-Maze with a wall in each corridor: four rooms in a row, as the authors' "changed environment"."""

from ..geometry import Rect, Room

# The authors' walls are (-.01, .07, .05, .07), which overlaps the C-Maze's wall, and (-.01, -.27, .05, .06), which
# leaves the arena; these are the parts that do not, so that nothing is drawn twice. What is blocked is the same.
_NORTH = Rect(-0.01, 0.095, 0.05, 0.045)
_SOUTH = Rect(-0.01, -0.245, 0.05, 0.035)

ROOM = Room(
    name="four_rooms",
    title="FourRooms",
    doc=(
        "The C-Maze with two more walls: one narrows the northern corridor to a door in the north, one the southern "
        "corridor to a door at the wall's foot. hidden_walls=True leaves the two out of the picture, so that it looks "
        "like the C-Maze."
    ),
    obstacles=(Rect(-0.1, 0.0, 0.18, 0.05), _NORTH, _SOUTH),
    hideable=(_NORTH, _SOUTH),
    goal_excluded=(Rect(-0.44, 0.0, 0.57, 0.11), _NORTH.grow(0.05), _SOUTH.grow(0.05)),
    tasks={
        "through_all_rooms": ((-0.15, 0.15), (-0.15, -0.15)),
        "back_through_all_rooms": ((-0.15, -0.15), (-0.15, 0.15)),
        "north_door": ((-0.15, 0.12), (0.15, 0.12)),
        "south_door": ((-0.15, -0.2), (0.15, -0.2)),
        "through_the_passage": ((0.18, 0.2), (0.18, -0.2)),
    },
)
