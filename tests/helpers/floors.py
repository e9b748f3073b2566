"""The floors of the package: which room stands where, what the imports say, and the picture of both.

`python -m tests.helpers.floors docs/architecture.svg` draws the picture from the imports.
"""

import ast
import sys
from pathlib import Path

import spacy_al

PACKAGE = Path(spacy_al.__file__).parent
COMMAND = "python -m tests.helpers.floors docs/architecture.svg"

# A file imports from lower floors only. A room is a folder, or a file at the root; each stands on one floor

FLOORS = {
    8: ("__main__",),
    7: ("cli", "public"),
    6: (
        "auditing",
        "bench",
        "deployment",
        "distributed",
        "loop",
        "simulation",
        "stream",
        "tracking",
        "web",
    ),
    5: ("adapters", "capture", "oracle", "query", "recipe", "teachers", "training"),
    4: ("components", "config", "evaluation", "pipeline", "reporting", "selection", "store"),
    3: (
        "acquisition",
        "consensus",
        "embeddings",
        "estimation",
        "measures",
        "posteriors",
        "stopping",
        "tasks",
    ),
    2: ("arrays", "corpus", "lattice", "processes", "registry"),
    1: ("errors", "kinds", "metrics", "types", "util"),
}
FLOOR_OF = {room: floor for floor, rooms in FLOORS.items() for room in rooms}
# Rooms of one floor of which the first imports the second, and why
NEIGHBOURS = {
    (
        "bench",
        "auditing",
    ): "how many planted mistakes an audit finds is measured on the audit itself",
    (
        "corpus",
        "processes",
    ): "a folder that is replaced is locked as the output of a run is",
    (
        "query",
        "teachers",
    ): "what a teacher says is shown with a question, and chooses what is asked",
    (
        "teachers",
        "training",
    ): "a teacher is known by the files of its pipeline, as a model is",
    (
        "deployment",
        "loop",
    ): "what a run has measured says which labels a candidate is judged by",
    (
        "tracking",
        "loop",
    ): "the report that is sent is that of the run",
    (
        "loop",
        "simulation",
    ): "the report of a run shows what chance would have reached, from a simulation's results",
}


def room_of(module: str) -> str:
    """module (str): Its full name, e.g. "spacy_al.query.select"."""
    return module.split(".")[1]


def imports_of(path, package=PACKAGE):
    """The modules of the package that a file imports, wherever in the file: (line, module)."""
    inside = ["spacy_al", *path.relative_to(package).parts[:-1]]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf8"))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.startswith("spacy_al."):
                    yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom):
            module = (node.module or "").split(".")
            if node.level:
                module = inside[: len(inside) - node.level + 1] + [m for m in module if m]
            if module[0] != "spacy_al":
                continue
            for alias in node.names if len(module) == 1 else ():
                # what the package itself shows belongs to the floor where it is made
                value = getattr(spacy_al, alias.name, None)
                name = f"spacy_al.{alias.name}"
                made_in = getattr(value, "__module__", name)
                yield node.lineno, name if made_in == "builtins" else made_in
            if len(module) > 1:
                yield node.lineno, ".".join(module)


def plan_of(package=PACKAGE):
    """What the imports of all files are between rooms: (file, line, from room, to room)."""
    for path in sorted(package.rglob("*.py")):
        name = path.relative_to(package)
        if str(name) == "__init__.py":
            continue  # stands above all
        room = name.parts[0].removesuffix(".py")
        for line, module in imports_of(path, package):
            if (other := room_of(module)) != room:
                yield name, line, room, other


