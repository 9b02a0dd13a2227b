"""Time as the service sees it. What AWS takes a while for is over after SETTLE_LOOKS looks of the service at it, or after some seconds
if nobody looks; so a run sees it the same way each time, whatever its pace. 0 looks: everything is over at once.
MiniStack's root and the mends play AWS itself: they see what is true, and their looks do not count."""
import os
import threading
import time

from moto.core.responses import BaseResponse
from moto.core.utils import camelcase_to_underscores

from ..source import take

LOOKS = int(os.environ.get("SETTLE_LOOKS", "0"))
SOON = 5
LATER = 30
OF_AWS = ("Credential=test/", "Credential=mirror/")
request = threading.local()
# What is over by then is brought to its end before each call.
due = []


class Settling:
    def __init__(self, seconds, looks=LOOKS):
        self.left = min(looks, LOOKS)
        self.ends = time.monotonic() + seconds

    def over(self):
        return self.left <= 0 or time.monotonic() >= self.ends

    def look(self):
        """One look of the service; what it sees has passed only for the next one."""
        if by_service() and not self.over():
            request.seen.add(self)


def by_service():
    return LOOKS > 0 and getattr(request, "by_service", False)


def acting(name):
    """Whether the request in hand is this very call, and not one that makes such a thing on the way."""
    return getattr(request, "action", None) == name


def apply():
    call = take(BaseResponse, "call_action", "26076963fd17")

    def call_and_count(self):
        request.by_service = not any(name in str(self.headers.get("Authorization")) for name in OF_AWS)
        request.action = camelcase_to_underscores(self._get_action() or "")
        request.seen = set()
        for finish in due:
            finish()
        try:
            return call(self)
        finally:
            for settling in request.seen:
                settling.left -= 1
            request.action = None

    BaseResponse.call_action = call_and_count
