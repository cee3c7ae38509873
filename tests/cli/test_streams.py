"""Pipes, full devices, closed streams, Ctrl-C: the program ends in order, without a traceback."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.cli.running import THREE, Ended, Run, command, environment

FULL = Path("/dev/full")
needs_full = pytest.mark.skipif(not FULL.exists(), reason="there is no /dev/full here")


def through_shell(folder: Path, line: str, **variables: str) -> Ended:
    """Run a line of shell in which `grouping` is the command line."""
    program = " ".join(command())
    done = subprocess.run(
        ["bash", "-c", f'set -o pipefail; grouping() {{ {program} "$@"; }}; {line}'],
        cwd=folder,
        env=environment(**variables),
        capture_output=True,
        text=True,
        timeout=300,
    )
    return Ended(done.returncode, done.stdout, done.stderr)


def test_a_reader_who_leaves_is_no_failure(tmp_path: Path, table: str) -> None:
    """The reader has gone before the first byte: the hardest case of `| head -1`."""
    reader, writer = os.pipe()
    os.close(reader)
    try:
        process = subprocess.run(
            command("form", table, *THREE),
            cwd=tmp_path,
            env=environment(),
            stdout=writer,
            stderr=subprocess.PIPE,
        )
    finally:
        os.close(writer)
    assert (process.returncode, process.stderr) == (0, b"")


def test_head_gets_its_line(tmp_path: Path, table: str) -> None:
    ended = through_shell(tmp_path, f"grouping form {table} -l 3 -k 2 --json -q | head -c 20")
    assert (ended.code, ended.out, ended.err) == (0, '{"schema_version": 1', "")


@needs_full
@pytest.mark.parametrize(
    "arguments", ["form ratings.csv -k 2 -l 3", "form ratings.csv -k 2 --json -q", "--help"]
)
def test_a_full_disk_behind_stdout_is_one_sentence(
    tmp_path: Path, table: str, arguments: str
) -> None:
    ended = through_shell(tmp_path, f"grouping {arguments} > /dev/full")
    ended.refused("No space left on device", code=1)
    assert ended.err.count("\n") == 1


@needs_full
@pytest.mark.parametrize("suffix", ["json", "csv", "parquet"])
def test_a_full_disk_behind_the_output_file_is_one_sentence(
    run: Run, tmp_path: Path, table: str, suffix: str
) -> None:
    (tmp_path / f"f.{suffix}").symlink_to(FULL)
    ended = run("form", table, *THREE, "-o", f"f.{suffix}")
    ended.refused(f"f.{suffix}", "No space left on device", code=1)
    assert ended.err.count("\n") == 1


def test_closed_streams_are_survived(tmp_path: Path, table: str) -> None:
    """Without stdout there is nowhere for the result; without stderr it still comes."""
    ended = through_shell(tmp_path, f"grouping form {table} -l 3 -k 2 >&-")
    ended.refused("standard output is closed", "-o", code=1)
    ended = through_shell(tmp_path, f"grouping form {table} -l 2 -k 2 2>&-")
    assert ended.code == 0
    assert ended.out.startswith("2 groups of 6 users")


def test_an_old_encoding_gets_readable_tables_and_whole_json(run: Run, tmp_path: Path) -> None:
    (tmp_path / "r.csv").write_text("user,item,rating\nÅsa,smørrebrød,5\n", encoding="utf-8")
    shown = run("form", "r.csv", "-k", "1", "-l", "1", PYTHONIOENCODING="ascii")
    assert shown.code == 0
    assert "?sa" in shown.out
    document = run("form", "r.csv", "-k", "1", "--json", PYTHONIOENCODING="ascii").document
    assert document["groups"][0]["members"] == ["Åsa"]


def test_colour_is_for_terminals_and_never_under_no_color(tmp_path: Path, table: str) -> None:
    """`script` gives the process a terminal."""
    line = f'script -qec "{" ".join(command())} form {table} -l 3 -k 2" /dev/null </dev/null'
    plain = through_shell(tmp_path, line, NO_COLOR="1", TERM="xterm-256color", COLUMNS="80")
    shown = through_shell(tmp_path, line, TERM="xterm-256color", COLUMNS="80")
    if shown.code == 127:
        pytest.skip("script is not installed")
    assert "3 groups of 6 users" in plain.out
    assert "\x1b[3" not in plain.out, "NO_COLOR allows bold, but no colour"
    assert "3 groups of 6 users" in shown.out


def interrupted(process: subprocess.Popen[bytes]) -> Ended:
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=120)
    return Ended(process.returncode, out.decode(), err.decode())


def test_ctrl_c_while_reading_ends_quietly(tmp_path: Path) -> None:
    """The pipe opens when the process reads from it: the signal then comes in the middle."""
    os.mkfifo(tmp_path / "pipe.csv")
    process = subprocess.Popen(
        command("form", "pipe.csv", "-o", "f.json"),
        cwd=tmp_path,
        env=environment(PYTHONWARNINGS=""),  # the pipe may be interrupted while it opens
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    with (tmp_path / "pipe.csv").open("wb") as pipe:
        pipe.write(b"user,item,rating\n")
        pipe.flush()
        ended = interrupted(process)
    assert (ended.code, ended.out, ended.err) == (130, "", "")
    assert [path.name for path in tmp_path.iterdir()] == ["pipe.csv"]


def test_ctrl_c_while_predicting_ends_quietly(tmp_path: Path, holes: str) -> None:
    """What was read has just been said, so that libraries and kernels are being loaded, or run."""
    process = subprocess.Popen(
        command("predict", holes, "-o", "full.csv", "-v"),
        cwd=tmp_path,
        env=environment(PYTHONWARNINGS=""),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stderr is not None
    assert b"read as long" in process.stderr.readline()
    ended = interrupted(process)
    assert (ended.code, ended.out, ended.err) == (130, "", "")
    assert [path.name for path in tmp_path.iterdir()] == [holes]


def test_ctrl_c_within_a_callback_of_compiled_code_is_not_lost() -> None:
    """Python only reports an interrupt that a callback (or a finaliser) cannot pass on."""
    script = """if True:
        import sys, time
        from grouping.cli import _interrupt_again
        sys.unraisablehook = _interrupt_again
        class Swallows:
            def __del__(self):
                raise KeyboardInterrupt
        try:
            Swallows()
            for _ in range(1000):
                time.sleep(0.01)
        except KeyboardInterrupt:
            print("interrupted")"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "interrupted\n", "")


def test_ctrl_c_while_writing_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    (tmp_path / "g.csv.gz").write_text("old")
    process = subprocess.Popen(
        command("generate", "-n", "6000", "-m", "1000", "-o", "g.csv.gz"),
        cwd=tmp_path,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    while process.poll() is None and len(list(tmp_path.iterdir())) == 1:
        time.sleep(0.002)
    ended = interrupted(process)
    assert (ended.code, ended.out, ended.err) == (130, "", "")
    assert [path.name for path in tmp_path.iterdir()] == ["g.csv.gz"]
    assert (tmp_path / "g.csv.gz").read_text() == "old"
