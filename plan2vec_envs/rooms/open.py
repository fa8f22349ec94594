"""An empty arena: the straight line is always the way."""

from ..geometry import Room

ROOM = Room(
    name="open",
    title="Open",
    doc="A square arena without obstacles. Every straight line is free.",
    obstacles=(),
    start_low=-0.20,
    start_high=0.20,
    goal_low=-0.20,
    goal_high=0.20,
    tasks={
        "east": ((-0.2, 0.0), (0.2, 0.0)),
        "north": ((0.0, -0.2), (0.0, 0.2)),
        "diagonal": ((-0.2, -0.2), (0.2, 0.2)),
        "knight": ((0.15, -0.18), (-0.05, 0.18)),
        "nearby": ((0.0, 0.0), (0.06, -0.03)),
    },
)
