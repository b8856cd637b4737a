"""The demos of adversarial networks: each is a run that can begin, names its part of the course, and leads on."""

import pytest

from deepglass import journey
from deepglass.foundation import catalogue
from deepglass.foundation.settings import parse_assignments
from deepglass.foundation.words import say, speaking

GAMES = {  # in the course's order: the network, and what it is asked for
    "gan": ("gan", "generate_images"),
    "dcgan": ("dcgan", "generate_images"),
    "cgan": ("cgan", "generate_images"),
    "cyclegan": ("cyclegan_small", "image_to_image"),
    "stylegan": ("stylegan2", "generate_images"),
    "biggan": ("biggan", "generate_images"),
}


def test_they_lead_from_the_first_to_the_last():
    name, walked = "gan", []
    while name:
        walked.append(name)
        name = catalogue.find("demos", name).next
    assert walked == list(GAMES)


def test_every_demo_leads_to_one_that_is_there_and_says_what_it_shows():
    known = catalogue.entries("demos")
    for name in known:
        demo = catalogue.find("demos", name)
        assert not demo.next or demo.next in known, name
        for language in ("en", "zh-CN"):
            with speaking(language):
                assert len(say(f"demos.{name.replace('-', '_')}")) > 12


@pytest.mark.parametrize("name", GAMES)
def test_each_is_a_run_of_its_own_network_that_needs_no_data(name):
    demo = catalogue.find("demos", name)
    proposal = journey.propose(demo.place, parse_assignments(demo.settings), demo.size)
    model, task = GAMES[name]
    assert demo.part == "6.1"
    assert (proposal.settings.model.name, proposal.settings.task.name) == (model, task)
    assert not proposal.settings.task.settings.picture.augment.flip  # a mirrored digit is another sign
    by_class = getattr(proposal.settings.task.settings, "by_class", False)
    assert by_class == (name in ("cgan", "stylegan", "biggan"))
