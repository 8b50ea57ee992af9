"""Which column is what, guessed from its name in English, Portuguese, Spanish or German, and from what it holds."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from ragtally import DataError, Location
from ragtally.support.sheets import column_letters, read_sheets
from ragtally_table.rows import RECORDS, Table, read_table

# Names as `plain` writes them, the best first.
_NAMES: Mapping[str, Sequence[str]] = {
    key: names.split()
    for key, names in {
        "id": "id nr no num numero number qid questionid codigo code key",
        "question": "question questions pergunta perguntas pregunta preguntas frage fragen query consulta questao "
        "duvida enunciado q prompt",
        "answer": "label rotulo etiqueta classe clase class verdict veredito veredicto",
        "evidence": "evidence evidencia quote citation citacao cita trecho excerpt fragmento extracto beleg zitat "
        "passage passagem pasaje snippet supportingtext context contexto",
        "document": "document documento dokument file filename arquivo ficheiro archivo datei doc docid "
        "documentid source fonte fuente quelle sourcefile documents",
        "page": "page pagina pag seite pagenumber slide folie diapositiva folha hoja sheet aba section secao seccion "
        "abschnitt",
        "split": "split subset conjunto particao particion set fold partition",
        "title": "title titulo titel name nome nombre subject assunto asunto",
        "text": "text texto content conteudo contenido body corpo cuerpo inhalt document",
    }.items()
}
# What may hold labels or texts; only the content tells. Several may be texts that are all right, as `Answer 2` is.
# The last names are of answers only where there is none of the others: a reference may also be a source.
_ANSWERS, _PERHAPS_ANSWERS = (
    frozenset(names.split())
    for names in (
        "answer answers goldanswer correctanswer expectedanswer expectedoutput expectedresponse groundtruth "
        "referenceanswer shortanswer modelanswer alternativeanswer altanswer otheranswer resposta respostas gabarito "
        "respostacorreta respostaesperada respostamodelo respostaalternativa outraresposta respuesta respuestas "
        "respuestacorrecta respuestaesperada respuestaalternativa otrarespuesta antwort antworten musterantwort "
        "reponse risposta",
        "gold expected reference references referencia referencias target solution solucao solucion losung",
    )
)
QUESTION_KEYS = ("id", "question", "answer", "evidence", "document", "page", "split")
DOCUMENT_KEYS = ("id", "title", "text")
# A table may have a title, a date, a logo's row above the names of its columns.
_ROWS_ABOVE = 15


class Guess(NamedTuple):
    """A table, and its columns by what they are."""

    table: Table
    sheet: str | None  # To be stated where a workbook has several
    header: int | None  # To be stated where the names are not in the first row
    columns: dict[str, str]  # Names of columns, by what they are
    answers: tuple[str, ...] = ()  # Names of columns that hold labels or right answers


def guess_columns(path: Path, keys: Sequence[str]) -> Guess:
    """Find the sheet, the row of the names, and the columns; the one that there must be is the key's own."""
    obligatory = "question" if "question" in keys else "text"
    guesses = [_guess(path, sheet, header, keys) for sheet, header in _candidates(path)]
    best = max(guesses, key=lambda guess: (obligatory in guess.columns, len(guess.columns) + len(guess.answers)))
    if obligatory in best.columns:
        return best
    # The row of the names is the first that has as many as any.
    for guess in sorted(guesses, key=lambda guess: -sum(map(bool, guess.table.names))):
        column = _by_content(guess.table, obligatory)
        if column is not None:
            guess.columns[obligatory] = column
            return guess
    table = read_table(path, sheet=best.sheet, header=best.header)
    message = (
        f"no column looks like the {obligatory}s; the columns are: {', '.join(filter(None, table.names)) or 'none'}"
    )
    raise DataError(message, location=Location(str(path)), hint=f"name one of them `{obligatory}`")


