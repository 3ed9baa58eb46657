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


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://ana:s3cret@host:5432/votes", "postgresql://ana:***@host:5432/votes"),
        ("postgres://ana:s3cret@x@host/votes", "postgres://ana:***@host/votes"),
        ("postgresql://host/votes?user=ana&password=s3cret", "postgresql://host/votes?user=ana&password=***"),
    ],
)
def test_a_databases_password_is_never_printed(url: str, shown: str) -> None:
    settings = read_settings({"TRIPTYCH_DATABASE_URL": url})
    assert settings.database_url == url
    assert f"database_url={shown} (TRIPTYCH_DATABASE_URL)" in str(settings)
    assert "s3cret" not in str(settings) + repr(settings)
    with pytest.raises(SettingError) as caught:
        read_settings({"TRIPTYCH_DATABASE_URL": url.replace("postgres", "mysql", 1)})
    assert "names no database" in str(caught.value)
    assert "s3cret" not in str(caught.value)


def test_scrubbing_is_on_or_off() -> None:
    assert read_settings({}).scrub == "on"
    assert read_settings({"TRIPTYCH_SCRUB": "off"}).scrub == "off"
    with pytest.raises(SettingError, match="choose on or off"):
        read_settings({"TRIPTYCH_SCRUB": "maybe"})


def test_a_chroma_servers_address_is_scheme_host_and_port() -> None:
    settings = read_settings({"TRIPTYCH_CHROMA_URL": "http://chroma.local:8000/"})
    assert settings.chroma_url == "http://chroma.local:8000"
    assert "chroma_url=http://chroma.local:8000 (TRIPTYCH_CHROMA_URL)" in str(settings)
    assert read_settings({}).chroma_url == ""
    for bad in ("chroma.local:8000", "ftp://chroma", "http://", "http://host/path", "http://ana:s3cret@host:8000"):
        with pytest.raises(SettingError, match="is no address of a Chroma server: write http://host:8000") as caught:
            read_settings({"TRIPTYCH_CHROMA_URL": bad})
        assert "s3cret" not in str(caught.value)
