"""Components that keep their kind's contract (`GOOD`), and variants that break it in one way each (`MUTANTS`)."""

from __future__ import annotations

import itertools
from dataclasses import replace

from ragtally.api import (
    BUILDS_PARAMETER,
    TRAIN_PARAMETER,
    BatchTerms,
    Component,
    DatasetTraits,
    EmbedderTraits,
    MetricTraits,
    ModelTraits,
    ParameterFault,
    ReaderTraits,
    RetrieverTraits,
)
from testing import broken_answers as answers
from testing import broken_data as data
from testing import broken_models as models
from testing import broken_rerankers as rerankers
from testing import broken_search as search

COUNTER = itertools.count()
FIXED = ReaderTraits(draws="fixed")
TRAINS = ReaderTraits(draws="fixed", trains=True)
IN_PIECES = replace(TRAINS, in_pieces=True)
NO_LEARNING = EmbedderTraits(requires_fit=False)
TRAIN = {"train": TRAIN_PARAMETER}
ANSWER, RETRIEVAL = MetricTraits("answers"), MetricTraits("retrieval")
K = {"k": {"type": "integer", "description": "The cut-off."}}
SIZE = {"type": "integer", "default": 1, "description": "A size."}

MODEL = ModelTraits("made", "made", deterministic=True)
BATCHED = ModelTraits("made", "made", deterministic=True, batch=BatchTerms())
HOST = {"host": {"type": ["string", "null"], "default": None, "description": "Where.", "x-ragtally-identity": False}}

BUILDS = {"builds": BUILDS_PARAMETER}
VARIES = RetrieverTraits(variation="drawn at random")

OTHERS = {"others": rerankers.OTHERS}
WINDOWED = {"other": rerankers.OTHER, "window": rerankers.WINDOW}
ASKING = {"other": rerankers.OTHER, "model": rerankers.MODEL}

GOOD = {
    "rule": Component("rule", answers.Rule, "A rule."),
    "grader": Component("grader", answers.Grader, "A grader."),
    "chunker": Component("chunker", search.Chunker, "A chunker."),
    "embedder": Component("embedder", search.Embedder, "An embedder."),
    "unlearning": Component("unlearning", search.Unlearning, "An embedder.", traits=NO_LEARNING),
    "retriever": Component("retriever", search.Retriever, "A retriever."),
    "parted": Component("parted", search.Parted, "A retriever.", traits=RetrieverTraits(in_parts=True)),
    "varying": Component("varying", search.Varying, "A retriever.", params=BUILDS, traits=VARIES),
    "refining": Component("refining", rerankers.Refining, "A retriever.", params=OTHERS, traits=rerankers.REFINES),
    "windowed": Component("windowed", rerankers.Windowed, "A retriever.", params=WINDOWED, traits=rerankers.REFINES),
    "prompting": Component("prompting", rerankers.Prompting, "A retriever.", params=ASKING, traits=rerankers.PROMPTS),
    "model": Component("model", models.Model, "A model.", params=HOST, traits=MODEL),
    "reader": Component("reader", answers.Reader, "A reader.", traits=FIXED),
    "trainable": Component("trainable", answers.Trainable, "A reader.", params=TRAIN, traits=TRAINS),
    "piecewise": Component("piecewise", answers.Piecewise, "A reader.", params=TRAIN, traits=IN_PIECES),
    "dataset": Component("dataset", data.Dataset, "A dataset."),
    "metric": Component("metric", data.Accuracy, "A metric.", traits=ANSWER),
    "mean metric": Component("metric", data.PerQuestion, "A metric.", traits=ANSWER),
    "sums metric": Component("metric", data.Sums, "A metric.", traits=ANSWER),
    "metric@k": Component("metric@k", data.RelevantShare, "A metric.", params=K, traits=RETRIEVAL),
}

DESCRIBED = "test_every_parameter_is_described_and_its_default_is_allowed"
KNOWN_AGAIN = "test_a_build_of_a_varying_index_is_known_again"
CHECKED = "test_the_component_finds_nothing_wrong_with_the_parameters_under_test"
REFINES = "test_the_traits_say_what_the_engine_has_to_give"
FOUND = "test_hits_are_rows_of_what_is_searched"
PROMPTS = "test_there_is_one_prompt_a_question"
UNCHANGED = "test_questions_and_findings_stay_as_they_are"
IGNORES = "test_a_reader_with_a_condition_ignores_the_passages"

