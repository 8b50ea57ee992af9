"""Words after which a full stop may end no sentence, in small letters."""

from __future__ import annotations


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


NEVER_LAST = _words(
    "dr drs mr mrs ms mx prof hon rev gen col capt lt sgt messrs mmes mt ft "
    "e.g eg i.e ie vs v cf viz approx ca c.f resp incl excl esp spp subsp var sp "
)
BEFORE_NUMBERS = _words(
    "fig figs eq eqs eqn eqns no nos nr vol vols ref refs p pp ch chap sec sect tab art suppl app ed eds ver "
    "jan feb mar apr jun jul aug sep sept oct nov dec"
)
SOMETIMES_LAST = _words("al etc inc ltd co corp bros jr sr st dept univ assn ph.d max min hr hrs wk wks yr yrs mo")
STARTERS = _words(
    "the this these those that a an it its we our they their he she his her there here in on at of for from to "
    "with without within after before during when where while if as by both all no not most many some several "
    "each one two three however thus therefore hence although though moreover furthermore additionally finally "
    "but and or yet so because since compared patients subjects participants results conclusions conclusion "
    "methods background objective objectives data among between overall"
)


OF_LANGUAGE = {
    "de": _words(
        "bzw z.b u.a d.h z.t u.u o.ä s.o s.u i.d.r evtl ggf inkl exkl vgl sog str abs hrsg nr bd jh dipl ing med "
        "mio mrd tel st hl geb gest usw nov okt dez mrz"
    ),
    "es": _words(
        "sr sra srta sres dra dña d ud uds vd vds p.ej ej pág págs núm art cap vol aprox avda av c.a a.c d.c ee uu "
        "ee.uu ff.aa s.a gral cnel lic ing arq máx mín tel depto dpto ene abr ago dic"
    ),
    "fr": _words("m mm mme mlle mgr me st ste p.ex c.-à-d env éd chap fig art réf tél av bd janv févr avr juil déc"),
    "it": _words("sig sigg sig.ra dott dott.ssa prof.ssa ing avv pag pagg es p.es ecc art cap fig s.p.a tel ca gen"),
    "nl": _words("dhr mevr mw drs ir mr ds jhr bijv bv nl o.a d.w.z m.a.w t.a.v blz art ca enz evt incl tel nr"),
    "pt": _words(
        "sr sra srta dra profa exmo exma d p.ex ex pág págs núm n.º art cap vol aprox av r tel ltda s.a eng arq máx "
        "mín fev abr mai ago set out dez"
    ),
}
LANGUAGES = tuple(OF_LANGUAGE)
"""The languages whose abbreviations are known beside those of English."""

# Every word after which a full stop may end no sentence, in small letters.
ABBREVIATIONS = NEVER_LAST | BEFORE_NUMBERS | SOMETIMES_LAST


def abbreviations(language: str | None) -> frozenset[str]:
    """Every word after which a full stop may end no sentence."""
    return ABBREVIATIONS | OF_LANGUAGE.get(language or "", frozenset())
