"""What a training says of the trees it tried."""

from __future__ import annotations

import pytest

from training.fitting.ranker import Objective
from training.learning import Trial
from training.tables import served_by


@pytest.mark.parametrize(
    ("trial", "told"),
    [
        (None, "blend of "),
        (
            Trial(120, ranker=0.43, blend=0.41, error=0.004, objective=Objective.PURCHASE),
            "120 trees for each purchase by itself (nDCG .430 to the blend's .410 in validation), "
            "else a blend of ",
        ),
        (
            Trial(1, ranker=0.43, blend=0.41),
            "1 tree for the order of lists (nDCG .430 to the blend's .410 in validation), "
            "else a blend of ",
        ),
        (
            Trial(9, ranker=0.733, blend=0.726, error=0.011),
            "trees did not win clearly (nDCG .733 to the blend's .726 in validation, "
            "a lead of no more than the standard error, .011); blend of ",
        ),
        (
            Trial(9, ranker=0.7, blend=0.726, error=0.011),
            "trees lost (nDCG .700 to the blend's .726 in validation); blend of ",
        ),
    ],
)
def test_it_names_what_serves_and_why(trial: Trial | None, told: str) -> None:
    assert served_by(trial) == told
