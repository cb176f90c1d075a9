"""Caffe's files without Caffe, in every way in which Caffe has written them."""

import cv2
import numpy as np
import pytest

from bench.methods.weights.caffe import read_caffe_hdf5, read_caffemodel
from vision.weights import MisfitWeights


@pytest.fixture
def blobs() -> dict[str, list[np.ndarray]]:
    rng = np.random.default_rng(0)
    shapes = {"conv1_1": [(300, 1, 3, 3), (300,)], "fc": [(5, 7), (5,)]}
    return {name: [rng.standard_normal(shape).astype(np.float32) for shape in of] for name, of in shapes.items()}


@pytest.mark.parametrize("style", ["fresh", "unpacked", "double", "legacy", "v1"])
def test_blobs_are_read_however_they_were_written(tmp_path, foreign, blobs, style):
    found = read_caffemodel(foreign.caffemodel(tmp_path / "net.caffemodel", blobs, style))
    assert list(found) == ["conv1_1", "fc"]  # the layer `data` has none
    for name, expected in blobs.items():
        for blob, own in zip(found[name], expected, strict=True):
            assert blob.dtype == np.float32
            assert blob.shape == (own.shape if style not in ("legacy", "v1") else (1,) * (4 - own.ndim) + own.shape)
            np.testing.assert_array_equal(blob.ravel(), own.ravel())


@pytest.mark.skipif(not hasattr(cv2.dnn, "readNetFromCaffe"), reason="OpenCV 5 reads no Caffe files")
@pytest.mark.parametrize("style", ["fresh", "legacy"])
def test_opencv_reads_the_same_from_these_files(tmp_path, foreign, blobs, style):
    """The files of these tests are Caffe's format, not just our reader's idea of it."""
    path = foreign.caffemodel(tmp_path / "net.caffemodel", {"conv1_1": blobs["conv1_1"]}, style)
    prototxt = (
        'input: "data" input_dim: 1 input_dim: 1 input_dim: 8 input_dim: 8 layer { name: "conv1_1" type: "Convolution" '
        'bottom: "data" top: "conv1_1" convolution_param { num_output: 300 kernel_size: 3 } }'
    )
    (tmp_path / "net.prototxt").write_text(prototxt)
    net = cv2.dnn.readNetFromCaffe(str(tmp_path / "net.prototxt"), str(path))
    ours = read_caffemodel(path)["conv1_1"]
    for index in range(2):
        np.testing.assert_array_equal(net.getParam("conv1_1", index).ravel(), ours[index].ravel())


@pytest.mark.parametrize(("lost", "tensor"), [(9, "fc/1"), (40, "fc/0")])
def test_a_cut_file_names_the_tensor_in_which_it_ends(tmp_path, foreign, blobs, lost, tensor):
    path = foreign.caffemodel(tmp_path / "net.caffemodel", blobs)
    path.write_bytes(path.read_bytes()[:-lost])
    with pytest.raises(MisfitWeights, match=rf"net.caffemodel: it breaks off in the tensor '{tensor}'"):
        read_caffemodel(path)


@pytest.mark.parametrize(
    ("content", "expected"),
    [(b"", "is empty"), (b"name: 'net'", "no .caffemodel|breaks off"), (b"\x0a\x02ab", "no layer with weights")],
)
def test_other_files_are_refused(tmp_path, content, expected):
    (tmp_path / "net.caffemodel").write_bytes(content)
    with pytest.raises(MisfitWeights, match=expected):
        read_caffemodel(tmp_path / "net.caffemodel")


def test_a_blob_whose_numbers_do_not_fill_its_shape_is_refused(tmp_path, foreign, blobs):
    path = foreign.caffemodel(tmp_path / "net.caffemodel", blobs)
    content = path.read_bytes()
    path.write_bytes(content.replace(b"\x3a\x04\x0a\x02\x05\x07", b"\x3a\x04\x0a\x02\x05\x08"))  # the shape (5, 7)
    with pytest.raises(MisfitWeights, match=r"'fc/0' cannot be read \(a blob of shape \(5, 8\) holds 35"):
        read_caffemodel(path)


def test_hdf5_is_read(tmp_path, foreign, blobs):
    found = read_caffe_hdf5(foreign.caffe_hdf5(tmp_path / "net.caffemodel.h5", blobs))
    assert set(found) == set(blobs)
    for name, expected in blobs.items():
        for blob, own in zip(found[name], expected, strict=True):
            np.testing.assert_array_equal(blob, own)


def test_broken_hdf5_is_refused(tmp_path, foreign, blobs):
    path = foreign.caffe_hdf5(tmp_path / "net.caffemodel.h5", blobs)
    path.write_bytes(path.read_bytes()[:3000])
    with pytest.raises(MisfitWeights, match=r"net.caffemodel.h5: .*breaks off"):
        read_caffe_hdf5(path)
    path.write_bytes(b"something else")
    with pytest.raises(MisfitWeights, match="no HDF5 file"):
        read_caffe_hdf5(path)


def test_hdf5_blobs_lie_in_the_file_as_they_are_declared(tmp_path):
    h5py = pytest.importorskip("h5py")

    def layer(name, write):
        with h5py.File(tmp_path / name, "w") as file:
            write(file.create_group("data/conv"))
        return tmp_path / name

    large = layer("large.h5", lambda group: group.create_dataset("0", (10**6, 10**6), "f4", chunks=(1000, 1000)))
    linked = layer("linked.h5", lambda group: group.__setitem__("0", h5py.ExternalLink("large.h5", "/data/conv/0")))
    texts = layer("texts.h5", lambda group: group.create_dataset("0", data=["a", "b"]))
    for path, says in (
        (large, "more than the file holds"),
        (linked, "no array of this file"),
        (texts, "expected floats"),
    ):
        with pytest.raises(MisfitWeights, match=f"{path.name}: layer 'conv' .*{says}"):
            read_caffe_hdf5(path)
