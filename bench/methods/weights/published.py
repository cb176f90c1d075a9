"""Every weight file of other people that a row, a metric or a flow here can use, and which rows take which.

Those of features, metrics and flows are described in vision/weights.py.
"""

from vision.weights import (
    ALEXNET,
    DEVC_COLORIZATION,
    DEVC_CORRESPONDENCE,
    EFFICIENTNET_LITE0,
    FLOWNET2_NVIDIA,
    INCEPTION_FID,
    RAFT_LARGE,
    RAFT_SMALL,
    VGG19_CLASSIFIER,
    VGG19_FEATURES,
    WeightFile,
)

ZHANG2016 = WeightFile(
    name="colorization_release_v2-9b330a0b.pth",
    origin="https://colorizers.s3.us-east-2.amazonaws.com/colorization_release_v2-9b330a0b.pth",
    sha256="9b330a0b",
    licence="free use with the notice of UC Regents",
    size="129 MB",
    changes="row zhang2016 is the published network",
)
ZHANG2016_CAFFE = WeightFile(
    name="colorization_release_v2.caffemodel",
    origin="http://eecs.berkeley.edu/~rich.zhang/projects/2016_colorization/files/demo_v2/"
    "colorization_release_v2.caffemodel",
    licence="free use with the notice of UC Regents",
    size="129 MB",
    changes="row zhang2016 is the published network; not needed beside its .pth",
)
ZHANG2017 = WeightFile(
    name="siggraph17-df00044c.pth",
    origin="https://colorizers.s3.us-east-2.amazonaws.com/siggraph17-df00044c.pth",
    sha256="df00044c",
    licence="MIT",
    size="137 MB",
    changes="row zhang2017 is the published network",
)
IIZUKA2016 = WeightFile(
    name="colornet.t7",
    origin="https://iizuka.cs.tsukuba.ac.jp/data/colornet.t7",
    md5="c88fa2bb6dc9f942a492a7dc7009b966",
    licence="CC BY-NC-SA 4.0: not for commercial use",
    size="663 MB",
    changes="row iizuka2016 is the published network (learned on Places)",
)
IIZUKA2016_IMAGENET = WeightFile(
    name="colornet_imagenet.t7",
    origin="https://iizuka.cs.tsukuba.ac.jp/data/colornet_imagenet.t7",
    md5="09eddf45cd1b085fcb4cc880ba448072",
    licence="CC BY-NC-SA 4.0: not for commercial use",
    size="665 MB",
    changes="row iizuka2016 is the published network (learned on ImageNet: the authors' choice for tests on ImageNet)",
)
LARSSON2016 = WeightFile(
    name="autocolorize.caffemodel.h5",
    origin="http://people.cs.uchicago.edu/~larsson/colorization/res/autocolorize.caffemodel.h5",
    licence="BSD 3-clause",
    size="588,203,256 bytes",
    changes="row larsson2016 is the published network",
)
HE2018 = WeightFile(
    name="example_net.pth",
    origin="https://www.dropbox.com/s/ebtuwj7doteelia/example_net.pth "
    "(linked from https://github.com/msracver/Deep-Exemplar-based-Colorization)",
    by_hand="open the address in a browser, click Download, and put the file into its place",
    licence="MIT",
    size="136 MB",
    changes="row he2018 is the published colour network, on matches of this project",
)
LAI2018 = WeightFile(
    name="ECCV18_blind_consistency.pth",
    origin="https://vllab.ucmerced.edu/wlai24/video_consistency/models/ECCV18_blind_consistency.pth",
    licence="MIT",
    size="36 MB",
    changes="row lai2018, which makes other rows consistent, is the published network",
)
VPN2017 = WeightFile(
    name="COLOR_STAGE1.caffemodel",
    origin="https://www.dropbox.com/s/nr17917qja3026m/COLOR_STAGE1.caffemodel "
    "(linked from https://github.com/varunjampani/video_prop_networks)",
    by_hand="open the address in a browser, click Download, and put the file into its place",
    licence="BSD 3-clause",
    size="50 to 100 kB",
    changes="row vpn2017 is the published network",
)

FLOWNET2_PTLFLOW = WeightFile(
    name="flownet2-things-d63b53a7.ckpt",
    origin="https://github.com/hmorimitsu/ptlflow/releases/download/weights1/flownet2-things-d63b53a7.ckpt",
    sha256="d63b53a7",
    licence="research only",
    size="650 MB",
    changes="`flow: ptlflow:flownet2`, as the file of NVIDIA; leave one of the two there",
)

# What a row can use, the preferred file first; one of them is enough.
OF_METHOD: dict[str, tuple[WeightFile, ...]] = {
    "zhang2016": (ZHANG2016, ZHANG2016_CAFFE),
    "zhang2017": (ZHANG2017,),
    "iizuka2016": (IIZUKA2016_IMAGENET, IIZUKA2016),
    "larsson2016": (LARSSON2016,),
    "he2018": (HE2018,),
    "lai2018": (LAI2018,),
    "vpn2017": (VPN2017,),
}

# Files of which one is enough, the one that needs no browser first.
ALTERNATIVES: tuple[tuple[WeightFile, ...], ...] = (*OF_METHOD.values(), (FLOWNET2_PTLFLOW, FLOWNET2_NVIDIA))

# What was learned of each of these networks, so that listing them need not build them (a test counts again).
PARAMETERS = {
    "zhang2016": 32_236_011,
    "zhang2017": 34_187_027,
    "iizuka2016": 42_367_343,
    "larsson2016": 147_041_024,
    "he2018": 34_065_666,
    "lai2018": 2_979_555,
    "vpn2017": 11_726,
}

# What `backbone`, `classifier`, `fid_features` and the flows of a configuration stand for.
OF_CHOICE: dict[str, WeightFile] = {
    "efficientnet_lite0": EFFICIENTNET_LITE0,
    "vgg19": VGG19_FEATURES,
    "vgg19_classifier": VGG19_CLASSIFIER,
    "inception": INCEPTION_FID,
    "inception_clean": INCEPTION_FID,
    "raft": RAFT_LARGE,
    "raft_small": RAFT_SMALL,
    "ptlflow:flownet2": FLOWNET2_NVIDIA,
}

FILES: tuple[WeightFile, ...] = (
    *dict.fromkeys(OF_CHOICE.values()),
    FLOWNET2_PTLFLOW,
    ALEXNET,
    DEVC_CORRESPONDENCE,
    DEVC_COLORIZATION,
    *(file for files in OF_METHOD.values() for file in files),
)
