"""Value models as plain values for a model's manifest, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

import msgspec

from engine.errors import ModelUnavailable
from engine.loyalty.value.bg_nbd import BgNbd
from engine.loyalty.value.empirical import Empirical
from engine.loyalty.value.gamma_gamma import GammaGamma
from engine.loyalty.value.mbg_nbd import MbgNbd
from engine.loyalty.value.pareto_nbd import ParetoNbd
from engine.loyalty.value.sbg import Sbg

ValueModel: TypeAlias = BgNbd | MbgNbd | ParetoNbd | Empirical | GammaGamma | Sbg


def to_plain(model: ValueModel) -> dict[str, Any]:
    """The kind and the parameters of a model as values that JSON holds without loss."""
    plain: dict[str, Any] = msgspec.to_builtins(model)
    return plain


def restore(plain: Mapping[str, Any]) -> ValueModel:
    """The model that `to_plain` wrote; raises ModelUnavailable when it is something else."""
    try:
        model: ValueModel = msgspec.convert(plain, ValueModel)
    except msgspec.ValidationError as error:
        raise ModelUnavailable(f"value model: {error}; train the model again") from error
    return model
