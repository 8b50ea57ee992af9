"""How the made-up studies are worded: templates whose fields are filled in by name."""

from __future__ import annotations

from ragtally_synthetic.numbers import Finding

TREATMENTS = ("active treatment", "the intervention", "the study drug", "treatment", "the study medication")
COMPARATORS = ("placebo", "usual care", "standard treatment", "no treatment", "the comparator", "supportive care")

NEUTRAL = (
    "{outcome} was {a} with {treated} and {b} with {control}{where}{stats}.",
    "for {outcome}, values were {a} under {treated} versus {b} under {control}{where}{stats}.",
    "the figure for {outcome}{where} was {a} in patients given {treated}, compared with {b} for {control}{stats}.",
    "at the final visit, {outcome} stood at {a} with {treated} against {b} with {control}{where}{stats}.",
    "comparing {treated} with {control}{where}, {outcome} was {a} and {b}, respectively{stats}.",
    "we recorded {a} for {outcome} in the group on {treated} and {b} in the group on {control}{stats}.",
)

FINDINGS_IN_WORDS = {
    Finding.BENEFIT: (
        "{treated} significantly {change} {outcome}{where} compared with {control}{stats}.",
        "{outcome} was significantly {direction} with {treated} than with {control}{where}{stats}.",
        "a significant {noun} in {outcome} was seen with {treated}{where}{stats}.",
        "patients receiving {treated} had markedly {direction} {outcome} than those receiving {control}{stats}.",
        "{outcome}{where} {moved} substantially under {treated}, from {b} to {a}{stats}.",
        "with {treated}, {outcome} was clearly {direction}: {a} versus {b} with {control}{stats}.",
    ),
    Finding.HARM: (
        "{outcome} was significantly {direction} with {treated} than with {control}{where}{stats}.",
        "contrary to expectation, {treated} significantly {change} {outcome}{where}{stats}.",
        "{outcome} deteriorated with {treated}{where}, with {a} versus {b}{stats}.",
        "patients given {treated} fared worse than those given {control} in terms of {outcome}{stats}.",
    ),
    Finding.NULL: (
        "{outcome} did not differ significantly between {treated} and {control}{where}{stats}.",
        "there was no significant difference in {outcome} between the groups{where}{stats}.",
        "{treated} had no detectable effect on {outcome}{where}{stats}.",
        "{outcome} was similar with {treated} and with {control}{where}: {a} and {b}{stats}.",
        "no effect of {treated} on {outcome} was found{where}{stats}.",
        "{outcome} was {a} with {treated} and {b} with {control}, a difference that was not significant{stats}.",
    ),
    Finding.UNCERTAIN: (
        "{outcome} tended to be {direction} with {treated} than with {control}{where}{stats}.",
        "a trend towards {direction} {outcome} with {treated} did not quite reach significance{where}{stats}.",
        "the {noun} in {outcome} with {treated} was of borderline significance{where}{stats}.",
        "results for {outcome} were inconclusive{where}: {a} with {treated} and {b} with {control}{stats}.",
        "evidence for a {noun} in {outcome} under {treated} was equivocal{where}{stats}.",
    ),
}

QUALIFICATIONS = {
    "the same": (
        (
            "the result for {outcome} was unchanged after adjustment for age and baseline severity.",
            "sensitivity analyses confirmed the finding for {outcome}.",
            "in the per-protocol population the picture for {outcome} was the same.",
        ),
        (
            "this remained so after adjustment for baseline severity.",
            "the finding was robust in all sensitivity analyses.",
            "adjustment for study centre and sex did not alter this result.",
        ),
    ),
    "appears": (
        (
            "after adjustment for baseline imbalance, however, the benefit for {outcome} became significant.",
            "with missing values imputed as planned, the advantage in {outcome} was significant.",
            "the prespecified adjusted analysis did show a significant improvement in {outcome}.",
        ),
        (
            "after adjustment for baseline severity, however, a significant benefit emerged.",
            "the prespecified adjusted analysis nevertheless favoured {treated} significantly.",
            "once baseline imbalance was taken into account, the advantage was clear and significant.",
        ),
    ),
    "vanishes": (
        (
            "after adjustment for baseline severity, the difference in {outcome} was no longer significant.",
            "the apparent effect on {outcome} vanished once age and sex were taken into account.",
            "in the prespecified adjusted analysis {outcome} did not differ.",
        ),
        (
            "after adjustment for baseline severity, this difference was no longer significant.",
            "this effect disappeared in the prespecified adjusted analysis.",
            "once baseline imbalance was taken into account, no effect remained.",
        ),
    ),
    "is doubtful": (
        (
            "however, the effect on {outcome} was confined to one centre, with a significant interaction.",
            "the result for {outcome} was sensitive to how missing values were handled, and remains uncertain.",
            "in the adjusted analysis the effect on {outcome} was only of borderline significance.",
        ),
        (
            "however, this was confined to a single subgroup, and its robustness is uncertain.",
            "sensitivity analyses gave conflicting answers.",
            "after adjustment the effect was only of borderline significance.",
        ),
    ),
    "is possible": (
        (
            "in the subgroup with severe disease, however, a possible effect on {outcome} could not be ruled out.",
            "the per-protocol analysis suggested a possible benefit for {outcome}, so that this remains uncertain.",
            "adjusted analyses of {outcome} gave conflicting answers.",
        ),
        (
            "the per-protocol analysis, in contrast, suggested a benefit, which leaves the matter uncertain.",
            "however, some subgroups appeared to benefit, and the power was insufficient to settle the question.",
            "after adjustment the comparison was of borderline significance.",
        ),
    ),
}

QUESTIONS_LOWER = (
    "Does {drug} reduce {outcome} in patients with {condition}?",
    "Can {drug} lower {outcome} in {condition}?",
    "In {condition}, is {drug} associated with less {outcome} than {comparator}?",
    "Is {drug} effective in decreasing {outcome} among people with {condition}?",
    "Treatment of {condition} with {drug}: does it reduce {outcome}?",
)
QUESTIONS_HIGHER = (
    "Does {drug} improve {outcome} in patients with {condition}?",
    "Can {drug} increase {outcome} in {condition}?",
    "In {condition}, is {drug} associated with better {outcome} than {comparator}?",
    "Is {drug} effective in improving {outcome} among people with {condition}?",
    "Treatment of {condition} with {drug}: does it improve {outcome}?",
)