BROKEN = [
    ("rule", "test_a_verdict_is_one_of_the_ballots_or_none", {"build": answers.Inventing}),
    ("rule", "test_a_rule_is_pure", {"build": answers.Sorting}),
    ("grader", "test_every_answer_gets_a_grade", {"build": answers.Wordless}),
    ("grader", "test_a_reference_itself_is_not_wrong", {"build": answers.Severe}),
    ("grader", "test_a_grader_is_pure", {"build": answers.Tiring}),
    ("grader", "test_the_order_of_references_does_not_matter", {"build": answers.FirstReference}),
    ("rule", "test_answers_are_only_names", {"build": answers.Partial}),
    ("rule", "test_the_order_of_the_ballots_does_not_matter", {"build": answers.First}),
    ("rule", "test_what_is_built_keeps_the_contract", {"build": object}),
    ("rule", "test_the_traits_are_those_of_the_kind", {"traits": FIXED}),
    ("rule", "test_the_component_is_described", {"summary": "no sentence"}),
    ("rule", "test_the_component_is_described", {"version": 0}),
    ("rule", "test_the_fingerprint_is_stable", {"fingerprint": lambda parameters: str(next(COUNTER))}),
    ("dataset", DESCRIBED, {"params": {"size": {"default": 1}}}),
    ("dataset", DESCRIBED, {"params": {"size": {**SIZE, "default": "1"}}}),
    ("dataset", DESCRIBED, {"params": {"size": {**SIZE, "type": "whole"}}}),
    ("dataset", DESCRIBED, {"params": {"size": {**SIZE, "x-ragtally-path": True}}}),
    ("dataset", DESCRIBED, {"params": {"size": {**SIZE, "x-ragtally-when": {"mode": ["a"]}}}}),
    ("dataset", DESCRIBED, {"params": {"size": {**SIZE, "default": 1, "x-ragtally-identity": "fingerprint"}}}),
    ("chunker", "test_chunks_are_columns_of_int32", {"build": search.Wide}),
    ("chunker", "test_chunks_hold_all_that_is_not_white_space", {"build": search.Gappy}),
    ("chunker", "test_chunks_are_ordered_by_document_and_start", {"build": search.Backwards}),
    ("chunker", "test_chunks_lie_in_their_documents_and_are_not_empty", {"build": search.Overlong}),
    ("chunker", "test_every_document_is_cut_by_itself", {"build": search.Crowded}),
    ("chunker", "test_the_same_documents_give_the_same_chunks", {"build": search.Restless}),
    ("chunker", "test_documents_stay_as_they_are", {"build": search.Editing}),
    ("chunker", "test_no_documents_give_no_chunks", {"build": search.Crashing}),
    ("embedder", "test_vectors_are_finite_float32_of_one_length", {"build": search.Double}),
    ("embedder", "test_vectors_are_finite_float32_of_one_length", {"build": search.Undefined}),
    ("embedder", "test_no_texts_give_no_vectors", {"build": search.Shapeless}),
    ("embedder", "test_a_text_has_the_same_vector_alone_and_among_others", {"build": search.Centred}),
    ("embedder", "test_the_same_corpus_gives_the_same_vectors", {"build": search.Unseeded}),
    ("embedder", "test_what_was_learnt_can_be_saved_and_loaded", {"build": search.Forgetting}),
    ("embedder", "test_what_was_learnt_can_be_saved_and_loaded", {"build": search.Pickling}),
    ("embedder", "test_texts_stay_as_they_are", {"build": search.EditingTexts}),
    ("embedder", "test_the_traits_fit_together", {"traits": EmbedderTraits(cacheable=True, name="made")}),
    ("unlearning", "test_the_traits_fit_together", {"traits": EmbedderTraits(requires_fit=False, cacheable=True)}),
    ("unlearning", "test_an_embedder_that_does_not_learn_needs_no_corpus", {"build": search.Secretive}),
    ("unlearning", "test_an_embedder_that_does_not_learn_needs_no_corpus", {"build": search.Embedder}),
    ("retriever", "test_hits_are_rows_of_the_corpus", {"build": search.Unpadded}),
    ("retriever", "test_parts_find_what_the_whole_finds", {"traits": RetrieverTraits(in_parts=True)}),
    ("parted", "test_parts_find_what_the_whole_finds", {"build": search.Provincial}),
    ("retriever", KNOWN_AGAIN, {"traits": RetrieverTraits(builds=2)}),
    ("varying", KNOWN_AGAIN, {"build": search.FirstBuild}),
    ("varying", KNOWN_AGAIN, {"build": search.OneBuild}),
    ("retriever", "test_hits_are_ordered_by_score_and_then_by_row", {"build": search.LastRowFirst}),
    ("retriever", "test_fewer_hits_are_the_first_of_more", {"build": search.Normalising}),
    ("retriever", "test_the_same_corpus_gives_the_same_hits", {"build": search.Flickering}),
    ("retriever", "test_an_index_can_be_saved_and_loaded", {"build": search.Unsaved}),
    ("retriever", "test_a_question_finds_the_same_alone_and_among_others", {"build": search.Gregarious}),
    ("retriever", "test_no_questions_find_nothing", {"build": search.Eager}),
    ("retriever", "test_passages_and_questions_stay_as_they_are", {"build": search.EditingQuestions}),
    (
        "refining",
        "test_the_parameters_under_test_are_allowed",
        {"params": {**OTHERS, "size": {**SIZE, "default": "1"}}},
    ),
    ("refining", REFINES, {"traits": None}),
    ("refining", REFINES, {"traits": replace(rerankers.REFINES, depth=None)}),
    ("refining", REFINES, {"traits": rerankers.PROMPTS}),
    ("refining", REFINES, {"params": {}}),
    ("refining", FOUND, {"build": rerankers.Unpadded}),
    ("refining", FOUND, {"build": rerankers.Repeating}),
    ("refining", FOUND, {"build": rerankers.FindingNothing}),
    ("windowed", FOUND, {"build": rerankers.Chunks}),
    ("refining", "test_hits_are_ordered_by_score_and_then_by_row", {"build": rerankers.HighestRowFirst}),
    ("refining", "test_fewer_hits_are_the_first_of_more", {"build": rerankers.Normalising}),
    ("refining", "test_fewer_hits_are_the_first_of_more", {"build": rerankers.Bottomless}),
    ("refining", "test_the_same_findings_give_the_same_hits", {"build": rerankers.Flickering}),
    (
        "refining",
        "test_a_question_gets_the_same_hits_alone_and_among_others",
        {"build": rerankers.Gregarious},
    ),
    ("refining", "test_no_questions_find_nothing", {"build": rerankers.Eager}),
    ("refining", "test_where_nothing_was_found_there_are_no_hits", {"build": rerankers.Guessing}),
    ("refining", UNCHANGED, {"build": rerankers.EditingHits}),
    ("prompting", UNCHANGED, {"build": rerankers.EditingReplies}),
    ("prompting", REFINES, {"traits": rerankers.REFINES}),
    ("prompting", PROMPTS, {"build": rerankers.Promptless}),
    ("prompting", PROMPTS, {"build": rerankers.Terse}),
    ("prompting", PROMPTS, {"build": rerankers.Wordless}),
    ("prompting", PROMPTS, {"build": rerankers.Varying}),
    ("prompting", PROMPTS, {"build": rerankers.Counting}),
    ("prompting", "test_a_failed_call_leaves_the_findings_in_their_order", {"build": rerankers.Punishing}),
    ("prompting", "test_a_failed_call_leaves_the_findings_in_their_order", {"build": rerankers.Shuffling}),
    ("prompting", "test_replies_that_rank_nothing_are_counted", {"build": rerankers.CountingFailures}),
    ("prompting", "test_replies_that_rank_nothing_are_counted", {"build": rerankers.ReadingAll}),
    ("model", "test_every_call_gets_one_reply", {"build": models.Alone}),
    ("model", "test_every_call_gets_one_reply", {"build": models.Wordless}),
    ("model", "test_a_deterministic_model_answers_alike", {"build": models.Drawing}),
    ("model", "test_prompts_stay_as_they_are", {"build": models.EditingPrompts}),
    ("model", "test_a_failure_is_a_call_error", {"build": models.Raising}),
    ("model", "test_it_can_be_closed_unasked", {"build": models.Opening}),
    ("model", "test_the_traits_name_the_model", {"traits": None}),
    ("model", "test_a_model_that_is_to_be_asked_by_batches_can_be", {"traits": BATCHED}),
    ("model", "test_a_model_that_is_to_be_asked_by_batches_can_be", {"traits": BATCHED, "build": models.Batching}),
    ("model", "test_where_and_how_fast_is_no_part_of_the_identity", {"params": {"host": {**SIZE, "default": 1}}}),
    ("model", CHECKED, {"check": lambda parameters: [ParameterFault(None, "never right")]}),
    ("reader", "test_every_question_gets_exactly_one_of_text_choice_and_error", {"build": answers.Undeclared}),
    ("reader", "test_every_question_gets_exactly_one_of_text_choice_and_error", {"build": answers.Doubling}),
    ("reader", "test_every_question_gets_exactly_one_of_text_choice_and_error", {"build": answers.Negative}),
    ("reader", "test_no_questions_get_no_answers", {"build": answers.Insisting}),
    ("reader", "test_the_same_vote_gives_the_same_answers", {"build": answers.Moody, "traits": None}),
    ("reader", "test_a_question_is_answered_alike_alone_and_among_others", {"build": answers.Comparing}),
    ("reader", "test_fixed_draws_are_the_same_for_every_vote", {"build": answers.Voting}),
    ("reader", IGNORES, {"build": answers.Peeking, "traits": ReaderTraits("fixed", "retrieved")}),
    ("reader", "test_ids_tell_a_reader_nothing", {"build": answers.Recognising}),
    ("reader", "test_the_reading_stays_as_it_is", {"build": answers.EditingPassages}),
    ("reader", "test_the_traits_fit_together", {"traits": ReaderTraits("fixed", "open_book")}),
    ("trainable", "test_the_traits_say_that_it_trains", {"traits": FIXED}),
    ("trainable", "test_the_traits_say_that_it_trains", {"params": {}}),
    ("trainable", "test_a_model_can_be_saved_and_loaded", {"build": answers.Amnesic}),
    ("trainable", "test_the_ids_of_the_examples_teach_nothing", {"build": answers.Memorising}),
    ("trainable", "test_the_examples_stay_as_they_are", {"build": answers.EditingLabels}),
    ("trainable", "test_pieces_give_the_model_of_the_whole", {"traits": IN_PIECES}),
    ("piecewise", "test_pieces_give_the_model_of_the_whole", {"build": answers.Piecemeal}),
    (
        "dataset",
        "test_split_and_answers_are_left_to_the_engine",
        {"params": {"split": SIZE}, "build": lambda split: data.Dataset()},
    ),
    ("dataset", "test_batches_are_yielded_one_by_one", {"build": data.Whole}),
    ("dataset", "test_references_are_texts", {"traits": DatasetTraits("open")}),
    ("dataset", "test_it_can_be_parsed_where_the_traits_say_so", {"traits": DatasetTraits(parses=True)}),
    (
        "dataset",
        "test_files_can_be_converted_elsewhere",
        {"traits": DatasetTraits(parses=True), "build": data.Unconverted},
    ),
    ("dataset", "test_questions_have_known_labels_and_splits", {"build": data.Mislabelled}),
    ("dataset", "test_a_dataset_says_whether_it_is_labelled", {"build": data.Silver}),
    ("dataset", "test_questions_have_known_labels_and_splits", {"build": data.Unsplit}),
    ("dataset", "test_evidence_lies_in_documents_and_belongs_to_questions", {"build": data.Beyond}),
    ("dataset", "test_evidence_lies_in_documents_and_belongs_to_questions", {"build": data.Irrelevant}),
    ("dataset", "test_answers_and_splits_are_named", {"build": data.Speechless}),
    ("dataset", "test_ids_are_unique", {"build": data.Repeating}),
    ("dataset", "test_the_dataset_is_the_same_every_time", {"build": data.Drifting}),
    ("dataset", "test_columns_have_one_length", {"build": data.Ragged}),
    ("dataset", "test_sections_lie_in_their_documents", {"build": data.Outside}),
    ("dataset", "test_answers_and_splits_are_named", {"build": data.OneAnswer}),
    ("metric", "test_scores_are_numbers_or_reasons", {"build": data.Misnamed}),
    ("metric", "test_scores_are_numbers_or_reasons", {"build": data.Groundless}),
    ("metric", "test_names_do_not_depend_on_what_is_measured", {"build": data.Growing}),
    ("metric", "test_the_order_of_the_questions_does_not_matter", {"build": data.Ordered}),
    ("sums metric", "test_what_questions_contribute_makes_up_the_score", {"build": data.OfOneCell}),
    ("metric", "test_what_is_better_does_not_score_worse", {"build": data.Wrongs}),
    ("metric", "test_a_metric_is_pure", {"build": data.EditingVerdicts}),
    ("metric", "test_the_traits_say_what_it_measures", {"traits": None}),
    ("metric@k", "test_names_do_not_depend_on_what_is_measured", {"build": data.Listing}),
    ("metric@k", "test_scores_are_numbers_or_reasons", {"build": data.Uncut}),
    ("metric@k", "test_what_comes_after_the_cut_off_does_not_matter", {"build": data.Deep}),
    ("metric@k", "test_what_is_better_does_not_score_worse", {"build": data.Missing}),
    ("metric@k", "test_a_metric_is_pure", {"build": data.EditingRanking}),
    ("metric@k", "test_the_traits_say_what_it_measures", {"traits": ANSWER}),
    ("metric@k", "test_the_name_has_a_cut_off", {"name": "metric"}),
]

MUTANTS = [(of, check, replace(GOOD[of], **change)) for of, check, change in BROKEN]
