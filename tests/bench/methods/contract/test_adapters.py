"""The recipes in config/methods: each runs a stand-in that takes the command line of the published program.

The stand-ins know only what the real programs do with their arguments, files and folders; they paint every frame in one
colour. What is tested is the recipe: that the frames get there and back, and that nothing is missed when they do not.
"""

import hashlib
import re
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import numpy as np
import pytest
import yaml

from bench.methods.contract.command import CommandFailed
from bench.methods.contract.method import Given
from bench.methods.contract.rows import load
from media.color import lab_from_rgb

ROOT = Path(__file__).parents[4]
RECIPES = {
    row: options
    for path in sorted((ROOT / "config/methods").glob("*.yaml"))
    for row, options in yaml.safe_load(path.read_text())["methods"].items()
}
SIZE = (54, 96)
TINT = (200, 120, 90)

# What the programs share: reading a folder of frames, painting them. LOSE takes frames away for the tests of failures.
PAINTER = f"""
import argparse, os, sys
from pathlib import Path
import cv2, numpy as np
LOSE = int(os.environ.get("LOSE", "0"))

def painted(folder):
    paths = sorted(Path(folder).glob("*.png"))
    assert paths and all((cv2.imread(str(path)) == cv2.imread(str(path))[..., :1]).all() for path in paths), "not grey"
    for path in paths[: len(paths) - LOSE]:
        yield path.name, np.full(cv2.imread(str(path)).shape, {TINT[::-1]}, np.uint8)

def save(path, bgr):
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), bgr)

def only(folder):
    (path,) = Path(folder).iterdir()
    assert cv2.imread(str(path)) is not None
    return path
"""