# Words that are frequent in one language and rare in the others, as they stand in questions and answers.
_FREQUENT = {
    language: frozenset(words.split())
    for language, words in {
        "en": "the of is what which how who does did when where why and are was for with from it can",
        "de": "der die das ist und wie wer wann welche welcher wird werden kann nicht ein eine mit für ich warum",
        "es": "el los las es qué cuál cuántos quién cuándo dónde por y con del una hay puede cómo en cuánto",
        "fr": "le les des est et quel quelle qui quand où pourquoi dans une du au avec sont peut combien comment",
        "it": "il gli è che cosa quale chi quando dove perché di e con della del una sono può quanto come",
        "nl": "het een is wat welke hoe wie wanneer waar waarom van en met voor kan niet zijn wordt door op",
        "pt": "o os as é qual quais quem quando onde por que e com da do uma são pode não como em quanto quantos",
    }.items()
}
_KANA, _IDEOGRAPH, _THAI = (re.compile(f"[{signs}]") for signs in ("\u3040-\u30ff", "\u4e00-\u9fff", "\u0e01-\u0e4e"))


def guess_language(texts: Sequence[str]) -> str:
    """The language of texts, by their most frequent words or signs; empty where it is unclear."""
    whole = unicodedata.normalize("NFC", " ".join(texts)).casefold()
    counts = {script: len(script.findall(whole)) for script in (_KANA, _IDEOGRAPH, _THAI)}
    if sum(counts.values()) * 2 > len(re.findall(r"\w", whole)):
        return "th" if counts[_THAI] else "ja" if counts[_KANA] else "zh"
    words = Counter(re.findall(r"[^\W\d_]+", whole))
    hits = {language: sum(words[word] for word in own) for language, own in _FREQUENT.items()}
    first, second, *_ = sorted(hits, key=lambda language: -hits[language])
    # One word of a language is no sign of it, nor is a lead that the next name would turn.
    return first if hits[first] >= 3 and hits[first] >= 1.3 * hits[second] else ""


def plain(name: str) -> str:
    """A name in small letters without accents and signs."""
    letters = unicodedata.normalize("NFKD", name).casefold()
    return re.sub(r"[^a-z0-9]", "", letters)


def _candidates(path: Path) -> list[tuple[str | None, int | None]]:
    if path.suffix.lower() in RECORDS or not path.is_file():
        return [(None, None)]
    sheets = [sheet for sheet in read_sheets(path) if sheet.rows and sheet.visible]
    several = len(sheets) > 1
    places = [
        (sheet.name if several else None, row.number if place else None)
        for sheet in sheets
        for place, row in enumerate(sheet.rows[:_ROWS_ABOVE])
        if place == 0 or sum(1 for cell in row.cells if cell.strip()) > 1
    ]
    return places or [(None, None)]


def _guess(path: Path, sheet: str | None, header: int | None, keys: Sequence[str]) -> Guess:
    try:
        table = read_table(path, sheet=sheet, header=header)
    except DataError:
        # A cover sheet has no rows below its first, a title above a table fewer cells than the table.
        return Guess(Table(path, "", [], []), sheet, header, {})
    columns: dict[str, str] = {}
    for key in keys:
        names = {plain(name): name for name in reversed(table.names) if name and name not in columns.values()}
        match = next((names[name] for name in _NAMES[key] if name in names), None)
        if match is not None and list(table.names).count(match) == 1:
            columns[key] = match
    if "answer" not in keys:
        return Guess(table, sheet, header, columns)
    free = [name for name in table.names if name not in columns.values() and list(table.names).count(name) == 1]
    answers = [[name for name in free if _stem(name) in names] for names in (_ANSWERS, _PERHAPS_ANSWERS)]
    return Guess(table, sheet, header, columns, tuple(answers[0] or answers[1]))


def _stem(name: str) -> str:
    """A plain name without the number that tells it from others of its kind."""
    return plain(name).rstrip("0123456789")


def _by_content(table: Table, needed: str) -> str | None:
    """The column whose texts end in question marks; of documents, the one with the longest texts."""
    best, most = None, 0.0
    for place, name in enumerate(table.names):
        texts = [text for row in table.rows[:200] for text in table.texts(row, place)] if name else []
        if not texts:
            continue
        marks = sum(text.endswith(("?", "？", "؟")) for text in texts) / len(texts)
        score = marks if needed == "question" else sum(map(len, texts)) / len(texts) / 200
        if score >= 0.5 and score > most:
            best, most = name, score
    return best


def column_words(table: Table, name: str) -> str:
    """A column as a sentence names it."""
    if table.header is None:
        return repr(name)
    return f"{name!r} ({column_letters(list(table.names).index(name) + 1)})"
