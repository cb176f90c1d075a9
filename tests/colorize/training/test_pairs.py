"""Samples: shapes, units, the motion they claim, and that nothing but seed and index decides them."""

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from colorize.settings import TrainSettings
from colorize.training.pairs import (
    GRID,
    ClipPairs,
    PairStream,
    PhotoPairs,
    PreparedSet,
    draw_reference,
    random_window,
    read_reference,
    slices,
)
from media.color import lab_from_rgb
from media.faults import MachineFault
from media.flow_files import warp_tensor
from media.image import cover_crop, frame_path, read_rgb, write_jpeg
from media.tables import REFERENCES, folder_of, write_table

SOURCES = pytest.mark.parametrize("photo_share", [0.0, 1.0], ids=["clips", "photos"])


def stream(data, settings, seed=0, photo_share=0.5):
    return PairStream(ClipPairs(data.clips, settings), PhotoPairs(data.photos, settings), 20, photo_share, seed)


def changed(settings, **changes):
    return TrainSettings.model_validate(settings.model_dump() | changes)


def cut(sample, settings, t):
    """Frame t of a sample inside its window: (1, 3, h, w)."""
    return sample["frames"][t][:, *slices(sample["at"].tolist(), settings.crop)][None]


@SOURCES
def test_shapes_and_units(data, settings, photo_share):
    settings = changed(settings, crop=(32, 48))
    for sample in (stream(data, settings, photo_share=photo_share)[k] for k in range(8)):
        assert sample["frames"].shape == (2, 3, 64, 96) and sample["reference"].shape == (3, 64, 96)
        for name, channels in (("flow", 2), ("flow_back", 2), ("visible", 1), ("visible_back", 1)):
            assert sample[name].shape == (1, channels, 32, 48)
            assert channels == 2 or set(sample[name].unique().tolist()) <= {0, 1}
        assert sample["own"].shape == sample["given"].shape == ()
        assert sample["at"].shape == (2,) and sample["at"].dtype == torch.int64
        assert sample["reference_rank"].shape == () and sample["reference_rank"].dtype == torch.int64
        exact = ("at", "reference_rank", "item")
        assert all(value.dtype == torch.float32 for name, value in sample.items() if name not in exact)
        assert 0 <= sample["frames"][:, 0].min() and 20 < sample["frames"][:, 0].max() <= 100


@SOURCES
@pytest.mark.parametrize("crop", [(64, 96), (32, 48)])
@pytest.mark.parametrize("direction", ["", "_back"])
def test_the_flow_leads_where_it_says(data, settings, photo_share, crop, direction):
    """`flow` leads from last to current on the grid of last, `flow_back` from current to last on that of current."""
    settings = changed(settings, luminance_shift=0.0, crop=crop)
    for sample in (stream(data, settings, photo_share=photo_share)[k] for k in range(4)):
        start, end = (cut(sample, settings, t) for t in ((0, 1) if direction == "" else (1, 0)))
        sampled = warp_tensor(end, sample[f"flow{direction}"])
        inside = sample[f"visible{direction}"][0, 0] > 0
        inside[:12], inside[-12:], inside[:, :12], inside[:, -12:] = False, False, False, False  # it enters the window
        still = (end - start)[..., inside].abs().mean()
        assert (sampled - start)[..., inside].abs().mean() < 0.35 * still


def test_a_sequence_of_a_clip_is_its_adjacent_frames(data, settings):
    settings = changed(settings, sequence=3, photo_share=0.0, frame=(96, 128))
    clips = ClipPairs(data.clips, settings)
    assert clips.positions == [("m", 0)]
    sample = clips.sample(0, np.random.default_rng(0))
    assert sample["item"] == "m" and sample["frames"].shape[0] == 3 and sample["flow_back"].shape[0] == 2
    for t in range(3):
        expected = lab_from_rgb(data.clips.frame("m", t)).transpose(2, 0, 1)
        np.testing.assert_array_equal(sample["frames"][t], expected)
    assert (sample["flow"][:, 0] == -3).all() and (sample["flow_back"][:, 0] == 3).all()


def test_a_shorter_sequence_begins_at_more_frames(data, settings):
    assert ClipPairs(data.clips, settings).positions == [("m", 0), ("m", 1)]
    assert ClipPairs(data.clips, changed(settings, sequence=4, steps=3, photo_share=0.0)).positions == []


def test_a_given_frame_is_the_clean_reference(data, settings):
    settings = changed(settings, given_first=1.0, own_reference=0.0)
    sample = ClipPairs(data.clips, settings).sample(0, np.random.default_rng(0))
    assert sample["given"] == 1 and sample["own"] == 1
    assert torch.equal(sample["reference"], sample["frames"][0])
    photo = PhotoPairs(data.photos, settings).sample(0, np.random.default_rng(0))
    assert photo["given"] == 0  # photographs give nothing


