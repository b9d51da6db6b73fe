"""Result masks that the methods of the paper's Table 3 published: where they are, as data.

Facts: docs/peers.md, sections 0, 5 and 6. All archives hold DAVIS val's sequences at 480 rows
(2016: 854 columns; 2017: also 910 and 1152). Those of 2016 were all decoded once; of 2017, those in
STM's history alone. In 2016 the archives of osmn, osvoss, rgmp and CRN have a top folder, the
others none. None of them is ever redistributed by us: they go to
<root>/published-masks/<method>/<year>/, which git ignores.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ttvos.core.errors import UserError
from ttvos.data.davis import FRAMES, VAL
from ttvos.data.site_record import record_name
from ttvos.data.sources import KB, MB, Archive

FOLDER = "published-masks"
YEARS = (2016, 2017)

# GitHub resolves the abbreviated commit; should it not, the newest and the site stand behind it.
_SITE_FILES = "https://raw.githubusercontent.com/davisvideochallenge/davisvideochallenge.github.io"
_SITE_COMMITS = ("30be16ff9d28", "HEAD")
_SITE = "https://davischallenge.org"
_SITE_LICENCE = "none stated by the DAVIS site; research use, cite the method's paper"
_STM_LICENCE = "CC BY-NC-SA, as STM's repository; cite the paper"
_STM_COMMIT = "44c5f8f64df1f0ba2f1bb96b81a25266f56bd5c2"
_CRN_COMMIT = "0aa5ee59d136a9906e4929d58b7136bb97cb0e16"


@dataclass(frozen=True)
class MaskArchive:
    """One file to download. inside: the folder in it that holds the masks, where it has others."""

    archive: Archive
    inside: str = ""


@dataclass(frozen=True)
class MaskSet:
    """One method's masks for the validation split of DAVIS 2016 or 2017.

    method: as commands and runs name it. label: as Table 3 prints it. archives: the ways to
    have them, best first. source: the first of them, in words. formats: how the masks were
    found to be stored, "" where nobody has looked. sequences, masks: names and number of files.
    """

    method: str
    label: str
    year: int
    archives: tuple[MaskArchive, ...]
    source: str
    licence: str
    formats: str
    sequences: tuple[str, ...]
    masks: int

    @property
    def name(self) -> str:
        """For messages and records."""
        return f"{self.method} {self.year}"

    def folder(self, root: Path | str) -> Path:
        """Where the masks lie below the data root, as <sequence>/<frame>.png."""
        return Path(root) / FOLDER / self.method / str(self.year)


_SITE_SETS = {  # method: as Table 3 prints it, the format of 2016
    "onavos": ("OnAVOS", "grey 0/255"),
    "osvoss": ("OSVOS-S", "1-bit"),
    "rgmp": ("RGMP", "palette 0/1"),
    "sfls": ("SegFlow", "1-bit"),
    "stm": ("STM", "palette 0/1"),
    "osmn": ("OSMN", "grey 0/255, palette 0/1"),
    "ranet": ("RANet", "palette 0/255"),
    "agame": ("A-GAME", "palette 0/1"),
    "feelvos": ("FEELVOS", "palette 0/1"),
    "siammask": ("SiamMask", "1-bit"),
}


def _from_site(method: str, year: int) -> MaskSet:
    label, formats = _SITE_SETS[method]
    path = f"results/{year}/{method}.zip"
    # The repository holds the files of 2016 only; the site's pages link those of 2017.
    commits = _SITE_COMMITS if year == 2016 else ()
    urls = (*(f"{_SITE_FILES}/{commit}/{path}" for commit in commits), f"{_SITE}/{path}")
    archives = [MaskArchive(Archive(f"{method}.zip", urls, 30 * MB))]
    if method == "stm":
        archives.append(_stm_history(year))
    return MaskSet(
        method,
        label,
        year,
        tuple(archives),
        f"DAVIS site, {path}",
        _STM_LICENCE if method == "stm" else _SITE_LICENCE,
        formats if year == 2016 else "",
        VAL[year],
        FRAMES[year],
    )


def _stm_history(year: int) -> MaskArchive:
    """The commit of STM's repository that held the masks, whole; later commits do not."""
    url = f"https://codeload.github.com/seoungwugoh/STM/zip/{_STM_COMMIT}"
    return MaskArchive(
        Archive("STM-history.zip", (url,), 60 * MB), f"test/STM_DAVIS_{year % 100}val"
    )


_CRN = MaskSet(
    "crn",
    "CRN",
    2016,
    (
        MaskArchive(
            Archive(
                "CRN.zip",
                tuple(
                    f"https://raw.githubusercontent.com/feinanshan/Motion-Guided-CRN/{commit}"
                    "/doc/CRN.zip"
                    for commit in (_CRN_COMMIT, "HEAD")
                ),
                30 * MB,
            )
        ),
    ),
    "github.com/feinanshan/Motion-Guided-CRN, doc/CRN.zip",
    "none stated by its repository; research use, cite the paper",
    "grey 0/1",
    VAL[2016],
    FRAMES[2016],
)
# The site has no SegFlow for 2017, CRN's repository none either.
_SETS = (
    *(_from_site(method, 2016) for method in _SITE_SETS),
    _CRN,
    *(_from_site(method, 2017) for method in _SITE_SETS if method != "sfls"),
)
MASK_SETS = {(masks.method, masks.year): masks for masks in _SETS}


def _record_file(masks: MaskSet) -> Archive:
    """What the site printed of its archive; address: docs/peers.md, section 0."""
    name = record_name(masks.method, masks.year)
    places = (*(f"{_SITE_FILES}/{commit}" for commit in _SITE_COMMITS), _SITE)
    urls = [f"{place}/json_data/raw_eval/{name}" for place in places]
    # SegFlow's was once beside the folders of the years.
    urls += [url.replace("/2016/", "/") for url in urls if masks.method == "sfls"]
    return Archive(name, tuple(urls), 30 * KB)


SITE_RECORD = tuple(_record_file(masks) for masks in _SETS if masks.method in _SITE_SETS)
METHODS = tuple(dict.fromkeys(masks.method for masks in _SETS))


def choose(
    methods: Sequence[str] | None = None, years: Sequence[int] | None = None
) -> list[MaskSet]:
    """The sets of these methods and years; None or nothing means all.

    Raises UserError for an unknown method, and where no such masks were published.
    """
    methods, years = methods or METHODS, years or YEARS
    check_methods(methods)
    chosen = [m for m in MASK_SETS.values() if m.method in methods and m.year in years]
    if not chosen:
        raise UserError(f"no masks of {', '.join(methods)} for {', '.join(map(str, years))}")
    return chosen


def check_methods(methods: Sequence[str]) -> None:
    """UserError for a method whose masks are not known to be published."""
    for method in methods:
        if method not in METHODS:
            raise UserError(f"no published masks of {method!r}; known: {', '.join(METHODS)}")
