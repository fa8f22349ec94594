"""Two posts joined by a bar, like an H: the pockets between the posts are near each other and far on foot."""

from ..geometry import Rect, Room

# The authors' "blockage", without the half centimetre by which it enters the posts.
_BAR = Rect(0.0, 0.0, 0.075, 0.025)

ROOM = Room(
    name="h_maze",
    title="HMaze",
    doc=(
        "Two posts and a bar that joins them in the middle, an H: a pocket in the north and one in the south, and the "
        "way between them leads round a post. hidden_walls=True leaves the bar out of the picture, so that the way "
        "between the posts looks open."
    ),
    obstacles=(Rect(-0.1, 0.0, 0.025, 0.1), Rect(0.1, 0.0, 0.025, 0.1), _BAR),
    hideable=(_BAR,),
    goal_excluded=(Rect(-0.1, 0.0, 0.075, 0.15), Rect(0.1, 0.0, 0.075, 0.15), Rect(0.0, 0.0, 0.1, 0.075)),
    tasks={
        "pocket_to_pocket": ((0.0, 0.1), (0.0, -0.1)),
        "west_to_east": ((-0.2, 0.0), (0.2, 0.0)),
        "into_the_pocket": ((0.2, -0.1), (0.0, 0.1)),
        "out_of_the_pocket": ((0.0, -0.1), (-0.2, 0.1)),
        "along_the_side": ((-0.2, -0.2), (-0.2, 0.2)),
    },
)