def test_first_frames_are_given_at_their_rate(data, settings):
    clips, rng = ClipPairs(data.clips, changed(settings, given_first=0.25)), np.random.default_rng(0)
    assert 0.15 < np.mean([clips.sample(0, rng)["given"].item() for _ in range(200)]) < 0.35


@SOURCES
def test_an_own_reference_is_the_last_frame_with_noise(data, settings, photo_share):
    settings = changed(settings, own_reference=1.0, reference_noise=2.0)
    sample = stream(data, settings, photo_share=photo_share)[0]
    assert sample["own"] == 1
    noise = (sample["reference"] - sample["frames"][-1])[1:]
    assert noise.std().item() == pytest.approx(2.0, rel=0.05)


@SOURCES
def test_a_retrieved_reference_is_another_picture(data, settings, photo_share):
    settings = changed(settings, own_reference=0.0)
    samples = [stream(data, settings, photo_share=photo_share)[k] for k in range(8)]
    retrieved = [
        sample for sample in samples if sample["item"] in ("a", "m")
    ]  # the others have none and take their own
    assert retrieved and all(sample["own"] == 0 for sample in retrieved)
    assert all(sample["own"] == 1 for sample in samples if sample["item"] not in ("a", "m"))
    b = lab_from_rgb(read_rgb(data.photos.reference_paths["a"][0]))
    for sample in retrieved:
        mean = sample["reference"].mean(dim=(1, 2)).numpy()
        np.testing.assert_allclose(mean, b.mean(axis=(0, 1)), atol=4)  # scaled and cut to the frame


def test_windows_lie_on_the_matching_grid(settings):
    rng = np.random.default_rng(0)
    places = {random_window((64, 96), (32, 48), rng) for _ in range(2000)}
    assert {place[0] for place in places} == set(range(0, 33, GRID))
    assert {place[1] for place in places} == set(range(0, 49, GRID))
    assert random_window((64, 96), (64, 96), rng) == (0, 0)


def test_the_motion_is_that_of_the_window(data, settings):
    """Whole and cut samples of one seed differ in the window alone."""
    whole = stream(data, settings, photo_share=1.0)[3]
    small = stream(data, changed(settings, crop=(32, 48)), photo_share=1.0)[3]
    assert torch.equal(whole["frames"], small["frames"])
    at = slices(small["at"].tolist(), (32, 48))
    for name in ("flow", "flow_back", "visible", "visible_back"):
        assert torch.equal(whole[name][..., *at], small[name])


def test_a_sample_depends_on_seed_and_index_only(data, settings):
    later = stream(data, settings)[5]
    again = stream(data, settings)[5]
    other = stream(data, settings, seed=1)[5]
    assert all(torch.equal(value, again[name]) for name, value in later.items() if name != "item")
    assert later["item"] == again["item"]
    assert not torch.equal(later["frames"], other["frames"])


def test_both_sources_are_drawn_and_a_missing_one_is_not(data, settings):
    clips, photos = ClipPairs(data.clips, settings), PhotoPairs(data.photos, settings)
    drawn = {"clips": 0, "photos": 0}
    clips.sample = lambda *a: drawn.update(clips=drawn["clips"] + 1)
    photos.sample = lambda *a: drawn.update(photos=drawn["photos"] + 1)
    mixed = PairStream(clips, photos, 200, 0.5, 0)
    [mixed[k] for k in range(200)]
    assert 60 < drawn["clips"] < 140
    clips.positions = []
    assert PairStream(clips, photos, 5, 0.1, 0).photo_share == 1.0
    data.photos.rows.clear()
    with pytest.raises(ValueError, match="nothing to train on"):
        PairStream(clips, photos, 5, 0.5, 0)


def test_clips_that_are_too_short_are_nothing_to_train_on(data, settings):
    with pytest.raises(ValueError, match=r" 5 frames; .*`reason` of .*clips\.parquet"):
        stream(data, changed(settings, sequence=5, photo_share=0.0), photo_share=0.0)


def test_own_references_come_at_their_rate(data, settings):
    frame = np.zeros((64, 96, 3), np.float32)
    path = data.photos.reference_paths["a"]
    rng = np.random.default_rng(0)
    own = [draw_reference(frame, path, settings, rng)[1] == 0 for _ in range(300)]
    assert 0.22 < np.mean(own) < 0.38
    assert draw_reference(frame, [], settings, rng)[1] == 0  # without a retrieved one it is always its own


