"""In moto: an instance's console says that no machine was booted; moto shows the boot of a kernel of 2006."""
from moto.ec2.responses import general

from .source import take


def apply():
    take(general, "SAMPLE_CONSOLE_OUTPUT", "f7bbd9ee32b8")
    general.SAMPLE_CONSOLE_OUTPUT = "This instance is simulated: nothing was booted, so it has no console.\n"
