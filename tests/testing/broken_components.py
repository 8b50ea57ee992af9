"""Components that keep their kind's contract (`GOOD`), and variants that break it in one way each (`MUTANTS`)."""

from __future__ import annotations

import itertools
from dataclasses import replace

from ragtally.kinds import Component, EmbedderTraits, MetricTraits, ModelTraits, ParameterFault, ReaderTraits
from ragtally.kinds.reader import TRAIN_PARAMETER
from testing import broken_refining as refining
from testing.broken_answers import (
    Amnesic,
    Comparing,
    Doubling,
    EditingLabels,
    EditingPassages,
    First,
    Insisting,
    Inventing,
    Memorising,
    Moody,
    Negative,
    Partial,
    Peeking,
    Reader,
    Recognising,
    Rule,
    Sorting,
    Trainable,
    Undeclared,
    Voting,
)
from testing.broken_data import (
    Accuracy,
    Beyond,
    Dataset,
    Deep,
    Drifting,
    EditingRanking,
    EditingVerdicts,
    Found,
    Groundless,
    Growing,
    Listing,
    Mislabelled,
    Misnamed,
    Missing,
    OneAnswer,
    Ordered,
    Outside,
    Ragged,
    Repeating,
    Silver,
    Uncut,
    Unsplit,
    Whole,
    Wrongs,
)
from testing.broken_models import Alone, Drawing, EditingPrompts, Model, Opening, Raising, Wordless
from testing.broken_search import (
    Backwards,
    Centred,
    Chunker,
    Crashing,
    Double,
    Eager,
    Editing,
    EditingQuestions,
    EditingTexts,
    Embedder,
    Flickering,
    Forgetting,
    Gappy,
    Gregarious,
    LastRowFirst,
    Normalising,
    Overlong,
    Pickling,
    Restless,
    Retriever,
    Secretive,
    Shapeless,
    Undefined,
    Unlearning,
    Unpadded,
    Unsaved,
    Unseeded,
    Wide,
)

COUNTER = itertools.count()
FIXED = ReaderTraits(draws="fixed")
TRAINS = ReaderTraits(draws="fixed", trains=True)
NO_LEARNING = EmbedderTraits(learns=False)
TRAIN = {"train": TRAIN_PARAMETER}
ANSWER, RETRIEVAL = MetricTraits("answers"), MetricTraits("retrieval")
K = {"k": {"type": "integer", "description": "The cut-off."}}
SIZE = {"type": "integer", "default": 1, "description": "A size."}

MODEL = ModelTraits("made", "made", deterministic=True)
HOST = {"host": {"type": ["string", "null"], "default": None, "description": "Where.", "x-ragtally-identity": False}}

OTHERS = {"others": refining.OTHERS}
WINDOWED = {"other": refining.OTHER, "window": refining.WINDOW}
ASKING = {"other": refining.OTHER, "model": refining.MODEL}

GOOD = {
    "rule": Component("rule", Rule, "A rule."),
    "chunker": Component("chunker", Chunker, "A chunker."),
    "embedder": Component("embedder", Embedder, "An embedder."),
    "unlearning": Component("unlearning", Unlearning, "An embedder.", traits=NO_LEARNING),
    "retriever": Component("retriever", Retriever, "A retriever."),
    "refining": Component("refining", refining.Refining, "A retriever.", params=OTHERS, traits=refining.REFINES),
    "windowed": Component("windowed", refining.Windowed, "A retriever.", params=WINDOWED, traits=refining.REFINES),
    "prompting": Component("prompting", refining.Prompting, "A retriever.", params=ASKING, traits=refining.PROMPTS),
    "model": Component("model", Model, "A model.", params=HOST, traits=MODEL),
    "reader": Component("reader", Reader, "A reader.", traits=FIXED),
    "trainable": Component("trainable", Trainable, "A reader.", params=TRAIN, traits=TRAINS),
    "dataset": Component("dataset", Dataset, "A dataset."),
    "metric": Component("metric", Accuracy, "A metric.", traits=ANSWER),
    "metric@k": Component("metric@k", Found, "A metric.", params=K, traits=RETRIEVAL),
}

