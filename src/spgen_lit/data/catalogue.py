"""The public gaze sets this package reads: what they hold, how to cite and get them."""

from __future__ import annotations

from dataclasses import dataclass

from spgen_lit.data.records import Gaze


@dataclass(frozen=True)
class Download:
    """One file of a set that anybody may download.

    Attributes:
        url: Where it is.
        name: File name to store it under.
        md5: Published checksum, or None where the server builds the archive anew (then the
            checksum of the first download is written beside the data and compared later).
        keep: Only members below these folders of the archive are unpacked; all if empty.
    """

    url: str
    name: str
    md5: str | None = None
    keep: tuple[str, ...] = ()


@dataclass(frozen=True)
class Entry:
    """One public set.

    Attributes:
        reader: Dotted name of the reader class.
        size: Images, observers and resolution in words.
        gaze: How gaze was recorded.
        licence: Licence or terms, as far as the authors state them.
        citation: Reference to cite.
        get: How to get it, for a person.
        downloads: What `fetch` downloads; empty where the authors must be asked.
    """

    reader: str
    size: str
    gaze: Gaze
    licence: str
    citation: str
    get: str
    downloads: tuple[Download, ...] = ()


_JUDD = "https://people.csail.mit.edu/tjudd/WherePeopleLook"
_MIT1003 = (
    Download(f"{_JUDD}/ALLSTIMULI.zip", "ALLSTIMULI.zip", "0d7df8b954ecba69b6796e77b9afe4b6"),
    Download(f"{_JUDD}/DATA.zip", "DATA.zip", "ea19d74ad0a0144428c53e9d75c2d71c"),
)
_ASK = "no open download: "
_RESEARCH = "research use; see the authors' page"

