"""MiniStack waits 50 ms after each invocation for a first line of log, which AWS's caller does not."""
from ministack.core import lambda_runtime

from .source import take


def apply():
    take(lambda_runtime.Worker, "_drain_stderr_bounded", "3fd7cc742872").__defaults__ = (0.005, 0.002, 0.250)
