"""Step Functions' waits are short, and what follows AWS's clock sees them pass whole: a delete that waits two minutes before its second look
must not look while an effect of seconds ago may still be hidden."""
import time

from ministack.services import stepfunctions

from .source import take

LONGEST = 0.5


class Clock:
    """Seconds as they would pass on AWS. Waits beside each other pass beside each other."""

    def __init__(self):
        self.ahead = 0

    def now(self):
        return time.monotonic() + self.ahead

    def wait(self, seconds):
        ends = self.now() + seconds
        time.sleep(max(0, min(seconds * stepfunctions._SFN_WAIT_SCALE, LONGEST)))
        self.ahead = max(self.ahead, ends - time.monotonic())


clock = Clock()


def apply():
    take(stepfunctions, "_scaled_sleep", "5ed19df2efa9")
    stepfunctions._scaled_sleep = clock.wait