PROGRAMS = {
    "ddcolor": {
        "scripts/infer.py": """
        parser = argparse.ArgumentParser()
        for name in ("--model_path", "--input", "--output"):
            parser.add_argument(name, required=True)
        parser.add_argument("--input_size", type=int)
        given = parser.parse_args()
        assert Path(given.model_path).exists()
        for name, bgr in painted(given.input):
            save(f"{given.output}/{name}", bgr)
        """
    },
    "devc": {
        "test.py": """
        parser = argparse.ArgumentParser()
        for name in ("--clip_path", "--ref_path", "--output_path"):
            parser.add_argument(name, required=True)
        given = parser.parse_args()
        out = Path(given.output_path) / f"{given.clip_path.split('/')[-1]}_{only(given.ref_path).stem}"
        for index, (name, bgr) in enumerate(painted(given.clip_path)):
            save(out / f"{index:05d}.jpg", cv2.resize(bgr, (768, 432)))
        (out / "video.avi").write_bytes(b"a video of the frames")
        """
    },
    "deoldify": {
        "deoldify/__init__.py": "",
        "deoldify/device.py": "def set(device): pass",
        "deoldify/device_id.py": "class DeviceId: GPU0 = 0",
        "deoldify/visualize.py": """
        import os
        from types import SimpleNamespace
        from PIL import Image
        class Filter:
            painted = 0
            def filter(self, original, filtered, render_factor):
                Filter.painted += 1
                if os.environ.get("LOSE") and Filter.painted > 3:
                    raise MemoryError("CUDA out of memory")
                return Image.new("RGB", original.size, (200, 120, 90))
        def get_stable_video_colorizer(render_factor):
            return SimpleNamespace(vis=SimpleNamespace(filter=Filter()))
        """,
    },
    "deepremaster": {
        "model/remasternet.pth.tar": "",
        "remaster.py": """
        parser = argparse.ArgumentParser()
        for name in ("--input", "--reference_dir"):
            parser.add_argument(name, required=True)
        parser.add_argument("--gpu", action="store_true")
        parser.add_argument("--mindim", type=int, default=320)
        given = parser.parse_args()
        assert Path("model/remasternet.pth.tar").exists() and only(given.reference_dir)
        video = cv2.VideoCapture(given.input)
        sides = [round(video.get(side) * given.mindim / 54 / 16) * 16 for side in (3, 4)]
        writer = cv2.VideoWriter("clip_out.mp4", cv2.VideoWriter_fourcc(*"mp4v"), 25, sides)
        for _ in range(int(video.get(7)) - LOSE):
            writer.write(np.full((sides[1], sides[0], 3), (90, 120, 200), np.uint8))
        writer.release()
        """,
    },
    "bistnet": {
        "test_BiSTNet.py": """
        parser = argparse.ArgumentParser()
        for name in ("--clip_path", "--ref_path", "--output_path"):
            parser.add_argument(name, required=True)
        given = parser.parse_args()
        for clip in sorted(os.listdir(given.clip_path)):
            references = sorted(os.listdir(f"{given.ref_path}/{clip}"))
            assert len(references) == 2, references
            for name, bgr in painted(f"{given.clip_path}/{clip}"):
                save(f"{given.output_path}/{clip}/{name}", bgr)
        """
    },
    "colormnet": {
        "test.py": """
        parser = argparse.ArgumentParser()
        for name in ("--model", "--d16_batch_path", "--ref_path", "--output"):
            parser.add_argument(name, required=True)
        parser.add_argument("--FirstFrameIsNotExemplar", action="store_true")
        given = parser.parse_args()
        assert Path(given.model).exists()
        for clip in os.listdir(given.d16_batch_path):
            assert only(f"{given.ref_path}/{clip}")
            for name, bgr in painted(f"{given.d16_batch_path}/{clip}"):
                save(f"{given.output}/{clip}/{name[:-4]}.png", bgr)
        """
    },
    "tcvc": {
        "codes/test_TCVC_onesampling_noGT.py": """
        os.environ["CUDA_VISIBLE_DEVICES"] = "6"
        Input_dataset_folder = "/data2/somebody/old_film"
        save_folder = "../results/output"
        assert os.environ.get("CUDA_VISIBLE_DEVICES") != "6"
        for clip in sorted(os.listdir(Input_dataset_folder)):
            for name, bgr in painted(f"{Input_dataset_folder}/{clip}"):
                save(f"{save_folder}/{clip}/{name}", bgr)
        """
    },
}
WEIGHTS = {  # as the recipes say where they lie; the others' are named by a variable
    "devc": ("checkpoints/video_moredata_l1/nonlocal_net_iter_76000.pth", "data/vgg19_conv.pth"),
    "deoldify": ("models/ColorizeVideo_gen.pth",),
    "deepremaster": ("model/remasternet.pth.tar",),
    "bistnet": ("checkpoints/model.pth",),
    "tcvc": ("experiments/TCVC_IDC/models/80000_G.pth",),
}
PROGRAM_OF = {"devc_release": "devc", "colormnet_first_frame": "colormnet"}


@pytest.fixture
def checkouts(tmp_path, monkeypatch) -> Path:
    """A folder for each program, and the variables of the environment that the recipes ask for."""
    for program, files in PROGRAMS.items():
        for name, code in files.items():
            path = tmp_path / program / name
            path.parent.mkdir(parents=True, exist_ok=True)
            is_program = name.endswith(".py") and not name.startswith("deoldify/")
            path.write_text((PAINTER if is_program else "") + dedent(code))
        (tmp_path / program / "weights.pth").touch()
        monkeypatch.setenv(program.upper(), str(tmp_path / program))
        monkeypatch.setenv(f"{program.upper()}_WEIGHTS", str(tmp_path / program / "weights.pth"))
    return tmp_path


@pytest.fixture
def colored():
    """A function that runs a recipe on a clip of grey frames."""

    def run(row: str, count: int = 5, size: tuple[int, int] = SIZE) -> list[np.ndarray]:
        frames = [np.full(size, 40 + index, np.float32) for index in range(count)]
        picture = np.zeros((*size, 3), np.float32) + (50, 20, 10)
        method = load(row, RECIPES[row])
        assert "clips" in method.given
        return list(method.colorize(iter(frames), Given("clips", "a", reference=picture, first_frame=picture)))

    return run


