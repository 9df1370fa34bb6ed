import threading
from pathlib import Path

from deploy.local.cache import cache_folder, only_one


def test_the_folder_is_where_xdg_says(monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "saga-orchestrator"
    assert cache_folder().is_dir()


def test_without_xdg_or_with_a_relative_one_it_is_in_the_home(monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    for value in ("", "somewhere"):
        monkeypatch.setenv("XDG_CACHE_HOME", value)
        assert cache_folder() == Path(tmp_path / ".cache" / "saga-orchestrator")


def test_the_second_waits_for_the_first(tmp_path) -> None:
    happened: list[str] = []

    def second():
        with only_one(tmp_path / "lock"):
            happened.append("second")

    with only_one(tmp_path / "lock"):
        waiting = threading.Thread(target=second)
        waiting.start()
        waiting.join(timeout=0.2)
        happened.append("first")
    waiting.join()
    assert happened == ["first", "second"]
