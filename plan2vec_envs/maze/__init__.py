"""The rooms as environments: physics, pictures, tasks; one room and many at a time."""
