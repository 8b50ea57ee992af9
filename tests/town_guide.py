"""A guide to made-up towns as people would have it: ten files of seven kinds, and a workbook of forty questions."""

# Libraries are imported where they are needed, as in `sample_files`.

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from sample_files import write_pdf, write_xlsx

FILES = (
    *("norte.pdf", "sul.pdf", "leste.docx", "oeste.docx", "serra.pptx", "litoral.xlsx", "vale.html", "ilhas.md"),
    *("planalto.md", "fronteira.txt"),
)
HEAD = ("Nº", "Pergunta", "Resposta", "Outra resposta", "Trecho", "Arquivo")
_STARTS = ("Ar", "Bel", "Cor", "Dun", "El", "Far", "Gor", "Hol", "Ir", "Jar")
_ENDS = ("mira", "vide", "lena", "toso")
_RIVERS = ("Tarn", "Ouse", "Lune", "Wear", "Aire", "Nidd", "Swale", "Esk", "Don", "Rye")


class Town(NamedTuple):
    """A town with what its file says of it."""

    name: str
    file: str
    river: str
    people: int

    @property
    def sentences(self) -> tuple[str, ...]:
        return (
            f"{self.name} fica à margem do rio {self.river}.",
            f"No último censo, {self.people} pessoas moravam em {self.name}.",
            f"A feira de {self.name} é conhecida na região.",
        )


TOWNS = tuple(
    Town(start + end, FILES[row], _RIVERS[(row + 3 * column) % 10], 1_000 + 137 * row + 31 * column)
    for row, start in enumerate(_STARTS)
    for column, end in enumerate(_ENDS)
)


def write_guide(folder: Path) -> Path:
    """Write the ten files; say where."""
    folder.mkdir()
    for file in FILES:
        _write(folder / file, [town for town in TOWNS if town.file == file])
    return folder


def write_questions(path: Path) -> Path:
    """Write forty questions: eighteen on rivers, eighteen on people, and four that nobody can answer."""
    rows: list[tuple[object, ...]] = [HEAD]
    for number, town in enumerate(TOWNS, start=1):
        river, people, _ = town.sentences
        if number % 10 == 0:
            rows.append((number, f"Quem fundou {town.name}?", None, None, None, None))
        elif number % 2:
            other = f"rio {town.river}"
            rows.append((number, f"Em que rio fica {town.name}?", town.river, other, river, town.file))
        else:
            asks = f"Quantas pessoas moram em {town.name}?"
            rows.append((number, asks, f"{town.people} pessoas", town.people, people, town.file))
    return write_xlsx(path, {"Perguntas": rows})


def _write(path: Path, towns: list[Town]) -> None:
    title = f"Guia: {path.stem}"
    if path.suffix == ".pdf":
        write_pdf(path, [(town.name, *town.sentences) for town in towns])
    elif path.suffix == ".docx":
        import docx

        document = docx.Document()
        document.add_heading(title, 1)
        for town in towns:
            document.add_heading(town.name, 2)
            document.add_paragraph(" ".join(town.sentences))
        document.save(str(path))
    elif path.suffix == ".pptx":
        import pptx

        show = pptx.Presentation()
        for town in towns:
            slide = show.slides.add_slide(show.slide_layouts[1])
            slide.shapes.title.text, slide.placeholders[1].text = town.name, "\n".join(town.sentences)
        show.save(str(path))
    elif path.suffix == ".xlsx":
        write_xlsx(
            path, {"Cidades": [("Cidade", "Texto"), *((town.name, " ".join(town.sentences)) for town in towns)]}
        )
    elif path.suffix == ".html":
        parts = "".join(f"<h2>{town.name}</h2><p>{' '.join(town.sentences)}</p>" for town in towns)
        path.write_text(f"<!DOCTYPE html><html><body><h1>{title}</h1>{parts}</body></html>", encoding="utf-8")
    else:
        mark = "## " if path.suffix == ".md" else ""
        parts = "\n\n".join(f"{mark}{town.name}\n\n{' '.join(town.sentences)}" for town in towns)
        path.write_text(f"{title}\n\n{parts}\n", encoding="utf-8")
