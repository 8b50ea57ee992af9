"""What the made-up studies measure."""

from __future__ import annotations

from typing import NamedTuple


class Outcome(NamedTuple):
    """One thing that a study may measure."""

    names: tuple[str, ...]  # Ways of saying it; the first is the one that questions use most
    lower_is_better: bool  # Whether a fall is good
    low: float = 12.0  # The least usual value of a group
    high: float = 55.0  # The largest usual value of a group
    spread: float = 4.0  # The usual standard error of a difference between groups, in the same unit
    # The unit with a leading blank, or empty for a score; None for an event, whose values are percentages.
    unit: str | None = None


def _bad(*names: str) -> Outcome:
    return Outcome(names, True)


def _good(*names: str) -> Outcome:
    return Outcome(names, False)


OUTCOMES: tuple[Outcome, ...] = (
    _bad("relapse", "recurrence of the disease", "disease relapse"),
    _bad("hospital admission", "admission to hospital", "hospitalisation"),
    _bad("wound infection", "infection of the wound", "surgical wound infection"),
    _bad("postoperative vomiting", "vomiting after surgery", "vomiting"),
    _bad("treatment discontinuation", "discontinuation of treatment", "withdrawal from treatment"),
    _bad("venous thrombosis", "thrombosis", "deep venous thrombosis"),
    _bad("kidney failure", "failure of kidney function", "renal failure"),
    _bad("delirium", "acute delirium", "episodes of delirium"),
    _bad("stroke", "ischaemic stroke", "any stroke"),
    _bad("falls", "falling", "accidental falls"),
    _bad("preterm delivery", "delivery before term", "preterm birth"),
    _bad("unplanned surgery", "need for unplanned surgery", "unplanned operation"),
    _good("complete remission", "remission", "complete disease remission"),
    _good("return to work", "work resumption", "returning to work"),
    _good("viral clearance", "clearance of the virus", "clearance of viral load"),
    _good("treatment adherence", "adherence to treatment", "adherence"),
    _good("one-year survival", "survival at one year", "survival"),
    _good("fracture healing", "healing of the fracture", "radiographic fracture healing"),
    _good("smoking cessation", "cessation of smoking", "abstinence from smoking"),
    _good("vaccine response", "response to the vaccine", "antibody response to the vaccine"),
    Outcome(("pain at night", "nocturnal pain", "night pain score"), True, 2.0, 7.5, 0.4, ""),
    Outcome(("fatigue", "fatigue severity", "self-reported fatigue"), True, 15.0, 42.0, 1.6, ""),
    Outcome(("depressive symptoms", "depression score", "symptoms of depression"), True, 6.0, 24.0, 1.1, ""),
    Outcome(("anxiety", "anxiety score", "state anxiety"), True, 5.0, 19.0, 0.9, ""),
    Outcome(("itch intensity", "intensity of itch", "itching"), True, 2.0, 8.5, 0.45, ""),
    Outcome(("joint stiffness", "stiffness of the joints", "morning stiffness"), True, 20.0, 90.0, 5.5, " min"),
    Outcome(
        ("systolic blood pressure", "systolic pressure", "office blood pressure"), True, 122.0, 158.0, 2.3, " mmHg"
    ),
    Outcome(
        ("fasting glucose", "fasting plasma glucose", "glucose before breakfast"), True, 5.2, 10.4, 0.4, " mmol/L"
    ),
    Outcome(("body weight", "weight", "mean body weight"), True, 64.0, 104.0, 1.4, " kg"),
    Outcome(("liver fat", "hepatic fat content", "fat content of the liver"), True, 6.0, 28.0, 1.7, "%"),
    Outcome(("length of stay", "hospital stay", "duration of hospital stay"), True, 3.5, 15.0, 0.6, " days"),
    Outcome(("opioid consumption", "consumption of opioids", "opioid use"), True, 10.0, 64.0, 3.8, " mg"),
    Outcome(("blood loss", "intraoperative blood loss", "loss of blood"), True, 180.0, 760.0, 38.0, " mL"),
    Outcome(("seizure frequency", "frequency of seizures", "monthly seizures"), True, 2.0, 14.0, 0.8, " per month"),
    Outcome(("walking distance", "six-minute walking distance", "distance walked"), False, 260.0, 520.0, 14.0, " m"),
    Outcome(("grip strength", "strength of grip", "hand grip strength"), False, 16.0, 41.0, 1.3, " kg"),
    Outcome(("bone density", "bone mineral density", "density of bone"), False, 0.62, 1.08, 0.12, " g/cm2"),
    Outcome(("sleep duration", "duration of sleep", "hours of sleep"), False, 4.6, 7.9, 0.25, " h"),
    Outcome(("quality of life", "health-related quality of life", "life quality"), False, 38.0, 79.0, 2.4, ""),
    Outcome(("lung function", "forced expiratory volume", "pulmonary function"), False, 1.4, 3.6, 0.15, " L"),
    Outcome(("working memory", "memory score", "working memory score"), False, 9.0, 31.0, 1.2, ""),
    Outcome(("visual acuity", "acuity of vision", "corrected visual acuity"), False, 41.0, 82.0, 2.1, " letters"),
    Outcome(
        ("ejection fraction", "left ventricular ejection fraction", "ventricular ejection"),
        False,
        28.0,
        58.0,
        1.5,
        "%",
    ),
    Outcome(("haemoglobin level", "haemoglobin", "level of haemoglobin"), False, 84.0, 136.0, 2.6, " g/L"),
    Outcome(("oxygen uptake", "peak oxygen uptake", "uptake of oxygen"), False, 14.0, 36.0, 1.1, " mL/kg/min"),
    Outcome(
        ("shoulder mobility", "range of shoulder motion", "mobility of the shoulder"),
        False,
        70.0,
        150.0,
        4.5,
        " degrees",
    ),
    Outcome(("appetite", "appetite score", "self-rated appetite"), False, 3.0, 8.0, 0.35, ""),
    Outcome(("milk intake", "intake of milk", "daily milk intake"), False, 310.0, 690.0, 24.0, " mL"),
)
