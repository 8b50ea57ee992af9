"""The store: finished work by address, written atomically, found from every copy of a project."""

from ragtally.store.entries import DamagedEntry, Draft, Entry, Store
from ragtally.store.files import (
    count_rows,
    join_arrays,
    link_folder,
    read_array,
    read_json,
    read_rows,
    read_table,
    sweep_parts,
    write_array,
    write_bytes,
    write_csv,
    write_json,
    write_result_table,
    write_table,
    write_text,
)
from ragtally.store.location import find_shared_store, find_store
from ragtally.store.shared_store import SharedStore

__all__ = [
    "DamagedEntry",
    "Draft",
    "Entry",
    "SharedStore",
    "Store",
    "count_rows",
    "find_shared_store",
    "find_store",
    "join_arrays",
    "link_folder",
    "read_array",
    "read_json",
    "read_rows",
    "read_table",
    "sweep_parts",
    "write_array",
    "write_bytes",
    "write_csv",
    "write_json",
    "write_result_table",
    "write_table",
    "write_text",
]
