"""What the tests of this folder share: the data, and the run of each family that nothing interrupted."""

import pytest

from tests.kill.killing import Arena


@pytest.fixture(scope="session")
def arena(tmp_path_factory):
    return Arena(tmp_path_factory.mktemp("arena"))
