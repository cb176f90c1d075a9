"""References: grey pictures are compared, in the classes that are asked for, and nothing is ever its own reference."""

import warnings

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from media.faults import MachineFault
from media.image import CorruptImage, cover_crop, frame_path, read_rgb, write_png
from media.tables import CLIPS, GALLERY, REFERENCES, folder_of, read_table, write_table
from prep import gather_references, queries
from prep.gallery import grey_features
from prep.queries import grey_picture, likeliest_classes
from prep.references import classes_searched, main, own_images
from vision.backbones import load_backbone
from vision.retrieval import write_features


@pytest.fixture(scope="module")
def lite():
    return load_backbone("efficientnet_lite0", "nowhere")


@pytest.fixture
def gallery(tmp_path, lite):
    """Writes pictures as a gallery of some tables, as prep.gallery does: gallery({name: (rgb, columns)}, tables)."""

    def make(pictures: dict, tables: int = 1):
        paths = []
        for index in range(tables):
            rows, features = [], []
            for name, (rgb, columns) in list(pictures.items())[index::tables]:
                path = tmp_path / f"sources/{name}.png"
                write_png(path, rgb)
                known = {"clip": name, "dataset": "d", "source": f"{name}.png", "path": str(path), "sha256": name}
                rows.append(known | {"row": len(rows)} | columns)
                features.append(grey_features(rgb, lite))
            rows.append({"clip": f"rejected{index}", "reason": "too_dark"})
            paths.append(tmp_path / f"gallery/{tables}/{index:02d}.parquet")
            write_features(paths[-1].with_suffix(".npy"), [np.stack(features)] if features else [], len(features))
            write_table(rows, paths[-1], GALLERY)
        return paths

    return make


@pytest.fixture
def find(tmp_path):
    """Writes items of one frame and finds their references: find({name: (rgb, columns)}, gallery tables, ...)."""

    def run(items: dict, tables, **options):
        rows = []
        for name, (rgb, columns) in items.items():
            write_png(frame_path(tmp_path / "items" / name, 0), rgb)
            known = {"clip": name, "dataset": "i", "source": f"{name}.mp4", "n_frames": 1, "sha256": f"item {name}"}
            rows.append(known | columns)
        write_table(rows, tmp_path / "items.parquet", CLIPS)
        main(
            queries=tmp_path / "items.parquet",
            gallery=tables,
            backbone="efficientnet_lite0",
            weights=tmp_path,
            classifier="efficientnet_lite0",
            table=tmp_path / "references/items.parquet",
            **{"size": (64, 96), **options},
        )
        return read_table(tmp_path / "references/items.parquet", REFERENCES)

    return run


def grey(rgb: np.ndarray) -> np.ndarray:
    return np.stack([np.rint(rgb @ [0.2126, 0.7152, 0.0722]).astype(np.uint8)] * 3, axis=-1)


def test_the_same_picture_in_other_colours_comes_first(find, gallery, picture, tmp_path):
    tables = gallery({f"g{i}": (picture(i), {"label": i} if i else {}) for i in range(4)})
    found = find({"me": (grey(picture(2)), {})}, tables, count=3)
    assert found["item"].tolist() == ["me"] * 3 and found["rank"].tolist() == [1, 2, 3]
    best = found.iloc[0]
    assert (best["reference"], best["path"], best["label"]) == ("g2", str(tmp_path / "sources/g2.png"), 2)
    assert found["similarity"].is_monotonic_decreasing and 0.9 < best["similarity"] <= 1
    assert found["item_class"].isna().all()


def test_the_tables_of_the_gallery_change_nothing(find, gallery, picture):
    """Nor do ties: `copy_b` has the features of `copy_a`, but other pixels by its hash."""
    pictures = {f"g{i}": (picture(i), {"label": i}) for i in range(8)}
    pictures |= {"copy_b": (picture(1), {}), "copy_a": (picture(1), {})}
    items = {f"i{i}": (grey(picture(i + 1)), {}) for i in range(3)}
    whole, *others = [find(items, gallery(pictures, tables), count=4) for tables in (1, 2, 7)]
    assert whole.loc[whole["item"] == "i0", "reference"].tolist()[:3] == ["copy_a", "copy_b", "g1"]
    for other in others:
        pd.testing.assert_frame_equal(other, whole)


