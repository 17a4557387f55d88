"""What memory does the index of a folder of a million files take?

Ten class folders of 100,000 empty files each, made in a temporary folder, then one flat folder of
as many. The index (paths and labels) is one run of bytes and two arrays. Aim: under 300 MB for the
whole process at its peak, of which Python and its libraries take the part that is given too.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import measure

READ = """
import sys, time, json
sys.path.insert(0, {here!r})
import measure
from pathlib import Path
from sightline.data.opening import Hints, open_path
libraries = measure.peak_mb()
start = time.perf_counter()
hints = Hints(label_from={pattern!r})
train = open_path(Path({root!r}), hints=hints).train
took = time.perf_counter() - start
print(json.dumps(dict(files=len(train), libraries_mb=libraries, resident_mb=measure.resident_mb(),
                      peak_mb=measure.peak_mb(), seconds=took)))
"""


def read(root: Path, pattern: str | None) -> dict[str, float]:
    here = str(Path(__file__).parent)
    code = READ.format(here=here, root=str(root), pattern=pattern)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return {name: round(value, 1) for name, value in json.loads(done.stdout).items()}


def make(root: Path, folders: int, each: int) -> None:
    for folder in range(folders):
        place = root / f"class_{folder:02d}" if folders > 1 else root
        place.mkdir(parents=True, exist_ok=True)
        for number in range(each):
            (place / f"class_{folder:02d}_photograph_{number:07d}.jpg").touch()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=1_000_000)
    parser.add_argument("--place", help="where the folder is made: one in memory is quicker")
    given = parser.parse_args()
    count = given.files
    figures = {}
    for name, folders, pattern in (("class folders", 10, None), ("flat", 1, r"class_\d\d")):
        with tempfile.TemporaryDirectory(dir=given.place) as place:
            start = time.perf_counter()
            root = Path(place) / "set"
            make(root, folders, count // folders)
            if pattern:  # a second class, which a classifier needs
                (root / "class_99_one.jpg").touch()
            made = round(time.perf_counter() - start, 1)
            figures[name] = read(root, pattern) | {"made_in_seconds": made}
    measure.save("index", "megabytes of the index of a million files", figures)
