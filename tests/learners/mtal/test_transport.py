"""The same protocol wherever organisations run, and whenever they are stopped."""

import os
import signal
from dataclasses import dataclass, replace

import numpy as np
import pytest

from grouping.errors import GroupingError, InputError
from grouping.ids import Ids
from learners.entries import Entries
from learners.mtal.checkpoint import Checkpoint, finished_rounds
from learners.mtal.domain import Domain
from learners.mtal.messages import ProtocolError
from learners.mtal.plans import Plan
from learners.mtal.processes import ProcessMember, _as_a_server_needs_it
from learners.mtal.rehearsal import rehearse
from learners.mtal.rounds import complete, run_rounds
from learners.mtal.steps import Step
from learners.mtal.transport import Transport
from tests.learners.mtal.federations import domains, local, plans, settings


def outcome(transport, rounds=2, **options):
    with transport:
        ended = run_rounds(transport, rounds, **options)
        complete(transport, ended.chosen)
        ratings = {n: np.asarray(m.completed().matrix) for n, m in transport.members.items()}
        scores = {n: m.held_out_scores() for n, m in transport.members.items()}
    plain = [
        [replace(report, seconds=0.0) for report in standing.reports]
        for standing in ended.standings
    ]
    return plain, ratings, scores


def same(one, other):
    assert one[0] == other[0]
    for part in (1, 2):
        for name, array in one[part].items():
            np.testing.assert_array_equal(array, other[part][name])


def test_through_bytes_and_side_by_side_the_result_is_the_same():
    """Bit for bit: by hand or by bytes, one after the other or two at a time."""
    dealt = domains()
    plain = outcome(local(plans(dealt)))
    same(plain, outcome(local(plans(dealt), through_bytes=True)))
    same(plain, outcome(local(plans(dealt), workers=3)))


def test_processes_of_their_own_have_the_same_result(tmp_path):
    """These organisations share no memory, only messages, and compute what threads compute.

    A killed one is missed by name; one whose data are refused says so.
    """
    dealt = domains(2)
    members = [ProcessMember(plan) for plan in plans(dealt, tmp_path)]
    assert len({os.getpid(), *(member._process.pid for member in members)}) == 3
    same(outcome(local(plans(dealt))), outcome(Transport(members, workers=2)))
    assert finished_rounds([tmp_path / domain.name for domain in dealt]) == 2

    killed = ProcessMember(plans(dealt)[0])
    os.kill(killed._process.pid, signal.SIGKILL)
    with pytest.raises(GroupingError, match="'01' has ended"):
        killed.take("offer", ["01", "02"])
    killed.close()
    empty = ProcessMember(plans([replace(dealt[0], train=Entries.none())])[0])
    with pytest.raises(InputError, match="'01' has no rating"):
        empty.take("offer", ["01", "02"])
    empty.close()


def test_what_all_processes_need_is_loaded_and_compiled_without_data():
    """The rehearsal ends well: in the server its errors would go unheard."""
    rehearse()


def test_a_server_finds_the_code_of_its_parent_and_its_absence_is_named(tmp_path, monkeypatch):
    """Modules found in this process are found there too; a process that cannot start is named."""
    monkeypatch.syspath_prepend(tmp_path)
    with _as_a_server_needs_it():
        assert os.environ["PYTHONPATH"].split(os.pathsep)[0] == str(tmp_path)
    dealt = domains(2)

    def fail(*_):
        raise EOFError("unexpected EOF")

    monkeypatch.setattr("multiprocessing.popen_forkserver.Popen._launch", fail)
    monkeypatch.setattr("multiprocessing.popen_spawn_posix.Popen._launch", fail)
    with pytest.raises(GroupingError, match="'01' could not be started"):
        ProcessMember(plans(dealt)[0])


@dataclass(frozen=True)
class Telling:
    """A source that has nothing but tells what its process was given."""

    name: str = "shop"

    def load(self) -> Domain:
        raise InputError(os.environ["TOLD"])


@pytest.mark.parametrize("told", ["first", "second"])
def test_an_organisation_has_its_parents_variables_of_when_it_was_made(told, monkeypatch):
    """Not those of the server that it is forked from, which is older."""
    monkeypatch.setenv("TOLD", told)
    member = ProcessMember(Plan(Telling(), settings(), "test", b"key"))
    with pytest.raises(InputError, match=told):
        member.take("offer", ["shop"])
    member.close()


def test_an_unknown_receiver_is_refused():
    """A message cannot leave the federation."""
    dealt = domains()
    transport = local(plans(dealt)[:2])
    with transport, pytest.raises(ProtocolError, match="no such organisation"):
        transport.step("offer", ["01", "02", "elsewhere"])


def test_a_stopped_run_resumes_with_identical_results(tmp_path):
    """Killed in the middle of a round, when some have finished it: as if never stopped."""
    dealt = domains()
    whole = outcome(local(plans(dealt)), 4)
    made_plans = plans(dealt, tmp_path)
    with local(made_plans) as transport:
        run_rounds(transport, 2)
        for step in ("announce", "assist"):
            transport.step(step)
        transport.members["01"].take("update", None)  # the others were too slow
    folders = [plan.folder for plan in made_plans]
    assert [Checkpoint(folder).rounds() for folder in folders] == [3, 2, 2]
    done = finished_rounds(folders)
    for folder in folders:
        Checkpoint(folder).drop_after(done)
    resumed = outcome(local(plans(dealt, tmp_path)), 4, resume_after=done)
    same(whole, resumed)


def test_files_of_other_data_settings_or_of_nothing_are_refused(tmp_path):
    """What is resumed must be what was begun; a damaged file is named."""
    dealt = domains()
    with local(plans(dealt, tmp_path)) as transport:
        run_rounds(transport, 1)

    def resume(made_plans):
        with local(made_plans) as transport:
            run_rounds(transport, 1, resume_after=1)

    other = [replace(dealt[0], train=dealt[0].train.with_values(dealt[0].train.values + 1))]
    with pytest.raises(InputError, match=r"round-001\.safetensors: was made with another data"):
        resume(plans([*other, *dealt[1:]], tmp_path))
    with pytest.raises(InputError, match="another settings of organisation '01'"):
        resume([replace(p, settings=settings(9)) for p in plans(dealt, tmp_path)])
    with pytest.raises(InputError, match="another peers"):
        resume(plans(dealt[:2], tmp_path))
    path = tmp_path / "01" / "round-001.safetensors"
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(InputError, match="cannot be read as a round"):
        resume(plans(dealt, tmp_path))


def test_learning_stops_when_validation_does_not_improve():
    """A run ends after as many rounds without a better score as it has patience for."""
    dealt = domains()
    made_plans = plans(dealt, step=Step(eta=0.9))
    with local(made_plans) as transport:
        ended = run_rounds(transport, 12, patience=1)
    assert ended.standings[-1].round == ended.chosen + 1 < 12


def test_ids_are_text():
    """01 is not 1, and letters of any script match."""
    dealt = domains(2)
    names = ["01", "1", "ünï", "用户"] + [f"u{i}" for i in range(36)]
    changed = ["1", "01", "ünï", "用户"] + [f"v{i}" for i in range(36)]
    pair = [
        replace(dealt[0], rows=Ids(names, "user")),
        replace(dealt[1], rows=Ids(changed, "user")),
    ]
    with local(plans(pair)) as transport:
        run_rounds(transport, 1)
        one, other = (member.organisation for member in transport.members.values())
    common = list(zip(one.peers["02"].rows, other.peers["01"].rows, strict=True))
    assert sorted(common) == [(0, 1), (1, 0), (2, 2), (3, 3)]
