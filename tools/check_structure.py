#!/usr/bin/env python3
"""Refuses what the house rules refuse: strangers at the top, upward includes, circles, large rooms, long files and READMEs, ops that a backend
lacks, untested sources, heavy headers where CUDA sees them, documents that name absent paths, and paths of one machine.  Prints each room's
share of the code.

usage: tools/check_structure.py [ROOT]; prints `file:line: what and why` for each violation, exits 1 if there is any.
Tested by tests/tools/test_check_structure.py.
"""
import posixpath
import re
import subprocess
import sys
from pathlib import Path

LAYERS = ("runtime", "core", "backend", "nn", "data", "packed", "compress", "train", "export", "config", "settings", "record", "report",
          "run", "measure", "sweep", "cli")
MAX_LINES = 400
MAX_README_LINES = 40  # of a folder; pages of docs/ and results of experiments are no such READMEs
MAX_SHARE = 0.13  # of the lines of code, for each room but the tests
CODE = {".h", ".c", ".cpp", ".cu", ".cuh"}
TEXT = CODE | {".py", ".cmake", ".txt", ".md", ".yaml", ".json", ".sh", ".in", ""}
HEAVY = ("fmt/", "spdlog/", "nlohmann/", "yaml-cpp/", "CLI/")
TOP = {"CMakeLists.txt", "CMakePresets.json", "README.md", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "include", "src", "cuda", "docs",
       "examples", "experiments", "python", "tests", "tools"}
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
# Put together here so that this file does not contain them.
FOREIGN = ("/wo" + "rk/", "/fa" + "rm")
TEMPORARY = "/tm" + "p/"


