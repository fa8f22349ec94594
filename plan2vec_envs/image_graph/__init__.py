"""Worlds that are graphs of places with pictures: streets, and anything that was photographed step by step."""

from .catalog import get_world as get_world
from .catalog import world_names as world_names
from .city import make_city as make_city
from .drawn_rope import make_drawn_rope as make_drawn_rope
from .file import load_world as load_world
from .file import save_world as save_world
from .frames import world_of_frames as world_of_frames
from .record import WorldGraph as WorldGraph
from .views import Views as Views
from .views import get_views as get_views