def test_an_own_reference_has_one_kind_of_noise_or_both(data, settings):
    frame, rng = np.full((16, 24, 3), 50, np.float32), np.random.default_rng(0)
    drawn = [draw_reference(frame, [], changed(settings, noise="either"), rng) for _ in range(200)]
    on_colors = [not np.array_equal(each.lab, frame) for each in drawn]
    assert on_colors == [not each.noisy_features for each in drawn] and 0.35 < np.mean(on_colors) < 0.65
    both = draw_reference(frame, [], settings, np.random.default_rng(0))
    assert both.noisy_features and not np.array_equal(both.lab, frame)
    retrieved = PhotoPairs(data.photos, changed(settings, own_reference=0.0)).sample(0, rng)
    assert retrieved["own"] == retrieved["noisy_features"] == 0


def test_a_frame_larger_than_the_clip_says_which_key(data, settings):
    large = changed(settings, frame=(200, 304))
    with pytest.raises(ValueError, match=r"training\.<name>\.frame .*clips\.size"):
        ClipPairs(data.clips, large).sample(0, np.random.default_rng(0))


@pytest.fixture
def gallery(data, picture, tmp_path):
    """`data` with three ranked references of the clip `m` and of the photograph `a`, JPEG files of other sizes."""
    rows = []
    for rank in (3, 1, 2):
        path = tmp_path / f"{rank}.JPEG"
        write_jpeg(path, picture(rank, 90 + 60 * rank, 200))
        row = {"rank": rank, "reference": f"r{rank}", "path": str(path), "similarity": 1 - rank / 4}
        rows += [row | {"item": item} for item in ("m", "a")]
    write_table(rows, data.clips.references, REFERENCES)
    data.clips = PreparedSet(data.clips.table, data.clips.references, data.clips.flow)
    data.photos = PreparedSet(data.photos.table, data.photos.references)
    return data


def equal(one, other) -> bool:
    """The same sample, or batch of samples: NaN equals NaN."""
    assert list(one) == list(other)
    texts = [one[name] == other[name] for name in one if name == "item"]
    return all(texts) and all(
        torch.allclose(one[name], other[name], rtol=0, atol=0, equal_nan=True) for name in one if name != "item"
    )


def test_what_a_training_draws_is_what_it_always_was(gallery, settings):
    """The decisions that checkpoints were trained on: item, rank of the reference and window of the first samples."""
    settings = changed(settings, crop=(32, 48), given_first=0.2)
    drawn = [stream(gallery, settings, seed=3)[k] for k in range(8)]
    assert [(s["item"], s["reference_rank"].item(), *s["at"].tolist()) for s in drawn] == [
        ("a", 3, 8, 20),
        ("b", 0, 12, 32),
        ("b", 0, 28, 12),
        ("a", 0, 32, 48),
        ("m", 0, 4, 16),
        ("a", 3, 12, 8),
        ("c", 0, 8, 12),
        ("m", 2, 24, 12),
    ]


def test_a_dataset_yields_the_ranked_references(gallery, settings):
    assert gallery.clips.references_of("m") == ["r1", "r2", "r3"] and gallery.clips.references_of("none") == []
    clips = ClipPairs(gallery.clips, settings)
    for sample in clips:
        assert sample["references"].shape == (3, 3, 64, 96)
        assert sample["similarity"].tolist() == [0.75, 0.5, 0.25]
        assert sample["probability"].tolist() == pytest.approx([0.3, 0.7 / 3, 0.7 / 3, 0.7 / 3])
        for k, path in enumerate(gallery.clips.reference_paths["m"]):
            expected = lab_from_rgb(cover_crop(read_rgb(path), (64, 96))).transpose(2, 0, 1)
            np.testing.assert_array_equal(sample["references"][k], expected)
        if rank := sample["reference_rank"].item():
            assert torch.equal(sample["reference"], sample["references"][rank - 1])


def test_an_item_without_references_takes_its_own(gallery, settings):
    sample = PhotoPairs(gallery.photos, settings)[1]
    assert sample["item"] == "b" and sample["own"] == 1 and sample["reference_rank"] == 0
    assert sample["probability"].tolist() == [1, 0, 0, 0] and sample["similarity"].isnan().all()
    assert sample["references"].shape == (3, 3, 64, 96) and not sample["references"].any()
    bare = PhotoPairs(PreparedSet(gallery.photos.table), settings)[0]
    assert bare["references"].shape == (0, 3, 64, 96) and bare["probability"].tolist() == [1]


