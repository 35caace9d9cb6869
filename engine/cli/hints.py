"""What to type when an error ends a command: the library's messages hold for every program, these are the command line's own."""

from __future__ import annotations

from pagesight.indexer.formats import DJVU, LIBREOFFICE
from pagesight.storage import errors
from pagesight.storage.errors import SearchEngineError

PROGRAMS = {  # that files are read with -> how to come by them
    LIBREOFFICE: "LibreOffice is installed; Debian: apt install libreoffice-nogui; macOS: brew install --cask libreoffice",
    DJVU: "DjVuLibre is installed; Debian: apt install djvulibre-bin; macOS: brew install djvulibre",
}
TESSERACT = (
    "tesseract reads those it has packs for; Debian: apt install tesseract-ocr-rus; macOS: brew install tesseract-lang"
)
HINTS: dict[type[SearchEngineError], str] = {  # with attributes of the error in braces
    errors.UnknownModel: "see: pagesight models",
    errors.WeightsMissing: "pagesight models pull NAME fetches a model's files, --model FOLDER uses those in a folder",
    errors.HubRefused: "where the hub is reached: pagesight models pull NAME --to FOLDER; here: --model FOLDER",
    errors.BadCheckpoint: "pagesight models verify FOLDER checks it, pagesight models pull NAME fetches it anew",
    errors.BadReranker: "it needs config.json, tokenizer.json, and model.onnx or the weights of a model of transformers",
    errors.DeviceMemory: "try --dtype bfloat16, a smaller --image-budget, or another --device",
    errors.StoreNotFound: "make one with: pagesight --index {path} index FOLDER",
    errors.NoSegments: "pagesight export --segments {path} writes some",
    errors.StoreRefused: "a password is taken from PGPASSWORD, or from the file that PGPASSFILE names or ~/.pgpass",
    errors.StoreCorrupt: "pagesight doctor says what else is damaged, and with --drop-damaged lets it be read anew",
    errors.DatabaseCorrupt: "pagesight import brings back what pagesight export wrote, into another folder",
    errors.KeptCorrupt: "the same command again does it",
    errors.DiskFull: "the same command goes on from there; train does with --resume",
    errors.TrainingExists: "--resume goes on with it, --out DIR names another folder",
    errors.ModelMismatch: "--index DIR names another index",
    errors.CodecMismatch: "--index DIR names another index",
    errors.FormatVersionMismatch: "pagesight --index DIR index FOLDER makes another",
    errors.BadFilter: "the fields and operators: pagesight search --help",
    errors.ServerUnreachable: "is it running? pagesight serve starts one",
    errors.ShardUnavailable: "a coordinator started with --partial answers without it",
    errors.UnknownHit: "what is there: pagesight list",
    errors.EncryptedDocument: "give its password with --password",
}


def hint(error: SearchEngineError) -> str:
    """What to type, in parentheses, for the nearest class that has a hint; nothing if none has."""
    found = next((HINTS[kind] for kind in type(error).__mro__ if kind in HINTS), "")
    return f" ({found.format(**vars(error))})" if found else ""
