"""A gateway that puts each delivery into a lane of its own, so that nothing waits for what came before it."""

from gateway.intake import drafts
from gateway.message import Delivery


def _alone(**values):
    return Delivery(**values | {"lane": values["id"]})


drafts.Delivery = _alone