class Tree:
    """The project's own files: what git tracks or would track; everything but build results without git."""

    def __init__(self, root):
        self.root = Path(root).resolve()
        self.files = sorted(path for path in self._list() if (self.root / path).is_file())
        self._known = set(self.files)
        self._lines = {}
        self._included = {}

    def _list(self):
        git = ["git", "-C", str(self.root), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        if (self.root / ".git").exists():
            try:
                listed = subprocess.run(git, capture_output=True, check=True).stdout.decode()
                return [Path(name) for name in listed.split("\0") if name]
            except (OSError, subprocess.CalledProcessError):
                pass
        paths = (path.relative_to(self.root) for path in self.root.rglob("*"))
        return [p for p in paths if not p.parts[0].startswith(("build", "runs", "sweeps", "data", ".git/", ".venv"))]

    def lines(self, path):
        if path not in self._lines:
            self._lines[path] = (self.root / path).read_text(encoding="utf-8", errors="replace").splitlines()
        return self._lines[path]

    def text(self, path):
        return "\n".join(self.lines(path))

    def below(self, folder, suffixes=CODE):
        folder = Path(folder)
        return [p for p in self.files if folder in p.parents and p.suffix in suffixes]

    def includes(self, path):
        """(line number, quote, name) of each include."""
        for number, line in enumerate(self.lines(path), 1):
            match = INCLUDE.match(line)
            if match:
                yield number, match.group(1), match.group(2)

    def included(self, path, through_private=False):
        """Project files that `path` includes; also what the ones not in include/ include in turn, if so wished."""
        key = (path, through_private)
        if key in self._included:
            return self._included[key]
        found, pending = [], [path]
        while pending:
            current = pending.pop()
            for _, _, name in self.includes(current):
                for folder in (current.parent, Path("include"), Path("src"), Path()):
                    candidate = Path(posixpath.normpath(folder / name))  # "../x.h" is a file like any other
                    if candidate in self._known and candidate not in found:
                        found.append(candidate)
                        if through_private and candidate.parts[0] != "include":
                            pending.append(candidate)
        self._included[key] = found
        return found


def layer_of(path):
    """The layer a project file belongs to, or None."""
    parts = path.parts
    if parts[0] == "cuda":
        return "backend"
    if parts[:2] == ("include", "scnn") and len(parts) > 3:
        return parts[2]
    return parts[1] if parts[0] == "src" and len(parts) > 2 else None


def check_includes(tree):
    for path in [*tree.below("include"), *tree.below("src"), *tree.below("cuda")]:
        layer = layer_of(path)
        if layer is None:
            continue
        if layer not in LAYERS:
            yield path, 1, f"'{layer}' is not a layer; layers: {', '.join(LAYERS)}"
            continue
        for number, quote, name in tree.includes(path):
            if quote == '"' and ".." in Path(name).parts:
                yield path, number, f"includes {name}: name a header from include/, src/ or the top, so that its layer shows"
            first = name.removeprefix("scnn/").split("/")[0]
            if "/" in name and first in LAYERS and LAYERS.index(first) > LAYERS.index(layer):
                yield path, number, f"{layer} includes {name}: a layer includes only {', '.join(LAYERS[:LAYERS.index(layer) + 1])}"


def check_public_headers(tree):
    """A header of include/ is installed, and those of src/ are not."""
    for path in tree.below("include"):
        for number, quote, name in tree.includes(path):
            if quote == '"' and not name.startswith("scnn/"):
                yield path, number, f"a public header includes {name}, which is not installed: use a header of include/scnn"


def check_top(tree):
    for name in sorted({path.parts[0] for path in tree.files}):
        if name not in TOP and not name.startswith("."):
            yield Path(name), 1, "does not belong at the top; see the layers in src/README.md"


def check_length(tree):
    for path in tree.files:
        if path.suffix in TEXT and path.name != "LICENSE" and len(tree.lines(path)) > MAX_LINES:
            yield path, MAX_LINES + 1, f"{len(tree.lines(path))} lines, at most {MAX_LINES}: split the file"


def check_readmes(tree):
    """A folder README says what lives here and how to add to it; a manual belongs to docs/."""
    for path in tree.files:
        if path.name != "README.md" or len(path.parts) == 1 or path.parts[0] == "docs" or path.parts[:2] == ("experiments", "results"):
            continue
        if len(tree.lines(path)) > MAX_README_LINES:
            yield path, MAX_README_LINES + 1, f"{len(tree.lines(path))} lines, at most {MAX_README_LINES}: move the rest to docs/"


def room_of(path):
    """The room whose share a file of code counts to: a layer, or a folder of the top."""
    if path.parts[0] == "cuda":
        return "cuda"
    if path.parts[:2] == ("include", "scnn"):
        return path.parts[2] if len(path.parts) > 3 else None
    if path.parts[0] == "src":
        return path.parts[1] if len(path.parts) > 2 else None
    return path.parts[0] if path.parts[0] in {"tests", "tools", "examples", "python"} else None


def is_code(tree, path):
    if path.suffix in CODE | {".py", ".js", ".css"}:
        return True
    return path.suffix == "" and path.name != "LICENSE" and tree.lines(path)[:1] != [] and tree.lines(path)[0].startswith("#!")


def room_lines(tree):
    """Lines of code of each room."""
    lines = {}
    for path in tree.files:
        room = room_of(path)
        if room is not None and is_code(tree, path):
            lines[room] = lines.get(room, 0) + len(tree.lines(path))
    return lines


def check_rooms(tree):
    lines = room_lines(tree)
    total = sum(lines.values())
    for room, count in sorted(lines.items()):
        # A tree of a few files, as in tests, has no room that could be small.
        if total > 10_000 and room != "tests" and count > MAX_SHARE * total:
            yield Path("src") / room, 1, f"{count} lines are {count / total:.1%} of the code, at most {MAX_SHARE:.0%}: split the room"


def circles(graph):
    """Circles of {node: nodes it includes}: one for each node at which a walk comes back to its own trail."""
    found, done = [], set()

    def visit(node, trail):
        if node in trail:
            found.append(trail[trail.index(node):])
        elif node not in done:
            done.add(node)
            for other in graph.get(node, ()):
                visit(other, [*trail, node])

    for node in graph:
        visit(node, [])
    return found


def check_circles(tree):
    """No file includes itself through others, and cuda and the rest of its layer do not include each other.  Between layers
    check_includes allows no circle."""
    files = {p: [q for q in tree.included(p) if q != p and layer_of(q) is not None and layer_of(q) == layer_of(p)]
             for p in [*tree.below("include"), *tree.below("src"), *tree.below("cuda")]}
    for circle in circles(files):
        yield circle[0], 1, "includes itself: " + " -> ".join(str(p) for p in [*circle, circle[0]])
    rooms, places = {}, {}
    for path, others in files.items():
        for other in others:
            edge = room_of(path), room_of(other)
            if None not in edge and edge[0] != edge[1]:
                rooms.setdefault(edge[0], []).append(edge[1])
                places.setdefault(edge, (path, other))
    for circle in circles(rooms):
        steps = [places[edge] for edge in zip(circle, [*circle[1:], circle[0]])]
        yield steps[0][0], 1, "rooms include each other: " + ", ".join(f"{path} includes {other}" for path, other in steps)


def contract_ops(tree):
    """Names of the pure virtual functions of class Backend, without comments in the way; the others have defaults."""
    contract = Path("include/scnn/backend/backend.h")
    if contract not in tree.files:
        return []
    text = re.sub(r"//[^\n]*", "", tree.text(contract))
    body = re.search(r"class Backend \{(.*?)\n\};", text, re.S)
    return re.findall(r"\bvirtual\b[^;{~]*?\b(\w+)\s*\([^;{}]*=\s*0;", body.group(1)) if body else []


def check_ops(tree):
    folders = {"src/backend/cpu": "the CPU backend", "cuda": "the CUDA backend"}
    for folder, backend in folders.items():
        sources = tree.below(folder)
        if not any(path.suffix in {".cpp", ".cu"} for path in sources):
            continue
        text = "\n".join(tree.text(path) for path in sources)
        for op in contract_ops(tree):
            if not re.search(rf"::{op}\s*\(|\b{op}\s*\([^;{{}}]*\)\s*(const\s*)?override", text):
                yield Path("include/scnn/backend/backend.h"), 1, f"op '{op}' is missing in {backend} ({folder})"


def own_headers(tree, path):
    """The headers a source may implement: the one of its name where there is one, or else those of its layer."""
    layer = [header for header in tree.included(path, through_private=True) if layer_of(header) == layer_of(path)]
    return {header for header in layer if header.stem == path.stem} or set(layer)


def check_tests(tree):
    """A source is tested by a test of its name, by one that includes its header, by one that calls all its ops through the
    contract, or, where its header is private to src, by whatever tests a source that uses it."""
    ops = contract_ops(tree)
    by_layer = {}
    for path in [*tree.below("src", {".c", ".cpp"}), *tree.below("cuda", {".cpp", ".cu"})]:
        if layer_of(path) is not None and path.stem != "main":
            by_layer.setdefault(layer_of(path), []).append(path)
    # A room may be tested through one above it: what YAML is refused shows in experiments.
    included = {header for test in tree.below("tests") for header in tree.included(test)}
    tested = set()
    for layer, sources in by_layer.items():
        # What the emulated CUDA backend is tested with has a folder of its own.
        tests = [*tree.below(f"tests/{layer}"), *(tree.below("tests/cuda") if layer == "backend" else [])]
        text = "\n".join(tree.text(test) for test in tests)
        # The program is tested from outside: scripts run its commands.
        commands = set(re.findall(r'"(\w+)"', "\n".join(map(tree.text, tree.below("tests/cli", {".py"}))))) if layer == "cli" else set()
        called = {op for op in ops if re.search(rf"(\.|->|Backend::){op}\b", text)}
        for path in sources:
            defined = {op for op in ops if re.search(rf"\b\w+::{op}\s*\(", tree.text(path))}
            if (path.stem in commands or any(test.stem.removeprefix("test_").startswith(path.stem) for test in tests)
                    or bool(own_headers(tree, path) & included) or (bool(defined) and defined <= called)):
                tested.add(path)
    every = [path for sources in by_layer.values() for path in sources]
    pending = list(tested)
    while pending:  # private helpers of tested sources
        used = {header for header in tree.included(pending.pop(), through_private=True) if header.parts[0] != "include"}
        helpers = {path for path in every if path not in tested and own_headers(tree, path) & used}
        tested |= helpers
        pending += helpers
    for path in every:
        if path not in tested:
            yield path, 1, f"no test: add tests/{layer_of(path)}/{path.stem}.cpp, or include its header in a test"


def check_heavy_headers(tree):
    """fmt 9 does not compile in .cu files and the others cost seconds each; core and backend headers end up in .cu files."""
    pending = [p for p in tree.files if p.suffix in {".cu", ".cuh"}]
    pending += [*tree.below("include/scnn/core", {".h"}), *tree.below("include/scnn/backend", {".h"})]
    seen = set()
    while pending:
        path = pending.pop()
        if path in seen:
            continue
        seen.add(path)
        for number, _, name in tree.includes(path):
            if name.startswith(HEAVY):
                yield path, number, f"{name} in a file that .cu files include"
        pending += tree.included(path)


def named_paths(tree, path):
    """(line number, path) of the links and the quoted paths in a Markdown file."""
    tops = {p.parts[0] for p in tree.files if len(p.parts) > 1}
    for number, line in enumerate(tree.lines(path), 1):
        for link in re.findall(r"\]\(([^)#\s]+)", line):
            if "://" not in link and not link.startswith("mailto:"):
                yield number, link
        for quoted in re.findall(r"`([^`]+)`", line):
            for word in quoted.split():
                if re.fullmatch(r"[\w.\-]+(/[\w.\-*]+)+/?", word) and word.split("/")[0] in tops:
                    yield number, word


def check_documents(tree):
    for path in tree.files:
        if path.suffix != ".md":
            continue
        for number, name in named_paths(tree, path):
            places = [tree.root / path.parent, tree.root]
            if not any(any(place.glob(name)) if "*" in name else (place / name).exists() for place in places):
                yield path, number, f"names {name}, which does not exist"


def check_words(tree):
    for path in tree.files:
        if path.suffix not in TEXT:
            continue
        words = FOREIGN if path.parts[0] == "tests" else (*FOREIGN, TEMPORARY)
        for number, line in enumerate(tree.lines(path), 1):
            for word in words:
                if word in line:
                    yield path, number, f"contains {word}, a path of one machine"


CHECKS = (check_top, check_includes, check_public_headers, check_circles, check_length, check_readmes, check_rooms, check_ops, check_tests, check_heavy_headers, check_documents, check_words)


def violations(root):
    tree = Tree(root)
    return [f"{path}:{line}: {what}" for check in CHECKS for path, line, what in check(tree)]


def main():
    root = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parent.parent
    found = violations(root)
    for violation in found:
        print(violation)
    lines = room_lines(Tree(root))
    shares = sorted(lines.items(), key=lambda room: -room[1])
    print("rooms: " + ", ".join(f"{room} {count / sum(lines.values()):.1%}" for room, count in shares))
    print(f"structure: {len(found)} violations" if found else "structure: in order")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
