"""What is coloured: which inputs are a clip, and what is said of those that are not."""

from fractions import Fraction

import av
import numpy as np
import pytest
from PIL import Image

from colorize.inference.clip import CannotColorize, open_clip
from media.image import ManyPictures, write_jpeg, write_png


def test_every_jpeg_of_a_folder_is_a_frame(tmp_path, picture):
    for index in range(4):
        write_jpeg(tmp_path / f"{index}.{'jfif' if index % 2 else 'jpg'}", picture(index))
    clip = open_clip(tmp_path, 25)
    assert clip.n_frames == 4 and len(list(clip.frames())) == 4


@pytest.mark.parametrize(
    ("names", "said"), [("124", "after 2.png comes 4.png"), (("1", "01", "2"), "have one number"), ("1", "2.heic")]
)
def test_a_doubtful_folder_is_refused(tmp_path, picture, names, said):
    for name in names:
        write_png(tmp_path / f"{name}.png", picture(0))
    (tmp_path / "2.heic" if names == "1" else tmp_path / "notes.txt").touch()
    with pytest.raises(CannotColorize, match=said):
        open_clip(tmp_path, 25)


@pytest.mark.parametrize("name", ["moves.webp", "moves.png", "pages.tif"])
def test_an_animation_under_the_name_of_an_image_is_refused(tmp_path, picture, name):
    pictures = [Image.fromarray(picture(seed)) for seed in range(3)]
    pictures[0].save(tmp_path / name, save_all=True, append_images=pictures[1:])
    with pytest.raises(ManyPictures, match="holds several pictures"):
        open_clip(tmp_path / name, 25)


def test_an_animated_gif_is_a_video_of_all_its_frames(tmp_path, picture):
    pictures = [Image.fromarray(picture(seed)) for seed in range(3)]
    pictures[0].save(tmp_path / "moves.gif", save_all=True, append_images=pictures[1:], duration=200)
    clip = open_clip(tmp_path / "moves.gif", 25)
    frames = list(clip.frames())
    np.testing.assert_allclose([float(frame.pts * clip.time_base) for frame in frames], [0, 0.2, 0.4], atol=0.01)


def test_a_clip_of_joined_parts_has_one_clock(tmp_path, write_video, moving):
    part = write_video(tmp_path / "part.ts", moving(0, 30)).read_bytes()
    (tmp_path / "joined.ts").write_bytes(part + part)
    clip = open_clip(tmp_path / "joined.ts", 25)
    times = [float(frame.pts * clip.time_base) for frame in clip.frames()]
    np.testing.assert_allclose(np.diff(times), 0.04, atol=1e-3)
    assert len(times) == 60


def test_a_clip_keeps_the_shape_of_its_pixels(tmp_path, write_video, moving):
    def wide(stream: av.VideoStream) -> None:
        stream.codec_context.sample_aspect_ratio = Fraction(64, 45)

    clip = open_clip(write_video(tmp_path / "wide.mp4", moving(0, 2), prepare=wide), 25)
    assert {(frame.rgb.shape, frame.pixel_aspect) for frame in clip.frames()} == {((64, 96, 3), Fraction(64, 45))}