def contents(folder) -> dict:
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_any_number_of_shards_leaves_the_same_bytes(find, gallery, picture, lite, tmp_path):
    """Tables, pictures and sheets, found in classes; some of eight shards are empty, and in one no item has any."""
    sources = {f"g{i}": (picture(i), {"label": i % 3}) for i in range(9)}
    label = int(likeliest_classes(written(tmp_path / "first", grey(picture(1))) / "me", 1, lite, 1)[0])
    sources |= {f"l{i}": (picture(20 + i), {"label": label}) for i in range(4)}
    items = {f"i{i}": (grey(picture(i)), {}) for i in range(4)} | {"cat": (chelsea(), {})}
    options = {"within": "class", "pictures": 2, "sheets": True, "count": 3}
    tables = gallery(sources, 2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        whole = find(items, tables, **options)
        assert 0 < whole["item"].nunique() < len(items)
        expected, table = contents(tmp_path / "references/items"), tmp_path / "sharded/items.parquet"
        (tmp_path / "sharded/items/nobodys").mkdir(parents=True)
        for shard in range(8):
            shared = {"queries": tmp_path / "items.parquet", "gallery": tables, "backbone": "efficientnet_lite0"}
            shared |= {"weights": tmp_path, "classifier": "efficientnet_lite0", "size": (64, 96), "shards": 8}
            main(**shared, **options, shard=shard, folder=folder_of(table), table=tmp_path / f"parts/{shard}.parquet")
        gather_references.main(
            queries=tmp_path / "items.parquet", shards=[tmp_path / "parts"], shards_count=8, table=table, **options
        )
    pd.testing.assert_frame_equal(read_table(table, REFERENCES), whole)
    assert table.read_bytes() == (tmp_path / "references/items.parquet").read_bytes()
    assert contents(table.with_suffix("")) == expected and len(expected) > 3


@pytest.mark.parametrize("shards", [1, 2])
def test_a_set_without_a_kept_item_has_no_references(find, gallery, picture, tmp_path, shards):
    tables = gallery({"g": (picture(1), {})})
    options = {"count": 1, "pictures": 1, "sheets": True}
    found = find({"me": (picture(0), {"reason": "too_dark"})}, tables, shards=shards, **options)
    assert found.empty
    with pytest.raises(ValueError, match=r"no shard 2; expected 0\.\.1"):
        find({"me": (picture(0), {})}, tables, shard=2, shards=2)
    table = tmp_path / "references/items.parquet"
    write_table([], table, REFERENCES)
    queries = write_table([{"clip": "me", "reason": "too_dark"}], tmp_path / "items.parquet", CLIPS)
    gather_references.main(queries=tmp_path / "items.parquet", shards=[table] * shards, table=table, **options)
    assert len(queries) == 1 and read_table(table, REFERENCES).empty


def test_gathering_notices_a_picture_that_is_gone(find, gallery, picture, tmp_path):
    found = find({"me": (picture(0), {})}, gallery({"g": (picture(1), {})}), count=1, pictures=1)
    table = tmp_path / "references/items.parquet"
    options = {"within": "everywhere", "count": 1, "pictures": 1, "sheets": False}
    shared = {"queries": tmp_path / "items.parquet", "shards": [table], "table": table}
    gather_references.main(**shared, **options)
    pd.testing.assert_frame_equal(read_table(table, REFERENCES), found)
    frame_path(tmp_path / "references/items/g", 0).write_bytes(b"")
    with pytest.raises(MachineFault, match=r"1 pictures of references \(g\)"):
        gather_references.main(**shared, **options)


def test_a_search_that_was_stopped_asks_no_network_twice(find, gallery, picture, tmp_path, monkeypatch, capsys):
    """Nor is a picture made again; a changed item, another size, and a picture that is gone are."""
    tables = gallery({f"g{i}": (picture(i), {}) for i in range(3)})
    items = {f"i{i}": (picture(10 + i), {}) for i in range(4)}
    asked, options = [], {"count": 2, "pictures": 2, "sheets": True}
    see = queries.grey_features
    monkeypatch.setattr(queries, "grey_features", lambda rgb, network: asked.append(0) or see(rgb, network))

    def stop(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr("prep.references.most_similar", stop)
        find(items, tables, **options)
    assert len(asked) == 4 and not (tmp_path / "references/items.parquet").exists()
    undisturbed = find(items, tables, **options)
    assert len(asked) == 4 and "queries: 4 of 4 were done before" in capsys.readouterr().out
    made = contents(tmp_path / "references/items")
    (tmp_path / "references/items/i0.jpg").unlink()
    items["i2"] = (picture(30), {"sha256": "another"})
    find(items, tables, **options)
    said = capsys.readouterr().out
    assert len(asked) == 5 and "pictures: 3 of 3" in said and "sheets: 2 of 4" in said
    items["i2"] = (picture(12), {})
    pd.testing.assert_frame_equal(find(items, tables, **options), undisturbed)
    assert contents(tmp_path / "references/items") == made


def test_equal_pixels_are_given_once(find, gallery, picture):
    same = {"sha256": "pixels"}
    pictures = {"b": (picture(1), same), "a": (picture(1), same), "c": (picture(2), {})}
    found = find({"me": (grey(picture(1)), {})}, gallery(pictures), count=2)
    assert found["reference"].tolist() == ["a", "c"]


def test_never_the_items_own_picture(find, gallery, picture):
    mine = {"dataset": "d", "source": "me.png", "sha256": "pixels", "source_sha256": "file"}
    pictures = {
        "same_source": (picture(1), {"source": "me.png"}),
        "same_pixels": (picture(1), {"sha256": "pixels"}),
        "same_file": (picture(1), {"source_sha256": "file"}),
        "same_name_elsewhere": (picture(1), {"dataset": "e", "source": "me.png"}),
        "another": (picture(2), {}),
    }
    with pytest.warns(UserWarning, match=r"1 of 1 items \(me\) .*fewer than 3 .* 0 of them none.* 'every"):
        found = find({"me": (picture(1), mine)}, gallery(pictures, 2), count=3)
    assert found["reference"].tolist() == ["same_name_elsewhere", "another"]
    del pictures["same_name_elsewhere"], pictures["another"]
    with pytest.raises(ValueError, match=r"none of 1 items \(me\)"):
        find({"me": (picture(1), mine)}, gallery(pictures), count=3)


def test_what_is_unknown_agrees_with_nothing():
    """Clips made by renderings have neither source nor file; unknown is not equal to unknown."""
    columns = ["dataset", "source", "sha256", "source_sha256"]
    items = pd.DataFrame([["renderings", None, "1", None]], columns=columns, dtype="string")
    images = pd.DataFrame([["renderings", None, "2", None], ["d", "x", "1", None]], columns=columns, dtype="string")
    assert own_images(items, images).values.tolist() == [[0, 1]]


def chelsea(height: int = 216, width: int = 384) -> np.ndarray:
    from skimage import data

    return cover_crop(data.chelsea(), (height, width))


def test_references_come_from_the_predicted_class(find, gallery, picture, lite, tmp_path):
    """Chelsea's copy has another class, so it is found everywhere, but not in the class of tabbies, nor among cats."""
    first, second, *_ = likeliest_classes(written(tmp_path / "first", chelsea()) / "me", 1, lite, 5).tolist()
    assert {first, second} & {281, 282, 285}
    pictures = {f"other{i}": (picture(i), {"label": first}) for i in range(3)}
    pictures |= {"copy": (chelsea(), {"label": 0}), "second": (chelsea()[:, ::-1], {"label": second})}
    pictures |= {"unknown": (chelsea(), {"label": None})}
    tables = gallery(pictures, 2)
    everywhere = find({"me": (chelsea(), {})}, tables, count=3)
    assert everywhere["reference"].tolist() == ["copy", "unknown", "second"]
    with pytest.warns(UserWarning, match="1 of 6 images .* no class"):
        inside = find({"me": (chelsea(), {})}, tables, count=3, within="class")
    assert sorted(inside["reference"]) == ["other0", "other1", "other2"] and set(inside["item_class"]) == {first}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = find({"me": (chelsea(), {})}, tables, count=9, within="2")
    assert found["reference"].tolist()[0] == "second" and len(found) == 4


def written(folder, rgb: np.ndarray):
    write_png(frame_path(folder / "me", 0), rgb)
    return folder


def test_the_class_is_that_of_all_frames_and_knows_no_colour(lite, tmp_path, picture):
    """One wild frame among five does not decide; the same clip in other colours has the same class."""
    for index in range(5):
        frame = chelsea() if index else picture(9, 216, 384)
        write_png(frame_path(tmp_path / "cat", index), frame)
        write_png(frame_path(tmp_path / "red", index), grey_picture(frame))
    write_png(frame_path(tmp_path / "grey", 0), grey_picture(chelsea()))
    frames = {"cat": 5, "red": 5, "grey": 1}
    classes = np.stack([likeliest_classes(tmp_path / name, count, lite, 3) for name, count in frames.items()])
    assert classes.shape == (3, 3) and set(classes[:, 0]) <= {281, 282, 285}
    assert set(classes[0]) == set(classes[1])


def test_without_classes_nothing_can_be_found_by_class(find, gallery, picture):
    with pytest.raises(ValueError, match=r"class.*label_pattern.*`everywhere`"):
        find({"me": (picture(0), {})}, gallery({"g": (picture(1), {})}), within="class")


@pytest.mark.parametrize("within, count", [("everywhere", None), ("class", 1), ("1", 1), ("5", 5), ("1000", 1000)])
def test_where_is_searched(within, count):
    assert classes_searched(within) == count


@pytest.mark.parametrize("within", ["0", "1001", "-1", "anywhere", "", "²"])
def test_elsewhere_is_an_error_that_teaches(within):
    with pytest.raises(ValueError, match="expected `everywhere`, `class`"):
        classes_searched(within)


def test_an_empty_gallery_and_one_of_two_runs_are_errors_that_teach(find, gallery, picture):
    with pytest.raises(ValueError, match=r"no image .* kept.*`reason`"):
        find({"me": (picture(0), {})}, gallery({}))
    tables = gallery({"a": (picture(0), {}), "b": (picture(1), {})})
    write_features(tables[0].with_suffix(".npy"), [np.eye(3)], 3)
    with pytest.raises(ValueError, match=r" 2 images.*00\.npy .* 3"):
        find({"me": (picture(0), {})}, tables)


def test_no_items_no_references(find, gallery, picture):
    assert find({}, gallery({"g": (picture(0), {})})).empty


def test_a_contact_sheet_of_every_item(find, gallery, picture, tmp_path):
    tables = gallery({f"g{i}": (picture(i), {"label": i}) for i in range(4)})
    stale = tmp_path / "references/items/gone.jpg"
    stale.parent.mkdir(parents=True)
    stale.touch()
    items = {"кошка à деревня": (picture(7), {}), "dark": (picture(8) // 12, {"n_frames": 0, "reason": "too_dark"})}
    find(items, tables, count=2, within="1000", sheets=True)
    (drawn,) = stale.parent.iterdir()
    assert drawn.name == "кошка à деревня.jpg"
    assert Image.open(drawn).size[0] == 4 * 312 + 12


def test_references_are_written_once_cropped_as_rows_are_given_them(find, gallery, picture, tmp_path):
    sources = {f"g{i}": picture(i, 60 + i, 90) for i in range(4)}
    items = {f"i{i}": (grey(rgb), {}) for i, rgb in enumerate(list(sources.values())[:3])}
    tables, folder = gallery({name: (rgb, {}) for name, rgb in sources.items()}), tmp_path / "references/items"
    found = find(items, tables, count=3, size=(32, 80), pictures=2)
    wanted = set(found.loc[found["rank"] <= 2, "reference"])
    assert {path.name for path in folder.iterdir()} == wanted and len(wanted) < 2 * len(items)
    for name in wanted:
        np.testing.assert_array_equal(read_rgb(frame_path(folder / name, 0)), cover_crop(sources[name], (32, 80)))
    find(items, tables, count=3)  # nothing of the earlier run stays
    assert not folder.exists()


@pytest.mark.parametrize("lost", ["items/one/00000.png", "sources/red.png"])
@pytest.mark.parametrize("damage", ["gone", "empty"])
def test_a_picture_that_is_gone_ends_the_job(find, gallery, picture, tmp_path, lost, damage):
    """Of the set, and of the gallery's sources; an empty source is what somebody made of it since."""
    tables, items = gallery({"red": (picture(1), {})}), {"one": (picture(2), {})}
    path = tmp_path / lost

    def later(*_):
        if damage == "gone":
            path.unlink()
        else:
            path.write_bytes(b"")
        return classes_searched("everywhere")

    with pytest.MonkeyPatch.context() as patched, pytest.raises((MachineFault, CorruptImage), match=path.name):
        patched.setattr("prep.references.classes_searched", later)
        find(items, tables, pictures=1, count=1)
    assert not (tmp_path / "references/items.parquet").exists()
