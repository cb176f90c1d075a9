"""Renderings: the same seed makes the same clip, layers move as they say, and the table is one of clips."""

import cv2
import numpy as np
import pytest

from media.image import content_hash, frame_path, read_frames, write_png
from media.tables import CLIPS, read_table, write_table
from prep.renderings import Layer, blob, main, moving, recolored, render_clip
from vision.flow_estimators import load_estimator

SIZE, LENGTH = (64, 96), 4
FILTERS = '{"min_mean_l": 5, "min_mean_chroma": 1, "min_chroma_spread": 0.5, "min_side": 1}'


@pytest.fixture
def photos(picture):
    """Three photographs with something on every scale: (96, 128, 3)."""
    rng = np.random.default_rng(0)
    grain = [cv2.GaussianBlur(rng.normal(0, 60, (96, 128, 1)), (0, 0), 1.5)[..., None] for _ in range(3)]
    return [np.uint8(np.clip(picture(seed, 96, 128) + grain[seed], 0, 255)) for seed in range(3)]


@pytest.fixture
def render(tmp_path, photos):
    """Runs the stage on the photographs and one that was rejected; the table by clip."""
    for index, photo in enumerate(photos):
        write_png(frame_path(tmp_path / f"photos/photo_{index}", 0), photo)
    rows = [{"clip": f"photo_{index}", "n_frames": 1} for index in range(3)]
    rejected = {"clip": "photo_3", "n_frames": 0, "reason": "too_dark", "detail": "mean L 3 < 15"}
    write_table([*rows, rejected], tmp_path / "photos.parquet", CLIPS)

    def run(out="out", count=3, seed=0, workers=1, filters=FILTERS):
        table = tmp_path / out / "train.parquet"
        main(
            photos=tmp_path / "photos.parquet", size=SIZE, length=LENGTH, count=count, seed=seed, filters=filters,
            receipts=tmp_path / out / "receipts", table=table, workers=workers,
        )  # fmt: skip
        return read_table(table, CLIPS).set_index("clip", drop=False)

    return run


def test_the_table_is_one_of_clips(tmp_path, render):
    table = render()
    assert list(table.index) == ["rendering_00000", "rendering_00001", "rendering_00002"]
    assert (table["n_frames"] == LENGTH).all() and (table["dataset"] == "renderings").all()
    assert table["reason"].isna().all() and table["source_sha256"].isna().all()
    assert (table["stride"] == 1).all() and (table["mean_l"] > 5).all() and (table["mean_chroma"] > 1).all()
    for name, row in table.iterrows():
        frames = list(read_frames(tmp_path / "out/train" / name, LENGTH))
        assert {(frame.shape, frame.dtype) for frame in frames} == {((*SIZE, 3), np.dtype(np.uint8))}
        assert content_hash(frames) == row["sha256"]
        assert len(list((tmp_path / "out/train" / name).iterdir())) == LENGTH


def test_seed_and_number_decide_a_clip_and_nothing_else_does(render):
    hashes = render()["sha256"]
    assert hashes.is_unique
    assert list(render(out="again", workers=3)["sha256"]) == list(hashes)
    assert list(render(out="fewer", count=2)["sha256"]) == list(hashes)[:2]
    assert not set(render(out="other", seed=1)["sha256"]) & set(hashes)


def test_a_rendering_is_judged_like_a_filmed_clip(tmp_path, render):
    table = render(filters=FILTERS.replace('"min_mean_chroma": 1', '"min_mean_chroma": 200'))
    assert set(table["reason"]) == {"low_chroma"} and list((tmp_path / "out/train").iterdir()) == []


def test_what_is_rendered_is_not_rendered_again(render, capsys):
    first = render(count=2)
    capsys.readouterr()
    assert list(render(count=4)["sha256"])[:2] == list(first["sha256"])
    assert "2 of 4 were done before, 2 to do" in capsys.readouterr().out


def test_no_photograph_is_an_error_that_names_the_table(tmp_path):
    write_table([{"clip": "a", "n_frames": 0, "reason": "too_dark"}], tmp_path / "photos.parquet", CLIPS)
    with pytest.raises(ValueError, match=r"photos\.parquet: .* no photograph .*`reason`"):
        main(
            photos=tmp_path / "photos.parquet", size=SIZE, length=2, count=1, seed=0, filters=FILTERS,
            receipts=tmp_path / "receipts", table=tmp_path / "x.parquet",
        )  # fmt: skip
    assert not (tmp_path / "x").exists()


