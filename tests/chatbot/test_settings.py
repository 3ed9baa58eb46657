"""Every knob: default, environment, option; and where a value came from."""

from pathlib import Path

import pytest

from chatbot.errors import SettingError
from chatbot.settings import read_settings


def test_an_option_beats_the_environment_beats_the_default(tmp_path: Path) -> None:
    env = {"TRIPTYCH_HOME": str(tmp_path), "TRIPTYCH_SEED": "4", "TRIPTYCH_BRAND": "acme"}
    settings = read_settings(env, brand="other", base=None)
    assert (settings.brand, settings.seed, settings.home) == ("other", 4, tmp_path)
    assert "brand=other (--brand)" in str(settings)
    assert "seed=4 (TRIPTYCH_SEED)" in str(settings)
    assert "base=SmolLM2-135M-Instruct (default)" in str(settings)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("TRIPTYCH_SEED", "many", "TRIPTYCH_SEED='many' is not a whole number"),
        ("TRIPTYCH_TEMPERATURE", "3", "out of range: 0.0 to 2.0"),
        ("TRIPTYCH_DTYPE", "int4", "choose auto or bfloat16 or float32"),
    ],
)
def test_a_bad_value_is_refused_by_name(name: str, value: str, said: str) -> None:
    with pytest.raises(SettingError) as caught:
        read_settings({name: value})
    assert said in str(caught.value)


def test_an_empty_variable_is_no_variable() -> None:
    assert read_settings({"TRIPTYCH_SEED": " "}).seed == 0
