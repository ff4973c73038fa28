"""Every mutation of `make mutants` still finds what it breaks, and tests that could notice."""

from __future__ import annotations

import pytest

from tests.mutants.mutations import MUTATIONS, Edit, Mutation, StaleMutationError
from tools.postgres import ROOT


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.what)
def test_a_mutation_still_applies_and_names_tests_that_exist(mutation: Mutation) -> None:
    changed = [edit.applied(ROOT) for edit in mutation.edits]

    assert changed
    assert mutation.red
    for test in (*mutation.red, *mutation.green):
        file, _, name = test.partition("::")
        assert f"def {name}(" in (ROOT / file).read_text()


def test_a_mutation_whose_text_is_gone_says_so() -> None:
    stale = Edit("Makefile", "what nobody ever wrote there", "")

    with pytest.raises(StaleMutationError, match="Makefile has 0 times"):
        stale.applied(ROOT)
