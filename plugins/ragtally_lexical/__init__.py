"""What the lexical retrievers `bm25` and `sets` share: tokens, counts of terms, and lists of chunks by term.

A *token* is a piece of a text as the tokenizer cuts it; a *term* is what tokens with the same stem have in common.
Offers no component of its own.
"""
