import pytest

from ragtally.spec.component_schema import schema_fault, value_faults


def test_a_valid_schema_has_no_fault():
    assert schema_fault({"type": "integer", "minimum": 1, "x-ragtally-search": True}) is None


@pytest.mark.parametrize("schema", [{"type": "whole"}, {"minimum": "one"}, {"enum": "yes"}])
def test_a_fault_says_where_it_is(schema):
    assert next(iter(schema)) in schema_fault(schema)


def test_values_are_held_against_the_schema():
    schema = {"type": "object", "properties": {"k": {"type": "integer", "minimum": 1}}}
    assert value_faults(schema, {"k": 1}) == []
    assert value_faults(schema, {"k": 0}) == ["$.k: 0 is less than the minimum of 1"]
