"""Questions as people type them, asked of a real index: each kind finds the page that the untouched question finds."""

import unicodedata

import pytest

from pagesight import SearchEngine
from pagesight.engine.models import load_model
from pagesight.engine.retrieval import Question
from pagesight.engine.typed.spelling import read
from pagesight.errors import EmptyQuery

PAGES = {
    "invoice.txt": "Invoice for library furniture\nShelves of birch 1,234.56\nDeposit received on 5 March 2024",
    "rechnung.txt": "Rechnung über Möbel\nRegale 9.876,50 EUR\nAnzahlung am 07.06.2025 erhalten, Prüfung durch den Vorstand",
    "parts.txt": "Spare parts of the dehumidifier\nvalve seal OR-3471, weight 5kg\nfilter cartridge WRL-15663",
    "minutes.txt": "Minutes of the meeting of trustees\nThe questionnaire about the swimming pool was received with applause",
    "rapport.txt": "Rapport d'activité de la bibliothèque\nles outils sont empruntés toute l'année",
    "ferry.txt": "Timetable of the ferry to the island\nThe last boat leaves the harbour at eleven",
    "telescope.txt": "The observatory and its telescope\nStreet lamps brighten the night sky",
    "soup.txt": "Recipe for pumpkin soup\nSimmer for an hour, season with nutmeg",
}


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    folder = tmp_path_factory.mktemp("docs")
    for name, text in PAGES.items():
        (folder / name).write_text(text, encoding="utf-8")
    with SearchEngine.open(tmp_path_factory.mktemp("index") / "index") as engine:
        engine.index([folder / name for name in PAGES])
        yield engine


def reading(engine, text):
    with engine.view() as view:
        return read(text, view, engine.encoder)


@pytest.mark.parametrize(
    ("typed", "meant", "document"),
    [
        ("when was the deposit recieved", "when was the deposit received", "invoice.txt"),
        ("qeustionnaire about the pool", "questionnaire about the pool", "minutes.txt"),
        ("Möbel: Pruefung", "Möbel: Prüfung", "rechnung.txt"),
        ("RAPPORT DE LA BIBLIOTHEQUE", "RAPPORT DE LA BIBLIOTHÈQUE", "rapport.txt"),
        ("Timetabel of the fery", "Timetable of the fery", "ferry.txt"),
    ],
)
def test_slips_and_umlauts_are_read_as_the_pages_have_them_and_the_hit_says_so(engine, typed, meant, document):
    hits = engine.search(typed, k=3)
    assert hits[0].document == document
    assert hits[0].question == meant
    changed = [(a, b) for a, b in zip(typed.split(), meant.split(), strict=True) if a != b]
    for hit in hits:
        assert hit.parts[0].name == "MaxSim"
        assert hit.parts[0].reason == ", ".join(f"read {a!r} as {b!r}" for a, b in changed)
        assert hit.to_dict()["parts"][0]["reason"] == hit.parts[0].reason
        assert sum(part.score for part in hit.parts) == pytest.approx(hit.score, abs=1e-4)
    mended, right = engine.search(typed, k=3), engine.search(meant, k=3)
    assert [(hit.document, hit.score) for hit in mended] == [(hit.document, hit.score) for hit in right]


@pytest.mark.parametrize(
    "text",
    [
        "when was the deposit received",  # nothing to mend
        'when was it "recieved"',  # said to be meant so
        "OR3417 recieve7",  # names
        "trains remover columns issuer Milz",  # words that are on no page
        "Luftentfeuchter пылесос 除湿机 🎉 ؟",
        "dehumidifiers",  # grammar
        "receiv" * 20,
    ],
)
def test_what_is_a_word_is_left_as_it_is(engine, text):
    assert reading(engine, text).text == text
    assert reading(engine, text).reason == ""


@pytest.mark.parametrize(
    ("text", "document"),
    [
        ("1,234.56", "invoice.txt"),
        ("1.234,56", "invoice.txt"),
        ("1 234,56", "invoice.txt"),
        ("9876.5", "rechnung.txt"),
        ("9,876.50", "rechnung.txt"),
        ("2024-03-05", "invoice.txt"),
        ("05.03.2024", "invoice.txt"),
        ("March 5, 2024", "invoice.txt"),
        ("7 June 2025", "rechnung.txt"),
        ("5 kg", "parts.txt"),
        ("or3471", "parts.txt"),
        ("OR 3471", "parts.txt"),
        ("wrl 15663", "parts.txt"),
    ],
)
def test_other_writings_find_the_page_and_say_so(engine, text, document):
    hits = engine.search(f"where is {text}", k=8)
    assert hits[0].document == document
    found = {hit.document for hit in hits if {part.name: part.score for part in hit.parts}["identifiers"] > 0}
    assert found == {document}


def test_as_typed_nothing_is_mended(engine):
    (hit,) = engine.search("when was the deposit recieved on 05.03.2024", k=1, mend=False)
    assert hit.question == "when was the deposit recieved on 05.03.2024"
    assert hit.parts[0].reason == ""
    assert hit.parts[-1].score == pytest.approx(0, abs=1e-6)  # identifiers


def test_of_several_questions_each_has_its_best_page_first(engine):
    one, other = "When does the last boat leave?", "How long must the soup simmer?"
    hits = engine.search(f"{one} {other}", k=5)
    assert [(hit.document, hit.question) for hit in hits[:2]] == [("ferry.txt", one), ("soup.txt", other)]
    assert [hit.rank for hit in hits] == [1, 2, 3, 4, 5]
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    assert len({hit.page_id for hit in hits}) == 5
    for hit in hits:
        assert sum(part.score for part in hit.parts) == pytest.approx(hit.score, abs=1e-3)
        assert hit.parts[-1].name == "of several questions"
    assert hits[0].score == engine.search(one, k=1)[0].score


@pytest.mark.parametrize(
    "text",
    [
        "?? ! …",
        "🎉",
        "",
        "? ? ? ?",
        "1,234.56 " * 300,
        "recieve " * 10_000,
        "من قام بتوقيع الاستمارة؟ متى؟",
        "a" * 5000,
        "5" * 5000,
        '"' * 99,
        "€ % ° -- //",
    ],
    ids=lambda text: text[:8],
)
def test_degenerate_questions_are_answered_or_refused_as_without_mending(engine, text):
    try:
        expected = engine.search(text, k=2, mend=False)
    except EmptyQuery:
        with pytest.raises(EmptyQuery):
            engine.search(text, k=2)
    else:
        assert len(engine.search(text, k=2)) == len(expected) == 2


def test_marks_that_were_typed_on_their_own_are_part_of_their_letters(engine):
    question = unicodedata.normalize("NFD", "Prüfung durch den Vorstand der Bibliothèque")
    assert reading(engine, question).text == unicodedata.normalize("NFC", question)
    assert reading(engine, question).reason == ""


def test_filters_hold_for_writings(engine):
    hits = engine.search("1.234,56", filters='document = "soup.txt"')
    assert [hit.document for hit in hits] == ["soup.txt"]


def test_a_model_without_a_vocabulary_reads_questions_as_they_stand():
    encoder = load_model("hashing")
    with SearchEngine.open("memory://typed", model="hashing"):
        assert Question.of("recieved", encoder).read_as == ""
