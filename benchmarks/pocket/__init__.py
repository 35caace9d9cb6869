"""How the pocket model is made, from nothing: materials, drawing, teacher, reading, questions, packing.

    python -m benchmarks.pocket.materials WORK       fonts and free texts from Debian's packages
    python -m benchmarks.pocket.teach WORK           the word encoder's vectors of the texts
    python -m benchmarks.pocket.checkpoint WORK WORK/untrained    layout and classes of jina-embeddings-v4, random weights
    python -m benchmarks.pocket.reading WORK OUT     learning to read: pictures and texts meet those vectors
    python -m benchmarks.pocket.questions WORK       pages and questions for the two phases of pagesight's trainer
    python -m benchmarks.pocket.packing MODEL        the one file that is installed
    python -m benchmarks.pocket.sets WORK            drawn pages with questions, of texts and fonts never seen
    python -m benchmarks.pocket.measure WORK MODEL   what it finds, on pages that it never saw
    python -m benchmarks.pocket.adapters WORK MODEL  whether each task's adapter is of use

WORK is a folder outside of the repository. docs/training.md has all commands in order.
"""
