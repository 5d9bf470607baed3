"""A result that is computed beside others."""

import signal
import subprocess
import sys
from threading import Event

import pytest

from tspg.utils.background import in_background


def test_it_computes_while_others_do_and_gives_its_result():
    asked = Event()
    result = in_background(lambda: asked.wait(timeout=20))  # it can only end if the next line runs beside it
    asked.set()
    assert result() is True
    assert result() is True  # once computed, it stays


def test_its_error_is_raised_where_the_result_is_asked_for():
    result = in_background(lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        result()


def test_an_interrupted_program_does_not_wait_for_it():
    program = (
        "import os, signal, time\n"
        "from tspg.utils.background import in_background\n"
        "in_background(lambda: time.sleep(600))\n"
        "os.kill(os.getpid(), signal.SIGINT)\n"
        "time.sleep(600)\n"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, timeout=60, check=False)
    assert ended.returncode in (1, -signal.SIGINT)
    assert b"KeyboardInterrupt" in ended.stderr
