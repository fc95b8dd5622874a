"""`make story` where PAYNET's own form takes the cards. In a file of its own: on the
second engine whole systems share one table, and one whose clock is years ahead would
end the other's sessions."""

from __future__ import annotations

from pathlib import Path

from local.story.__main__ import CHAPTERS
from tests.local_system import python, running
from tests.system.test_story import morals, of_mode, story


def test_in_hosted_mode_every_chapter_that_it_allows_goes_as_it_should(
    tmp_path: Path,
) -> None:
    with running(tmp_path, RECONCILE_EVERY_S="1", PAYMENT_MODE="hosted") as system:
        played = story(system, "all")
        assert played.returncode == 0, f"{played.stdout}\n{played.stderr}"
        assert morals(played.stdout) == [CHAPTERS[it].moral for it in of_mode("hosted")]
        assert python(tmp_path, "local.story").returncode == 0
        refused = story(system, "payment")
        assert (refused.returncode, refused.stdout) == (1, "")
        assert "PAYMENT_MODE=api" in refused.stderr