DESCRIBED = "test_every_parameter_is_described_and_its_default_is_allowed"
CHECKED = "test_the_component_finds_nothing_wrong_with_the_parameters_under_test"
REFINES = "test_the_traits_say_what_the_engine_has_to_give"
FOUND = "test_hits_are_rows_of_what_is_searched"
PROMPTS = "test_there_is_one_prompt_a_question"
UNCHANGED = "test_questions_and_findings_stay_as_they_are"
IGNORES = "test_a_reader_with_a_condition_ignores_the_passages"

BROKEN = [
    ("rule", "test_a_verdict_is_one_of_the_ballots_or_none", {"build": Inventing}),
    ("rule", "test_a_rule_is_pure", {"build": Sorting}),
    ("rule", "test_answers_are_only_names", {"build": Partial}),
    ("rule", "test_the_order_of_the_ballots_does_not_matter", {"build": First}),
    ("rule", "test_what_is_built_keeps_the_contract", {"build": object}),
    ("rule", "test_the_traits_are_those_of_the_kind", {"traits": FIXED}),
    ("rule", "test_the_component_is_described", {"summary": "no sentence"}),
    ("rule", "test_the_component_is_described", {"version": 0}),
    ("rule", "test_the_fingerprint_is_stable", {"fingerprint": lambda parameters: str(next(COUNTER))}),
    ("dataset", DESCRIBED, {"params": {"size": {"default": 1}}}),
    ("dataset", DESCRIBED, {"params": {"size": {**SIZE, "default": "1"}}}),
    ("dataset", DESCRIBED, {"params": {"size": {**SIZE, "type": "whole"}}}),
    ("dataset", DESCRIBED, {"params": {"size": {**SIZE, "x-ragtally-path": True}}}),
    ("chunker", "test_chunks_are_columns_of_int32", {"build": Wide}),
    ("chunker", "test_chunks_hold_all_that_is_not_white_space", {"build": Gappy}),
    ("chunker", "test_chunks_are_ordered_by_document_and_start", {"build": Backwards}),
    ("chunker", "test_chunks_lie_in_their_documents_and_are_not_empty", {"build": Overlong}),
    ("chunker", "test_the_same_documents_give_the_same_chunks", {"build": Restless}),
    ("chunker", "test_documents_stay_as_they_are", {"build": Editing}),
    ("chunker", "test_no_documents_give_no_chunks", {"build": Crashing}),
    ("embedder", "test_vectors_are_finite_float32_of_one_length", {"build": Double}),
    ("embedder", "test_vectors_are_finite_float32_of_one_length", {"build": Undefined}),
    ("embedder", "test_no_texts_give_no_vectors", {"build": Shapeless}),
    ("embedder", "test_a_text_has_the_same_vector_alone_and_among_others", {"build": Centred}),
    ("embedder", "test_the_same_corpus_gives_the_same_vectors", {"build": Unseeded}),
    ("embedder", "test_what_was_learnt_can_be_saved_and_loaded", {"build": Forgetting}),
    ("embedder", "test_what_was_learnt_can_be_saved_and_loaded", {"build": Pickling}),
    ("embedder", "test_texts_stay_as_they_are", {"build": EditingTexts}),
    ("embedder", "test_the_traits_fit_together", {"traits": EmbedderTraits(kept_by_text=True, name="made")}),
    ("unlearning", "test_the_traits_fit_together", {"traits": EmbedderTraits(learns=False, kept_by_text=True)}),
    ("unlearning", "test_an_embedder_that_does_not_learn_needs_no_corpus", {"build": Secretive}),
    ("unlearning", "test_an_embedder_that_does_not_learn_needs_no_corpus", {"build": Embedder}),
    ("retriever", "test_hits_are_rows_of_the_corpus", {"build": Unpadded}),
    ("retriever", "test_hits_are_ordered_by_score_and_then_by_row", {"build": LastRowFirst}),
    ("retriever", "test_fewer_hits_are_the_first_of_more", {"build": Normalising}),
    ("retriever", "test_the_same_corpus_gives_the_same_hits", {"build": Flickering}),
    ("retriever", "test_an_index_can_be_saved_and_loaded", {"build": Unsaved}),
    ("retriever", "test_a_question_finds_the_same_alone_and_among_others", {"build": Gregarious}),
    ("retriever", "test_no_questions_find_nothing", {"build": Eager}),
    ("retriever", "test_passages_and_questions_stay_as_they_are", {"build": EditingQuestions}),
    (
        "refining",
        "test_the_parameters_under_test_are_allowed",
        {"params": {**OTHERS, "size": {**SIZE, "default": "1"}}},
    ),
    ("refining", REFINES, {"traits": None}),
    ("refining", REFINES, {"traits": replace(refining.REFINES, depth=None)}),
    ("refining", REFINES, {"traits": refining.PROMPTS}),
    ("refining", REFINES, {"params": {}}),
    ("refining", FOUND, {"build": refining.Unpadded}),
    ("refining", FOUND, {"build": refining.Repeating}),
    ("refining", FOUND, {"build": refining.FindingNothing}),
    ("windowed", FOUND, {"build": refining.Chunks}),
    ("refining", "test_hits_are_ordered_by_score_and_then_by_row", {"build": refining.HighestRowFirst}),
    ("refining", "test_fewer_hits_are_the_first_of_more", {"build": refining.Normalising}),
    ("refining", "test_fewer_hits_are_the_first_of_more", {"build": refining.Bottomless}),
    ("refining", "test_the_same_findings_give_the_same_hits", {"build": refining.Flickering}),
    (
        "refining",
        "test_a_question_gets_the_same_hits_alone_and_among_others",
        {"build": refining.Gregarious},
    ),
    ("refining", "test_no_questions_find_nothing", {"build": refining.Eager}),
    ("refining", "test_where_nothing_was_found_there_are_no_hits", {"build": refining.Guessing}),
    ("refining", UNCHANGED, {"build": refining.EditingHits}),
    ("prompting", UNCHANGED, {"build": refining.EditingReplies}),
    ("prompting", REFINES, {"traits": refining.REFINES}),
    ("prompting", PROMPTS, {"build": refining.Promptless}),
    ("prompting", PROMPTS, {"build": refining.Terse}),
    ("prompting", PROMPTS, {"build": refining.Wordless}),
    ("prompting", PROMPTS, {"build": refining.Varying}),
    ("prompting", PROMPTS, {"build": refining.Counting}),
    ("prompting", "test_a_failed_call_leaves_the_findings_in_their_order", {"build": refining.Punishing}),
    ("prompting", "test_a_failed_call_leaves_the_findings_in_their_order", {"build": refining.Shuffling}),
    ("model", "test_every_call_gets_one_reply", {"build": Alone}),
    ("model", "test_every_call_gets_one_reply", {"build": Wordless}),
    ("model", "test_a_deterministic_model_answers_alike", {"build": Drawing}),
    ("model", "test_prompts_stay_as_they_are", {"build": EditingPrompts}),
    ("model", "test_a_failure_is_a_call_error", {"build": Raising}),
    ("model", "test_it_can_be_closed_unasked", {"build": Opening}),
    ("model", "test_the_traits_name_the_model", {"traits": None}),
    ("model", "test_where_and_how_fast_is_no_part_of_the_identity", {"params": {"host": {**SIZE, "default": 1}}}),
    ("model", CHECKED, {"check": lambda parameters: [ParameterFault(None, "never right")]}),
    ("reader", "test_every_question_gets_exactly_one_of_text_choice_and_error", {"build": Undeclared}),
    ("reader", "test_every_question_gets_exactly_one_of_text_choice_and_error", {"build": Doubling}),
    ("reader", "test_every_question_gets_exactly_one_of_text_choice_and_error", {"build": Negative}),
    ("reader", "test_no_questions_get_no_answers", {"build": Insisting}),
    ("reader", "test_the_same_vote_gives_the_same_answers", {"build": Moody, "traits": None}),
    ("reader", "test_a_question_is_answered_alike_alone_and_among_others", {"build": Comparing}),
    ("reader", "test_fixed_draws_are_the_same_for_every_vote", {"build": Voting}),
    ("reader", IGNORES, {"build": Peeking, "traits": ReaderTraits("fixed", "retrieved")}),
    ("reader", "test_ids_tell_a_reader_nothing", {"build": Recognising}),
    ("reader", "test_the_reading_stays_as_it_is", {"build": EditingPassages}),
    ("reader", "test_the_traits_fit_together", {"traits": ReaderTraits("fixed", "open_book")}),
    ("trainable", "test_the_traits_say_that_it_trains", {"traits": FIXED}),
    ("trainable", "test_the_traits_say_that_it_trains", {"params": {}}),
    ("trainable", "test_a_model_can_be_saved_and_loaded", {"build": Amnesic}),
    ("trainable", "test_the_ids_of_the_examples_teach_nothing", {"build": Memorising}),
    ("trainable", "test_the_examples_stay_as_they_are", {"build": EditingLabels}),
    (
        "dataset",
        "test_split_and_answers_are_left_to_the_engine",
        {"params": {"split": SIZE}, "build": lambda split: Dataset()},
    ),
    ("dataset", "test_batches_are_yielded_one_by_one", {"build": Whole}),
    ("dataset", "test_questions_have_known_labels_and_splits", {"build": Mislabelled}),
    ("dataset", "test_a_dataset_says_whether_it_is_labelled", {"build": Silver}),
    ("dataset", "test_questions_have_known_labels_and_splits", {"build": Unsplit}),
    ("dataset", "test_evidence_lies_in_documents_and_belongs_to_questions", {"build": Beyond}),
    ("dataset", "test_ids_are_unique", {"build": Repeating}),
    ("dataset", "test_the_dataset_is_the_same_every_time", {"build": Drifting}),
    ("dataset", "test_columns_have_one_length", {"build": Ragged}),
    ("dataset", "test_sections_lie_in_their_documents", {"build": Outside}),
    ("dataset", "test_answers_and_splits_are_named", {"build": OneAnswer}),
    ("metric", "test_scores_are_numbers_or_reasons", {"build": Misnamed}),
    ("metric", "test_scores_are_numbers_or_reasons", {"build": Groundless}),
    ("metric", "test_names_depend_on_the_answers_alone", {"build": Growing}),
    ("metric", "test_the_order_of_the_questions_does_not_matter", {"build": Ordered}),
    ("metric", "test_better_verdicts_do_not_score_worse", {"build": Wrongs}),
    ("metric", "test_a_metric_is_pure", {"build": EditingVerdicts}),
    ("metric", "test_the_traits_say_what_it_judges", {"traits": None}),
    ("metric@k", "test_names_do_not_depend_on_the_rankings", {"build": Listing}),
    ("metric@k", "test_scores_are_numbers_or_reasons", {"build": Uncut}),
    ("metric@k", "test_what_comes_after_the_cut_off_does_not_matter", {"build": Deep}),
    ("metric@k", "test_better_rankings_do_not_score_worse", {"build": Missing}),
    ("metric@k", "test_a_metric_is_pure", {"build": EditingRanking}),
    ("metric@k", "test_the_traits_say_what_it_judges", {"traits": ANSWER}),
]

MUTANTS = [(of, check, replace(GOOD[of], **change)) for of, check, change in BROKEN]
