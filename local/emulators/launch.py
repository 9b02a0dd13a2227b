"""Starts one of the two emulators with the project's mends: `launch.py ministack` or `launch.py moto HOST PORT`.
Either ends when its standard input does, so that none outlives the process that started it."""
import gc
import os
import signal
import sys
import threading
from importlib import import_module

MENDS = {
    "ministack": ("absent_parameters", "error_names", "lambda_log", "log_wait", "secure_transport", "policy_variables", "account_emulator",
                  "instance_profiles", "authorisation", "policy_simulator", "call_log"),
    "moto": ("network_load_balancers", "console_output", "aws.looks", "aws.ending_instances", "aws.run_instances", "aws.in_use",
             "aws.same_again", "aws.balancer_interfaces", "aws.unseen", "aws.target_health"),
}
# Only where faults are injected.
OF_FAULTS = {"ministack": ("waits", "faults"), "moto": ("ended_instances", "own_tags")}


def end_with_parent():
    while os.read(0, 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


def ministack():
    from ministack.app import main

    sys.argv = ["ministack"]
    main()


def moto(host, port):
    from moto.server import main

    main(["-H", host, "-p", port])


threading.Thread(target=end_with_parent, daemon=True).start()
emulator, *arguments = sys.argv[1:]
for mend in MENDS[emulator] + (OF_FAULTS[emulator] if "FAULT" in os.environ else ()):
    import_module(f"mends.{mend}").apply()
# What is loaded stays: the collector need not walk it again and again.
gc.freeze()
gc.set_threshold(20_000, 20, 50)
{"ministack": ministack, "moto": moto}[emulator](*arguments)
