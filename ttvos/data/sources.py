"""Where the data come from: what each name of `ttvos data fetch` is, as data.

Addresses were collected from the publishers' pages and from scripts that link to them; the
comment at each says from where. None could be tried while this was written (no network).
"""

from dataclasses import dataclass, field

from ttvos.config.experiments import BACKBONES, FRTM_BACKBONES
from ttvos.core.errors import UserError

KB, MB, GB = 10**3, 10**6, 10**9


@dataclass(frozen=True)
class Archive:
    """One file to download.

    name: file name, as published. urls: addresses, best first; the later ones are mirrors; none
    for gated data. size: bytes, roughly, for the check of free space. checksum:
    "<algorithm>:<hex>" where a source states one; otherwise the first download's is recorded
    and enforced afterwards.
    """

    name: str
    urls: tuple[str, ...]
    size: int
    checksum: str | None = None


@dataclass(frozen=True)
class Source:
    """One data set, or weights.

    kind: the layout that `ttvos.data.recognise` recognises, or "imagenet", "released", "masks" or
    "record".
    folder: where it goes below the root. contents: what the published set holds, by the keys of
    `ttvos.data.recognise.count`. unpacked: bytes on disk, roughly. manual: what to fetch by hand,
    where nothing else is possible; {root} and {folder} are filled in.
    """

    name: str
    title: str
    kind: str
    folder: str
    page: str
    licence: str
    archives: tuple[Archive, ...] = ()
    contents: dict[str, int] = field(default_factory=dict)
    unpacked: int = 0
    manual: str = ""


_YTVOS_MANUAL = (
    "needs an account: sign in at {page}, fetch train.zip, and either put it at "
    "{root}/downloads/{name}/train.zip and run this again, or unpack it to {folder}"
)
_DAVIS_LICENCE = "CC BY-NC 4.0; cite the papers"
_PAPERS_ONLY = "no explicit licence; research use, cite the paper"

_SETS = (
    Source(
        "davis2016",
        "DAVIS 2016, trainval",
        "davis2016",
        "DAVIS-2016",
        "https://davischallenge.org/davis2016/code.html",
        _DAVIS_LICENCE,
        (
            # Address: data/get_davis.sh of github.com/fperazzi/davis. The MD5s in that script's
            # published versions differ (0cb3cf9c, 464ebb59, 37689f22, bf73a78a), so none is used.
            Archive(
                "DAVIS-data.zip",
                ("https://graphics.ethz.ch/Downloads/Data/Davis/DAVIS-data.zip",),
                2 * GB,
            ),
        ),
        {"train": 30, "val": 20},
        2 * GB,
    ),
    Source(
        "davis2017",
        "DAVIS 2017, trainval at 480p",
        "davis2017",
        "DAVIS-2017",
        "https://davischallenge.org/davis2017/code.html",
        _DAVIS_LICENCE,
        (
            # First address: the "TrainVal 480p" link of the page above; second: data/get_davis.sh
            # of davis2017's own repository, an older place of the same file.
            Archive(
                "DAVIS-2017-trainval-480p.zip",
                (
                    "https://data.vision.ee.ethz.ch/csergi/share/davis/DAVIS-2017-trainval-480p.zip",
                    "https://data.vision.ee.ethz.ch/jpont/davis/DAVIS-2017-trainval-480p.zip",
                ),
                800 * MB,
            ),
        ),
        {"train": 60, "val": 30},
        900 * MB,
    ),
    *(
        Source(
            f"ytvos{year}",
            f"YouTube-VOS {year}, train",
            "ytvos",
            folder,
            page,
            "terms on the publishers' page; research use, cite the paper",
            (Archive("train.zip", (), 6 * GB),),
            {"videos": 3471},
            7 * GB,
            _YTVOS_MANUAL,
        )
        for year, folder, page in (
            (2018, "YouTube-VOS/train", "https://codalab.lisn.upsaclay.fr/competitions/7685"),
            (2019, "YouTube-VOS-2019/train", "https://codalab.lisn.upsaclay.fr/competitions/7683"),
        )
    ),
    Source(
        "msra10k",
        "MSRA10K salient objects",
        "msra10k",
        "MSRA10K",
        "https://mmcheng.net/msra10k/",
        _PAPERS_ONLY,
        (
            # The page's download link, as quoted by several repositories; https is the same host.
            Archive(
                "MSRA10K_Imgs_GT.zip",
                (
                    "https://mftp.mmcheng.net/Data/MSRA10K_Imgs_GT.zip",
                    "http://mftp.mmcheng.net/Data/MSRA10K_Imgs_GT.zip",
                ),
                205 * MB,
            ),
        ),
        {"images": 10000},
        210 * MB,
    ),
    Source(
        "ecssd",
        "ECSSD salient objects",
        "ecssd",
        "ECSSD",
        "https://www.cse.cuhk.edu.hk/leojia/projects/hsaliency/dataset.html",
        _PAPERS_ONLY,
        tuple(
            # The page's links. Sizes and checksums are those that the download script of the
            # public project deep-contourflow states; the page itself states none.
            Archive(
                name,
                (
                    f"https://www.cse.cuhk.edu.hk/leojia/projects/hsaliency/data/ECSSD/{name}",
                    f"http://www.cse.cuhk.edu.hk/leojia/projects/hsaliency/data/ECSSD/{name}",
                ),
                size,
                f"sha256:{checksum}",
            )
            for name, size, checksum in (
                (
                    "images.zip",
                    67_766_979,
                    "7d5dce1a21c6d82e2f9617c00ad7eae2de5ded9320e8c59a01b4c731d210ea47",
                ),
                (
                    "ground_truth_mask.zip",
                    1_571_109,
                    "dc0a9f11f2adee2737d95b28f9567a0a5de33f78743447c097ceb4d42f281a31",
                ),
            )
        ),
        {"images": 1000},
        70 * MB,
    ),
    Source(
        "hku-is",
        "HKU-IS salient objects",
        "hku-is",
        "HKU-IS",
        "https://i.cs.hku.hk/~gbli/deep_saliency.html",
        _PAPERS_ONLY,
        contents={"images": 4447},
        manual=(
            "comes as a RAR file behind file-sharing pages: fetch HKU-IS.rar from the links at "
            "{page} and unpack it (unrar x) to {folder}, so that it holds imgs/ and gt/"
        ),
    ),
)

