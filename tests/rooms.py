"""The rooms of a package by its import graph: `python tests/rooms.py [package ...]` prints them.

A room is a direct child of the package, a folder or a loose module; `__init__` and `__main__` are the door and count
for none. An arrow leads from a room to one that it imports from, wherever in a module the import stands. A room stands
on the floor that is the length of the longest chain of arrows from it down; rooms in a circle share a floor.
"""

import sys
from functools import cache

import grimp
import networkx as nx

PACKAGES = ("media", "vision", "prep", "colorize", "bench", "plan")


@cache
def imports() -> grimp.ImportGraph:
    """Every import of the product, from its source; nothing is run."""
    return grimp.build_graph(*PACKAGES, cache_dir=None)


def room_of(module: str, package: str) -> str | None:
    """The room of `package` in which a module stands; None if it is in none."""
    first, *inside = module.split(".")
    return inside[0] if first == package and inside and inside[0] != "__main__" else None


@cache
def rooms(package: str) -> nx.DiGraph:
    """The rooms of a package as nodes, its arrows as edges with the imports (`importer -> imported`) as their `why`."""
    graph, built = imports(), nx.DiGraph()
    for importer in sorted(graph.modules):
        if above := room_of(importer, package):
            built.add_node(above)
            for imported in sorted(graph.find_modules_directly_imported_by(importer)):
                below = room_of(imported, package)
                if below and below != above:
                    why = built.get_edge_data(above, below, {"why": []})["why"]
                    built.add_edge(above, below, why=[*why, f"{importer} -> {imported}"])
    return built


def circles(built: nx.DiGraph) -> list[list[str]]:
    """The rooms that import each other, if only through others."""
    return [sorted(part) for part in nx.strongly_connected_components(built) if len(part) > 1]


def floors(built: nx.DiGraph) -> list[list[str]]:
    """The rooms by floor, the lowest first."""
    parts = nx.condensation(built)
    levels = nx.topological_generations(parts.reverse())
    return [sorted(room for part in level for room in parts.nodes[part]["members"]) for level in levels]


def counts(built: nx.DiGraph) -> dict[str, int]:
    """Rooms, floors, arrows and circles."""
    numbers = len(built), len(floors(built)), built.number_of_edges(), len(circles(built))
    return dict(zip(("rooms", "floors", "arrows", "circles"), numbers, strict=True))


def table(package: str) -> str:
    """A package's rooms, the highest floor first, each with the rooms that it imports."""
    built = rooms(package)
    lines = [f"{package}: {', '.join(f'{number} {what}' for what, number in counts(built).items())}"]
    for number, floor in reversed(list(enumerate(floors(built), start=1))):
        lines += [f"  {number}  {room:<18} {', '.join(sorted(built[room])) or '-'}" for room in floor]
    return "\n".join([*lines, *(f"  circle: {', '.join(circle)}" for circle in circles(built))])


if __name__ == "__main__":
    print("\n\n".join(map(table, sys.argv[1:] or PACKAGES)))
