"""Imports go down only, and the quick commands load nothing heavy."""

import ast
import subprocess
import sys
from pathlib import Path

import sightline

SOURCE = Path(sightline.__file__).parent
# Lowest first; rooms in one row may import one another unless they are listed in STRANGERS.
LAYERS = [
    {"errors", "types", "instances", "version"},
    {
        "images", "video", "boxes", "plots", "files", "chance", "scratch", "talk", "memory",
        "wording", "download", "archives", "drawing", "threads", "jpeg",
        "processes",
    },
    {"data", "models", "metrics"},
    {"tasks"},
    {"training"},
    {
        "experiment", "artifact", "predictor", "export", "report", "recipe", "plan", "prepare",
        "provenance", "predictions", "inference", "api", "request", "evaluation", "preview",
        "page", "audit_page", "monitor", "progress", "published", "pretrained", "outline",
        "completion", "pace", "mistakes", "overrides", "asked", "learners", "assembly",
        "extraction", "tables", "judged", "judged_boxes", "judged_landmarks", "tiles",
        "outset", "fine_tuning",
    },
    {"study", "create", "detect", "faces", "annotate", "lab"},
    {"cli", "web"},
]  # fmt: skip
STRANGERS = {"data", "models", "metrics"}
OPEN = {"sightline"}  # the package itself names its parts lazily


def level_of(room: str) -> int:
    return next(i for i, rooms in enumerate(LAYERS) if room in rooms)


def imports_of(path: Path) -> set[str]:
    """Rooms of ours that a file imports, anywhere in it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            parts = node.module.split(".")
            if parts[0] == "sightline":
                found |= {parts[1]} if len(parts) > 1 else {alias.name for alias in node.names}
        elif isinstance(node, ast.Import):
            found |= {a.name.split(".")[1] for a in node.names if a.name.startswith("sightline.")}
    return found


def rooms() -> list[tuple[str, Path]]:
    return [
        (path.relative_to(SOURCE).parts[0].removesuffix(".py"), path)
        for path in sorted(SOURCE.rglob("*.py"))
        if path.name not in ("__init__.py", "__main__.py") or path.parent != SOURCE
    ]


def test_every_file_has_a_place_in_the_layers() -> None:
    placed = set().union(*LAYERS)
    assert {room for room, _ in rooms()} <= placed


def test_imports_go_down_only() -> None:
    wrong = [
        f"{path.relative_to(SOURCE)} imports {other}"
        for room, path in rooms()
        for other in imports_of(path)
        if level_of(other) > level_of(room)
    ]
    assert wrong == []


def test_data_models_and_metrics_are_strangers() -> None:
    wrong = [
        f"{path.relative_to(SOURCE)} imports {other}"
        for room, path in rooms()
        for other in imports_of(path)
        if room in STRANGERS and other in STRANGERS and other != room
    ]
    assert wrong == []


def test_scratch_imports_nothing_of_ours() -> None:
    assert all(imports_of(path) <= {"scratch"} for room, path in rooms() if room == "scratch")


def test_scratch_imports_numpy_and_the_standard_library_alone() -> None:
    allowed = {"numpy", "sightline", *sys.stdlib_module_names}
    for room, path in rooms():
        for node in ast.walk(ast.parse(path.read_text("utf-8"))) if room == "scratch" else ():
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            assert {name.split(".")[0] for name in names} <= allowed, path


def test_only_images_and_plots_touch_their_libraries() -> None:
    drawing = ("annotations", "lettering", "montage")
    doors = {
        "PIL": {  # drawing and the lab open no file
            "images.py",
            *(f"drawing/{name}.py" for name in drawing),
            "lab/pictures.py",
        },
        "matplotlib": {
            "plots.py",
            "drawing/diagram.py",
            "drawing/curves.py",
            "drawing/errors.py",
            "drawing/lines.py",
            "drawing/judging.py",
            "drawing/strengths.py",
            *(f"lab/{path.name}" for path in (SOURCE / "lab").glob("*.py")),  # all of it draws
        },
        # the canvas, the views and corruptions change arrays; they open no file
        "cv2": {
            "images.py",
            "video.py",
            "data/canvas.py",
            "data/geometry.py",
            "detect/haar.py",
            "lab/kernels.py",
            "study/robustness/corruptions.py",
        },
    }
    for _, path in rooms():
        tree = ast.parse(path.read_text("utf-8"))
        for node in ast.walk(tree):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module:
                names = [node.module]
            for name in names:
                allowed = doors.get(name.split(".")[0])
                assert allowed is None or str(path.relative_to(SOURCE)) in allowed, (path, name)


def run(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout


def test_importing_sightline_loads_no_torch() -> None:
    assert run("import sys, sightline; print('torch' in sys.modules)").strip() == "False"


def test_help_loads_neither_torch_nor_numpy_nor_pydantic() -> None:
    code = (
        "import sys\nsys.argv = ['sightline', '--help']\n"
        "from sightline.cli import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "print([m for m in ('torch', 'numpy', 'cv2', 'matplotlib') if m in sys.modules])"
    )
    assert run(code).strip().endswith("[]")


def test_files_and_functions_stay_small() -> None:
    long_files, long_functions = [], []
    for _, path in rooms():
        text = path.read_text("utf-8")
        if text.count("\n") > 350:
            long_files.append(path.name)
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef) and node.end_lineno is not None:
                doc = ast.get_docstring(node, clean=False)
                body = node.end_lineno - node.lineno - (doc.count("\n") if doc else 0)
                if body > 50:
                    long_functions.append(f"{path.name}:{node.name} {body}")
    assert long_files == []
    assert long_functions == []


def test_answering_for_files_loads_no_matplotlib() -> None:
    code = "import sys, sightline.inference; print('matplotlib' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
