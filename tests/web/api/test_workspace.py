"""/workspace: what a client must know of its server."""

import os
import pwd

from tests.web.api.conftest import House


def test_the_user_of_scripts_is_told_where_they_run(house: House) -> None:
    own = pwd.getpwuid(os.geteuid()).pw_name
    assert house.client("*").get("/workspace").json["scripts_run_as"] == own


def test_no_user_is_told_where_scripts_are_switched_off(house: House) -> None:
    assert house.client("*", scripts_on=False).get("/workspace").json["scripts_run_as"] is None