def test_frames_move(photos):
    """On average over clips: one may stand nearly still."""
    changes = []
    for seed in range(12):
        clip = np.float32(render_clip(photos, SIZE, 8, np.random.default_rng(seed)))
        changes.append(np.abs(clip[-1] - clip[0]).mean() / np.abs(clip[1] - clip[0]).mean())
    assert np.median(changes) > 1.3  # what is only noise would not grow with the distance


def layer(photo, opacity=None, speed=(0.0, 0.0), **changes):
    """A layer in the middle of the frame that does nothing but what `changes` say."""
    still = {"acceleration": np.zeros(2), "scale": 1.0, "turn": 0.0, "zoom": 0.0, "bending": np.zeros((*SIZE, 2))}
    place = np.array([SIZE[1] / 2, SIZE[0] / 2])
    return Layer(photo.astype(np.float32), opacity, place, np.array(speed), **(still | changes))


def drawn(layers, t):
    canvas = np.zeros((*SIZE, 3), np.float32)
    for each in layers:
        canvas = each.drawn_over(canvas, t, LENGTH)
    return np.uint8(np.clip(canvas, 0, 255))


def flow_between(layers, t):
    first, second = (cv2.cvtColor(drawn(layers, at), cv2.COLOR_RGB2GRAY) for at in (t, t + 1))
    return load_estimator("dis", "")(first, second)


@pytest.mark.parametrize("speed", [(2.0, 0.0), (0.0, -1.5), (-1.0, 2.0)])
def test_a_layer_moves_right_and_down_by_its_speed(photos, speed):
    flow = flow_between([layer(photos[0], speed=speed)], 1)
    np.testing.assert_allclose(np.median(flow[12:-12, 12:-12], axis=(0, 1)), speed, atol=0.3)


def test_layers_move_each_for_itself(photos):
    piece, opacity = photos[1][:48, :64], np.zeros((48, 64), np.float32)
    opacity[2:-2, 2:-2] = 1
    flow = flow_between([layer(photos[0], speed=(-1.5, 0)), layer(piece, opacity, speed=(2, 1))], 0)
    front, behind = flow[22:42, 36:60], np.concatenate([flow[8:-8, 3:10], flow[8:-8, -10:-3]], axis=1)
    np.testing.assert_allclose(np.median(front, axis=(0, 1)), (2, 1), atol=0.4)
    np.testing.assert_allclose(np.median(behind, axis=(0, 1)), (-1.5, 0), atol=0.4)


def test_a_layer_speeds_up_turns_and_grows(photos):
    def middle(t, **changes):
        """Where in the picture the middle of the frame and its right neighbour lie at frame t, from its centre."""
        x, y = layer(photos[0], **changes).sampled_at(t, LENGTH)
        at = np.stack([x, y], axis=-1)[SIZE[0] // 2, SIZE[1] // 2 : SIZE[1] // 2 + 2]
        return at - (np.array(photos[0].shape[1::-1]) - 1) / 2

    np.testing.assert_allclose(middle(3)[0], (0, 0), atol=1e-4)
    np.testing.assert_allclose(middle(3, acceleration=np.array([0.5, 0]))[0], (-0.5 * 9 / 2, 0), atol=1e-4)
    np.testing.assert_allclose(middle(3, turn=0.1)[1], (np.cos(0.3), np.sin(0.3)), atol=1e-4)
    np.testing.assert_allclose(middle(3, zoom=0.1)[1], (1.1**-3, 0), atol=1e-4)
    bent = middle(LENGTH, bending=np.full((*SIZE, 2), (3.0, -2.0)))
    np.testing.assert_allclose(bent[0], (3, -2), atol=1e-4)


def test_a_background_fills_the_frame_and_a_layer_has_an_edge(photos):
    rng = np.random.default_rng(0)
    background = moving(photos[0], None, SIZE, rng)
    assert background.drawn_over(np.full((*SIZE, 3), -1e6, np.float32), 0, LENGTH).min() > -1000
    opacity = blob((40, 50), rng)
    assert opacity.shape == (40, 50) and opacity[20, 25] > 0.9
    border = np.concatenate([opacity[0], opacity[-1], opacity[:, 0], opacity[:, -1]])
    assert border.max() < 0.6 and 0 <= opacity.min() and opacity.max() <= 1


def test_recolouring_keeps_the_luminance(photos):
    from media.color import lab_from_rgb

    muted = np.uint8(100 + 0.2 * photos[0])  # so that nothing leaves the gamut
    before, after = lab_from_rgb(muted), lab_from_rgb(recolored(muted, np.random.default_rng(1)))
    assert np.abs(before[..., 0] - after[..., 0]).mean() < 0.5
    assert np.abs(before[..., 1:] - after[..., 1:]).mean() > 2