def faults_of(package=PACKAGE, neighbours=NEIGHBOURS):
    """What is wrong with the plan of a package, in sentences."""
    rooms = {p.relative_to(package).parts[0].removesuffix(".py") for p in package.rglob("*.py")}
    faults = [f"{room} is on no floor" for room in sorted(rooms - {"__init__"} - set(FLOOR_OF))]
    used = set()
    for name, line, room, other in plan_of(package):
        if not {room, other} <= set(FLOOR_OF):
            faults.append(f"{name}:{line} imports {other}, and one of them is on no floor")
        elif FLOOR_OF[other] > FLOOR_OF[room]:
            faults.append(f"{name}:{line} on floor {FLOOR_OF[room]} imports {other} above it")
        elif FLOOR_OF[other] == FLOOR_OF[room] > 1:
            used.add((room, other))
            if (room, other) not in neighbours:
                faults.append(f"{name}:{line} imports {other} on its own floor {FLOOR_OF[room]}")
    faults += [f"{a} no longer imports {b}" for a, b in sorted(set(neighbours) - used)]
    return [*faults, *circles(used)]


def circles(pairs):
    """Rooms of one floor from which imports lead back to themselves. Across floors there can be none."""
    for room in sorted({a for a, _ in pairs}):
        reached = {room}
        while more := {b for a, b in pairs if a in reached} - reached:
            reached |= more
            if any((last, room) in pairs for last in more):
                yield f"imports lead from {room} back to it"
                break


# The picture: a row and a column for each room, both from the top floor down; a dot where the row imports the column

CELL, LEFT, TOP, RIGHT = 22, 196, 116, 60
SHADES = ("#e8f0fb", "#f7f9fc")


def draw_floors(package=PACKAGE) -> str:
    """The floors as an SVG. It changes only when a room appears, moves, or imports another room for the first time."""
    rooms = [room for floor in sorted(FLOORS, reverse=True) for room in FLOORS[floor]]
    place = {room: number for number, room in enumerate(rooms)}
    size = CELL * len(rooms)
    width, height = LEFT + size + RIGHT, TOP + size + 20
    shapes = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        'font-family="Helvetica, Arial, sans-serif" font-size="13" fill="#1f2d3d">',
        "<title>The floors of spacy_al and what each room imports</title>",
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
    ]
    shapes += _bands(rooms, size)
    for room in rooms:
        middle = CELL * place[room] + CELL // 2
        y, x = TOP + middle, LEFT + middle
        shapes.append(f'<text x="{LEFT - 10}" y="{y + 4}" text-anchor="end">{room}</text>')
        turned = f'transform="translate({x + 4} {TOP - 8}) rotate(-60)"'
        shapes.append(f'<text {turned} font-size="12">{room}</text>')
    for room, other in sorted({(room, other) for _, _, room, other in plan_of(package)}):
        x = LEFT + CELL * place[other] + CELL // 2
        y = TOP + CELL * place[room] + CELL // 2
        shapes.append(
            f'<circle cx="{x}" cy="{y}" r="5" fill="#2f5d9b">'
            f"<title>{room} imports {other}</title></circle>"
        )
    return "\n".join([*shapes, "</svg>", ""])


def _bands(rooms, size):
    """Behind the dots: a stripe for each floor with its number, lines, and the block where row and column are one floor."""
    begun = 0
    for floor in sorted(FLOORS, reverse=True):
        y, tall = TOP + CELL * begun, CELL * len(FLOORS[floor])
        yield f'<rect x="0" y="{y}" width="{LEFT + size}" height="{tall}" fill="{SHADES[floor % 2]}"/>'
        yield (
            f'<text x="28" y="{y + tall // 2 + 7}" text-anchor="middle" font-size="20" '
            f'font-weight="bold" fill="#2f5d9b">{floor}</text>'
        )
        begun += len(FLOORS[floor])
    for number in range(len(rooms) + 1):
        at = CELL * number
        yield f'<path d="M{LEFT} {TOP + at}h{size}M{LEFT + at} {TOP}v{size}" stroke="#dde4ec"/>'
    begun = 0
    for floor in sorted(FLOORS, reverse=True):
        at, tall = CELL * begun, CELL * len(FLOORS[floor])
        yield (
            f'<rect x="{LEFT + at}" y="{TOP + at}" width="{tall}" height="{tall}" '
            'fill="#cfdbea" stroke="#8aa0ba"/>'
        )
        begun += len(FLOORS[floor])


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(draw_floors(), encoding="utf8")
