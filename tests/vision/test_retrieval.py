"""Exact search: what brute force finds, whatever the files, blocks and ties, in bounded memory."""

import subprocess
import sys

import numpy as np
import pytest

from vision import retrieval
from vision.retrieval import FeatureFiles, Scope, most_similar, write_features


def unit(array: np.ndarray) -> np.ndarray:
    return (array / np.linalg.norm(array, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture
def stored(tmp_path):
    """Writes rows into several files and opens them: stored(array, files, block_bytes)."""

    def store(array: np.ndarray, files: int = 1, block_bytes: int = 1 << 20) -> FeatureFiles:
        paths = [tmp_path / f"{files}-{len(array)}-{index}.npy" for index in range(files)]
        for path, part in zip(paths, np.array_split(array, files), strict=True):
            write_features(path, [part], len(part))
        return FeatureFiles(paths, block_bytes)

    return store


def brute_force(queries, gallery, count, scope, order):
    """By the definition, in float64: every similarity, sorted."""
    similarity = queries.astype(np.float64) @ gallery.T.astype(np.float64)
    found = []
    for query, row in enumerate(similarity.round(12)):
        inside = np.isin(scope.groups, scope.wanted[query])
        inside[scope.barred.get(query, [])] = False
        rows = np.flatnonzero(inside)
        found.append(rows[np.lexsort((order[rows], -row[rows]))][:count])
    return found


@pytest.mark.parametrize("seed", range(8))
def test_it_equals_brute_force_with_ties_classes_and_barred_rows(stored, seed):
    rng = np.random.default_rng(seed)
    size, width, asked = int(rng.integers(1, 400)), int(rng.integers(1, 90)), int(rng.integers(1, 40))
    # Few different rows: most similarities are shared by several rows, all over the gallery.
    gallery = unit(rng.standard_normal((max(1, size // 5), width)))[rng.integers(max(1, size // 5), size=size)]
    queries = unit(rng.standard_normal((asked, width)))
    order = rng.permutation(size)
    wanted = np.array([rng.choice(6, size=2, replace=False) for _ in range(asked)])
    barred = {q: rng.choice(size, size=min(size, 3), replace=False) for q in range(0, asked, 2)}
    scope = Scope(rng.integers(-1, 6, size=size), wanted, barred)
    expected = brute_force(queries, gallery, 5, scope, order)
    for files, block_bytes in ((1, 1 << 20), (2, 1000), (7, 1)):
        found = most_similar(stored(queries, 1, block_bytes), stored(gallery, files, block_bytes), 5, scope, order)
        for query, ((rows, similarity), right) in enumerate(zip(found, expected, strict=True)):
            np.testing.assert_array_equal(rows, right)
            np.testing.assert_allclose(similarity, gallery[right].astype(float) @ queries[query], atol=1e-7)


def test_files_and_blocks_change_no_digit(stored):
    rng = np.random.default_rng(0)
    gallery, queries = unit(rng.random((3000, 300))), unit(rng.random((30, 300)))
    scope, order = Scope(np.zeros(3000, int), np.zeros((30, 1), int)), np.arange(3000)
    first, *others = [
        most_similar(stored(queries, 1, block), stored(gallery, files, block), 5, scope, order)
        for files, block in ((1, 1 << 30), (2, 1 << 17), (7, 5000))
    ]
    for other in others:
        for (rows, similarity), (right, exact) in zip(other, first, strict=True):
            assert rows.tolist() == right.tolist() and similarity.tolist() == exact.tolist()


def test_more_near_ties_than_there_is_room_for(stored):
    """The rows differ by less than float32 products can tell: every one of them is compared exactly."""
    rng = np.random.default_rng(0)
    query = unit(rng.random((1, 64)))
    gallery = unit(query + 1e-6 * rng.standard_normal((500, 64)))
    scope, order = Scope(np.zeros(500, int), np.zeros((1, 1), int), {0: np.array([3])}), np.arange(500)[::-1]
    expected = brute_force(query, gallery, 4, scope, order)
    for files, block in ((1, 1 << 20), (3, 2000)):
        ((rows, _),) = most_similar(stored(query, 1), stored(gallery, files, block), 4, scope, order)
        np.testing.assert_array_equal(rows, expected[0])
    same = np.repeat(query, 500, axis=0)
    ((rows, similarity),) = most_similar(stored(query), stored(same, 2), 4, scope, order)
    assert rows.tolist() == [499, 498, 497, 496] and len(set(similarity)) == 1


def test_a_float32_product_errs_less_than_the_bound():
    rng = np.random.default_rng(0)
    for width in (3, 1280, 160_000):
        a, b = unit(rng.random((20, width))), unit(rng.random((20, width)))
        error = np.abs((a @ b.T) - a.astype(np.float64) @ b.T.astype(np.float64)).max()
        assert error < retrieval.rounding(width)


def test_empty_files_and_an_empty_scope(stored, tmp_path):
    write_features(tmp_path / "none.npy", [], 0)
    write_features(tmp_path / "some.npy", [np.eye(2), np.eye(2)], 4)
    gallery = FeatureFiles([tmp_path / "none.npy", tmp_path / "some.npy", tmp_path / "none.npy"])
    assert (len(gallery), gallery.width) == (4, 2)
    scope = Scope(np.array([0, 0, 0, -1]), np.array([[0], [7]]), {0: np.array([2])})
    (found, _), (nothing, _) = most_similar(stored(np.eye(2)), gallery, 3, scope, np.arange(4))
    assert found.tolist() == [0, 1] and nothing.tolist() == []


def test_features_of_two_networks_are_an_error(stored, tmp_path):
    with pytest.raises(ValueError, match=r"3 features, .* 2"):
        most_similar(
            stored(np.eye(3)), stored(np.eye(2)), 1, Scope(np.zeros(2, int), np.zeros((3, 1), int)), np.arange(2)
        )
    for name, array in (("a", np.eye(2)), ("b", np.eye(3))):
        write_features(tmp_path / f"{name}.npy", [array], len(array))
    with pytest.raises(ValueError, match=r"b\.npy: expected float32 \(N, 2\)"):
        FeatureFiles([tmp_path / "a.npy", tmp_path / "b.npy"])


LIMITED = """
import re, sys
import numpy as np
from vision.retrieval import FeatureFiles, Scope, most_similar
gallery, queries = FeatureFiles(sys.argv[1:2]), FeatureFiles(sys.argv[2:3])
scope = Scope(np.zeros(len(gallery), int), np.zeros((len(queries), 1), int))
found = most_similar(queries, gallery, 1, scope, np.arange(len(gallery)))
assert all(rows.tolist() == [7] for rows, _ in found), found
print(int(re.search(r"VmHWM:\\s+(\\d+) kB", open("/proc/self/status").read())[1]) >> 10)
"""


def test_a_gallery_of_wide_features_larger_than_its_memory(tmp_path):
    """1.6 GB of features, 160,000 wide, zero but for one row in a sparse file: searched in under 1 GB."""
    path = tmp_path / "wide.npy"
    gallery = np.lib.format.open_memmap(path, "w+", np.float32, (2500, 160_000))
    gallery[7] = 1 / 400
    del gallery
    write_features(tmp_path / "queries.npy", [np.full((3, 160_000), 1 / 400)], 3)
    command = [sys.executable, "-c", LIMITED, path, tmp_path / "queries.npy"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 1000  # MB
