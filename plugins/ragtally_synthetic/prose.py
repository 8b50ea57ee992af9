"""The rest of a made-up abstract: background, methods, and results that answer no question."""

from __future__ import annotations

BACKGROUND = (
    "{Condition} affects about {n1} in every 10,000 adults and is a leading cause of long-term disability.",
    "{Drug} was first introduced for an unrelated indication some {small} years ago.",
    "Current guidelines for {condition} rest largely on small uncontrolled series and on expert opinion.",
    "Patients with {condition} often report that available treatment options do not meet their needs.",
    "Earlier laboratory work suggested that {drug} interferes with a pathway thought to drive {condition}.",
    "Whether {outcome1} can be influenced at all in this population has been a matter of debate.",
    "Few trials of {condition} have followed participants for longer than {small} weeks.",
    "The pharmacokinetics of {drug} are well described, but its clinical place is not.",
    "Management of {condition} varies widely between regions, and costs have risen by {percent}% in a decade.",
    "Interest in {drug} grew after a series of {small} case reports.",
    "Clinicians commonly regard {outcome2} as one of the most burdensome aspects of {condition}.",
    "The burden of {condition} falls disproportionately on older people living alone.",
)
AIMS = (
    "We examined the effects of {drug} on {outcome1} and {outcome2} in patients with {condition}.",
    "The aim of this study was to compare {drug} with {comparator} in {condition}.",
    "This study set out to assess {drug} in {condition}, with particular attention to {outcome1}.",
    "Our objective was to determine what {drug} does to {outcome2} and related measures in {condition}.",
)
DESIGNS = (
    "In a randomised, double-blind trial at {small} centres, {n2} patients with {condition} received {drug} or"
    " {comparator} for {weeks} weeks.",
    "We conducted a retrospective cohort study of {n2} consecutive patients with {condition}, of whom {percent}% were"
    " given {drug} and the rest {comparator}.",
    "A total of {n2} adults with {condition} were assigned in a 1:1 ratio to {drug} or {comparator} and followed for"
    " {weeks} weeks.",
    "This prospective observational study compared {drug} with {comparator} in {n2} patients with {condition} over"
    " {weeks} weeks.",
)
MEASURES = (
    "Outcomes of interest were {listed}.",
    "The protocol specified the following measures: {listed}.",
    "Assessors unaware of the assignment recorded {listed}.",
    "Endpoints comprised {listed}.",
)
METHODS = (
    "Eligible participants were between {age1} and {age2} years of age and gave written informed consent.",
    "Patients with severe hepatic disease, pregnancy or a previous reaction to {drug} were excluded.",
    "Visits took place at baseline and every {small} weeks thereafter.",
    "The dose of {drug} was titrated from {dose} mg to a maximum of {dose2} mg once daily.",
    "Randomisation was stratified by centre and by disease duration, in blocks of {small}.",
    "Analyses followed the intention-to-treat principle, and a two-sided level of 0.05 was used.",
    "Continuous measures were compared by analysis of covariance and proportions by logistic regression.",
    "A sample of {n2} patients gave a power of {power}% to detect a moderate difference.",
    "Missing values were handled by multiple imputation with {small} imputed data sets.",
    "Data were extracted from electronic records by two investigators working independently.",
    "Adverse events were coded with a standard dictionary and graded by severity.",
    "The diagnosis of {condition} was confirmed by a panel of {small} specialists.",
    "Concomitant medication was allowed if the dose had been stable for {small} weeks.",
    "Baseline covariates included age, sex, smoking status and duration of {condition}.",
    "An independent committee monitored safety throughout the conduct of the study.",
    "Compliance was estimated by counting returned tablets at each visit.",
)
OBSERVATIONS = (
    "The mean age was {age1} years, and {percent}% of the participants were women.",
    "Of {n3} patients screened, {n2} met the inclusion criteria.",
    "Baseline characteristics were well balanced between the groups.",
    "Follow-up was complete in {power}% of the participants.",
    "The median time since the diagnosis of {condition} was {small} years.",
    "Headache and nausea were the most common adverse events and were mostly mild.",
    "Serious adverse events were rare, and none was attributed to {drug}.",
    "In total, {small} participants moved away before the final visit.",
    "About {percent}% of those enrolled had at least one other chronic illness.",
    "The median dose of {drug} at the last visit was {dose} mg.",
    "Recruitment took {weeks} weeks and was completed as planned.",
    "Blood levels of {drug} were within the expected range in most participants.",
    "Use of concomitant medication changed little during the study.",
    "Two sites contributed {percent}% of all participants.",
)