_IMAGENET_SIZES = {  # of timm's models with their classifier, four bytes a value
    "hrnet": 53 * MB,
    "resnet18": 47 * MB,
    "resnet50": 102 * MB,
    "resnet101": 179 * MB,
    "mobilenetv3": 22 * MB,
}
_WEIGHTS = (
    *(
        Source(
            f"imagenet-{backbone}",
            f"ImageNet weights of {backbone}",
            "imagenet",
            f"imagenet/{backbone}.safetensors",
            "https://huggingface.co/timm",
            "of timm or torchvision; see the model's page",
            unpacked=_IMAGENET_SIZES.get(backbone, 0),
        )
        for backbone in dict.fromkeys((*BACKBONES, *FRTM_BACKBONES))
    ),
    Source(
        "released",
        "the authors' checkpoints",
        "released",
        "released",
        # The one link in the repository's README is to Google Drive, and for HRNet alone.
        "https://drive.google.com/file/d/1CedlOkynY9ja4Sd9q7wLO6-fELh_cM1R/view",
        "none stated",
        manual=(
            "the README of github.com/HYOJINPARK/TTVOS links one checkpoint, HRNet, on Google "
            "Drive, and no address of the other backbones is known: open {page} in a browser, "
            "save the file in {folder}, and use it by "
            "`ttvos predict --checkpoint FILE --backbone hrnet`"
        ),
    ),
)

# Archives and licences, method by method: ttvos/data/published_masks.py.
_MASKS = Source(
    "published-masks",
    "result masks of the paper's peers",
    "masks",
    "published-masks",
    "https://davischallenge.org/davis2017/soa_compare.html",
    "none stated, but STM's: CC BY-NC-SA; not to be redistributed",
)

# Addresses: ttvos/data/published_masks.py, SITE_RECORD.
_RECORD = Source(
    "davis-record",
    "the DAVIS site's scores of published results",
    "record",
    "davis-record",
    "https://davischallenge.org/davis2017/soa_compare.html",
    "none stated; for comparison, not to be redistributed",
)

SOURCES = {source.name: source for source in (*_SETS, *_WEIGHTS, _MASKS, _RECORD)}
NAMES = tuple(SOURCES)
SET_NAMES = tuple(source.name for source in _SETS)


def find_source(name: str) -> Source:
    """The source called `name`; UserError for an unknown one."""
    if name not in SOURCES:
        raise UserError(f"unknown data {name!r}; known: {', '.join(NAMES)}")
    return SOURCES[name]
