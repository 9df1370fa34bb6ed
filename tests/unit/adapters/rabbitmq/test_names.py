from orchestrator.adapters.rabbitmq.names import RETRY_STEPS, Names


def test_every_name_begins_with_the_prefix():
    names = Names("shop")
    assert names.events == "shop.events"
    assert names.unrouted == "shop.unrouted"
    assert names.unrouted_queue == "shop.unrouted.q"
    assert names.ingress == "shop.ingress"
    assert names.retry == "shop.retry"
    assert names.retry_back == "shop.retry.back"
    assert names.dead_letters == "shop.dlx"
    assert names.parking == "shop.parking"
    assert names.commands == "shop.commands"
    assert names.command_queue("inventory") == "shop.commands.inventory"
    assert names.replies == "shop.replies"
    assert names.replies_late == "shop.replies.late"
    assert names.reply_queue("w1") == "shop.replies.w1"


def test_the_ladder_grows_and_its_rungs_are_named_by_their_delay():
    delays = [step.delay for step in RETRY_STEPS]
    assert delays == sorted(set(delays))
    assert [Names("s").retry_queue(step) for step in RETRY_STEPS][:2] == ["s.retry.1s", "s.retry.5s"]
