"""Starts one of the two emulators: `launch.py ministack` with the project's mends, `launch.py moto HOST PORT` as it is.
Either ends when its standard input does, so that none outlives the process that started it."""
import os
import signal
import sys
import threading
from importlib import import_module

MENDS = ("absent_parameters", "error_names", "lambda_log", "log_wait", "secure_transport", "policy_variables", "account_emulator",
         "instance_profiles", "authorisation", "call_log")


def end_with_parent():
    while os.read(0, 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


def ministack():
    for name in MENDS:
        import_module(f"mends.{name}").apply()
    from ministack.app import main

    sys.argv = ["ministack"]
    main()


def moto(host, port):
    from moto.server import main

    main(["-H", host, "-p", port])


threading.Thread(target=end_with_parent, daemon=True).start()
{"ministack": ministack, "moto": moto}[sys.argv[1]](*sys.argv[2:])