def files_of(checkouts: Path) -> list[Path]:
    return sorted(path for path in checkouts.rglob("*") if "__pycache__" not in path.parts)


@pytest.mark.parametrize("row", RECIPES)
def test_frames_get_to_the_program_and_back(checkouts, colored, row):
    before = files_of(checkouts)
    found = colored(row)
    assert files_of(checkouts) == before  # a checkout is not written to
    expected = lab_from_rgb(np.full((1, 1, 3), TINT, np.uint8))[0, 0, 1:]
    assert [ab.shape for ab in found] == [(*SIZE, 2)] * 5
    np.testing.assert_allclose(np.mean(found, axis=(0, 1, 2)), expected, atol=3)  # JPEG and video are not exact


@pytest.mark.parametrize("row", RECIPES)
def test_missing_frames_are_an_error(checkouts, colored, row, monkeypatch):
    monkeypatch.setenv("LOSE", "2")
    expected = "out of memory" if row == "deoldify" else "expected 5 frames in {output}, found 3"
    with pytest.raises(CommandFailed, match=expected):
        colored(row)


@pytest.mark.parametrize("row", RECIPES)
def test_a_checkout_that_is_not_named_is_asked_for(colored, row, monkeypatch):
    variable = PROGRAM_OF.get(row, row).upper()
    monkeypatch.delenv(variable, raising=False)
    with pytest.raises(CommandFailed, match=f"{variable}: set {variable} to the "):
        colored(row)


@pytest.mark.parametrize("row", RECIPES)
def test_what_the_program_was_is_recorded(checkouts, row, monkeypatch):
    program = PROGRAM_OF.get(row, row)
    monkeypatch.setenv(f"{program.upper()}_PYTHON", sys.executable)
    folder, weights = checkouts / program, WEIGHTS.get(program, ("weights.pth",))
    for name in weights:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    identity = ("-c", "user.name=A", "-c", "user.email=a@b.c")
    for words in (("init", "-q"), ("add", "."), (*identity, "commit", "-qm", "stand-in")):
        subprocess.run(["git", "-C", folder, *words], check=True)
    found = load(row, RECIPES[row]).record()
    assert len(found["commit"]) == 1 and re.fullmatch("[0-9a-f]{40}", found["commit"][0])
    hashes = {hashlib.sha256(name.encode()).hexdigest() for name in weights}
    assert {line.split()[0] for line in found["weights"]} == hashes
    assert any(line.startswith("numpy==") for line in found["environment"])


def test_a_record_that_fails_says_so():
    line = {"command": "cp {frames}/* {output}", "record": {"commit": "echo some; echo no checkout >&2; exit 3"}}
    assert load("mine", line).record() == {"commit": ["some", "exit status 3", "no checkout"]}


def test_a_cropped_result_is_refused(checkouts, colored):
    with pytest.raises(CommandFailed, match=r"00000.jpg: expected the size \(64, 64\), found \(432, 768\)"):
        colored("devc_release", size=(64, 64))


@pytest.mark.parametrize("path", sorted((ROOT / "config/methods").glob("*.yaml")), ids=lambda path: path.stem)
def test_a_recipe_says_what_it_needs_and_under_which_licence(path):
    lines = path.read_text().splitlines()
    for word in ("program", "weights", "licence", "set"):
        assert any(line.startswith(f"# {word} ") for line in lines), word


def test_a_reference_reaches_the_program(checkouts, colored, tmp_path):
    """The stand-in of BiSTNet is replaced by one that copies the second reference to every frame."""
    copy = """
    clip, given, out = (sys.argv[index] for index in (2, 4, 6))
    for name, _ in painted(f"{clip}/clip"):
        save(f"{out}/clip/{name}", cv2.imread(f"{given}/clip/00001.png"))
    """
    (checkouts / "bistnet/test_BiSTNet.py").write_text(PAINTER + dedent(copy))
    np.testing.assert_allclose(np.mean(colored("bistnet"), axis=(0, 1, 2)), (20, 10), atol=1)