CATALOGUE: dict[str, Entry] = {
    "osie": Entry(
        "spgen_lit.data.readers.osie.Osie",
        "700 photographs 800x600, 15 observers, 3 s",
        "eye",
        "MIT",
        "Xu, Jiang, Wang, Kankanhalli & Zhao (2014). Predicting human gaze beyond pixels. "
        "Journal of Vision 14(1):28.",
        "github.com/NUS-VIP/predicting-human-gaze-beyond-pixels, or fetch osie",
        (
            Download(
                "https://github.com/NUS-VIP/predicting-human-gaze-beyond-pixels/archive/refs/"
                "heads/master.zip",
                "osie-master.zip",
                keep=("data", "LICENSE"),
            ),
        ),
    ),
    "mit1003": Entry(
        "spgen_lit.data.readers.mit1003.Mit1003FixaTons",
        "1003 photographs up to 1024 px, 15 observers, 3 s",
        "eye",
        _RESEARCH,
        "Judd, Ehinger, Durand & Torralba (2009). Learning to predict where humans look. ICCV.",
        "in FixaTons form: github.com/dariozanca/FixaTons; fetch mit1003 gets the original files "
        "(mit1003_mat reads those)",
        _MIT1003,
    ),
    "mit1003_mat": Entry(
        "spgen_lit.data.readers.mit1003_mat.Mit1003Mat",
        "1003 photographs up to 1024 px, 15 observers, 3 s; 240 Hz samples",
        "eye",
        _RESEARCH,
        "Judd, Ehinger, Durand & Torralba (2009). Learning to predict where humans look. ICCV.",
        "people.csail.mit.edu/tjudd/WherePeopleLook, or fetch mit1003",
        _MIT1003,
    ),
    "salicon": Entry(
        "spgen_lit.data.readers.salicon.Salicon",
        "15,000 photographs 640x480 with gaze, about 50 workers each, 5 s; mouse",
        "mouse",
        "CC BY 4.0 (annotations); COCO's terms (images)",
        "Jiang, Huang, Duan & Zhao (2015). SALICON: Saliency in context. CVPR.",
        _ASK + "salicon.net/challenge-2017 (folders on Google Drive)",
    ),
    "cat2000": Entry(
        "spgen_lit.data.readers.cat2000.Cat2000",
        "2000 images 1920x1080 of 20 categories, 18 observers each, 5 s",
        "eye",
        _RESEARCH,
        "Borji & Itti (2015). CAT2000: A large scale fixation dataset for boosting saliency "
        "research. CVPR workshop; arXiv:1505.03581.",
        "saliency.mit.edu, or fetch cat2000",
        (
            Download(
                "http://saliency.mit.edu/trainSet.zip",
                "trainSet.zip",
                "56ad5c77e6c8f72ed9ef2901628d6e48",
            ),
        ),
    ),
    "eyecrowd": Entry(
        "spgen_lit.data.readers.eyecrowd.EyeCrowd",
        "500 photographs of crowds 1024x768, 16 observers, 5 s",
        "eye",
        "MIT",
        "Jiang, Xu & Zhao (2014). Saliency in crowd. ECCV.",
        "github.com/NUS-VIP/saliency-in-crowd, or fetch eyecrowd",
        (
            Download(
                "https://github.com/NUS-VIP/saliency-in-crowd/archive/refs/heads/master.zip",
                "eyecrowd-master.zip",
            ),
        ),
    ),
    "figrim": Entry(
        "spgen_lit.data.readers.figrim.Figrim",
        "2787 scenes 1000x1000, about 15 observers each, 2 s, memory task",
        "eye",
        _RESEARCH,
        "Bylinskii, Isola, Bainbridge, Torralba & Oliva (2015). Intrinsic and extrinsic effects "
        "on image memorability. Vision Research 116:165-178.",
        _ASK + "figrim.mit.edu/index_eyetracking.html (Targets.zip, Fillers.zip, and the "
        "allImages files of github.com/cvzoya/figrim)",
    ),
    "coco_freeview": Entry(
        "spgen_lit.data.readers.coco_search.CocoFreeView",
        "6202 photographs on a 1680x1050 screen, 10 observers, 5 s",
        "eye",
        "see the authors' page; COCO's terms (images)",
        "Chen, Yang, Chakraborty, Mondal, Ahn, Samaras, Hoai & Zelinsky (2022). Characterizing "
        "target-absent human attention. CVPR workshop.",
        _ASK + "sites.google.com/view/cocosearch",
    ),
    "coco_search18": Entry(
        "spgen_lit.data.readers.coco_search.CocoSearch18",
        "6202 photographs on a 1680x1050 screen, 10 observers, visual search for 18 targets",
        "eye",
        "see the authors' page; COCO's terms (images)",
        "Chen, Yang, Ahn, Samaras, Hoai & Zelinsky (2021). COCO-Search18 fixation dataset for "
        "predicting goal-directed attention control. Scientific Reports 11:8776.",
        _ASK + "sites.google.com/view/cocosearch",
    ),
    "pysaliency": Entry(
        "spgen_lit.data.readers.pysaliency.Pysaliency",
        "any set saved by pysaliency (stimuli.hdf5, fixations.hdf5)",
        "eye",
        "that of the set",
        "Kümmerer et al., pysaliency (github.com/matthias-k/pysaliency), and the set itself.",
        "save it with pysaliency's to_hdf5, or `convert … --to pysaliency`",
    ),
    "lemeur_paintings": Entry(
        "spgen_lit.data.readers.lemeur.LeMeurPaintings",
        "150 paintings of 5 movements, fixation maps of about 20 observers, no order",
        "none",
        _RESEARCH,
        "Le Meur, Le Pen & Cozot (2020). Can we accurately predict where we look at paintings? "
        "PLOS ONE 15(10):e0239980.",
        _ASK + "see the data statement of journal.pone.0239980",
    ),
    "avatt": Entry(
        "spgen_lit.data.readers.avatt.Avatt",
        "paintings shown on a canvas 1600 px wide, x and y per observer",
        "eye",
        _RESEARCH,
        "AVAtt: Art Visual Attention dataset; cite as its authors ask.",
        _ASK + "from the authors of AVAtt",
    ),
    "table": Entry(
        "spgen_lit.data.readers.table.Table",
        "any table (CSV, TSV, Parquet, JSON) with declared columns and units",
        "eye",
        "that of the set",
        "cite the set itself",
        "your own data: see docs/data.md",
    ),
    "coco_json": Entry(
        "spgen_lit.data.readers.coco_json.CocoJson",
        "COCO-style JSON of any set (name, subject, X, Y, T, width, height)",
        "eye",
        "that of the set",
        "cite the set itself",
        "`convert … --to json`, or other scanpath models' files",
    ),
    "gallery": Entry(
        "spgen_lit.data.gallery.Gallery",
        "as many generated scenes as asked for, photo-like or paint-like",
        "simulated",
        "MIT",
        "this software",
        "made from a seed in seconds by its reader",
    ),
    "converted": Entry(
        "spgen_lit.data.readers.converted.Converted",
        "any set written by convert: JSON, CSV or pysaliency's HDF5",
        "eye",
        "that of the set",
        "cite the set itself",
        "`python -m spgen_lit.data convert`",
    ),
    "folder": Entry(
        "spgen_lit.data.readers.folder.Folder",
        "any folder of images, without gaze",
        "none",
        "that of the images",
        "",
        "your own images",
    ),
}
