"""In moto: an instance's console is what the machine that plays it wrote, if a real one does: the file CONSOLES/<instance id>. Without one it
says that no machine was booted; moto shows the boot of a kernel of 2006."""
import os
import threading

from moto.ec2.responses import general

from .source import take

NOTHING = "This instance is simulated: nothing was booted, so it has no console.\n"
# As much as EC2 keeps: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_GetConsoleOutput.html
LAST_BYTES = 64 * 1024


def written_by(instance):
    try:
        with open(os.path.join(os.environ["CONSOLES"], instance), "rb") as console:
            console.seek(max(0, os.fstat(console.fileno()).st_size - LAST_BYTES))
            return console.read().decode("utf-8", "replace")
    except (OSError, KeyError):
        return NOTHING


def apply():
    take(general, "SAMPLE_CONSOLE_OUTPUT", "f7bbd9ee32b8")
    answer = take(general.General, "get_console_output", "13dbe398f5f7")
    one_at_a_time = threading.Lock()

    def get_console_output(self):
        with one_at_a_time:
            general.SAMPLE_CONSOLE_OUTPUT = written_by(self._get_param("InstanceId"))
            return answer(self)

    general.General.get_console_output = get_console_output