@pytest.mark.parametrize("given", [0.0, 0.4])
def test_references_are_drawn_with_the_probabilities_that_are_said(gallery, settings, given):
    clips, rng = ClipPairs(gallery.clips, changed(settings, given_first=given)), np.random.default_rng(0)
    ranks = [clips.sample(0, rng)["reference_rank"].item() for _ in range(400)]
    probability = clips.ranked("m")["probability"].numpy()
    spread = np.sqrt(probability * (1 - probability) / len(ranks))
    assert (np.abs(np.bincount(ranks, minlength=4) / len(ranks) - probability) < 4 * spread).all()


def test_the_paper_draws_seven_in_ten_from_the_five_most_similar():
    defaults = TrainSettings()
    assert (defaults.own_reference, defaults.given_first, defaults.photo_share) == (0.3, 0, 0.79)
    assert defaults.photo_share == pytest.approx(70_000 / (70_000 + 768 * 24), abs=0.005)


@pytest.mark.parametrize("kind", [ClipPairs, PhotoPairs])
def test_a_dataset_depends_on_seed_epoch_and_index_only(gallery, settings, kind):
    items = gallery.clips if kind is ClipPairs else gallery.photos
    pairs, again = kind(items, settings, seed=4), kind(items, settings, seed=4)
    first = [pairs[k] for k in range(len(pairs))]
    assert len(first) == len(pairs) > 1
    assert all(equal(sample, again[k]) for k, sample in reversed(list(enumerate(first))))
    assert equal(pairs[-1], first[-1])
    with pytest.raises(IndexError):
        pairs[len(pairs)]
    again.set_epoch(1)
    assert not any(equal(sample, again[k]) for k, sample in enumerate(first))
    again.set_epoch(0)
    assert equal(first[0], again[0])
    assert not any(equal(sample, kind(items, settings, seed=5)[k]) for k, sample in enumerate(first))


@pytest.mark.parametrize("start", ["fork", "spawn"])
def test_a_dataset_goes_through_loader_processes(gallery, settings, start):
    """Processes that persist too are told of the next epoch, and batches are the samples stacked."""
    pairs = ClipPairs(gallery.clips, settings)
    options = {"batch_size": 2, "num_workers": 1, "multiprocessing_context": start, "persistent_workers": True}
    loader = DataLoader(pairs, **options)
    for epoch in range(2):
        pairs.set_epoch(epoch)
        (batch,) = loader
        assert equal(batch, torch.utils.data.default_collate([pairs[0], pairs[1]]))


def test_a_dataset_without_settings_has_the_papers(gallery):
    assert ClipPairs(gallery.clips).settings == TrainSettings()


def test_clips_without_flow_say_what_is_missing(gallery, settings):
    with pytest.raises(ValueError, match=r"clips\.parquet: .* flow"):
        ClipPairs(PreparedSet(gallery.clips.table), settings)


def test_pseudo_video_is_the_photograph_moved_as_its_flow_says(gallery, settings):
    """Current, sampled along the flow, is last to within the interpolation, but for one shift of L."""
    photos, shifts = PhotoPairs(gallery.photos, settings), []
    for epoch in range(6):
        photos.set_epoch(epoch)
        for sample in photos:
            last, current = sample["frames"]
            error = warp_tensor(current[None], sample["flow"])[0] - last
            seen = sample["visible"][0, 0] > 0
            assert seen.float().mean() > 0.5
            shifts.append(error[0][seen].median().item())
            inside = seen & (last[0] > 20) & (last[0] < 80)  # no L is cut off at 0 or 100
            assert (error[0][inside] - shifts[-1]).abs().mean() < 0.5
            assert error[1:, seen].abs().mean() < 1
    assert 3 < np.std(shifts) < 8 and abs(np.mean(shifts)) < 4  # N(0, 1) * 5


def test_pseudo_video_writes_nothing(gallery, settings, tmp_path):
    def files():
        return {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}

    before = files()
    assert len(list(PhotoPairs(gallery.photos, settings))) == 3
    assert files() == before


@pytest.mark.parametrize("damage", ["gone", "empty"])
def test_a_prepared_frame_that_is_lost_is_the_machines_fault(data, damage):
    name = data.clips.rows[0]["clip"]
    path = frame_path(folder_of(data.clips.table) / name, 0)
    path.unlink() if damage == "gone" else path.write_bytes(b"")
    with pytest.raises(MachineFault, match=r"00000\.png, which the pipeline wrote whole"):
        data.clips.frame(name, 0)


def test_a_reference_that_is_gone_is_the_machines_fault(tmp_path):
    with pytest.raises(MachineFault, match=r"gone\.png, which the table of references lists"):
        read_reference(tmp_path / "gone.png", (8, 8))
